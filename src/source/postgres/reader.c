/* SPDX-License-Identifier: Apache-2.0 */
#include "base/memory.h"
#include "source/postgres/copy_format.h"
#include "source/postgres/decode.h"
#include "source/postgres/select.h"
#include "source/postgres/snapshot.h"
#include "source/postgres/sql.h"
#include "source/row_room.h"

#include <inttypes.h>
#include <time.h>

enum {
    NAP_NS = 250000,
    SMALL_ROW_MAX = 1024, /* copied, so that libpq's memory goes round in malloc's fast path */
};

typedef enum ReaderPhase {
    READER_HEADER, /* nothing came yet */
    READER_ROWS,
    READER_COPIED, /* the server ended the stream; whether well is not known yet */
    READER_DONE,   /* confirmed */
} ReaderPhase;

typedef struct PostgresReader {
    Reader base;
    PostgresSnapshot *snapshot;
    PGconn *connection;
    PostgresAction action;
    Arena arena;
    ReaderPhase phase;
    bool trailer_seen;
    Decoder *decoder;
    RowRoom room;
    Arena scratch;
    size_t row_count; /* of the batch */
    char *block;      /* its small rows, one behind the other */
    size_t block_used;
    char *kept[BATCH_ROWS_MAX + 2]; /* its other messages, as libpq gave them */
    size_t kept_count;
} PostgresReader;

static void forget_batch(PostgresReader *reader)
{
    for (size_t i = 0; i < reader->kept_count; i++)
        PQfreemem(reader->kept[i]);
    reader->kept_count = 0;
    reader->block_used = 0;
    reader->row_count = 0;
    arena_reset(&reader->scratch);
}

/* The message's bytes at a place where they stay until the next batch. */
static StrView keep_bytes(PostgresReader *reader, char *bytes, size_t length)
{
    if (length > SMALL_ROW_MAX) {
        reader->kept[reader->kept_count++] = bytes;
        return (StrView){bytes, length};
    }
    char *copy = reader->block + reader->block_used;
    memcpy(copy, bytes, length);
    PQfreemem(bytes);
    reader->block_used += length;
    return (StrView){copy, length};
}

/* Header and trailer; false in *ret_is_row when there is no row in the message. */
static bool take_frame(PostgresReader *reader, StrView *message, bool *ret_is_row, Error *error)
{
    if (reader->phase == READER_HEADER && !copy_take_header(message, error))
        return error_prefix(error, "%s", reader->action.doing);
    reader->phase = READER_ROWS;
    if (reader->trailer_seen)
        return error_set_retryable(error, ERROR_SOURCE, "%s: the server sent more after the end",
                                   reader->action.doing);
    reader->trailer_seen = copy_is_trailer(*message);
    *ret_is_row = message->length > 0 && !reader->trailer_seen;
    return true;
}

static bool take_message(PostgresReader *reader, char *bytes, size_t length, Error *error)
{
    StrView message = keep_bytes(reader, bytes, length);
    bool is_row = true;
    if ((reader->phase == READER_HEADER || length == 2 || reader->trailer_seen) &&
        !take_frame(reader, &message, &is_row, error))
        return false;
    if (!is_row)
        return true;
    Value *row = row_room_row(&reader->room, reader->row_count);
    if (!decoder_tuple(reader->decoder, message, row, &reader->scratch, error))
        return error_prefix(error, "%s", reader->action.doing);
    reader->row_count++;
    reader->base.stats.rows++;
    reader->base.stats.bytes += message.length;
    return true;
}

/* The stream broke off: says what the server said last, when it did. */
static bool fail_stream(PostgresReader *reader, Error *error)
{
    char *row = NULL;
    int length;
    while ((length = PQgetCopyData(reader->connection, &row, 1)) > 0)
        PQfreemem(row);
    CLEANUP(PQclear_ptr)
    PGresult *result = length == -1 ? PQgetResult(reader->connection) : NULL;
    return postgres_fail(reader->connection, result, &reader->action, error);
}

/* Takes in what has come, or, the third time in a row that there is no row, waits for it. A server
 * sends 8 kB at a time and wakes whoever waits each time: a nap before that lets several come. */
static bool take_input(PostgresReader *reader, const StopFlag *stop, int times, Error *error)
{
    static const struct timespec nap = {.tv_nsec = NAP_NS};
    if (times < 3) {
        if (times == 2)
            nanosleep(&nap, NULL);
        return PQconsumeInput(reader->connection) || fail_stream(reader, error);
    }
    if (postgres_wait(reader->connection, stop, &reader->action, error))
        return true;
    bool stopped = error && error->kind == ERROR_CANCELLED;
    return !stopped && fail_stream(reader, error);
}

/* Fills the batch with what is there; waits only while it is empty. */
static bool fill(PostgresReader *reader, const StopFlag *stop, Error *error)
{
    size_t bytes = 0;
    int times = 0; /* without a row */
    while (reader->row_count < reader->room.rows_max && bytes < BATCH_BYTES_MAX) {
        char *message = NULL;
        int length = PQgetCopyData(reader->connection, &message, 1);
        if (length > 0) {
            if (!take_message(reader, message, (size_t)length, error))
                return false;
            bytes += (size_t)length;
            times = 0;
        } else if (length == 0) {
            if (reader->row_count > 0)
                return true;
            if (!take_input(reader, stop, ++times, error))
                return false;
        } else if (length == -1) {
            reader->phase = READER_COPIED;
            return true;
        } else {
            return fail_stream(reader, error);
        }
    }
    return true;
}

/* The end of a stream looks the same after success and after an error: only the trailer, the final
 * status and the count together mean that every row came. */
static bool confirm(PostgresReader *reader, const StopFlag *stop, Error *error)
{
    CLEANUP(PQclear_ptr) PGresult *result = NULL, *end = NULL;
    if (!postgres_next_result(reader->connection, stop, &reader->action, &result, error))
        return false;
    if (PQresultStatus(result) != PGRES_COMMAND_OK)
        return postgres_fail(reader->connection, result, &reader->action, error);
    if (!postgres_next_result(reader->connection, stop, &reader->action, &end, error))
        return false;
    uint64_t sent = strtoull(PQcmdTuples(result), NULL, 10);
    if (!reader->trailer_seen || end || sent != reader->base.stats.rows)
        return error_set_retryable(error, ERROR_SOURCE,
                                   "%s: the stream is not whole: %" PRIu64 " rows came, the server "
                                   "counted %" PRIu64 "%s",
                                   reader->action.doing, reader->base.stats.rows, sent,
                                   reader->trailer_seen ? "" : ", and its end mark is missing");
    if (!snapshot_check_whole(reader->connection, &reader->action, error))
        return false;
    reader->phase = READER_DONE;
    return true;
}

static bool read_batch(Reader *base, const StopFlag *stop, Batch *ret_batch, Error *error)
{
    PostgresReader *reader = (PostgresReader *)base;
    forget_batch(reader);
    if (stop_requested(stop))
        return error_set(error, ERROR_CANCELLED, "%s: stopped", reader->action.doing);
    if (reader->phase < READER_COPIED && !fill(reader, stop, error))
        return false;
    if (reader->phase == READER_COPIED && reader->row_count == 0 && !confirm(reader, stop, error))
        return false;
    *ret_batch = (Batch){
        .row_count = reader->row_count,
        .column_count = reader->room.column_count,
        .values = reader->room.values,
    };
    return true;
}

static void free_reader(PostgresReader *reader)
{
    forget_batch(reader);
    if (reader->connection)
        snapshot_give_reader(reader->snapshot, reader->connection, reader->phase == READER_DONE);
    decoder_free(reader->decoder);
    row_room_done(&reader->room);
    free(reader->block);
    arena_done(&reader->scratch);
    arena_done(&reader->arena);
    free(reader);
}

DEFINE_CLEANUP(PostgresReader, free_reader)

static void close_reader(Reader *base)
{
    if (base)
        free_reader((PostgresReader *)base);
}

static const ReaderOps ops = {.read = read_batch, .close = close_reader};

/* The table may have changed since it was planned: what will come must be what the plan says. */
static bool check_types(const PostgresReader *reader, const Extract *extract, const PGresult *shape,
                        Error *error)
{
    const TablePlan *plan = extract->plan;
    if ((size_t)PQnfields(shape) != plan->column_count)
        return error_set(error, ERROR_INTERNAL, "%s: %d columns for a plan of %zu",
                         reader->action.doing, PQnfields(shape), plan->column_count);
    for (size_t i = 0; i < plan->column_count; i++) {
        uint32_t oid;
        int32_t modifier;
        select_expected_type(&plan->columns[i], &oid, &modifier);
        if (PQftype(shape, (int)i) == oid && PQfmod(shape, (int)i) == modifier)
            continue;
        return error_set_retryable(
            error, ERROR_SOURCE,
            "%s: it was altered after it was planned: column \"%s\" is no longer %s",
            reader->action.doing, plan->columns[i].source->name,
            plan->columns[i].source->type.text);
    }
    return true;
}

static bool start_copy(PostgresReader *reader, const char *rows, Error *error)
{
    CLEANUP(PQclear_ptr) PGresult *started = NULL;
    if (!PQsendQuery(reader->connection, select_copy(rows, &reader->arena)))
        return postgres_fail(reader->connection, NULL, &reader->action, error);
    if (!postgres_next_result(reader->connection, NULL, &reader->action, &started, error))
        return false;
    return PQresultStatus(started) == PGRES_COPY_OUT ||
           postgres_fail(reader->connection, started, &reader->action, error);
}

static bool start(PostgresReader *reader, const Extract *extract, const Shard *shard, Error *error)
{
    const char *rows = select_rows(extract, shard, &reader->arena);
    CLEANUP(PQclear_ptr) PGresult *shape = NULL;
    return decoder_new(extract->plan, &reader->decoder, error) &&
           snapshot_take_reader(reader->snapshot, &reader->connection, error) &&
           postgres_describe(reader->connection, rows, &reader->action, &shape, error) &&
           check_types(reader, extract, shape, error) && start_copy(reader, rows, error);
}

static PostgresReader *new_reader(PostgresSnapshot *snapshot, const Extract *extract)
{
    PostgresReader *reader = memory_zalloc(1, sizeof *reader);
    const SourceTable *table = extract->plan->table;
    reader->base.ops = &ops;
    reader->snapshot = snapshot;
    reader->action = (PostgresAction){.doing = "reading the query"};
    if (!extract->relation.query) {
        const char *label = sql_label(table->schema, table->name, &reader->arena);
        reader->action.doing = arena_printf(&reader->arena, "reading %s", label);
        reader->action.relation = sql_relation(table->schema, table->name, &reader->arena);
    }
    row_room_open(&reader->room, extract);
    /* One row's room more for header and trailer. */
    reader->block = memory_alloc((reader->room.rows_max + 2) * SMALL_ROW_MAX);
    return reader;
}

bool postgres_reader_open(Snapshot *base, const Extract *extract, const Shard *shard,
                          Reader **ret_reader, Error *error)
{
    CLEANUP(free_reader_ptr)
    PostgresReader *reader = new_reader((PostgresSnapshot *)base, extract);
    if (!start(reader, extract, shard, error))
        return false;
    reader->base.invalid = decoder_invalid(reader->decoder);
    *ret_reader = &TAKE_PTR(reader)->base;
    return true;
}
