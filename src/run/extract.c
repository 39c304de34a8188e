/* SPDX-License-Identifier: Apache-2.0 */
#include "run/extract.h"

#include "base/backoff.h"
#include "base/fault.h"
#include "base/log.h"

#include <pthread.h>

typedef struct ExtractGroup {
    ExtractJob *job;
    pthread_mutex_t lock;    /* guards what the job gathers */
    pthread_mutex_t waiting; /* guards what follows */
    Backoff backoff;
} ExtractGroup;

/* What a shard has added to the progress that people see. */
typedef struct Shown {
    uint64_t rows;
    uint64_t bytes;
} Shown;

static bool pump(ExtractJob *job, Reader *reader, Sink *sink, const StopFlag *stop, Shown *shown,
                 Error *error)
{
    for (;;) {
        Batch batch;
        if (!reader->ops->read(reader, stop, &batch, error))
            return false;
        if (batch.row_count == 0)
            return true;
        if (!fault_point("extract.batch", error) || !sink->ops->write(sink, &batch, error))
            return false;
        atomic_fetch_add_explicit(&job->progress->rows, batch.row_count, memory_order_relaxed);
        atomic_fetch_add_explicit(&job->progress->bytes, reader->stats.bytes - shown->bytes,
                                  memory_order_relaxed);
        shown->rows += batch.row_count;
        shown->bytes = reader->stats.bytes;
    }
}

static ShardResult keep_result(const ShardResult *result, Arena *arena)
{
    ShardResult kept = *result;
    const char **partitions = ARENA_ARRAY(arena, const char *, result->partition_count);
    for (size_t i = 0; i < result->partition_count; i++)
        partitions[i] = arena_strdup(arena, result->partitions[i]);
    kept.checksum = arena_strdup(arena, result->checksum);
    kept.handle = arena_strdup(arena, result->handle);
    kept.partitions = partitions;
    return kept;
}

static void add_results(ExtractGroup *group, size_t shard, const Reader *reader,
                        const ShardResult *result)
{
    ExtractJob *job = group->job;
    pthread_mutex_lock(&group->lock);
    job->results[shard] = keep_result(result, job->arena);
    job->rows_read[shard] = reader->stats.rows;
    job->bytes_read[shard] = reader->stats.bytes;
    for (size_t column = 0; column < job->extract->plan->column_count; column++) {
        for (size_t reason = 0; reason < INVALID_REASON_COUNT_; reason++)
            job->invalid[column].counts[reason] += reader->invalid[column].counts[reason];
    }
    pthread_mutex_unlock(&group->lock);
}

/* What a shard that failed had counted does not count. */
static void take_back(ExtractJob *job, const Shown *shown)
{
    atomic_fetch_sub_explicit(&job->progress->rows, shown->rows, memory_order_relaxed);
    atomic_fetch_sub_explicit(&job->progress->bytes, shown->bytes, memory_order_relaxed);
}

/* *ret_opened: the snapshot still held when the read began. */
static bool read_shard(ExtractGroup *group, size_t shard, const StopFlag *stop, bool *ret_opened,
                       Error *error)
{
    ExtractJob *job = group->job;
    CLEANUP(reader_close_ptr) Reader *reader = NULL;
    CLEANUP(sink_close_ptr) Sink *sink = NULL;
    CLEANUP(arena_done) Arena scratch = {0};
    ShardResult result = {0};
    Shown shown = {0};
    *ret_opened = job->source->ops->reader_open(job->snapshot, job->extract,
                                                &job->shards->shards[shard], &reader, error);
    bool staged = *ret_opened &&
                  job->target->ops->sink_open(job->target, job->delivery, shard, &sink, error) &&
                  pump(job, reader, sink, stop, &shown, error) &&
                  sink->ops->finish(sink, &scratch, &result, error);
    if (!staged) {
        take_back(job, &shown);
        return false;
    }
    add_results(group, shard, reader, &result);
    return true;
}

static bool may_read_again(ExtractGroup *group, const StopFlag *stop, const Error *error)
{
    if (!error->retryable || error->kind != ERROR_SOURCE || stop_requested(stop))
        return false;
    pthread_mutex_lock(&group->waiting);
    bool again = backoff_wait(&group->backoff);
    group->job->retries += again;
    pthread_mutex_unlock(&group->waiting);
    return again;
}

/* When the snapshot is gone, so are all shards: then no reader opens twice in a row, and the run is
 * to begin anew. */
static bool extract_shard(void *context, size_t shard, size_t worker, const StopFlag *stop,
                          Error *error)
{
    (void)worker;
    ExtractGroup *group = context;
    const ExtractJob *job = group->job;
    for (int refused = 0;;) {
        Error failure = {0};
        bool opened;
        if (read_shard(group, shard, stop, &opened, &failure))
            return fault_point("extract.shard", error);
        refused = opened ? 0 : refused + 1;
        if (refused < 2 && may_read_again(group, stop, &failure)) {
            log_warning(job->delivery->job, "%s; reading shard %zu again", failure.message,
                        shard + 1);
            continue;
        }
        if (error)
            *error = failure;
        return job->shards->count > 1
                   ? error_prefix(error, "shard %zu of %zu", shard + 1, job->shards->count)
                   : false;
    }
}

bool extract_run(ExtractJob *job, Error *error)
{
    ExtractGroup group = {
        .job = job,
        .lock = PTHREAD_MUTEX_INITIALIZER,
        .waiting = PTHREAD_MUTEX_INITIALIZER,
    };
    backoff_init(&group.backoff, job->retry_budget_ms);
    ParallelOptions options = {.count = job->shards->count, .threads = job->workers};
    return parallel_run(&options, extract_shard, &group, error);
}
