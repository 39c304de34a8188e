/* SPDX-License-Identifier: Apache-2.0 */
/* encode/avro.c: Avro Object Container Files: a header, then blocks of rows, each compressed alone.
 */
#include "encode/encode.h"

#include "base/arena.h"
#include "base/cleanup.h"
#include "base/memory.h"
#include "encode/avro_plan.h"
#include "encode/avro_schema.h"
#include "encode/row_limit.h"
#include "encode/varint.h"
#include "format/zstd_block.h"

#include <errno.h>
#include <string.h>
#include <sys/random.h>

enum {
    SYNC_SIZE = 16,
    HEAD_SIZE = 2 * VARINT_MAX,   /* before a block's data: its rows and its bytes */
    BLOCK_SIZE = 128 * 1024,      /* of rows, uncompressed; docs/internals/encoders.md */
    ROW_LIMIT = 16 * 1024 * 1024, /* BigQuery reads blocks up to 16 MB; a row is never split */
};

/* A block's bytes with room before them for its head and after them for its sync marker. */
typedef struct Block {
    char *data;
    size_t capacity; /* between the two */
    size_t length;
} Block;

typedef struct AvroEncoder {
    Encoder base;
    Arena arena;
    AvroPlan plan;
    const Schema *schema;
    EncodeOutput *output;
    void *output_context;
    ZstdBlock *zstd; /* NULL: not compressed */
    size_t row_limit;
    bool started;
    uint64_t block_rows;
    Block rows;
    Block packed;
    char sync[SYNC_SIZE];
} AvroEncoder;

static char *block_begin(const Block *block)
{
    return block->data + HEAD_SIZE;
}

/* Makes room for `capacity` bytes; what the block holds is lost. */
static void block_resize(Block *block, size_t capacity)
{
    free(block->data);
    block->data = memory_alloc(HEAD_SIZE + capacity + SYNC_SIZE);
    block->capacity = capacity;
    block->length = 0;
}

static bool put(AvroEncoder *avro, const void *bytes, size_t size, Error *error)
{
    avro->base.bytes += size;
    return avro->output(avro->output_context, bytes, size, error);
}

static bool fill_random(char *bytes, size_t size, Error *error)
{
    while (size) {
        ssize_t got = getrandom(bytes, size, 0);
        if (got < 0 && errno != EINTR)
            return error_set_errno(error, ERROR_INTERNAL, errno, "cannot get random bytes");
        if (got > 0) {
            bytes += got;
            size -= (size_t)got;
        }
    }
    return true;
}

static char *write_text(char *out, const char *text)
{
    size_t length = strlen(text);
    out = varint_write(out, (int64_t)length);
    memcpy(out, text, length);
    return out + length;
}

static bool write_header(AvroEncoder *avro, Error *error)
{
    static const char magic[] = {'O', 'b', 'j', 1};
    CLEANUP(arena_done) Arena arena = {0};
    const char *schema = avro_schema_text(avro->schema, &arena);
    char *header = arena_alloc(&arena, strlen(schema) + 128);
    char *out = mempcpy(header, magic, sizeof magic);
    out = varint_write(out, 2);
    out = write_text(out, "avro.schema");
    out = write_text(out, schema);
    out = write_text(out, "avro.codec");
    out = write_text(out, avro->zstd ? "zstandard" : "null");
    out = varint_write(out, 0);
    if (!fill_random(avro->sync, SYNC_SIZE, error))
        return false;
    out = mempcpy(out, avro->sync, SYNC_SIZE);
    return put(avro, header, (size_t)(out - header), error);
}

/* Writes head and sync marker around the block's bytes and hands all of it on at once. */
static bool put_block(AvroEncoder *avro, Block *block, Error *error)
{
    char head[HEAD_SIZE + VARINT_SLACK];
    char *end = varint_write(head, (int64_t)avro->block_rows);
    end = varint_write(end, (int64_t)block->length);
    size_t head_size = (size_t)(end - head);
    char *begin = block_begin(block) - head_size;
    memcpy(begin, head, head_size);
    memcpy(block_begin(block) + block->length, avro->sync, SYNC_SIZE);
    return put(avro, begin, head_size + block->length + SYNC_SIZE, error);
}

static bool pack(AvroEncoder *avro, Error *error)
{
    size_t bound = zstd_block_bound(avro->rows.length);
    if (bound > avro->packed.capacity)
        block_resize(&avro->packed, bound);
    StrView rows = {block_begin(&avro->rows), avro->rows.length};
    return zstd_block_write(avro->zstd, rows, block_begin(&avro->packed), avro->packed.capacity,
                            &avro->packed.length, error);
}

/* After a block that was larger than usual: gives its memory back. */
static void shrink(AvroEncoder *avro)
{
    size_t usual = BLOCK_SIZE + avro->plan.fixed_size;
    if (avro->rows.capacity <= 2 * usual)
        return;
    block_resize(&avro->rows, usual);
    if (avro->zstd)
        block_resize(&avro->packed, zstd_block_bound(usual));
}

static bool start(AvroEncoder *avro, Error *error)
{
    if (avro->started)
        return true;
    avro->started = true;
    return write_header(avro, error);
}

static bool flush(AvroEncoder *avro, Error *error)
{
    if (avro->block_rows == 0)
        return true;
    if (!start(avro, error) || (avro->zstd && !pack(avro, error)))
        return false;
    if (!put_block(avro, avro->zstd ? &avro->packed : &avro->rows, error))
        return false;
    avro->block_rows = 0;
    avro->rows.length = 0;
    shrink(avro);
    return true;
}

static bool fail_row_size(const AvroEncoder *avro, const Value *row, size_t size, Error *error)
{
    const RowSize too_large = {"Avro", size, avro->row_limit};
    return row_limit_fail(&too_large, avro->schema, row, error);
}

/* Makes room for the row, by ending the block if need be. */
static bool make_room(AvroEncoder *avro, const Value *row, size_t bound, Error *error)
{
    if (bound > avro->row_limit + avro->plan.fixed_size)
        return fail_row_size(avro, row, avro_plan_size(&avro->plan, row), error);
    if (!flush(avro, error))
        return false;
    if (bound > avro->rows.capacity)
        block_resize(&avro->rows, bound);
    return true;
}

static bool write_row(AvroEncoder *avro, const Value *row, Error *error)
{
    size_t bound = avro_plan_bound(&avro->plan, row);
    if (bound > avro->rows.capacity - avro->rows.length && !make_room(avro, row, bound, error))
        return false;
    const Field *missing = NULL;
    char *begin = block_begin(&avro->rows) + avro->rows.length;
    size_t size = (size_t)(avro_plan_write(&avro->plan, row, begin, &missing) - begin);
    if (missing)
        return error_set(error, ERROR_DATA, "column %s: a NULL where a value is required",
                         missing->name);
    if (size > avro->row_limit)
        return fail_row_size(avro, row, size, error);
    avro->rows.length += size;
    avro->block_rows++;
    avro->base.rows++;
    avro->base.raw_bytes += size;
    return avro->rows.length < BLOCK_SIZE || flush(avro, error);
}

static bool avro_write(Encoder *encoder, const Batch *batch, Error *error)
{
    AvroEncoder *avro = (AvroEncoder *)encoder;
    for (size_t i = 0; i < batch->row_count; i++) {
        if (!write_row(avro, batch_row(batch, i), error))
            return false;
    }
    return true;
}

static bool avro_finish(Encoder *encoder, Error *error)
{
    AvroEncoder *avro = (AvroEncoder *)encoder;
    return start(avro, error) && flush(avro, error);
}

static void avro_free(Encoder *encoder)
{
    AvroEncoder *avro = (AvroEncoder *)encoder;
    if (!avro)
        return;
    zstd_block_free(avro->zstd);
    free(avro->rows.data);
    free(avro->packed.data);
    arena_done(&avro->arena);
    free(avro);
}

bool encoder_avro_new(const EncoderOptions *options, Encoder **ret_encoder, Error *error)
{
    static const EncoderOps ops = {avro_write, avro_finish, avro_free};
    AvroEncoder *avro = memory_zalloc(1, sizeof *avro);
    avro->base.ops = &ops;
    CLEANUP(encoder_free_ptr) Encoder *encoder = &avro->base;
    avro->schema = options->schema;
    avro->output = options->output;
    avro->output_context = options->output_context;
    avro->row_limit = options->row_limit ? options->row_limit : ROW_LIMIT;
    if (options->compress && !zstd_block_new(options->compression_level, &avro->zstd, error))
        return false;
    avro_plan_init(&avro->plan, avro->schema, &avro->arena);
    block_resize(&avro->rows, BLOCK_SIZE + avro->plan.fixed_size);
    *ret_encoder = TAKE_PTR(encoder);
    return true;
}
