/* SPDX-License-Identifier: Apache-2.0 */
#include "run/job.h"

#include "base/backoff.h"
#include "base/clock.h"
#include "base/fault.h"
#include "base/id.h"
#include "base/log.h"
#include "delivery/delivery.h"
#include "run/extract.h"
#include "run/plan.h"
#include "run/request.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

/* One try at planning, reading and staging; a new try gets a new one of these. */
typedef struct Attempt {
    Arena arena;
    PlannedJob planned;
    ShardList shards;
    ShardResult *results;
    uint64_t *rows_read;
    uint64_t *bytes_read;
    InvalidCounts *invalid;
} Attempt;

static void attempt_done(Attempt *attempt)
{
    arena_done(&attempt->arena);
    *attempt = (Attempt){0};
}

static void enter_phase(JobRun *run, JobPhase phase)
{
    int64_t now = clock_monotonic_ns();
    JobPhase before = (JobPhase)atomic_load(&run->progress->phase);
    if (before == PHASE_WAITING)
        atomic_store(&run->progress->started_ns, now);
    else
        run->report->phase_ns[before] += now - run->phase_entered_ns;
    run->phase_entered_ns = now;
    atomic_store(&run->progress->phase, phase);
    if (phase == PHASE_DONE || phase == PHASE_FAILED)
        atomic_store(&run->progress->finished_ns, now);
}

static char *keep_text(JobRun *run, const char *text)
{
    pthread_mutex_lock(run->arena_lock);
    char *kept = arena_strdup(run->arena, text);
    pthread_mutex_unlock(run->arena_lock);
    return kept;
}

static void add_note(JobRun *run, const char *note)
{
    JobReport *report = run->report;
    char *kept = keep_text(run, note);
    pthread_mutex_lock(run->arena_lock);
    const char **notes = ARENA_ARRAY(run->arena, const char *, report->note_count + 1);
    pthread_mutex_unlock(run->arena_lock);
    if (report->note_count)
        memcpy(notes, report->notes, report->note_count * sizeof *notes);
    notes[report->note_count++] = kept;
    report->notes = notes;
}

/* Another process may hold the target; nothing else is tried again by waiting here. */
static bool settle_patiently(JobRun *run, JobDelivery *delivery, SettleResult *ret_settled,
                             Error *error)
{
    Backoff backoff;
    backoff_init(&backoff, run->job->config->retry_budget_ms);
    while (!delivery_settle(delivery, &run->wanted, ret_settled, error)) {
        if (!error_may_pass(error) || !backoff_wait(&backoff))
            return false;
        log_warning(run->job->name, "%s; trying again", error->message);
        run->report->retries++;
        *error = (Error){0};
    }
    return true;
}

static bool settle(JobRun *run, JobDelivery *delivery, bool *ret_finished, Error *error)
{
    enter_phase(run, PHASE_SETTLE);
    SettleResult settled;
    if (!settle_patiently(run, delivery, &settled, error))
        return false;
    *ret_finished = settled.outcome == SETTLE_APPLIED && settled.same_request;
    if (settled.outcome == SETTLE_VOIDED)
        add_note(run, "an interrupted run was voided first");
    else if (settled.outcome == SETTLE_APPLIED && !settled.same_request)
        add_note(run, "an interrupted run of another request was brought to its end first");
    if (!*ret_finished)
        return true;
    JobReport *report = run->report;
    snprintf(report->run_id, sizeof report->run_id, "%s", settled.run_id);
    report->attempt = settled.attempt;
    report->load = settled.load;
    report->status = JOB_SETTLED;
    report->rows_read = report->rows_staged = settled.rows_staged;
    report->rows_applied = settled.rows_applied;
    add_note(run, "the interrupted run was brought to its end; nothing was read again");
    return true;
}

static bool plan_attempt(JobRun *run, Attempt *attempt, SharedSnapshot *shared, Error *error)
{
    Snapshot *snapshot = shared_snapshot_get(shared);
    if (!job_plan(run->session, run->options, run->job, &attempt->arena, &attempt->planned,
                  error) ||
        !job_shards(snapshot, run->job, &attempt->planned, &attempt->arena, &attempt->shards,
                    error))
        return false;
    size_t shards = attempt->shards.count, columns = attempt->planned.plan.column_count;
    attempt->results = ARENA_ARRAY(&attempt->arena, ShardResult, shards);
    attempt->rows_read = ARENA_ARRAY(&attempt->arena, uint64_t, shards);
    attempt->bytes_read = ARENA_ARRAY(&attempt->arena, uint64_t, shards);
    attempt->invalid = ARENA_ARRAY(&attempt->arena, InvalidCounts, columns);
    Delivery *next = &attempt->planned.delivery;
    next->run_id = run->report->run_id;
    next->attempt = run->report->attempt;
    next->shard_count = shards;
    run->report->load = next->load;
    run->report->shards = shards;
    run->report->workers = job_workers(snapshot, run->job, &attempt->shards);
    atomic_store(&run->progress->row_estimate, attempt->planned.table.row_estimate);
    return fault_point("run.planned", error);
}

static bool extract_attempt(JobRun *run, Attempt *attempt, Snapshot *snapshot,
                            JobDelivery *delivery, Error *error)
{
    Source *source;
    if (!session_source(run->session, run->job->config->connection, &source, error))
        return false;
    Intent intent = {
        .delivery = attempt->planned.delivery,
        .rows = run->wanted.rows,
        .request = run->wanted.request,
        .snapshot = snapshot->position,
        .shards = attempt->shards.shards,
    };
    if (!delivery_begin(delivery, &intent, error))
        return false;
    atomic_store(&run->progress->rows, 0);
    atomic_store(&run->progress->bytes, 0);
    ExtractJob extract = {
        .source = source,
        .snapshot = snapshot,
        .target = session_target(run->session),
        .extract = &attempt->planned.extract,
        .shards = &attempt->shards,
        .delivery = delivery_current(delivery),
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
    return extracted && delivery_counted(delivery, attempt->results, attempt->rows_read, error);
}

/* Everything up to the durable counts. A failed try leaves nothing staged, if that can be helped.
 */
static bool stage_once(JobRun *run, JobDelivery *delivery, Attempt *attempt, Error *error)
{
    SharedSnapshot *shared;
    enter_phase(run, PHASE_PLAN);
    if (!session_acquire_snapshot(run->session, run->job->config->connection, &shared, error))
        return false;
    Snapshot *snapshot = shared_snapshot_get(shared);
    bool staged = plan_attempt(run, attempt, shared, error);
    if (staged) {
        enter_phase(run, PHASE_EXTRACT);
        staged = extract_attempt(run, attempt, snapshot, delivery, error);
    }
    if (staged && snapshot->note)
        add_note(run, snapshot->note);
    if (staged && snapshot->method && run->report->workers > 1)
        add_note(run, snapshot->method);
    bool lost = !staged && error->kind == ERROR_SOURCE && error->retryable;
    session_release_snapshot(shared, lost);
    Error cleanup = {0};
    if (!staged && !delivery_abandon(delivery, &cleanup))
        log_warning(run->job->name, "%s; the next run will do it", cleanup.message);
    return staged;
}

static bool stage(JobRun *run, JobDelivery *delivery, Attempt *attempt, Backoff *backoff,
                  Error *error)
{
    for (;;) {
        run->report->attempt++;
        if (stage_once(run, delivery, attempt, error))
            return true;
        if (!error_may_pass(error) || !backoff_wait(backoff))
            return false;
        log_warning(run->job->name, "%s; trying again", error->message);
        run->report->retries++;
        attempt_done(attempt);
        *error = (Error){0};
    }
}

/* Brings the staged rows into the table. A failure after which they are gone leaves nothing behind.
 */
static bool apply(JobRun *run, JobDelivery *delivery, Backoff *backoff, bool *ret_lost,
                  Error *error)
{
    enter_phase(run, PHASE_APPLY);
    *ret_lost = false;
    while (!delivery_apply(delivery, &run->report->rows_applied, error)) {
        *ret_lost = delivery_is_lost(delivery);
        if (*ret_lost)
            return false;
        if (!error_may_pass(error) || !backoff_wait(backoff)) {
            error_hint(error,
                       "the rows are staged: run the job again to apply them without reading "
                       "the source");
            return false;
        }
        log_warning(run->job->name, "%s; trying again", error->message);
        run->report->retries++;
        *error = (Error){0};
    }
    enter_phase(run, PHASE_COMMIT);
    return delivery_commit(delivery, error);
}

static bool has_invalid(const InvalidCounts *counts)
{
    for (size_t reason = 0; reason < INVALID_REASON_COUNT_; reason++) {
        if (counts->counts[reason])
            return true;
    }
    return false;
}

static void report_attempt(JobRun *run, const Attempt *attempt)
{
    JobReport *report = run->report;
    for (size_t i = 0; i < attempt->shards.count; i++) {
        report->rows_read += attempt->rows_read[i];
        report->bytes_read += attempt->bytes_read[i];
        report->rows_staged += attempt->results[i].rows;
        report->bytes_staged += attempt->results[i].bytes;
    }
    size_t columns = attempt->planned.plan.column_count;
    pthread_mutex_lock(run->arena_lock);
    report->invalid = ARENA_ARRAY(run->arena, ColumnInvalid, columns);
    for (size_t i = 0; i < columns; i++) {
        if (!has_invalid(&attempt->invalid[i]))
            continue;
        report->invalid[report->invalid_count++] = (ColumnInvalid){
            .column = arena_strdup(run->arena, attempt->planned.plan.columns[i].field.name),
            .counts = attempt->invalid[i],
        };
    }
    pthread_mutex_unlock(run->arena_lock);
    if (attempt->shards.note)
        add_note(run, attempt->shards.note);
}

/* Reads, stages and applies; again from the start when what was staged is gone. */
static bool carry(JobRun *run, JobDelivery *delivery, Attempt *attempt, Backoff *backoff,
                  Error *error)
{
    bool is_lost, again;
    do {
        Error cleanup = {0};
        if (!stage(run, delivery, attempt, backoff, error))
            return false;
        if (apply(run, delivery, backoff, &is_lost, error)) {
            report_attempt(run, attempt);
            run->report->status = JOB_SUCCEEDED;
            return true;
        }
        if (!is_lost) {
            report_attempt(run, attempt);
            return false;
        }
        if (!delivery_abandon(delivery, &cleanup))
            log_warning(run->job->name, "%s; the next run will do it", cleanup.message);
        again = error_may_pass(error) && backoff_wait(backoff);
        if (again) {
            log_warning(run->job->name, "%s; reading again", error->message);
            run->report->retries++;
            attempt_done(attempt);
            *error = (Error){0};
        }
    } while (again);
    return false;
}

static bool run_steps(JobRun *run, Error *error)
{
    CLEANUP(delivery_close_ptr) JobDelivery *delivery = NULL;
    CLEANUP(attempt_done) Attempt attempt = {0};
    CLEANUP(arena_done) Arena arena = {0};
    Backoff backoff;
    bool finished;
    if (run->job->error) {
        *error = *run->job->error;
        return false;
    }
    request_describe(run->options, run->job, &arena, &run->wanted);
    if (!delivery_open(session_state(run->session), session_target(run->session),
                       session_destination(run->session), run->job->name, &delivery, error) ||
        !settle(run, delivery, &finished, error))
        return false;
    if (finished)
        return true;
    id_new_run(run->report->run_id);
    backoff_init(&backoff, run->job->config->retry_budget_ms);
    return carry(run, delivery, &attempt, &backoff, error);
}

static void report_target_jobs(JobRun *run)
{
    Target *target = session_target(run->session);
    JobReport *report = run->report;
    const Delivery delivery = {.job = run->job->name, .run_id = report->run_id};
    if (!target->ops->jobs || !report->run_id[0])
        return;
    pthread_mutex_lock(run->arena_lock);
    if (!target->ops->jobs(target, &delivery, run->arena, &report->target_jobs, NULL))
        report->target_jobs = (TargetJobs){0};
    pthread_mutex_unlock(run->arena_lock);
}

bool job_run(JobRun *run)
{
    Error error = {0};
    bool done = run_steps(run, &error);
    report_target_jobs(run);
    enter_phase(run, done ? PHASE_DONE : PHASE_FAILED);
    if (!done) {
        run->report->status = JOB_FAILED;
        run->report->error = error;
        log_error(run->job->name, &error);
    }
    return done;
}
