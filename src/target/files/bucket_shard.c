/* SPDX-License-Identifier: Apache-2.0 */
#include "base/cleanup.h"
#include "base/memory.h"
#include "encode/encode.h"
#include "target/files/bucket.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

typedef struct BucketShard {
    Sink base;
    GcsScope scope; /* with texts of our own */
    char *bucket;
    char *job;
    char *name;
    Encoder *encoder;
    Resumable *upload;
} BucketShard;

static bool put(void *context, const void *bytes, size_t size, Error *error)
{
    BucketShard *shard = context;
    return resumable_write(shard->upload, bytes, size, error);
}

static bool shard_write(Sink *sink, const Batch *batch, Error *error)
{
    BucketShard *shard = (BucketShard *)sink;
    if (!shard->encoder->ops->write(shard->encoder, batch, error))
        return false;
    sink->rows = shard->encoder->rows;
    sink->bytes = resumable_size(shard->upload);
    return true;
}

/* Somebody has put an object there: it may be the same shard, carried twice. */
static bool is_same(BucketShard *shard, Arena *arena, GcsObject *ret_object, Error *error)
{
    bool found = false;
    if (!gcs_stat(&shard->scope, shard->name, arena, ret_object, &found, error))
        return false;
    if (found && ret_object->size == resumable_size(shard->upload) && ret_object->has_crc32c &&
        ret_object->crc32c == resumable_crc32c(shard->upload))
        return true;
    error_set(error, ERROR_TARGET,
              "gs://%s/%s is there already, with other content: another process writes the shards "
              "of this run",
              shard->bucket, shard->name);
    return error_hint(error, "see that one process at a time runs the job, then run it again");
}

static bool shard_finish(Sink *sink, Arena *arena, ShardResult *ret_result, Error *error)
{
    BucketShard *shard = (BucketShard *)sink;
    GcsObject object = {0};
    bool written = false;
    if (!shard->encoder->ops->finish(shard->encoder, error) ||
        !gcs_upload_finish(&shard->scope, shard->upload, arena, &object, &written, error))
        return false;
    if (!written && !is_same(shard, arena, &object, error))
        return false;
    sink->bytes = resumable_size(shard->upload);
    *ret_result = (ShardResult){
        .rows = sink->rows,
        .bytes = sink->bytes,
        .checksum = arena_printf(arena, "crc32c:%08x", (unsigned)resumable_crc32c(shard->upload)),
        .handle = arena_printf(arena, "%" PRId64, object.generation),
    };
    return true;
}

static void shard_close(Sink *sink)
{
    BucketShard *shard = (BucketShard *)sink;
    if (!shard)
        return;
    if (shard->encoder)
        shard->encoder->ops->free(shard->encoder);
    resumable_close(shard->upload);
    free(shard->bucket);
    free(shard->job);
    free(shard->name);
    free(shard);
}

bool bucket_shard_open(const BucketStage *stage, size_t number, Sink **ret_sink, Error *error)
{
    static const SinkOps ops = {shard_write, shard_finish, shard_close};
    CLEANUP(arena_done) Arena arena = {0};
    const Delivery *delivery = stage->stage.delivery;
    const FileKind *kind = &stage->stage.kind;
    BucketShard *shard = memory_zalloc(1, sizeof *shard);
    shard->base.ops = &ops;
    CLEANUP(sink_close_ptr) Sink *sink = &shard->base;
    shard->bucket = memory_strdup(stage->scope.bucket);
    shard->job = memory_strdup(delivery->job);
    shard->name = memory_strdup(arena_printf(&arena, "%s/%s", stage->stage.layout.folder,
                                             layout_shard_name(delivery, kind, number, &arena)));
    shard->scope = (GcsScope){
        .api = stage->scope.api,
        .bucket = shard->bucket,
        .stop = &shard->base.stop,
        .job = shard->job,
    };
    const GcsUpload upload = {.name = shard->name, .if_generation = GCS_ABSENT};
    const EncoderOptions encoder = {.schema = &delivery->schema,
                                    .output = put,
                                    .output_context = shard,
                                    .compress = kind->compress};
    if (!gcs_upload_open(&shard->scope, &upload, &shard->upload, error) ||
        !encoder_new(kind->format, &encoder, &shard->encoder, error))
        return false;
    *ret_sink = TAKE_PTR(sink);
    return true;
}
