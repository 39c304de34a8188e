/* SPDX-License-Identifier: Apache-2.0 */
#include "run/pass.h"

#include "base/clock.h"
#include "base/fault.h"
#include "base/id.h"
#include "base/log.h"
#include "run/extract.h"
#include "run/pass_range.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

/* One try at planning, reading and staging; a new try gets a new one of these. */
typedef struct Attempt {
    Arena arena;
    PlannedJob planned;
    PassRange range;
    ShardList shards;
    ShardResult *results;
    uint64_t *rows_read;
    uint64_t *bytes_read;
    InvalidCounts *invalid;
} Attempt;

typedef struct Pass {
    JobRun *run;
    JobDelivery *delivery;
    PassKind kind;
    Backoff *backoff;
    char run_id[ID_SIZE];
    int number; /* of the attempt */
    int64_t at_us;
    Attempt attempt;
    PassOutcome *outcome;
} Pass;

static void attempt_done(Attempt *attempt)
{
    arena_done(&attempt->arena);
    *attempt = (Attempt){0};
}

static void pass_done(Pass *pass)
{
    attempt_done(&pass->attempt);
}

/* The columns of our own making tell of this run. */
static void stamp(Pass *pass, PlannedJob *planned)
{
    Delivery *delivery = &planned->delivery;
    Value *constants = (Value *)(uintptr_t)planned->extract.constants;
    delivery->run_id = pass->run_id;
    delivery->at_us = pass->at_us;
    size_t columns = planned->plan.column_count;
    for (size_t i = 0; i < planned->extract.constant_count; i++) {
        const char *name = delivery->schema.fields[columns + i].name;
        if (delivery->metadata.synced_at && strcmp(name, delivery->metadata.synced_at) == 0)
            constants[i] = value_integer(pass->at_us);
        if (delivery->metadata.run_id && strcmp(name, delivery->metadata.run_id) == 0)
            constants[i] = (Value){.kind = VALUE_BYTES,
                                   .length = (uint32_t)strlen(pass->run_id),
                                   .bytes = pass->run_id};
    }
}

static bool plan_rows(Pass *pass, SharedSnapshot *shared, Error *error)
{
    JobRun *run = pass->run;
    Attempt *attempt = &pass->attempt;
    const JobState *state = delivery_state(pass->delivery);
    PlannedJob *planned = &attempt->planned;
    const PlanRequest plan = {run->session, run->options, run->job, state};
    if (!job_plan(&plan, &attempt->arena, planned, error))
        return false;
    for (size_t i = 0; i < planned->note_count; i++)
        job_note(run, planned->notes[i]);
    if (pass->kind == PASS_KEYS) {
        PlannedJob *whole = ARENA_NEW(&attempt->arena, PlannedJob);
        *whole = *planned;
        whole->extract.plan = &whole->plan;
        if (!job_plan_keys(whole, &attempt->arena, planned, error))
            return false;
    }
    stamp(pass, planned);
    const RangeRequest request = {
        .run = run,
        .state = state,
        .kind = pass->kind,
        .shared = shared,
        .planned = planned,
        .run_id = pass->run_id,
        .arena = &attempt->arena,
    };
    return pass_range(&request, &attempt->range, pass->outcome, error);
}

static bool plan_attempt(Pass *pass, SharedSnapshot *shared, Error *error)
{
    JobRun *run = pass->run;
    Attempt *attempt = &pass->attempt;
    Snapshot *snapshot = shared_snapshot_get(shared);
    if (!plan_rows(pass, shared, error))
        return false;
    if (pass->outcome->nothing)
        return true;
    if (!job_validate(run->session, &attempt->planned, error) ||
        !job_shards(snapshot, run->job, &attempt->planned, &attempt->arena, &attempt->shards,
                    error))
        return false;
    size_t shards = attempt->shards.count, columns = attempt->planned.plan.column_count;
    attempt->results = ARENA_ARRAY(&attempt->arena, ShardResult, shards);
    attempt->rows_read = ARENA_ARRAY(&attempt->arena, uint64_t, shards);
    attempt->bytes_read = ARENA_ARRAY(&attempt->arena, uint64_t, shards);
    attempt->invalid = ARENA_ARRAY(&attempt->arena, InvalidCounts, columns);
    Delivery *next = &attempt->planned.delivery;
    next->attempt = pass->number;
    next->shard_count = shards;
    snprintf(run->report->run_id, sizeof run->report->run_id, "%s", pass->run_id);
    run->report->attempt = pass->number;
    run->report->load = next->load;
    run->report->shards = shards;
    run->report->workers = job_workers(snapshot, run->job, &attempt->shards);
    int64_t estimate = attempt->range.range.has_low ? -1 : attempt->planned.table.row_estimate;
    atomic_store(&run->progress->row_estimate, estimate);
    return fault_point("run.planned", error);
}

static const char *purpose_of(const Pass *pass)
{
    static const char *const names[] = {"run", "backfill", "deletes"};
    return names[pass->kind];
}

/* With its commit the job has done all that was asked. */
static bool completes(const Pass *pass)
{
    const JobRun *run = pass->run;
    if (pass->kind == PASS_BACKFILL || run->options->limit > 0)
        return false;
    return pass->kind == PASS_KEYS || (pass->outcome->is_last && !run->keys_follow);
}

static bool extract_attempt(Pass *pass, Snapshot *snapshot, Error *error)
{
    JobRun *run = pass->run;
    Attempt *attempt = &pass->attempt;
    bool has_cursor = run->job->config->cursor.columns.count > 0;
    Intent intent = {
        .delivery = attempt->planned.delivery,
        .rows = run->wanted.rows,
        .request = run->wanted.request,
        .snapshot = snapshot->position,
        .shards = attempt->shards.shards,
        .completes = completes(pass),
        .continues = has_cursor && !run->options->full_refresh,
        .purpose = purpose_of(pass),
        .low = attempt->range.source.low,
        .high = attempt->range.source.high,
        .has_next = attempt->range.has_next,
        .next = attempt->range.next,
    };
    if (!delivery_begin(pass->delivery, &intent, error))
        return false;
    atomic_store(&run->progress->rows, run->report->rows_read);
    atomic_store(&run->progress->bytes, run->report->bytes_read);
    ExtractJob extract = {
        .source = attempt->planned.source,
        .snapshot = snapshot,
        .target = session_target(run->session),
        .extract = &attempt->planned.extract,
        .shards = &attempt->shards,
        .delivery = delivery_current(pass->delivery),
        .workers = run->report->workers,
        .retry_budget_ms = run->job->config->retry_budget_ms,
        .progress = run->progress,
        .arena = &attempt->arena,
        .results = attempt->results,
        .rows_read = attempt->rows_read,
        .bytes_read = attempt->bytes_read,
        .invalid = attempt->invalid,
    };
    bool extracted = extract_run(&extract, error);
    run->report->retries += extract.retries;
    return extracted &&
           delivery_counted(pass->delivery, attempt->results, attempt->rows_read, error);
}

/* Everything up to the durable counts. A failed try leaves nothing staged, if that can be helped.
 */
static bool stage_once(Pass *pass, Error *error)
{
    JobRun *run = pass->run;
    SharedSnapshot *shared;
    job_enter_phase(run, PHASE_PLAN);
    if (!session_acquire_snapshot(run->session, run->job->config->connection, run->fresh_ns,
                                  &shared, error))
        return false;
    Snapshot *snapshot = shared_snapshot_get(shared);
    bool staged = plan_attempt(pass, shared, error);
    if (staged && !pass->outcome->nothing) {
        job_enter_phase(run, PHASE_EXTRACT);
        staged = extract_attempt(pass, snapshot, error);
    }
    if (staged && snapshot->note)
        job_note(run, snapshot->note);
    if (staged && snapshot->method && run->report->workers > 1)
        job_note(run, snapshot->method);
    bool lost = !staged && error->kind == ERROR_SOURCE && error->retryable;
    session_release_snapshot(shared, lost);
    Error cleanup = {0};
    if (!staged && !delivery_abandon(pass->delivery, &cleanup))
        log_warning(run->job->name, "%s; the next run will do it", cleanup.message);
    return staged;
}

/* Says that it will be tried again, once it is time for that; false when it will not. */
static bool try_again(Pass *pass, Error *error)
{
    if (!error_may_pass(error) || !backoff_wait(pass->backoff))
        return false;
    log_warning(pass->run->job->name, "%s; trying again", error->message);
    pass->run->report->retries++;
    *error = (Error){0};
    return true;
}

static bool stage(Pass *pass, Error *error)
{
    for (;;) {
        pass->number++;
        if (stage_once(pass, error))
            return true;
        if (!try_again(pass, error))
            return false;
        attempt_done(&pass->attempt);
    }
}

static void add_counts(ApplyCounts *sum, const ApplyCounts *more)
{
    sum->inserted += more->inserted;
    sum->updated += more->updated;
    sum->unchanged += more->unchanged;
    sum->superseded += more->superseded;
    sum->vanished += more->vanished;
}

/* Of an append in windows some only add rows, others leave out what is there: what the former add
 * counts as inserted once there is one of the latter. */
static void note_inserted(JobReport *report, bool merges, uint64_t rows)
{
    if (merges && !report->merges)
        report->counts.inserted += report->rows_applied;
    if (!merges && report->merges)
        report->counts.inserted += rows;
    report->merges = report->merges || merges;
}

static void note_superseded(Pass *pass, const ApplyCounts *counts)
{
    char text[160];
    if (counts->superseded == 0)
        return;
    snprintf(text, sizeof text,
             "%" PRIu64 " rows had the key of another row: of each key the newest was taken",
             counts->superseded);
    job_note(pass->run, text);
}

static bool apply(Pass *pass, bool *ret_lost, Error *error)
{
    JobRun *run = pass->run;
    ApplyResult result;
    bool merges = delivery_merges(&pass->attempt.planned.delivery);
    job_enter_phase(run, PHASE_APPLY);
    *ret_lost = false;
    while (!delivery_apply(pass->delivery, &result, error)) {
        *ret_lost = delivery_is_lost(pass->delivery);
        if (*ret_lost)
            return false;
        if (try_again(pass, error))
            continue;
        error_hint(error, "the rows are staged: run the job again to apply them without reading "
                          "the source");
        return false;
    }
    job_enter_phase(run, PHASE_COMMIT);
    if (pass->kind == PASS_KEYS) {
        run->report->merges = true;
        run->report->counts.vanished += result.counts.vanished;
    } else {
        note_inserted(run->report, merges, result.rows);
        run->report->rows_applied += result.rows;
        add_counts(&run->report->counts, &result.counts);
        note_superseded(pass, &result.counts);
    }
    return delivery_commit(pass->delivery, error);
}

static bool has_invalid(const InvalidCounts *counts)
{
    for (size_t reason = 0; reason < INVALID_REASON_COUNT_; reason++) {
        if (counts->counts[reason])
            return true;
    }
    return false;
}

/* The report's line for a column; one more when it has none yet. The arena's lock is held. */
static InvalidCounts *invalid_of(JobRun *run, const char *column, size_t columns)
{
    JobReport *report = run->report;
    for (size_t i = 0; i < report->invalid_count; i++) {
        if (strcmp(report->invalid[i].column, column) == 0)
            return &report->invalid[i].counts;
    }
    ColumnInvalid *grown = ARENA_ARRAY(run->arena, ColumnInvalid, report->invalid_count + columns);
    if (report->invalid_count)
        memcpy(grown, report->invalid, report->invalid_count * sizeof *grown);
    report->invalid = grown;
    ColumnInvalid *line = &grown[report->invalid_count++];
    line->column = arena_strdup(run->arena, column);
    return &line->counts;
}

static void report_invalid(Pass *pass)
{
    JobRun *run = pass->run;
    const TablePlan *plan = &pass->attempt.planned.plan;
    pthread_mutex_lock(run->arena_lock);
    for (size_t i = 0; i < plan->column_count; i++) {
        const InvalidCounts *own = &pass->attempt.invalid[i];
        if (!has_invalid(own))
            continue;
        InvalidCounts *sum = invalid_of(run, plan->columns[i].field.name, 1);
        for (size_t reason = 0; reason < INVALID_REASON_COUNT_; reason++)
            sum->counts[reason] += own->counts[reason];
    }
    pthread_mutex_unlock(run->arena_lock);
}

static void report_cursor(Pass *pass)
{
    JobRun *run = pass->run;
    CursorReport *report = &run->report->cursor;
    const PassRange *range = &pass->attempt.range;
    if (!range->source.cursor)
        return;
    report->column = job_keep_text(run, range->source.cursor->column);
    report->comparison = range->cursor.comparison;
    if (report->ranges++ == 0 && range->source.low)
        report->low = job_keep_text(run, range->source.low);
    report->high = job_keep_text(run, range->source.high);
    report->is_backfill = pass->kind == PASS_BACKFILL;
}

static void report_pass(Pass *pass)
{
    JobReport *report = pass->run->report;
    const Attempt *attempt = &pass->attempt;
    if (pass->kind == PASS_KEYS) {
        report->compared_keys = true;
        return;
    }
    for (size_t i = 0; i < attempt->shards.count; i++) {
        report->rows_read += attempt->rows_read[i];
        report->bytes_read += attempt->bytes_read[i];
        report->rows_staged += attempt->results[i].rows;
        report->bytes_staged += attempt->results[i].bytes;
    }
    report_invalid(pass);
    report_cursor(pass);
    if (attempt->shards.note)
        job_note(pass->run, attempt->shards.note);
}

/* Reads, stages and applies; again from the start when what was staged is gone. */
static bool carry(Pass *pass, Error *error)
{
    for (;;) {
        bool is_lost;
        Error cleanup = {0};
        if (!stage(pass, error))
            return false;
        if (pass->outcome->nothing)
            return true;
        if (apply(pass, &is_lost, error)) {
            report_pass(pass);
            return true;
        }
        if (!is_lost) {
            report_pass(pass);
            return false;
        }
        if (!delivery_abandon(pass->delivery, &cleanup))
            log_warning(pass->run->job->name, "%s; the next run will do it", cleanup.message);
        if (!try_again(pass, error))
            return false;
        attempt_done(&pass->attempt);
    }
}

bool pass_run(JobRun *run, JobDelivery *delivery, PassKind kind, Backoff *backoff,
              PassOutcome *ret_outcome, Error *error)
{
    CLEANUP(pass_done)
    Pass pass = {
        .run = run,
        .delivery = delivery,
        .kind = kind,
        .backoff = backoff,
        .at_us = clock_wall_us(),
        .outcome = ret_outcome,
    };
    id_new_run(pass.run_id);
    *ret_outcome = (PassOutcome){0};
    bool carried = carry(&pass, error);
    job_add_target_jobs(run, pass.run_id);
    if (!carried)
        return false;
    report_set_place(run->report, &delivery_state(delivery)->cursor);
    return true;
}
