/* SPDX-License-Identifier: Apache-2.0 */
#include "run/upkeep.h"

#include "base/clock.h"
#include "delivery/delivery.h"
#include "run/cursor_plan.h"
#include "run/own_state.h"
#include "run/session.h"

#include <string.h>

/* The one table that the options name. */
static bool select_one(Session *session, const RunOptions *options, Arena *arena,
                       const RunJob **ret_job, Error *error)
{
    RunJobs jobs;
    if (!run_jobs_select(session, options, arena, &jobs, error))
        return false;
    if (jobs.count != 1) {
        error_set(error, ERROR_USAGE, "%s stands for %zu tables", options->names[0], jobs.count);
        return error_hint(error, "name one of them: %s.TABLE", options->names[0]);
    }
    if (jobs.jobs[0].error) {
        if (error)
            *error = *jobs.jobs[0].error;
        return false;
    }
    *ret_job = &jobs.jobs[0];
    return (*ret_job)->config->cursor.columns.count > 0 ||
           error_set(error, ERROR_CONFIG, "job %s has no cursor", (*ret_job)->name);
}

/* Only the source knows what the column's places are like. */
static bool ask_kind(Session *session, const RunJob *job, Arena *arena, CursorKind *ret_kind,
                     Error *error)
{
    Source *source;
    Bound bound;
    BoundRequest request = {job->relation, cursor_ref_of(&job->config->cursor)};
    request.cursor.wait_ms = 0;
    if (!session_source(session, job->config->connection, &source, error))
        return false;
    if (!source->ops->bounds)
        return error_set(error, ERROR_CONFIG, "connection %s: its source has no cursors",
                         job->config->connection);
    if (!source->ops->bounds(source, &request, 1, arena, &bound, error))
        return false;
    if (bound.error.kind != ERROR_NONE && error)
        *error = bound.error;
    *ret_kind = bound.kind;
    return bound.error.kind == ERROR_NONE;
}

static bool open_delivery(Session *session, const RunOptions *options, const RunJob *job,
                          JobDelivery **ret_delivery, Error *error)
{
    const DeliveryPlace place = {
        .store = session_state(session),
        .target = session_target(session),
        .destination = session_destination(session),
        .job = job->name,
        .table = job->target,
        .lock_wait_ms = options->lock_wait_ms,
    };
    if (!delivery_open(&place, ret_delivery, error))
        return false;
    if (!delivery_current(*ret_delivery))
        return true;
    error_set(error, ERROR_CONFIG,
              "a run of job %s was interrupted: what it left decides where the "
              "cursor is",
              job->name);
    return error_hint(error, "bqferry run %s settles it; bqferry state reset %s --force forgets it",
                      job->name, job->name);
}

bool upkeep_set_cursor(const RunOptions *options, const char *value, const char *key, Arena *arena,
                       UpkeepChange *ret_change, Error *error)
{
    CLEANUP(session_close_ptr) Session *session = NULL;
    CLEANUP(delivery_close_ptr) JobDelivery *delivery = NULL;
    const RunJob *job = NULL;
    CursorKind kind;
    int64_t place;
    if (!session_open(options, true, &session, error) ||
        !select_one(session, options, arena, &job, error) ||
        !ask_kind(session, job, arena, &kind, error))
        return false;
    if (!cursor_parse(kind, value, &place))
        return error_set(error, ERROR_USAGE, "--cursor: expected %s, found %s",
                         cursor_kind_example(kind), value);
    if (!open_delivery(session, options, job, &delivery, error))
        return false;
    const ConfigText *columns = &job->config->cursor.columns;
    if (key && columns->count < 2)
        return error_set(error, ERROR_USAGE, "--key: the cursor of job %s has no key column",
                         job->name);
    JobState state = *delivery_state(delivery);
    state.cursor = own_cursor(session, job, "state set", arena);
    state.cursor.kind = kind;
    state.cursor.value = cursor_format(kind, place, arena);
    state.cursor.key = key;
    *ret_change = (UpkeepChange){
        .column = state.cursor.column,
        .value = state.cursor.value,
        .before = arena_strdup(arena, delivery_state(delivery)->cursor.value),
    };
    return delivery_set_state(delivery, &state, error);
}

static bool may_reset(const Json *saved, const char *job, Error *error)
{
    if (!saved) {
        error_set(error, ERROR_USAGE, "job %s has no state", job);
        return error_hint(error, "bqferry state show lists the jobs that have one");
    }
    if (!json_is_object(json_get(saved, "intent")))
        return true;
    error_set(error, ERROR_CONFIG,
              "a run of job %s was interrupted: its rows may be staged or applied", job);
    return error_hint(error,
                      "bqferry run %s settles it; --force forgets it, and bqferry gc removes "
                      "what it staged",
                      job);
}

/* Under the job's lock. What cannot be read has nothing to tell, and is removed only by force. */
static bool reset(StateStore *store, const char *job, bool force, Arena *arena,
                  UpkeepChange *ret_change, Error *error)
{
    CLEANUP(json_free_ptr) Json *saved = NULL;
    Error unreadable = {0};
    JobState state;
    bool loaded = store->ops->load(store, job, &saved, force ? &unreadable : error);
    if (!force && !(loaded && may_reset(saved, job, error)))
        return false;
    if (loaded && job_state_from_json(json_get(saved, "state"), arena, &state, &unreadable))
        ret_change->before = state.cursor.value;
    return store->ops->remove(store, job, error);
}

bool upkeep_reset(const RunOptions *options, const char *job, bool force, Arena *arena,
                  UpkeepChange *ret_change, Error *error)
{
    CLEANUP(state_close_ptr) StateStore *store = NULL;
    StateLock *lock = NULL;
    const LockRequest request = {
        .name = job,
        .what = arena_printf(arena, "job %s", job),
        .holder = job,
        .wait_ms = options->lock_wait_ms,
    };
    if (!drivers_open_state(options->drivers, options->config, true, &store, error) ||
        !state_lock(store, &request, &lock, error))
        return false;
    *ret_change = (UpkeepChange){0};
    bool done = reset(store, job, force, arena, ret_change, error);
    store->ops->unlock(store, lock);
    return done;
}

/* Run ids of all interrupted runs. A state that cannot be read may own anything. */
static bool live_runs(StateStore *store, Arena *arena, TextArray *ret_ids, Error *error)
{
    TextArray jobs;
    if (!store->ops->jobs(store, arena, &jobs, error))
        return false;
    const char **ids = ARENA_ARRAY(arena, const char *, jobs.count);
    size_t count = 0;
    for (size_t i = 0; i < jobs.count; i++) {
        CLEANUP(json_free_ptr) Json *state = NULL;
        if (!store->ops->load(store, jobs.items[i], &state, error))
            return false;
        const char *id = json_get_text(json_get(state, "intent"), "run_id");
        if (id)
            ids[count++] = arena_strdup(arena, id);
    }
    *ret_ids = (TextArray){ids, count};
    return true;
}

static void add_dataset(GcRequest *request, const char **datasets, const char *dataset)
{
    for (size_t i = 0; dataset && i < request->dataset_count; i++) {
        if (strcmp(datasets[i], dataset) == 0)
            return;
    }
    if (dataset && *dataset)
        datasets[request->dataset_count++] = dataset;
}

/* "dataset.table" names its dataset, too. */
static void find_datasets(const RunOptions *options, Arena *arena, GcRequest *request)
{
    const Config *config = options->config;
    const char **datasets = ARENA_ARRAY(arena, const char *, 2 * config->job_count + 1);
    add_dataset(request, datasets, drivers_default_dataset(options->drivers, &config->destination));
    for (size_t i = 0; i < config->job_count; i++) {
        const char *table = config->jobs[i].target_table;
        const char *dot = table ? strchr(table, '.') : NULL;
        add_dataset(request, datasets, config->jobs[i].target_dataset);
        if (dot)
            add_dataset(request, datasets, arena_strndup(arena, table, (size_t)(dot - table)));
    }
    request->datasets = datasets;
}

/* An intent is durable before its staging is made. So with the states read after the list of
 * staging, whatever is in the list and somebody's is known; the age covers the time in between, and
 * states that are kept elsewhere. */
bool upkeep_gc(const RunOptions *options, int64_t older_than_ms, bool dry, Arena *arena,
               GcList *ret_list, Error *error)
{
    CLEANUP(session_close_ptr) Session *session = NULL;
    TextArray live;
    *ret_list = (GcList){0};
    if (!session_open(options, true, &session, error))
        return false;
    Target *target = session_target(session);
    if (!target->ops->gc)
        return true;
    GcRequest request = {.before_us = clock_wall_us() - older_than_ms * 1000, .dry = dry};
    if (!live_runs(session_state(session), arena, &live, error))
        return error_prefix(error, "nothing was removed");
    find_datasets(options, arena, &request);
    request.live = live.items;
    request.live_count = live.count;
    return target->ops->gc(target, &request, arena, ret_list, error);
}
