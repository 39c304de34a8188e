/* SPDX-License-Identifier: Apache-2.0 */
#include "run/job.h"

#include "base/backoff.h"
#include "base/clock.h"
#include "base/log.h"
#include "delivery/delivery.h"
#include "run/pass.h"
#include "run/request.h"
#include "run/session.h"

#include <stdio.h>
#include <string.h>

void job_enter_phase(JobRun *run, JobPhase phase)
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

const char *job_keep_text(JobRun *run, const char *text)
{
    pthread_mutex_lock(run->arena_lock);
    char *kept = arena_strdup(run->arena, text);
    pthread_mutex_unlock(run->arena_lock);
    return kept;
}

void job_note(JobRun *run, const char *note)
{
    JobReport *report = run->report;
    for (size_t i = 0; i < report->note_count; i++) {
        if (strcmp(report->notes[i], note) == 0)
            return;
    }
    const char *kept = job_keep_text(run, note);
    pthread_mutex_lock(run->arena_lock);
    const char **notes = ARENA_ARRAY(run->arena, const char *, report->note_count + 1);
    pthread_mutex_unlock(run->arena_lock);
    if (report->note_count)
        memcpy(notes, report->notes, report->note_count * sizeof *notes);
    notes[report->note_count++] = kept;
    report->notes = notes;
}

void job_add_target_jobs(JobRun *run, const char *run_id)
{
    Target *target = session_target(run->session);
    const Delivery delivery = {.job = run->job->name, .run_id = run_id};
    TargetJobs more = {0}, *sum = &run->report->target_jobs;
    if (!target->ops->jobs)
        return;
    pthread_mutex_lock(run->arena_lock);
    if (target->ops->jobs(target, &delivery, run->arena, &more, NULL) && more.count) {
        TargetJob *jobs = ARENA_ARRAY(run->arena, TargetJob, sum->count + more.count);
        if (sum->count)
            memcpy(jobs, sum->jobs, sum->count * sizeof *jobs);
        memcpy(jobs + sum->count, more.jobs, more.count * sizeof *jobs);
        *sum = (TargetJobs){jobs, sum->count + more.count};
    }
    pthread_mutex_unlock(run->arena_lock);
}

static bool has_cursor(const JobRun *run)
{
    return run->job->config->cursor.columns.count > 0;
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

static bool has_counts(const ApplyCounts *counts)
{
    return counts->inserted || counts->updated || counts->unchanged || counts->superseded ||
           counts->vanished;
}

static void report_settled(JobRun *run, const SettleResult *settled)
{
    JobReport *report = run->report;
    snprintf(report->run_id, sizeof report->run_id, "%s", settled->run_id);
    report->attempt = settled->attempt;
    report->load = settled->load;
    report->status = JOB_SETTLED;
    report->rows_read = report->rows_staged = settled->rows_staged;
    report->rows_applied = settled->rows_applied;
    report->counts = settled->counts;
    report->merges = has_counts(&settled->counts); /* not every target remembers them */
    job_note(run, "the interrupted run was brought to its end; nothing was read again");
}

static void note_settled(JobRun *run, const SettleResult *settled)
{
    if (settled->outcome == SETTLE_VOIDED)
        job_note(run, "an interrupted run was voided first");
    else if (settled->outcome == SETTLE_APPLIED && !settled->same_request)
        job_note(run, "an interrupted run of another request was brought to its end first");
    else if (settled->outcome == SETTLE_APPLIED)
        job_note(run, "an interrupted run was brought to its end first");
}

/* What was settled, or what another process has committed meanwhile, may be newer than the snapshot
 * that this run already has. */
static void ask_for_fresh(JobRun *run, const JobDelivery *delivery, const SettleResult *settled)
{
    const char *last = delivery_last_run(delivery);
    if (settled->outcome != SETTLE_NOTHING ||
        strcmp(last ? last : "", run->seen_run ? run->seen_run : "") != 0)
        run->fresh_ns = clock_monotonic_ns();
}

/* A run that has settled one, and has no cursor, stops there: it has done what was asked. */
static bool settle(JobRun *run, JobDelivery *delivery, bool *ret_finished, Error *error)
{
    job_enter_phase(run, PHASE_SETTLE);
    SettleResult settled;
    if (!settle_patiently(run, delivery, &settled, error))
        return false;
    bool goes_on = (has_cursor(run) && !run->options->full_refresh) || run->options->backfill;
    *ret_finished = settled.outcome == SETTLE_APPLIED && settled.same_request && !goes_on;
    if (*ret_finished)
        report_settled(run, &settled);
    else
        note_settled(run, &settled);
    ask_for_fresh(run, delivery, &settled);
    if (settled.outcome != SETTLE_NOTHING)
        job_add_target_jobs(run, settled.run_id);
    return true;
}

/* Seconds since 1970 of "2026-01-31T12:34:56.789012Z"; 0 when it is none. */
static int64_t seconds_of(const char *time)
{
    int64_t place;
    return time && cursor_parse(CURSOR_INSTANT, time, &place) ? place / 1000000 : 0;
}

/* Only a job with a cursor does not see each row on each run. */
static bool compares_keys(const JobRun *run, const JobDelivery *delivery)
{
    const DeletesConfig *deletes = &run->job->config->deletes;
    const JobState *state = delivery_state(delivery);
    if (!deletes->action || !has_cursor(run) || run->options->full_refresh ||
        run->options->limit > 0)
        return false;
    int64_t age = clock_wall_us() / 1000000 - seconds_of(state->compared_at);
    /* from the future: a clock was wrong once, and the next comparison would be far away */
    return !state->compared_at || age < 0 || age * 1000 >= deletes->every_ms;
}

static bool run_passes(JobRun *run, JobDelivery *delivery, Error *error)
{
    Backoff backoff;
    PassOutcome outcome = {0};
    PassKind kind = run->options->backfill ? PASS_BACKFILL : PASS_LOAD;
    backoff_init(&backoff, run->job->config->retry_budget_ms);
    run->keys_follow = kind == PASS_LOAD && compares_keys(run, delivery);
    while (!outcome.is_last && !outcome.nothing) {
        if (!pass_run(run, delivery, kind, &backoff, &outcome, error))
            return false;
        if (kind == PASS_BACKFILL && !outcome.nothing)
            break; /* others may have their turn before the next window */
    }
    run->report->status = JOB_SUCCEEDED;
    run->backfilled = outcome.is_last || outcome.nothing;
    if (kind == PASS_BACKFILL)
        return true;
    return (!compares_keys(run, delivery) ||
            pass_run(run, delivery, PASS_KEYS, &backoff, &outcome, error)) &&
           (run->options->limit > 0 || delivery_succeed(delivery, error));
}

static bool open_delivery(JobRun *run, int64_t lock_wait_ms, JobDelivery **ret_delivery,
                          Error *error)
{
    const DeliveryPlace place = {
        .store = session_state(run->session),
        .target = session_target(run->session),
        .destination = session_destination(run->session),
        .job = run->job->name,
        .table = run->job->target,
        .lock_wait_ms = lock_wait_ms,
    };
    return delivery_open(&place, ret_delivery, error);
}

/* The state's word, not this run's: a part (a limit, a backfill) is no success of the job. */
static void report_success(const JobDelivery *delivery, JobReport *report)
{
    int64_t success_us;
    const char *success = delivery_state(delivery)->succeeded_at;
    if (!success || !cursor_parse(CURSOR_INSTANT, success, &success_us))
        return;
    report->has_success = true;
    report->success_us = success_us;
}

/* The locks are held from before settling until after the commit. */
static bool run_once(JobRun *run, int64_t lock_wait_ms, Error *error)
{
    CLEANUP(delivery_close_ptr) JobDelivery *delivery = NULL;
    bool finished;
    if (!open_delivery(run, lock_wait_ms, &delivery, error))
        return false;
    bool done = settle(run, delivery, &finished, error);
    if (done && !finished) {
        done = run_passes(run, delivery, error);
        run->seen_run = job_keep_text(run, delivery_last_run(delivery));
    }
    report_success(delivery, run->report);
    return done;
}

/* Window by window, with the locks given back in between: a backfill of days must not stop the
 * hourly runs. */
static bool run_backfill(JobRun *run, Error *error)
{
    enum { TURN_MS = 250, PATIENCE_MS = 24 * 3600 * 1000 };
    Target *target = session_target(run->session);
    int64_t wait_ms = run->options->lock_wait_ms;
    for (;;) {
        if (!run_once(run, wait_ms, error))
            return false;
        if (run->backfilled)
            return true;
        if (target->ops->rest)
            target->ops->rest(target);
        clock_sleep_ms(TURN_MS); /* longer than those who wait for the locks sleep */
        wait_ms = PATIENCE_MS;
    }
}

static bool run_steps(JobRun *run, Error *error)
{
    CLEANUP(arena_done) Arena arena = {0};
    if (run->job->error) {
        *error = *run->job->error;
        return false;
    }
    if (run->options->backfill && !has_cursor(run))
        return error_set(error, ERROR_USAGE,
                         "job %s has no cursor: a backfill reads a stretch of it", run->job->name);
    if (run->options->limit > 0 && has_cursor(run) && run->job->config->load == LOAD_APPEND &&
        !run->options->full_refresh)
        return error_set(error, ERROR_USAGE,
                         "--limit would append rows that the next run appends again: job %s has a "
                         "cursor",
                         run->job->name);
    request_describe(run->options, run->job, &arena, &run->wanted);
    return run->options->backfill ? run_backfill(run, error)
                                  : run_once(run, run->options->lock_wait_ms, error);
}

bool job_run(JobRun *run)
{
    Error error = {0};
    bool done = run_steps(run, &error);
    job_enter_phase(run, done ? PHASE_DONE : PHASE_FAILED);
    if (!done) {
        run->report->status = JOB_FAILED;
        run->report->error = error;
        log_error(run->job->name, &error);
    }
    return done;
}
