/* SPDX-License-Identifier: Apache-2.0 */
#include "target/bigquery/sink.h"

#include "base/fault.h"
#include "base/memory.h"
#include "encode/encode.h"
#include "target/bigquery/apply.h"
#include "target/bigquery/calls.h"
#include "target/bigquery/explain.h"
#include "target/bigquery/job.h"
#include "target/bigquery/job_json.h"
#include "target/bigquery/pace.h"
#include "target/bigquery/run_state.h"
#include "target/bigquery/sql_merge.h"
#include "target/bigquery/way.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

typedef struct BqSink {
    Sink base;
    BigQuery *bq;
    const Delivery *delivery; /* lives until the rows are counted */
    size_t shard;
    Arena arena;
    BqWay way;
    Encoder *encoder;
    Resumable *upload;
    bool counts_partitions;
    Partitions partitions;
} BqSink;

/* Two chunks are kept a worker: with several, smaller ones, so that the memory stays the same. */
enum { CHUNK_OF_ONE = 16 * RESUMABLE_UNIT, CHUNK_OF_SEVERAL = 6 * RESUMABLE_UNIT };

/* "The maximum size of a gzip file for JSON and CSV is 4 GB" (quotas, load jobs); Avro has none
 * that matters. */
static const uint64_t gzip_max = 4ull * 1000 * 1000 * 1000;

char *bq_object_name(const BqWay *way, const Delivery *delivery, size_t shard, Arena *arena)
{
    bool avro = strcmp(delivery->format, "avro") == 0;
    return arena_printf(arena, "%s%d-%05zu.%s", way->prefix, delivery->attempt, shard,
                        avro ? "avro" : "ndjson.gz");
}

bool bq_object_of_handle(const char *handle, Arena *arena, const char **ret_name,
                         int64_t *ret_generation)
{
    const char *hash = handle ? strrchr(handle, '#') : NULL;
    char *end;
    if (!hash)
        return false;
    *ret_name = arena_strndup(arena, handle, (size_t)(hash - handle));
    *ret_generation = strtoll(hash + 1, &end, 10);
    return *end == '\0' && end > hash + 1;
}

static BqScope scope_of(BqSink *sink)
{
    return (BqScope){
        .bq = sink->bq,
        .job = sink->delivery->job,
        .arena = &sink->arena,
        .stop = &sink->base.stop,
    };
}

static void sink_close(Sink *base)
{
    BqSink *sink = (BqSink *)base;
    if (!sink)
        return;
    encoder_free_ptr(&sink->encoder);
    resumable_close(sink->upload);
    partitions_done(&sink->partitions);
    bq_way_done(&sink->way);
    arena_done(&sink->arena);
    free(sink);
}

static bool take_bytes(void *context, const void *bytes, size_t size, Error *error)
{
    BqSink *sink = context;
    if (!resumable_write(sink->upload, bytes, size, error))
        return explain_upload(error);
    sink->base.bytes += size;
    if (sink->base.bytes <= gzip_max || !sink->bq->compress ||
        strcmp(sink->delivery->format, "avro") == 0)
        return true;
    error_set(error, ERROR_CONFIG,
              "the shard is over 4 GB of compressed JSON, which is all that BigQuery takes in one "
              "file");
    return error_hint(error, "set destination.format to avro, which has no such limit, or carry "
                             "fewer rows at a time with source.where");
}

static bool check_specials(const Partitions *partitions, Error *error)
{
    if (!partitions->has_null && !partitions->has_outside)
        return true;
    error_set(error, ERROR_DATA, "rows whose %s is %s belong to no partition that can be replaced",
              partitions->by.column,
              partitions->has_null ? "NULL"
                                   : "outside of all partitions (before 1960, after 2159, "
                                     "or outside of the ranges)");
    return error_hint(error, "leave them out with source.where, or replace the whole table");
}

static bool note_partitions(BqSink *sink, const Batch *batch, Error *error)
{
    partitions_add(&sink->partitions, batch);
    if (sink->delivery->replace_partitions && !check_specials(&sink->partitions, error))
        return false;
    return partitions_check_count(&sink->partitions, error);
}

static bool sink_write(Sink *base, const Batch *batch, Error *error)
{
    BqSink *sink = (BqSink *)base;
    if (sink->counts_partitions && !note_partitions(sink, batch, error))
        return false;
    if (!sink->encoder->ops->write(sink->encoder, batch, error)) {
        base->again = error->retryable; /* the last bytes, which make it whole, were never sent */
        return false;
    }
    base->rows += batch->row_count;
    const BqScope scope = scope_of(sink);
    bq_keep_staging(&scope, sink->delivery, &sink->way);
    return true;
}

static size_t chunk_size(const BqSink *sink)
{
    return sink->delivery->shard_count > 1 ? CHUNK_OF_SEVERAL : CHUNK_OF_ONE;
}

static const char *shard_step(const BqSink *sink)
{
    /* What goes straight to the target is the apply itself. */
    return sink->way.staged ? arena_printf((Arena *)&sink->arena, "shard%zu", sink->shard) : "load";
}

/* A shard's job that has failed is followed by one with the next number. */
static char *load_id(BqSink *sink)
{
    int failures =
        sink->way.staged ? bq_run_shard_failures(sink->bq, sink->delivery, sink->shard) : 0;
    return bq_job_id(sink->delivery, shard_step(sink), failures + 1, &sink->arena);
}

static bool open_load(BqSink *sink, Error *error)
{
    BqScope scope = scope_of(sink);
    const BqWay *way = &sink->way;
    const Delivery *delivery = sink->delivery;
    const JobDraft draft = {
        .project = way->job_project,
        .location = way->location,
        .id = load_id(sink),
        .labels = way->job_labels,
    };
    const LoadDraft load = {
        .to = {sink->bq->project, delivery->table.dataset,
               way->staged ? way->staging : delivery->table.table},
        .schema = json_get(bq_way_loaded(way), "schema"),
        .format = delivery->format,
        .truncate = !way->staged && delivery->load == LOAD_REPLACE,
        .kms_key = bq_way_kms_key(way),
    };
    CLEANUP(json_free_ptr) Json *job = job_json_load(&draft, &load);
    const ResumableOptions options = {
        .api = sink->bq->api,
        .id = "bigquery.jobs.insert",
        .what = arena_printf(&sink->arena, "upload of shard %zu", sink->shard + 1),
        .path = url_path(&sink->arena, "/projects/%s/jobs", way->job_project),
        .metadata = job,
        .chunk_size = chunk_size(sink),
        .stop = scope.stop,
        .job = scope.job,
    };
    return resumable_open(&options, &sink->upload, error);
}

static bool open_object(BqSink *sink, Error *error)
{
    BqScope scope = scope_of(sink);
    GcsScope gcs = bq_gcs(&scope, sink->way.bucket);
    bool avro = strcmp(sink->delivery->format, "avro") == 0;
    const GcsUpload options = {
        .name = bq_object_name(&sink->way, sink->delivery, sink->shard, &sink->arena),
        .content_type = avro ? "application/avro" : "application/gzip",
        .if_generation = GCS_ABSENT,
        .chunk_size = chunk_size(sink),
    };
    return gcs_upload_open(&gcs, &options, &sink->upload, error);
}

static bool wait_for_load(BqSink *sink, Json **job, Error *error)
{
    BqScope scope = scope_of(sink);
    const BqJobWait wait = {
        .delivery = sink->delivery,
        .way = &sink->way,
        .id = load_id(sink),
        .kind = "load",
    };
    BqJobEnd end;
    if (!bq_job_wait(&scope, &wait, job, error))
        return false;
    if (!bq_job_end(&scope, &wait, *job, &end, error)) {
        sink->base.again = end.again;
        if (end.again)
            bq_run_shard_failed(sink->bq, sink->delivery, sink->shard);
        return false;
    }
    if (end.rows == (int64_t)sink->base.rows)
        return true;
    return error_set_retryable(error, ERROR_TARGET,
                               "%" PRIu64 " rows were sent to load job %s, which loaded %" PRId64,
                               sink->base.rows, wait.id, end.rows);
}

static void cancel_load(BqSink *sink)
{
    BqScope scope = scope_of(sink);
    Error ignored = {0};
    const BqJobKey key = {
        .project = sink->way.job_project,
        .location = sink->way.location,
        .id = load_id(sink),
        .last_words = true,
    };
    (void)bq_job_cancel(&scope, &key, &ignored);
}

/* Into staging: uploaded, loaded, counted. */
static bool finish_load(BqSink *sink, Error *error)
{
    CLEANUP(google_failure_done) GoogleFailure failure = {0};
    CLEANUP(json_free_ptr) Json *job = NULL;
    BqScope scope = scope_of(sink);
    if (!resumable_hold(sink->upload, error))
        return explain_upload(error);
    bq_run_pace(&scope, sink->delivery, PACE_OF_TABLES);
    resumable_follow(sink->upload, scope.stop);
    bool sent = resumable_finish(sink->upload, &job, &failure, error);
    if (!sent && failure.status != 409) {
        if (error->kind == ERROR_CANCELLED) /* the last bytes may have arrived */
            cancel_load(sink);
        return explain_upload(error);
    }
    if (!sent)
        *error = (Error){0}; /* the job is there: ours, since its id is */
    return fault_point("bigquery.shard.uploaded", error) && wait_for_load(sink, &job, error) &&
           fault_point("bigquery.shard.loaded", error);
}

static bool finish_object(BqSink *sink, Arena *arena, ShardResult *result, Error *error)
{
    BqScope scope = scope_of(sink);
    GcsScope gcs = bq_gcs(&scope, sink->way.bucket);
    GcsObject object;
    bool written;
    if (!gcs_upload_finish(&gcs, sink->upload, &sink->arena, &object, &written, error))
        return false;
    if (!written)
        return error_set_retryable(
            error, ERROR_TARGET, "the object gs://%s/%s was there already", sink->way.bucket,
            bq_object_name(&sink->way, sink->delivery, sink->shard, &sink->arena));
    result->handle = arena_printf(arena, "%s#%" PRId64, object.name, object.generation);
    result->checksum = arena_printf(arena, "crc32c:%08" PRIx32, resumable_crc32c(sink->upload));
    return fault_point("bigquery.object.written", error);
}

/* The last bytes stay here until apply: before them there is no job. */
static bool hold_load(BqSink *sink, Error *error)
{
    if (!resumable_hold(sink->upload, error))
        return explain_upload(error);
    bq_run_hold(sink->bq, sink->delivery, TAKE_PTR(sink->upload));
    return fault_point("bigquery.upload.held", error);
}

static bool finish_partitions(BqSink *sink, Arena *arena, ShardResult *result, Error *error)
{
    if (!sink->counts_partitions)
        return true;
    if (sink->delivery->replace_partitions || bq_merge_prunes(sink->delivery))
        result->partitions = partitions_ids(&sink->partitions, arena, &result->partition_count);
    /* Uploads into staging are a job each. */
    if (sink->way.staged && !sink->way.bucket && !sink->delivery->replace_partitions &&
        !delivery_merges(sink->delivery))
        return true;
    return bq_run_add_partitions(sink->bq, sink->delivery, &sink->partitions, error);
}

static bool sink_finish(Sink *base, Arena *arena, ShardResult *ret_result, Error *error)
{
    BqSink *sink = (BqSink *)base;
    ShardResult result = {.rows = base->rows};
    if (!sink->encoder->ops->finish(sink->encoder, error)) {
        base->again = error->retryable;
        return false;
    }
    if (!finish_partitions(sink, arena, &result, error))
        return false;
    result.bytes = resumable_size(sink->upload);
    bool done = sink->way.bucket   ? finish_object(sink, arena, &result, error)
                : sink->way.staged ? finish_load(sink, error)
                                   : hold_load(sink, error);
    if (!done)
        return false;
    base->bytes = result.bytes;
    *ret_result = result;
    return true;
}

bool bq_sink_open(Target *target, const Delivery *delivery, size_t shard, Sink **ret_sink,
                  Error *error)
{
    static const SinkOps ops = {.write = sink_write, .finish = sink_finish, .close = sink_close};
    CLEANUP(sink_close_ptr) Sink *base = memory_zalloc(1, sizeof(BqSink));
    BqSink *sink = (BqSink *)base;
    base->ops = &ops;
    sink->bq = (BigQuery *)target;
    sink->delivery = delivery;
    sink->shard = shard;
    BqScope scope = scope_of(sink);
    if (!bq_way_read(&scope, delivery, &sink->way, error))
        return false;
    sink->counts_partitions =
        partitions_init(&sink->partitions, &delivery->layout, &delivery->schema);
    const EncoderOptions options = {
        .schema = &delivery->schema,
        .output = take_bytes,
        .output_context = sink,
        .compress = sink->bq->compress,
    };
    if (!encoder_new(delivery->format, &options, &sink->encoder, error) ||
        !(sink->way.bucket ? open_object(sink, error) : open_load(sink, error)))
        return false;
    *ret_sink = TAKE_PTR(base);
    return true;
}
