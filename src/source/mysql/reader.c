/* SPDX-License-Identifier: Apache-2.0 */
#include "base/memory.h"
#include "source/mysql/column_type.h"
#include "source/mysql/decode.h"
#include "source/mysql/select.h"
#include "source/mysql/snapshot.h"
#include "source/mysql/sql.h"
#include "source/mysql/stream.h"
#include "source/row_room.h"

#include <string.h>

typedef struct MysqlReader {
    Reader base;
    MysqlSnapshot *snapshot;
    MysqlConnection *connection;
    MYSQL_STMT *statement;
    PacketStream stream;
    MysqlAction action;
    Arena arena;
    RowDecoder *decoder;
    RowRoom room;
    Arena scratch;
    bool started; /* executed: rows, or their end, are on their way */
    bool ended;   /* nothing comes any more: all came, or the server said why not */
    bool done;    /* all came */
} MysqlReader;

static bool fail_packet(MysqlReader *reader, StrView packet, Error *error)
{
    PacketError said = packet_error_of(packet);
    const char *text = arena_strndup(&reader->arena, said.text.data, said.text.length);
    const MysqlFailure failure = {said.number, said.sqlstate, text, reader->connection->account};
    reader->ended = true;
    return mysqld_fail_with(&failure, &reader->action, error);
}

/* One packet; a row raises *count. */
static bool take_packet(MysqlReader *reader, StrView packet, size_t *count, Error *error)
{
    switch (packet_kind(packet)) {
    case PACKET_ROW:
        if (!row_decode(reader->decoder, packet, row_room_row(&reader->room, *count),
                        &reader->scratch, error))
            return error_prefix(error, "%s", reader->action.doing);
        ++*count;
        reader->base.stats.rows++;
        reader->base.stats.bytes += packet.length;
        return true;
    case PACKET_END:
        reader->ended = reader->done = true;
        return true;
    case PACKET_ERROR:
        return fail_packet(reader, packet, error);
    case PACKET_PROGRESS:
        return true;
    case PACKET_UNKNOWN:
        break;
    }
    return error_set_retryable(error, ERROR_SOURCE, "%s: the data stream is broken",
                               reader->action.doing);
}

static bool read_batch(Reader *base, const StopFlag *stop, Batch *ret_batch, Error *error)
{
    MysqlReader *reader = (MysqlReader *)base;
    size_t count = 0, bytes = 0;
    reader->connection->stop = stop;
    arena_reset(&reader->scratch);
    stream_forget(&reader->stream);
    if (stop_requested(stop))
        return error_set(error, ERROR_CANCELLED, "%s: stopped", reader->action.doing);
    while (!reader->done && count < reader->room.rows_max && bytes < BATCH_BYTES_MAX) {
        StrView packet;
        if (!stream_next(&reader->stream, count == 0, &packet, &reader->action, error)) {
            reader->ended =
                mysqld_is_open(reader->connection); /* through TLS: it is the server's */
            return false;
        }
        if (!packet.data)
            break;
        if (!take_packet(reader, packet, &count, error))
            return false;
        bytes += packet.length;
    }
    *ret_batch = (Batch){
        .row_count = count,
        .column_count = reader->room.column_count,
        .values = reader->room.values,
    };
    return true;
}

/* The library has not seen the rows go by: without this it would wait for them. */
static void close_statement(MysqlReader *reader)
{
    if (!reader->statement)
        return;
    if (reader->ended && mysqld_is_open(reader->connection)) {
        reader->connection->mysql.status = MYSQL_STATUS_READY;
        reader->statement->state = MYSQL_STMT_FETCH_DONE;
    } else if (reader->started) { /* what still comes is nobody's: the connection ends here */
        reader->connection->stopped = true;
    }
    mysql_stmt_close(reader->statement);
}

static void free_reader(MysqlReader *reader)
{
    if (reader->connection) {
        close_statement(reader);
        mysqld_give_reader(reader->snapshot, reader->connection, reader->done);
    }
    stream_done(&reader->stream);
    row_decoder_free(reader->decoder);
    row_room_done(&reader->room);
    arena_done(&reader->scratch);
    arena_done(&reader->arena);
    free(reader);
}

DEFINE_CLEANUP(MysqlReader, free_reader)

static void close_reader(Reader *base)
{
    if (base)
        free_reader((MysqlReader *)base);
}

static const ReaderOps ops = {.read = read_batch, .close = close_reader};

/* The table may have changed since it was planned: what will come must be what the plan says. */
static bool check_types(MysqlReader *reader, const TablePlan *plan, Error *error)
{
    CLEANUP(mysql_free_result_ptr)
    MYSQL_RES *shape = mysql_stmt_result_metadata(reader->statement);
    if (!shape || mysql_num_fields(shape) != plan->column_count)
        return error_set(error, ERROR_INTERNAL, "%s: %u columns for a plan of %zu",
                         reader->action.doing, shape ? mysql_num_fields(shape) : 0,
                         plan->column_count);
    for (size_t i = 0; i < plan->column_count; i++) {
        SourceType found =
            mysql_type_of_field(mysql_fetch_field_direct(shape, (unsigned)i), &reader->arena);
        if (!mysql_type_is_planned(&found, &plan->columns[i]))
            return error_set_retryable(
                error, ERROR_SOURCE,
                "%s: it was altered after it was planned: column \"%s\" is no longer %s but %s",
                reader->action.doing, plan->columns[i].source->name,
                plan->columns[i].source->type.text, found.text);
    }
    return true;
}

/* A zone that the server does not know makes NULLs of all moments. */
static bool check_zones(MysqlReader *reader, const TablePlan *plan, Error *error)
{
    const char *sql = mysql_select_zones(plan, &reader->arena);
    CLEANUP(mysql_free_result_ptr) MYSQL_RES *rows = NULL;
    if (!sql)
        return true;
    if (!mysqld_ask_rows(reader->connection, sql, &reader->action, &rows, error))
        return false;
    MYSQL_ROW row;
    while ((row = mysql_fetch_row(rows))) {
        if (row[1] && strcmp(row[1], "1") != 0)
            continue;
        error_set(error, ERROR_CONFIG, "%s: the server does not know the time zone \"%s\"",
                  reader->action.doing, row[0]);
        return error_hint(error, "fill its tables of time zones (mysql_tzinfo_to_sql "
                                 "/usr/share/zoneinfo | mysql mysql), or say an offset such as "
                                 "+01:00");
    }
    return true;
}

static bool start(MysqlReader *reader, const Extract *extract, const Shard *shard, Error *error)
{
    if (!row_decoder_new(extract->plan, &reader->decoder, error) ||
        !mysqld_take_reader(reader->snapshot, &reader->connection, error))
        return false;
    MysqlConnection *connection = reader->connection;
    const MysqlDialect dialect = {connection->is_mariadb, connection->version};
    const char *sql = mysql_select_rows(extract, shard, dialect, &reader->arena);
    if (!check_zones(reader, extract->plan, error))
        return false;
    reader->statement = mysql_stmt_init(&connection->mysql);
    if (mysql_stmt_prepare(reader->statement, sql, strlen(sql)) != 0)
        return mysqld_fail_statement(connection, reader->statement, &reader->action, error);
    if (!check_types(reader, extract->plan, error))
        return false;
    if (mysql_stmt_execute(reader->statement) != 0)
        return mysqld_fail_statement(connection, reader->statement, &reader->action, error);
    reader->started = true;
    stream_open(&reader->stream, connection);
    return true;
}

static MysqlReader *new_reader(MysqlSnapshot *snapshot, const Extract *extract)
{
    MysqlReader *reader = memory_zalloc(1, sizeof *reader);
    const SourceTable *table = extract->plan->table;
    reader->base.ops = &ops;
    reader->snapshot = snapshot;
    reader->action = (MysqlAction){.doing = "reading the query"};
    if (!extract->relation.query) {
        const char *label = sql_label(table->schema, table->name, &reader->arena);
        reader->action.doing = arena_printf(&reader->arena, "reading %s", label);
        reader->action.relation = mysql_relation(table->schema, table->name, &reader->arena);
    }
    row_room_open(&reader->room, extract);
    return reader;
}

bool mysqld_reader_open(Snapshot *base, const Extract *extract, const Shard *shard,
                        Reader **ret_reader, Error *error)
{
    CLEANUP(free_reader_ptr)
    MysqlReader *reader = new_reader((MysqlSnapshot *)base, extract);
    if (!start(reader, extract, shard, error))
        return false;
    reader->base.invalid = row_decoder_invalid(reader->decoder);
    *ret_reader = &TAKE_PTR(reader)->base;
    return true;
}
