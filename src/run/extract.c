/* SPDX-License-Identifier: Apache-2.0 */
#include "run/extract.h"

#include "base/fault.h"

#include <pthread.h>

typedef struct ExtractGroup {
    ExtractJob *job;
    pthread_mutex_t lock; /* guards the job's arena and invalid counts */
} ExtractGroup;

static bool pump(ExtractJob *job, Reader *reader, Sink *sink, const StopFlag *stop, Error *error)
{
    uint64_t bytes_seen = 0;
    for (;;) {
        Batch batch;
        if (!reader->ops->read(reader, stop, &batch, error))
            return false;
        if (batch.row_count == 0)
            return true;
        if (!fault_point("extract.batch", error) || !sink->ops->write(sink, &batch, error))
            return false;
        atomic_fetch_add_explicit(&job->progress->rows, batch.row_count, memory_order_relaxed);
        atomic_fetch_add_explicit(&job->progress->bytes, reader->stats.bytes - bytes_seen,
                                  memory_order_relaxed);
        bytes_seen = reader->stats.bytes;
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

static bool extract_shard(void *context, size_t shard, size_t worker, const StopFlag *stop,
                          Error *error)
{
    (void)worker;
    ExtractGroup *group = context;
    ExtractJob *job = group->job;
    CLEANUP(reader_close_ptr) Reader *reader = NULL;
    CLEANUP(sink_close_ptr) Sink *sink = NULL;
    CLEANUP(arena_done) Arena scratch = {0};
    ShardResult result = {0};
    bool staged = job->source->ops->reader_open(job->snapshot, job->extract,
                                                &job->shards->shards[shard], &reader, error) &&
                  job->target->ops->sink_open(job->target, job->delivery, shard, &sink, error) &&
                  pump(job, reader, sink, stop, error) &&
                  sink->ops->finish(sink, &scratch, &result, error);
    if (!staged)
        return job->shards->count > 1
                   ? error_prefix(error, "shard %zu of %zu", shard + 1, job->shards->count)
                   : false;
    add_results(group, shard, reader, &result);
    return fault_point("extract.shard", error);
}

bool extract_run(ExtractJob *job, Error *error)
{
    ExtractGroup group = {.job = job, .lock = PTHREAD_MUTEX_INITIALIZER};
    ParallelOptions options = {.count = job->shards->count, .threads = job->workers};
    return parallel_run(&options, extract_shard, &group, error);
}
