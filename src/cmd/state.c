/* SPDX-License-Identifier: Apache-2.0 */
#include "cmd/command.h"
#include "cmd/model_json.h"
#include "cmd/output.h"
#include "run/upkeep.h"

#include <stdio.h>
#include <string.h>

typedef struct StateSettings {
    const char *action;
    TextList jobs;
    const char *cursor;
    const char *key;
    const char *lock_wait;
    bool force;
    bool json;
} StateSettings;

static const char *const actions[] = {"show", "set", "reset", NULL};

static const Option options[] = {
    {OPTION_ARGUMENT, 0, "ACTION", NULL, NULL, actions,
     "show: how far jobs are; set: puts a job's cursor to a place; reset: forgets a job's state, so that "
     "its next run begins at `start`",
     offsetof(StateSettings, action)},
    {OPTION_REST, 0, "JOB", NULL, NULL, NULL,
     "jobs by name (JOB.TABLE for one table of a pattern); show: without any, all of them",
     offsetof(StateSettings, jobs)},
    {OPTION_TEXT, 0, "cursor", "VALUE", NULL, NULL,
     "set: the place, as the cursor's column has it: rows below it are taken to be in the target",
     offsetof(StateSettings, cursor)},
    {OPTION_TEXT, 0, "key", "VALUE", NULL, NULL,
     "set: with a cursor of two columns, the key of the last row that is in the target",
     offsetof(StateSettings, key)},
    {OPTION_FLAG, 0, "force", NULL, NULL, NULL,
     "reset: also when a run was interrupted, or the state cannot be read",
     offsetof(StateSettings, force)},
    {OPTION_TEXT, 0, "lock-wait", "TIME", "0", NULL,
     "how long to wait for a run that has the job: 30s, 5m; 0: not at all",
     offsetof(StateSettings, lock_wait)},
    {OPTION_FLAG, 0, "json", NULL, NULL, NULL, "show: print all of it as JSON",
     offsetof(StateSettings, json)},
    {0},
};

static const CommandExample examples[] = {
    {"bqferry state show", "the cursor of every job, and what was interrupted"},
    {"bqferry state set orders --cursor 2026-01-31", "go on from that day"},
    {"bqferry state reset orders", "begin again at `start`"},
    {NULL, NULL},
};

static const OutputColumn columns[] = {
    {.title = "job", .most = 40},
    {.title = "cursor", .most = 40},
    {.title = "value", .most = 60},
    {.title = "set by", .most = 40},
    {.title = "unfinished run", .most = 40},
    {.title = "last run", .most = 40},
    {.title = "committed at"},
    {0},
};

static bool is_wanted(const TextList *jobs, const char *name)
{
    for (size_t i = 0; i < jobs->count; i++) {
        if (strcmp(jobs->items[i], name) == 0)
            return true;
    }
    return jobs->count == 0;
}

static void add_row(OutputTable *table, const char *job, const Json *state)
{
    const Json *cursor = json_get(json_get(state, "state"), "cursor");
    const Json *last = json_get(state, "last_run");
    const char *cells[] = {job,
                           json_get_text(cursor, "column"),
                           json_get_text(cursor, "value"),
                           json_get_text(cursor, "set_by"),
                           json_get_text(json_get(state, "intent"), "run_id"),
                           json_get_text(last, "run_id"),
                           json_get_text(last, "committed_at")};
    output_table_add(table, cells);
}

static bool fail_unknown(const char *job, Error *error)
{
    error_set(error, ERROR_USAGE, "job %s has no state: it has not run yet, or was reset", job);
    return error_hint(error, "bqferry state show, without a name, lists the jobs that have one");
}

static bool check_known(const StateSettings *own, const TextArray *names, Error *error)
{
    for (size_t i = 0; i < own->jobs.count; i++) {
        bool known = false;
        for (size_t j = 0; j < names->count; j++)
            known = known || strcmp(own->jobs.items[i], names->items[j]) == 0;
        if (!known)
            return fail_unknown(own->jobs.items[i], error);
    }
    return true;
}

/* A state that cannot be read hides none of the others. */
static bool add_job(StateStore *store, const char *job, OutputTable *table, Json *all, Error *error)
{
    Json *state = NULL;
    Error unreadable = {0};
    if (store->ops->load(store, job, &state, &unreadable)) {
        add_row(table, job, state);
        json_set(all, job, state);
        return true;
    }
    const char *cells[] = {job, "cannot be read", NULL, NULL, NULL, NULL, NULL};
    output_table_add(table, cells);
    state = json_object_new();
    json_set(state, "error", model_json_error(&unreadable));
    json_set(all, job, state);
    if (error)
        *error = unreadable;
    return false;
}

static bool show(const CommandContext *context, const RunOptions *run, const StateSettings *own,
                 Error *error)
{
    CLEANUP(state_close_ptr) StateStore *store = NULL;
    CLEANUP(json_free_ptr) Json *all = json_object_new();
    TextArray names;
    OutputTable table;
    output_table_init(&table, columns, context->arena);
    if (!drivers_open_state(run->drivers, run->config, false, &store, error) ||
        !store->ops->jobs(store, context->arena, &names, error) || !check_known(own, &names, error))
        return false;
    bool all_read = true;
    for (size_t i = 0; i < names.count; i++) {
        if (is_wanted(&own->jobs, names.items[i]))
            all_read &= add_job(store, names.items[i], &table, all, all_read ? error : NULL);
    }
    if (own->json)
        json_print(stdout, all, true);
    else if (names.count == 0 && !context->globals->quiet)
        puts("no job has a state: none has run yet");
    else
        output_table_print(&table, stdout, 0);
    return all_read;
}

/* Both say what was, so that it can be put back. */
static void say_change(const StateSettings *own, const UpkeepChange *change)
{
    const char *job = own->jobs.items[0];
    if (strcmp(own->action, "reset") == 0)
        printf("%s: its state is forgotten; the next run is its first", job);
    else
        printf("%s: the cursor %s is at %s now", job, change->column, change->value);
    if (change->before)
        printf(" (it was at %s)", change->before);
    putchar('\n');
}

static bool change(const CommandContext *context, const RunOptions *run, const StateSettings *own,
                   Error *error)
{
    UpkeepChange change = {0};
    if (own->jobs.count != 1)
        return error_set(error, ERROR_USAGE, "state %s: expected one JOB", own->action);
    bool resets = strcmp(own->action, "reset") == 0;
    if (!resets && !own->cursor)
        return error_set(error, ERROR_USAGE, "state set: --cursor VALUE is missing");
    bool changed =
        resets ? upkeep_reset(run, own->jobs.items[0], own->force, context->arena, &change, error)
               : upkeep_set_cursor(run, own->cursor, own->key, context->arena, &change, error);
    if (changed && !context->globals->quiet)
        say_change(own, &change);
    return changed;
}

static bool run(const CommandContext *context, void *settings, int *ret_exit_code, Error *error)
{
    const StateSettings *own = settings;
    CLEANUP(config_done) Config config = {0};
    RunOptions run_options = {
        .config = &config,
        .drivers = context->app->drivers,
        .names = own->jobs.items,
        .name_count = own->jobs.count,
    };
    *ret_exit_code = 0;
    if (!command_duration("--lock-wait", own->lock_wait, &run_options.lock_wait_ms, error) ||
        !command_load_config(context, &config, error))
        return false;
    return strcmp(own->action, "show") == 0 ? show(context, &run_options, own, error)
                                            : change(context, &run_options, own, error);
}

const Command command_state = {
    .name = "state",
    .summary = "shows and changes what is known of jobs between runs: cursors, interrupted runs",
    .description =
        "A job's state says which rows its target has. Change it only when you know better: rows below a "
        "cursor that is set too high are never read, rows above one that is set too low are read again "
        "(which an upsert does not mind).",
    .options = options,
    .examples = examples,
    .settings_size = sizeof(StateSettings),
    .run = run,
};
