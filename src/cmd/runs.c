/* SPDX-License-Identifier: Apache-2.0 */
#include "cmd/command.h"
#include "cmd/human.h"
#include "cmd/output.h"
#include "state/state.h"

#include <inttypes.h>
#include <string.h>

enum { WIDTH = 100 };

typedef struct RunsSettings {
    const char *action;
    const char *id;
    int64_t limit;
    bool json;
} RunsSettings;

static const char *const actions[] = {"list", "show", NULL};

static const Option options[] = {
    {OPTION_ARGUMENT, 0, "ACTION", NULL, NULL, actions,
     "list: the runs whose reports are kept, newest first; show: what one of them did",
     offsetof(RunsSettings, action)},
    {OPTION_OPTIONAL, 0, "ID", NULL, NULL, NULL,
     "show: a run from the list, or the beginning of its id; without it, the last one",
     offsetof(RunsSettings, id)},
    {OPTION_COUNT, 0, "limit", "N", NULL, NULL, "list: at most this many; 0 for all",
     offsetof(RunsSettings, limit)},
    {OPTION_FLAG, 0, "json", NULL, NULL, NULL, "print all of it as JSON",
     offsetof(RunsSettings, json)},
    {0},
};

static const CommandExample examples[] = {
    {"bqferry runs list --limit 20", "the last 20 runs"},
    {"bqferry runs show", "what the last run did, job by job"},
    {NULL, NULL},
};

static const OutputColumn list_columns[] = {
    {.title = "id"},
    {.title = "started at"},
    {.title = "time", .right = true},
    {.title = "exit", .right = true},
    {.title = "jobs", .right = true},
    {.title = "failed", .right = true},
    {.title = "rows", .right = true},
    {0},
};

static const OutputColumn job_columns[] = {
    {.title = "job", .most = 60},
    {.title = "status"},
    {.title = "rows", .right = true},
    {.title = "cursor", .most = 80},
    {.title = "target", .most = 60},
    {.title = "run", .most = 40},
    {0},
};

static void add_run(OutputTable *table, const char *id, const Json *report, Arena *arena)
{
    char time[HUMAN_SIZE], count[HUMAN_SIZE];
    const Json *jobs = json_get(report, "jobs");
    int64_t rows = 0, failed = 0;
    for (size_t i = 0; i < json_count(jobs); i++) {
        const char *status = json_get_text(json_at(jobs, i), "status");
        rows += json_get_int(json_at(jobs, i), "rows_applied", 0);
        failed += !status || strcmp(status, "failed") == 0 || strcmp(status, "not_run") == 0;
    }
    const char *cells[] = {
        id,
        json_get_text(report, "started_at"),
        human_duration(json_get_int(report, "duration_ms", 0) * 1000000, time),
        arena_printf(arena, "%" PRId64, json_get_int(report, "exit_code", -1)),
        arena_printf(arena, "%zu", json_count(jobs)),
        arena_printf(arena, "%" PRId64, failed),
        human_count(rows, count),
    };
    output_table_add(table, cells);
}

static bool list(const CommandContext *context, StateStore *store, const RunsSettings *own,
                 const TextArray *ids, Error *error)
{
    OutputTable table;
    CLEANUP(json_free_ptr) Json *all = json_array_new();
    output_table_init(&table, list_columns, context->arena);
    for (size_t i = ids->count; i > 0 && (!own->limit || (int64_t)(ids->count - i) < own->limit);
         i--) {
        Json *report = NULL;
        if (!store->ops->report_load(store, ids->items[i - 1], &report, error))
            return false;
        add_run(&table, ids->items[i - 1], report, context->arena);
        json_append(all, report);
    }
    if (own->json)
        json_print(stdout, all, true);
    else if (ids->count == 0 && !context->globals->quiet)
        puts("there is no report yet: nothing has run, or none is kept (state.reports)");
    else
        output_table_print(&table, stdout, 0);
    return true;
}

static bool has_job(const Json *report, const char *run_id)
{
    const Json *jobs = json_get(report, "jobs");
    for (size_t i = 0; i < json_count(jobs); i++) {
        const char *own = json_get_text(json_at(jobs, i), "run_id");
        if (own && strncmp(own, run_id, strlen(run_id)) == 0)
            return true;
    }
    return false;
}

/* By the run's own id or that of one of its jobs, which states, rows and the target's jobs have. */
static const char *find_id(StateStore *store, const TextArray *ids, const char *wanted)
{
    if (!wanted)
        return ids->count ? ids->items[ids->count - 1] : NULL;
    for (size_t i = ids->count; i > 0; i--) {
        if (strncmp(ids->items[i - 1], wanted, strlen(wanted)) == 0)
            return ids->items[i - 1];
    }
    for (size_t i = ids->count; i > 0; i--) {
        CLEANUP(json_free_ptr) Json *report = NULL;
        Error ignored = {0};
        if (store->ops->report_load(store, ids->items[i - 1], &report, &ignored) &&
            has_job(report, wanted))
            return ids->items[i - 1];
    }
    return NULL;
}

static bool fail_unknown(const char *id, Error *error)
{
    if (!id)
        return error_set(error, ERROR_USAGE, "there is no report yet");
    error_set(error, ERROR_USAGE, "there is no report of a run %s", id);
    return error_hint(error, "bqferry runs list shows those that are kept (state.reports says how "
                             "many)");
}

static void add_job(OutputTable *table, const Json *job, Arena *arena)
{
    char rows[HUMAN_SIZE];
    const Json *cursor = json_get(job, "cursor");
    const char *high = json_get_text(cursor, "high");
    const char *cells[] = {
        json_get_text(job, "job"),
        json_get_text(job, "status"),
        human_count(json_get_int(job, "rows_applied", 0), rows),
        high ? arena_printf(arena, "%s to %s", json_get_text(cursor, "column"), high) : NULL,
        json_get_text(job, "target"),
        json_get_text(job, "run_id"),
    };
    output_table_add(table, cells);
}

static void print_words(const Json *job, Arena *arena)
{
    const Json *notes = json_get(job, "notes"), *error = json_get(job, "error");
    const char *name = json_get_text(job, "job"), *hint = json_get_text(error, "hint");
    for (size_t i = 0; i < json_count(notes); i++)
        output_wrapped(stdout, arena_printf(arena, "%s: %s", name, json_text_of(json_at(notes, i))),
                       0, WIDTH);
    if (json_is_object(error))
        output_wrapped(stdout, arena_printf(arena, "%s: %s", name, json_get_text(error, "message")),
                       0, WIDTH);
    if (hint)
        output_wrapped(stdout, arena_printf(arena, "hint: %s", hint), 2, WIDTH);
}

static bool show(const CommandContext *context, StateStore *store, const RunsSettings *own,
                 const TextArray *ids, Error *error)
{
    CLEANUP(json_free_ptr) Json *report = NULL;
    OutputTable table;
    const char *id = find_id(store, ids, own->id);
    if (!id)
        return fail_unknown(own->id, error);
    if (!store->ops->report_load(store, id, &report, error))
        return false;
    if (own->json) {
        json_print(stdout, report, true);
        return true;
    }
    const Json *jobs = json_get(report, "jobs");
    printf("run %s, started at %s, exit code %" PRId64 "\n", id,
           json_get_text(report, "started_at"), json_get_int(report, "exit_code", -1));
    output_table_init(&table, job_columns, context->arena);
    for (size_t i = 0; i < json_count(jobs); i++)
        add_job(&table, json_at(jobs, i), context->arena);
    output_table_print(&table, stdout, 2);
    for (size_t i = 0; i < json_count(jobs); i++)
        print_words(json_at(jobs, i), context->arena);
    return true;
}

static bool run(const CommandContext *context, void *settings, int *ret_exit_code, Error *error)
{
    const RunsSettings *own = settings;
    CLEANUP(config_done) Config config = {0};
    CLEANUP(state_close_ptr) StateStore *store = NULL;
    TextArray ids;
    *ret_exit_code = 0;
    if (!command_load_config(context, &config, error) ||
        !drivers_open_state(context->app->drivers, &config, false, &store, error) ||
        !store->ops->report_list(store, context->arena, &ids, error))
        return false;
    return strcmp(own->action, "list") == 0 ? list(context, store, own, &ids, error)
                                            : show(context, store, own, &ids, error);
}

const Command command_runs = {
    .name = "runs",
    .summary = "shows the last runs, from the reports that are kept with the state",
    .options = options,
    .examples = examples,
    .settings_size = sizeof(RunsSettings),
    .run = run,
};
