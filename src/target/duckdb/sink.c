/* SPDX-License-Identifier: Apache-2.0 */
#include "base/memory.h"
#include "target/duckdb/duckdb_state.h"
#include "target/duckdb/sql.h"
#include "target/duckdb/vector.h"

/* Rows go value → chunk → appender → the transaction's own row groups, which DuckDB writes to the
 * file as they fill up; nothing of them can be seen before COMMIT. */
enum {
    SLICE_ROWS = 256,       /* of a batch at a time, so that its values stay in the cache */
    CHUNK_BYTES = 4 << 20,  /* a chunk goes to the appender when it holds this much */
    FLUSH_ROWS = 10 * 2048, /* what the appender gathers before it inserts */
    FLUSH_BYTES = 4 << 20,  /* … or this much, or of wide rows … */
    FLUSH_BYTES_OF_COLUMN = 16 << 10, /* … this much a column: a flush binds each column anew */
    MEMORY_OF_VECTOR = 512 * 1024, /* DuckDB's, for each column that is written: its open blocks */
    MEMORY_OF_GROUP_MAX = 24 << 20,
    MEMORY_STEP_OF_ROWS = 1 << 20,
    VECTORS_OF_GROUP = 30,
};

typedef struct DuckSink {
    Sink base;
    DuckDatabase *database;
    Delivery delivery; /* its schema is borrowed */
    DuckConnection connection;
    DuckTransaction transaction;
    duckdb_appender appender;
    DuckChunk chunk;
    bool failed;
    size_t gathered_rows;  /* in the appender */
    uint64_t chunk_start;  /* chunk.bytes when the chunk, … */
    uint64_t gather_start; /* … what the appender has gathered, … */
    uint64_t window_start; /* … and the current run of 2048 rows began */
    size_t window_rows;
    int64_t reserved_for_columns;
    int64_t reserved_for_rows;
} DuckSink;

static bool appender_failed(DuckSink *sink, Error *error)
{
    const char *text = sink->appender ? sink->connection.api->appender_error(sink->appender) : NULL;
    duck_error(error, DUCKDB_ERROR_INVALID, text);
    return error_prefix(error, "cannot stage rows for %s.%s", sink->delivery.table.dataset,
                        sink->delivery.table.table);
}

/* What DuckDB holds for rows of this size: twice the 2048 that it works on at once, or half a row
 * group (60 times as many), which it gathers, as long as that is not too much: else it spills. */
static int64_t memory_for_rows(const DuckSink *sink)
{
    int64_t vector = (int64_t)(sink->chunk.bytes - sink->window_start);
    int64_t group = vector * VECTORS_OF_GROUP;
    if (group > MEMORY_OF_GROUP_MAX)
        group = MEMORY_OF_GROUP_MAX;
    return group > 2 * vector ? group : 2 * vector;
}

static void reserve_for_rows(DuckSink *sink)
{
    int64_t needed = memory_for_rows(sink);
    if (needed >= sink->reserved_for_rows + MEMORY_STEP_OF_ROWS) {
        duck_memory_reserve(sink->database, needed - sink->reserved_for_rows);
        sink->reserved_for_rows = needed;
    }
    sink->window_rows += sink->chunk.row_count;
    if (sink->window_rows >= sink->chunk.capacity) {
        sink->window_rows = 0;
        sink->window_start = sink->chunk.bytes;
    }
}

static bool must_flush(const DuckSink *sink)
{
    uint64_t gathered = sink->chunk.bytes - sink->gather_start;
    return sink->gathered_rows >= FLUSH_ROWS ||
           (gathered >= FLUSH_BYTES &&
            gathered >= (uint64_t)sink->chunk.leaf_count * FLUSH_BYTES_OF_COLUMN);
}

static bool flush_appender(DuckSink *sink, Error *error)
{
    if (sink->connection.api->appender_flush(sink->appender) != DuckDBSuccess)
        return appender_failed(sink, error);
    sink->gathered_rows = 0;
    sink->gather_start = sink->chunk.bytes;
    return true;
}

static bool flush_chunk(DuckSink *sink, Error *error)
{
    DuckChunk *chunk = &sink->chunk;
    if (chunk->row_count == 0)
        return true;
    reserve_for_rows(sink);
    duck_chunk_seal(chunk);
    if (sink->connection.api->append_data_chunk(sink->appender, chunk->handle) != DuckDBSuccess)
        return appender_failed(sink, error);
    sink->gathered_rows += chunk->row_count;
    sink->chunk_start = chunk->bytes;
    duck_chunk_reset(chunk);
    return !must_flush(sink) || flush_appender(sink, error);
}

static bool check_batch(const DuckSink *sink, const Batch *batch, Error *error)
{
    if (batch->column_count != sink->chunk.column_count)
        return error_set(error, ERROR_INTERNAL, "a batch of %zu columns for a table of %zu",
                         batch->column_count, sink->chunk.column_count);
    for (size_t i = 0; batch->operations && i < batch->row_count; i++)
        if (batch->operations[i] != ROW_INSERT)
            return error_set(error, ERROR_INTERNAL,
                             "the duckdb target takes new rows, not changes of rows");
    return true;
}

static bool write_slices(DuckSink *sink, const Batch *batch, Error *error)
{
    DuckChunk *chunk = &sink->chunk;
    for (size_t first = 0, count; first < batch->row_count; first += count) {
        count = batch->row_count - first;
        if (count > SLICE_ROWS)
            count = SLICE_ROWS;
        if (count > duck_chunk_room(chunk))
            count = duck_chunk_room(chunk);
        if (!duck_chunk_append(chunk, batch, first, count, error))
            return false;
        bool is_full = duck_chunk_room(chunk) == 0;
        if ((is_full || chunk->bytes - sink->chunk_start >= CHUNK_BYTES) &&
            !flush_chunk(sink, error))
            return false;
    }
    return true;
}

static bool sink_write(Sink *base, const Batch *batch, Error *error)
{
    DuckSink *sink = (DuckSink *)base;
    sink->failed =
        sink->failed || !check_batch(sink, batch, error) || !write_slices(sink, batch, error);
    base->rows += batch->row_count;
    base->bytes = sink->chunk.bytes;
    return !sink->failed;
}

static void destroy_appender(DuckSink *sink)
{
    if (sink->appender)
        sink->connection.api->appender_destroy(&sink->appender);
    sink->appender = NULL;
}

static bool sink_finish(Sink *base, Arena *arena, ShardResult *ret_result, Error *error)
{
    DuckSink *sink = (DuckSink *)base;
    (void)arena;
    if (sink->failed)
        return error_set(error, ERROR_INTERNAL, "a shard that failed cannot be finished");
    sink->failed = true;
    if (!flush_chunk(sink, error))
        return false;
    if (sink->connection.api->appender_close(sink->appender) != DuckDBSuccess)
        return appender_failed(sink, error);
    destroy_appender(sink);
    if (!duck_commit(&sink->transaction, error))
        return error_prefix(error, "cannot stage rows for %s.%s", sink->delivery.table.dataset,
                            sink->delivery.table.table);
    *ret_result = (ShardResult){.rows = base->rows, .bytes = base->bytes};
    return true;
}

static void sink_close(Sink *base)
{
    DuckSink *sink = (DuckSink *)base;
    if (!sink)
        return;
    destroy_appender(sink); /* before the rollback: it inserts what it has gathered */
    duck_rollback(&sink->transaction);
    duck_disconnect(&sink->connection);
    duck_chunk_done(&sink->chunk);
    duck_memory_reserve(sink->database, -sink->reserved_for_columns - sink->reserved_for_rows);
    free(sink);
}

static const SinkOps SINK_OPS = {
    .write = sink_write,
    .finish = sink_finish,
    .close = sink_close,
};

/* The appender's column types, for the chunk. */
static bool make_chunk(DuckSink *sink, Error *error)
{
    CLEANUP(arena_done) Arena arena = {0};
    const DuckApi *api = sink->connection.api;
    const Schema *schema = &sink->delivery.schema;
    duckdb_logical_type *types = ARENA_ARRAY(&arena, duckdb_logical_type, schema->field_count);
    bool complete = true;
    for (size_t i = 0; i < schema->field_count; i++) {
        types[i] = api->appender_column_type(sink->appender, i);
        complete = complete && types[i];
    }
    if (complete)
        duck_chunk_init(&sink->chunk, api, schema, types);
    for (size_t i = 0; i < schema->field_count; i++)
        api->destroy_logical_type(&types[i]);
    return complete || error_set(error, ERROR_INTERNAL, "the staging table has too few columns");
}

/* Staging may have them in another order, and further ones. */
static bool name_columns(DuckSink *sink, Error *error)
{
    const Schema *schema = &sink->delivery.schema;
    for (size_t i = 0; delivery_upserts(&sink->delivery) && i < schema->field_count; i++) {
        if (sink->connection.api->appender_add_column(sink->appender, schema->fields[i].name) !=
            DuckDBSuccess)
            return appender_failed(sink, error);
    }
    return true;
}

static bool start_sink(DuckSink *sink, DuckTarget *target, Error *error)
{
    CLEANUP(arena_done) Arena arena = {0};
    const Delivery *delivery = &sink->delivery;
    if (!duck_target_connect(target, &sink->connection, error) ||
        !duck_begin(&sink->connection, &sink->transaction, error))
        return false;
    if (sink->connection.api->appender_create_ext(
            sink->connection.handle, NULL, delivery->table.dataset,
            sql_staging_name(delivery, &arena), &sink->appender) != DuckDBSuccess)
        return appender_failed(sink, error);
    if (!name_columns(sink, error) || !make_chunk(sink, error))
        return false;
    sink->reserved_for_columns = (int64_t)sink->chunk.leaf_count * MEMORY_OF_VECTOR;
    duck_memory_reserve(sink->database, sink->reserved_for_columns);
    return true;
}

bool duck_sink_open(Target *target, const Delivery *delivery, size_t shard, Sink **ret_sink,
                    Error *error)
{
    DuckTarget *duck = (DuckTarget *)target;
    DuckSink *sink = memory_zalloc(1, sizeof *sink);
    (void)shard; /* all shards share one staging table */
    sink->base.ops = &SINK_OPS;
    sink->delivery = duck_delivery(delivery);
    sink->database = &duck->database;
    if (start_sink(sink, duck, error)) {
        *ret_sink = &sink->base;
        return true;
    }
    sink_close(&sink->base);
    return false;
}
