/* SPDX-License-Identifier: Apache-2.0 */
/* encode/ndjson.c: one JSON object a line (facts: docs/types.md), as it is or in one gzip member.
 */
#include "encode/encode.h"

#include "base/arena.h"
#include "base/cleanup.h"
#include "base/memory.h"
#include "encode/ndjson_plan.h"
#include "encode/row_limit.h"
#include "format/gzip_stream.h"

enum {
    BUFFER_SIZE = 64 * 1024,
    ROW_LIMIT = 100 * 1024 * 1024, /* BigQuery reads rows of up to 100 MB */
};

typedef struct NdjsonEncoder {
    Encoder base;
    NdjsonOut out;
    Arena arena;
    NdjsonPlan plan;
    const Schema *schema;
    EncodeOutput *output;
    void *output_context;
    GzipStream *gzip; /* NULL: not compressed */
    size_t row_limit;
    char *buffer;
    Error *error; /* of the call that is under way; drain has nobody else to tell */
    bool failed;
} NdjsonEncoder;

static bool put(void *context, const void *bytes, size_t size, Error *error)
{
    NdjsonEncoder *ndjson = context;
    ndjson->base.bytes += size;
    return ndjson->output(ndjson->output_context, bytes, size, error);
}

static void drain(NdjsonOut *out)
{
    NdjsonEncoder *ndjson = (NdjsonEncoder *)((char *)out - offsetof(NdjsonEncoder, out));
    size_t size = (size_t)(out->next - ndjson->buffer);
    out->next = ndjson->buffer;
    ndjson->base.raw_bytes += size;
    if (ndjson->failed || size == 0)
        return;
    bool good = ndjson->gzip ? gzip_stream_write(ndjson->gzip, ndjson->buffer, size, ndjson->error)
                             : put(ndjson, ndjson->buffer, size, ndjson->error);
    ndjson->failed = !good;
}

static uint64_t written(const NdjsonEncoder *ndjson)
{
    return ndjson->base.raw_bytes + (size_t)(ndjson->out.next - ndjson->buffer);
}

static bool write_row(NdjsonEncoder *ndjson, const Value *row, Error *error)
{
    uint64_t begin = written(ndjson);
    ndjson_plan_write(&ndjson->plan, row, &ndjson->out);
    uint64_t size = written(ndjson) - begin;
    if (ndjson->failed)
        return false;
    if (ndjson->out.missing)
        return error_set(error, ERROR_DATA, "column %s: a NULL where a value is required",
                         ndjson->out.missing->name);
    if (size > ndjson->row_limit) {
        const RowSize too_large = {"JSON", (size_t)size, ndjson->row_limit};
        return row_limit_fail(&too_large, ndjson->schema, row, error);
    }
    ndjson->base.rows++;
    return true;
}

static bool ndjson_write(Encoder *encoder, const Batch *batch, Error *error)
{
    NdjsonEncoder *ndjson = (NdjsonEncoder *)encoder;
    ndjson->error = error;
    for (size_t i = 0; i < batch->row_count; i++) {
        if (!write_row(ndjson, batch_row(batch, i), error))
            return false;
    }
    return true;
}

static bool ndjson_finish(Encoder *encoder, Error *error)
{
    NdjsonEncoder *ndjson = (NdjsonEncoder *)encoder;
    ndjson->error = error;
    drain(&ndjson->out);
    if (ndjson->failed)
        return false;
    return !ndjson->gzip || gzip_stream_finish(ndjson->gzip, error);
}

static void ndjson_free(Encoder *encoder)
{
    NdjsonEncoder *ndjson = (NdjsonEncoder *)encoder;
    if (!ndjson)
        return;
    gzip_stream_free(ndjson->gzip);
    free(ndjson->buffer);
    arena_done(&ndjson->arena);
    free(ndjson);
}

bool encoder_ndjson_new(const EncoderOptions *options, Encoder **ret_encoder, Error *error)
{
    static const EncoderOps ops = {ndjson_write, ndjson_finish, ndjson_free};
    NdjsonEncoder *ndjson = memory_zalloc(1, sizeof *ndjson);
    ndjson->base.ops = &ops;
    CLEANUP(encoder_free_ptr) Encoder *encoder = &ndjson->base;
    ndjson->schema = options->schema;
    ndjson->output = options->output;
    ndjson->output_context = options->output_context;
    ndjson->row_limit = options->row_limit ? options->row_limit : ROW_LIMIT;
    if (options->compress &&
        !gzip_stream_new(options->compression_level, put, ndjson, &ndjson->gzip, error))
        return false;
    ndjson_plan_init(&ndjson->plan, options->schema, &ndjson->arena);
    size_t capacity = BUFFER_SIZE > ndjson->plan.room ? BUFFER_SIZE : ndjson->plan.room;
    ndjson->buffer = memory_alloc(capacity);
    ndjson->out =
        (NdjsonOut){.next = ndjson->buffer, .end = ndjson->buffer + capacity, .drain = drain};
    *ret_encoder = TAKE_PTR(encoder);
    return true;
}
