/* SPDX-License-Identifier: Apache-2.0 */
#include "run/extract.h"

#include "base/backoff.h"
#include "base/fault.h"
#include "base/log.h"

#include <pthread.h>

typedef struct ExtractGroup {
    ExtractJob *job;
    pthread_mutex_t lock;    /* guards what the job gathers */
    pthread_mutex_t waiting; /* guards the backoff, which all shards share */
    Backoff backoff;
} ExtractGroup;

/* One shard, once. */
typedef struct Carriage {
    Reader *reader;
    Sink *sink;
    Arena scratch; /* of the result */
    ShardResult result;
    uint64_t rows, bytes; /* that progress was told of */
    bool is_read;         /* to its end */
} Carriage;

static void carriage_done(Carriage *carriage)
{
    sink_close_ptr(&carriage->sink);
    reader_close_ptr(&carriage->reader);
    arena_done(&carriage->scratch);
}

static bool pump(ExtractJob *job, Carriage *carriage, const StopFlag *stop, Error *error)
{
    Reader *reader = carriage->reader;
    Sink *sink = carriage->sink;
    for (;;) {
        Batch batch;
        if (!reader->ops->read(reader, stop, &batch, error))
            return false;
        if (batch.row_count == 0)
            return true;
        if (!fault_point("extract.batch", error) || !sink->ops->write(sink, &batch, error))
            return false;
        uint64_t bytes = reader->stats.bytes - carriage->bytes;
        atomic_fetch_add_explicit(&job->progress->rows, batch.row_count, memory_order_relaxed);
        atomic_fetch_add_explicit(&job->progress->bytes, bytes, memory_order_relaxed);
        carriage->rows += batch.row_count;
        carriage->bytes += bytes;
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

static bool carry(ExtractJob *job, size_t shard, Carriage *carriage, const StopFlag *stop,
                  Error *error)
{
    if (!job->source->ops->reader_open(job->snapshot, job->extract, &job->shards->shards[shard],
                                       &carriage->reader, error) ||
        !job->target->ops->sink_open(job->target, job->delivery, shard, &carriage->sink, error))
        return false;
    carriage->sink->stop.parent = stop; /* a sibling's failure ends what the sink is about to do */
    return pump(job, carriage, stop, error) && (carriage->is_read = true) &&
           carriage->sink->ops->finish(carriage->sink, &carriage->scratch, &carriage->result,
                                       error);
}

/* `refused`: how often in a row the snapshot could not be joined. A lost connection is no loss of
 * the snapshot; without it no reader opens, and the run is to begin anew. */
static bool may_come_again(const Carriage *carriage, int refused, const Error *error)
{
    if (!carriage->is_read && error->kind == ERROR_SOURCE)
        return refused < 2; /* the sink was not finished: nothing of it counts */
    return carriage->sink && carriage->sink->again;
}

/* Waits before the shard is tried again by itself; false when it is not worth that. */
static bool carry_again(ExtractGroup *group, const Carriage *carriage, const StopFlag *stop,
                        Error *error)
{
    ExtractJob *job = group->job;
    pthread_mutex_lock(&group->waiting);
    bool again = backoff_wait_at_least(&group->backoff, 0, stop);
    pthread_mutex_unlock(&group->waiting);
    if (!again)
        return false;
    log_warning(job->delivery->job, "%s; reading the shard again", error->message);
    atomic_fetch_sub_explicit(&job->progress->rows, carriage->rows, memory_order_relaxed);
    atomic_fetch_sub_explicit(&job->progress->bytes, carriage->bytes, memory_order_relaxed);
    pthread_mutex_lock(&group->lock);
    job->retries++;
    pthread_mutex_unlock(&group->lock);
    *error = (Error){0};
    return true;
}

static bool extract_shard(void *context, size_t shard, size_t worker, const StopFlag *stop,
                          Error *error)
{
    (void)worker;
    ExtractGroup *group = context;
    ExtractJob *job = group->job;
    for (int refused = 0;;) {
        CLEANUP(carriage_done) Carriage carriage = {0};
        if (carry(job, shard, &carriage, stop, error)) {
            add_results(group, shard, carriage.reader, &carriage.result);
            return fault_point("extract.shard", error);
        }
        if (job->shards->count > 1)
            error_prefix(error, "shard %zu of %zu", shard + 1, job->shards->count);
        refused = carriage.reader ? 0 : refused + 1;
        if (!error_may_pass(error) || !may_come_again(&carriage, refused, error) ||
            !carry_again(group, &carriage, stop, error))
            return false;
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
