/* SPDX-License-Identifier: Apache-2.0 */
#include "target/bigquery/run_state.h"

#include "base/clock.h"
#include "base/memory.h"
#include "target/bigquery/pace.h"

#include <string.h>

struct BqRun {
    BqRun *next;
    Arena arena;
    const char *run_id;
    Resumable *held; /* of held_attempt */
    int held_attempt;
    int settled_attempt; /* the highest that is; 0: none */
    int settled_apply;   /* and its apply_attempt */
    bool applied;        /* by that one */
    ApplyResult result;  /* when it was */
    Pace tables, partition_changes;
    int due_attempt;
    int64_t due_since_ns;
    int failures_attempt;
    int *failures; /* of each shard of that attempt */
    int partitions_attempt;
    Partitions partitions;
    TargetJob *jobs;
    size_t job_count, job_room;
};

static BqRun *find_run(BigQuery *bq, const Delivery *delivery)
{
    for (BqRun *run = bq->runs; run; run = run->next) {
        if (strcmp(run->run_id, delivery->run_id) == 0)
            return run;
    }
    return NULL;
}

/* The caller holds the lock. */
static BqRun *need_run(BigQuery *bq, const Delivery *delivery)
{
    BqRun *run = find_run(bq, delivery);
    if (run)
        return run;
    run = memory_zalloc(1, sizeof *run);
    run->run_id = arena_strdup(&run->arena, delivery->run_id);
    run->next = bq->runs;
    bq->runs = run;
    return run;
}

void bq_runs_free(BigQuery *bq)
{
    while (bq->runs) {
        BqRun *run = bq->runs;
        bq->runs = run->next;
        resumable_close(run->held);
        partitions_done(&run->partitions);
        arena_done(&run->arena);
        free(run->jobs);
        free(run->failures);
        free(run);
    }
}

void bq_run_hold(BigQuery *bq, const Delivery *delivery, Resumable *upload)
{
    pthread_mutex_lock(&bq->lock);
    BqRun *run = need_run(bq, delivery);
    Resumable *before = run->held;
    run->held = upload;
    run->held_attempt = delivery->attempt;
    pthread_mutex_unlock(&bq->lock);
    resumable_close(before);
}

Resumable *bq_run_take(BigQuery *bq, const Delivery *delivery)
{
    Resumable *upload = NULL;
    pthread_mutex_lock(&bq->lock);
    BqRun *run = find_run(bq, delivery);
    if (run && run->held_attempt == delivery->attempt)
        upload = TAKE_PTR(run->held);
    pthread_mutex_unlock(&bq->lock);
    return upload;
}

void bq_run_settle(BigQuery *bq, const Delivery *delivery, const ApplyResult *result)
{
    pthread_mutex_lock(&bq->lock);
    BqRun *run = need_run(bq, delivery);
    run->settled_attempt = delivery->attempt;
    run->settled_apply = delivery->apply_attempt;
    run->applied = result != NULL;
    run->result = result ? *result : (ApplyResult){0};
    pthread_mutex_unlock(&bq->lock);
}

BqSettled bq_run_settled(BigQuery *bq, const Delivery *delivery, ApplyResult *ret_result)
{
    BqSettled settled = SETTLED_NOT;
    pthread_mutex_lock(&bq->lock);
    const BqRun *run = find_run(bq, delivery);
    if (run && run->settled_attempt == delivery->attempt &&
        run->settled_apply == delivery->apply_attempt) {
        settled = run->applied ? SETTLED_APPLIED : SETTLED_VOID;
        if (ret_result)
            *ret_result = run->result;
    }
    pthread_mutex_unlock(&bq->lock);
    return settled;
}

void bq_run_pace(const BqScope *scope, const Delivery *delivery, size_t limit)
{
    BigQuery *bq = scope->bq;
    pthread_mutex_lock(&bq->lock);
    BqRun *run = need_run(bq, delivery);
    Pace *pace = limit == PACE_OF_TABLES ? &run->tables : &run->partition_changes;
    int64_t wait_ms = pace_take(pace, limit, clock_monotonic_ns());
    pthread_mutex_unlock(&bq->lock);
    if (wait_ms > 0)
        (void)stop_sleep_ms(scope->stop, wait_ms);
}

bool bq_run_is_due(BigQuery *bq, const Delivery *delivery, int64_t every_ms)
{
    const int64_t ns_per_ms = 1000 * 1000;
    int64_t now = clock_monotonic_ns();
    pthread_mutex_lock(&bq->lock);
    BqRun *run = need_run(bq, delivery);
    bool begins = run->due_attempt != delivery->attempt;
    bool due = !begins && (now - run->due_since_ns) / ns_per_ms >= every_ms;
    if (begins || due)
        run->due_since_ns = now;
    run->due_attempt = delivery->attempt;
    pthread_mutex_unlock(&bq->lock);
    return due;
}

/* The caller holds the lock. */
static int *failures_of(BigQuery *bq, const Delivery *delivery, size_t shard)
{
    BqRun *run = need_run(bq, delivery);
    if (run->failures_attempt != delivery->attempt) {
        free(run->failures);
        run->failures = memory_zalloc(delivery->shard_count, sizeof *run->failures);
        run->failures_attempt = delivery->attempt;
    }
    return &run->failures[shard];
}

int bq_run_shard_failures(BigQuery *bq, const Delivery *delivery, size_t shard)
{
    pthread_mutex_lock(&bq->lock);
    int failures = *failures_of(bq, delivery, shard);
    pthread_mutex_unlock(&bq->lock);
    return failures;
}

void bq_run_shard_failed(BigQuery *bq, const Delivery *delivery, size_t shard)
{
    pthread_mutex_lock(&bq->lock);
    ++*failures_of(bq, delivery, shard);
    pthread_mutex_unlock(&bq->lock);
}

static bool knows_job(const BqRun *run, const char *id)
{
    for (size_t i = 0; i < run->job_count; i++) {
        if (strcmp(run->jobs[i].id, id) == 0)
            return true;
    }
    return false;
}

static TargetJob copy_job(const TargetJob *job, Arena *arena)
{
    TargetJob copy = *job;
    copy.kind = arena_strdup(arena, job->kind);
    copy.id = arena_strdup(arena, job->id);
    copy.link = arena_strdup(arena, job->link);
    return copy;
}

void bq_run_add_job(BigQuery *bq, const Delivery *delivery, const TargetJob *job)
{
    enum { ROOM_AT_FIRST = 8 };
    pthread_mutex_lock(&bq->lock);
    BqRun *run = need_run(bq, delivery);
    if (!knows_job(run, job->id)) {
        if (run->job_count == run->job_room) {
            run->job_room = run->job_room ? run->job_room * 2 : ROOM_AT_FIRST;
            run->jobs = memory_realloc(run->jobs, run->job_room * sizeof *run->jobs);
        }
        run->jobs[run->job_count++] = copy_job(job, &run->arena);
    }
    pthread_mutex_unlock(&bq->lock);
}

void bq_run_jobs(BigQuery *bq, const Delivery *delivery, Arena *arena, TargetJobs *ret_jobs)
{
    *ret_jobs = (TargetJobs){0};
    pthread_mutex_lock(&bq->lock);
    const BqRun *run = find_run(bq, delivery);
    if (run) {
        TargetJob *jobs = ARENA_ARRAY(arena, TargetJob, run->job_count);
        for (size_t i = 0; i < run->job_count; i++)
            jobs[i] = copy_job(&run->jobs[i], arena);
        *ret_jobs = (TargetJobs){jobs, run->job_count};
    }
    pthread_mutex_unlock(&bq->lock);
}

bool bq_run_add_partitions(BigQuery *bq, const Delivery *delivery, const Partitions *partitions,
                           Error *error)
{
    pthread_mutex_lock(&bq->lock);
    BqRun *run = need_run(bq, delivery);
    if (run->partitions_attempt != delivery->attempt) {
        partitions_done(&run->partitions);
        run->partitions = (Partitions){.by = {.kind = partitions->by.kind}};
        run->partitions.by.column = arena_strdup(&run->arena, partitions->by.column);
        run->partitions_attempt = delivery->attempt;
    }
    partitions_merge(&run->partitions, partitions);
    bool fits = partitions_check_count(&run->partitions, error);
    pthread_mutex_unlock(&bq->lock);
    return fits;
}
