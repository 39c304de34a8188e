/* SPDX-License-Identifier: Apache-2.0 */
#include "base/log.h"
#include "cmd/command.h"
#include "cmd/human.h"
#include "cmd/output.h"
#include "cmd/text_width.h"
#include "run/jobs.h"
#include "run/plan.h"
#include "run/session.h"

typedef struct CheckSettings {
    bool json;
} CheckSettings;

static const Option options[] = {
    {OPTION_FLAG, 0, "json", NULL, NULL, NULL, "print all of it as JSON",
     offsetof(CheckSettings, json)},
    {0},
};

static const CommandExample examples[] = {
    {"bqferry check", "is everything reachable, readable and writable?"},
    {"bqferry check --json | jq '.sections[].items[] | select(.level != \"ok\")'",
     "only what needs a hand"},
    {NULL, NULL},
};

/* One thing that was looked at: a connection, the destination, the state folder, the jobs. */
typedef struct Section {
    const char *kind;
    const char *name;
    CheckReport report;
    int exit_code; /* 0: nothing failed */
} Section;

typedef struct Check {
    const CommandContext *context;
    const Config *config;
    Section *sections;
    size_t count;
} Check;

static Section *add_section(Check *check, const char *kind, const char *name)
{
    Section *section = &check->sections[check->count++];
    *section = (Section){.kind = kind, .name = name, .report = {.arena = check->context->arena}};
    return section;
}

static void add_error(Section *section, const char *what, const Error *error)
{
    check_add(&section->report, CHECK_FAILED, what, error->message,
              error->hint[0] ? error->hint : NULL);
    section->exit_code = command_fold_exit_code(section->exit_code, error_exit_code(error->kind));
}

static void close_section(Section *section, ErrorKind kind)
{
    if (section->exit_code == 0 && check_any_failed(&section->report))
        section->exit_code = error_exit_code(kind);
}

static void check_connection(Check *check, const ConnectionConfig *config)
{
    Arena *arena = check->context->arena;
    Section *section = add_section(check, "connection", config->name);
    Error error = {0};
    CLEANUP(source_close_ptr) Source *source = NULL;
    if (!drivers_open_source(check->context->app->drivers, config, &source, &error) ||
        !source->ops->check(source, &section->report, &error))
        add_error(section, arena_printf(arena, "%s connection", config->type), &error);
    close_section(section, ERROR_SOURCE);
}

static void check_destination(Check *check)
{
    const DestinationConfig *config = &check->config->destination;
    Section *section = add_section(check, "destination", config->type);
    Error error = {0};
    CLEANUP(target_close_ptr) Target *target = NULL;
    if (!drivers_open_target(check->context->app->drivers, config, &target, &error) ||
        !target->ops->check(target, &section->report, &error))
        add_error(section, config->path, &error);
    close_section(section, ERROR_TARGET);
}

static bool has_open_intent(const Json *state)
{
    return json_is_object(json_get(state, "intent"));
}

static void check_job_state(Section *section, StateStore *store, const char *job)
{
    Error error = {0};
    CLEANUP(json_free_ptr) Json *state = NULL;
    if (!store->ops->load(store, job, &state, &error))
        add_error(section, job, &error);
    else if (state && has_open_intent(state))
        check_add(
            &section->report, CHECK_WARNING, job,
            "has an unfinished run: when it is not at work now, the next run settles it first",
            NULL);
}

/* A lock that is taken and given back: what runs do before all else, and what needs most rights. */
static bool try_lock(StateStore *store, Error *error)
{
    static const LockRequest request = {
        .name = "bqferry check", .what = "the state", .holder = "check"};
    StateLock *lock = NULL;
    Error refused = {0};
    bool taken = store->ops->lock(store, &request, &lock, &refused);
    if (!taken && refused.kind != ERROR_LOCKED) { /* another check has it: so it can be had */
        *error = refused;
        return false;
    }
    store->ops->unlock(store, lock);
    return true;
}

static StateStore *check_state(Check *check)
{
    const Config *config = check->config;
    Section *section = add_section(check, "state", config->state_path);
    const char *what = config->state.bucket ? "bucket" : "folder";
    Error error = {0};
    StateStore *store = NULL;
    if (!drivers_open_state(check->context->app->drivers, config, true, &store, &error)) {
        add_error(section, what, &error);
        return NULL;
    }
    if (try_lock(store, &error))
        check_add(&section->report, CHECK_OK, what, "can be read and written", NULL);
    else
        add_error(section, what, &error);
    return store;
}

static void check_job(Section *section, Session *session, const RunJob *job, Arena *arena)
{
    Error error = {0};
    Source *source;
    SourceTable table;
    if (job->error) {
        add_error(section, job->name, job->error);
        return;
    }
    if (!job_describe(session, job, arena, &source, &table, &error)) {
        add_error(section, job->name, &error);
        return;
    }
    char rows[HUMAN_SIZE];
    check_add(&section->report, CHECK_OK, job->name,
              arena_printf(arena, "%s: %zu columns, %s rows", job->relation_text,
                           table.column_count, human_estimate(table.row_estimate, rows)),
              NULL);
}

/* Sections that opened the connections and the target are closed by now: each is held once. */
static void check_jobs(Check *check, StateStore *store)
{
    Arena *arena = check->context->arena;
    Section *state = &check->sections[check->count - 1];
    Section *section = add_section(check, "jobs", check->config->path);
    RunOptions run_options = {.config = check->config, .drivers = check->context->app->drivers};
    Error error = {0};
    CLEANUP(session_close_ptr) Session *session = NULL;
    RunJobs jobs = {0};
    if (!session_open(&run_options, false, &session, &error)) {
        check_add(&section->report, CHECK_WARNING, "tables",
                  "not looked at, because the destination cannot be opened", NULL);
        return;
    }
    if (!run_jobs_select(session, &run_options, arena, &jobs, &error))
        add_error(section, "tables", &error);
    for (size_t i = 0; i < jobs.count; i++) {
        check_job(section, session, &jobs.jobs[i], arena);
        if (store)
            check_job_state(state, store, jobs.jobs[i].name);
    }
}

static const char *level_word(CheckLevel level)
{
    static const char *const words[] = {"OK", "WARN", "FAIL"};
    return words[level];
}

static const char *level_name(CheckLevel level)
{
    static const char *const names[] = {"ok", "warning", "failed"};
    return names[level];
}

static void print_section(const Section *section, FILE *out, Arena *arena)
{
    enum { WIDTH = 100, WHAT_MOST = 30 };
    size_t widest = 0;
    for (size_t i = 0; i < section->report.count; i++) {
        size_t width = text_width(view_of(section->report.items[i].what));
        widest = width > widest && width <= WHAT_MOST ? width : widest;
    }
    fprintf(out, "%s %s\n", section->kind, section->name);
    for (size_t i = 0; i < section->report.count; i++) {
        const CheckItem *item = &section->report.items[i];
        const char *what = text_visible(item->what, arena);
        size_t width = text_width(view_of(what));
        fprintf(out, "  %-4s  %s%*s  %s\n", level_word(item->level), what,
                (int)(width < widest ? widest - width : 0), "", text_visible(item->text, arena));
        if (item->fix)
            output_wrapped(out, arena_printf(arena, "fix: %s", item->fix), 8, WIDTH);
    }
}

static size_t count_level(const Check *check, CheckLevel level)
{
    size_t count = 0;
    for (size_t i = 0; i < check->count; i++) {
        for (size_t j = 0; j < check->sections[i].report.count; j++)
            count += check->sections[i].report.items[j].level == level;
    }
    return count;
}

static void print_text(const Check *check, FILE *out)
{
    for (size_t i = 0; i < check->count; i++)
        print_section(&check->sections[i], out, check->context->arena);
    fprintf(out, "\n%zu ok, %zu to look at, %zu failed\n", count_level(check, CHECK_OK),
            count_level(check, CHECK_WARNING), count_level(check, CHECK_FAILED));
}

static Json *section_json(const Section *section)
{
    Json *json = json_object_new();
    json_set_text(json, "kind", section->kind);
    json_set_text(json, "name", section->name);
    Json *items = json_array_new();
    for (size_t i = 0; i < section->report.count; i++) {
        const CheckItem *item = &section->report.items[i];
        Json *own = json_object_new();
        json_set_text(own, "level", level_name(item->level));
        json_set_text(own, "what", item->what);
        json_set_text(own, "text", item->text);
        json_set_text(own, "fix", item->fix);
        json_append(items, own);
    }
    json_set(json, "items", items);
    return json;
}

static void print_json(const Check *check, int exit_code, FILE *out)
{
    CLEANUP(json_free_ptr) Json *json = json_object_new();
    json_set_int(json, "version", 1);
    json_set_int(json, "exit_code", exit_code);
    Json *sections = json_array_new();
    for (size_t i = 0; i < check->count; i++)
        json_append(sections, section_json(&check->sections[i]));
    json_set(json, "sections", sections);
    json_print(out, json, true);
}

static bool run(const CommandContext *context, void *settings, int *ret_exit_code, Error *error)
{
    const CheckSettings *own = settings;
    CLEANUP(config_done) Config config = {0};
    if (!command_load_config(context, &config, error))
        return false;
    Check check = {.context = context, .config = &config};
    check.sections = ARENA_ARRAY(context->arena, Section, config.connection_count + 3);
    for (size_t i = 0; i < config.connection_count; i++)
        check_connection(&check, &config.connections[i]);
    check_destination(&check);
    CLEANUP(state_close_ptr) StateStore *store = check_state(&check);
    check_jobs(&check, store);
    int exit_code = 0;
    for (size_t i = 0; i < check.count; i++)
        exit_code = command_fold_exit_code(exit_code, check.sections[i].exit_code);
    if (own->json)
        print_json(&check, exit_code, stdout);
    else
        print_text(&check, stdout);
    size_t failed = count_level(&check, CHECK_FAILED);
    if (failed)
        log_event(LOG_ERROR, NULL, "%zu check%s failed", failed, failed == 1 ? "" : "s");
    *ret_exit_code = exit_code;
    return true;
}

const Command command_check = {
    .name = "check",
    .summary = "connects to everything and says what is missing and how to fix it",
    .description =
        "Looks at each connection, the destination, the state folder, and at every table that the jobs "
        "name. Nothing is read but metadata, and nothing is changed (the state folder is made when it "
        "is missing).",
    .options = options,
    .examples = examples,
    .settings_size = sizeof(CheckSettings),
    .run = run,
};
