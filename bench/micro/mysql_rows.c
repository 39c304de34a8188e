/* SPDX-License-Identifier: Apache-2.0 */
/* bench/micro/mysql_rows.c: CPU time of reading a table's rows in three ways, side by side:
 *
 *     mysql_rows URL TABLE     the library binds the columns (mysql_stmt_fetch); the library reads
 *                              packets and we decode them (mysql_net_read_packet); our reader,
 * which also reads the packets */
#include "base/cleanup.h"
#include "source/mysql/connection.h"
#include "source/mysql/decode.h"
#include "source/mysql/driver.h"
#include "source/mysql/select.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

enum { COLUMNS_MAX = 64, TEXT_MAX = 1024 };

typedef struct Bench {
    ConnectionConfig config;
    Source *source;
    Arena arena;
    TablePlan plan;
    Extract extract;
    Error error;
} Bench;

static double cpu_seconds(void)
{
    struct timespec now;
    clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &now);
    return (double)now.tv_sec + (double)now.tv_nsec / 1e9;
}

static _Noreturn void give_up(const Bench *bench)
{
    fprintf(stderr, "%s\n", bench->error.message);
    exit(EXIT_FAILURE);
}

static void check(const Bench *bench, bool done)
{
    if (!done)
        give_up(bench);
}

static void report(const char *way, double began, uint64_t rows)
{
    double spent = cpu_seconds() - began;
    printf("%-40s %8.2f s CPU %8.0f ns a row %12llu rows\n", way, spent,
           rows ? spent / (double)rows * 1e9 : 0, (unsigned long long)rows);
}

static MYSQL_STMT *execute(Bench *bench, MysqlConnection **connection)
{
    check(bench, mysqld_connect(&bench->config, connection, &bench->error));
    const MysqlDialect dialect = {(*connection)->is_mariadb, (*connection)->version};
    const char *sql = mysql_select_rows(&bench->extract, NULL, dialect, &bench->arena);
    MYSQL_STMT *statement = mysql_stmt_init(&(*connection)->mysql);
    if (mysql_stmt_prepare(statement, sql, strlen(sql)) || mysql_stmt_execute(statement)) {
        fprintf(stderr, "%s\n", mysql_stmt_error(statement));
        exit(EXIT_FAILURE);
    }
    return statement;
}

/* Numbers and times as they are, all else as text, as one who uses the library would do. */
static void by_binds(Bench *bench)
{
    static char cells[COLUMNS_MAX][TEXT_MAX];
    MYSQL_BIND binds[COLUMNS_MAX] = {0};
    unsigned long lengths[COLUMNS_MAX];
    my_bool nulls[COLUMNS_MAX];
    MysqlConnection *connection;
    MYSQL_STMT *statement = execute(bench, &connection);
    MYSQL_RES *shape = mysql_stmt_result_metadata(statement);
    for (unsigned i = 0; i < mysql_num_fields(shape); i++) {
        enum enum_field_types type = mysql_fetch_field_direct(shape, i)->type;
        bool is_text = type >= MYSQL_TYPE_NEWDECIMAL;
        binds[i] = (MYSQL_BIND){.buffer_type = is_text ? MYSQL_TYPE_STRING : type,
                                .buffer = cells[i],
                                .buffer_length = TEXT_MAX,
                                .length = &lengths[i],
                                .is_null = &nulls[i]};
    }
    mysql_stmt_bind_result(statement, binds);
    double began = cpu_seconds();
    uint64_t rows = 0;
    while (mysql_stmt_fetch(statement) == 0)
        rows++;
    report("mysql_stmt_fetch into binds", began, rows);
    mysql_free_result(shape);
    mysql_stmt_close(statement);
    mysqld_disconnect(connection);
}

static void by_packets(Bench *bench)
{
    CLEANUP(row_decoder_free_ptr) RowDecoder *decoder = NULL;
    Value values[COLUMNS_MAX];
    Arena scratch = {0};
    MysqlConnection *connection;
    MYSQL_STMT *statement = execute(bench, &connection);
    check(bench, row_decoder_new(&bench->plan, &decoder, &bench->error));
    double began = cpu_seconds();
    uint64_t rows = 0;
    for (;;) {
        unsigned long length = mysql_net_read_packet(&connection->mysql);
        const char *packet = (const char *)connection->mysql.net.read_pos;
        if (length == packet_error || packet[0] != '\0')
            break;
        check(bench,
              row_decode(decoder, (StrView){packet, length}, values, &scratch, &bench->error));
        if (++rows % 64 == 0)
            arena_reset(&scratch);
    }
    report("mysql_net_read_packet and our decoder", began, rows);
    arena_done(&scratch);
    connection->mysql.status = MYSQL_STATUS_READY;
    statement->state = MYSQL_STMT_FETCH_DONE;
    mysql_stmt_close(statement);
    mysqld_disconnect(connection);
}

static void by_reader(Bench *bench)
{
    CLEANUP(snapshot_close_ptr) Snapshot *snapshot = NULL;
    CLEANUP(reader_close_ptr) Reader *reader = NULL;
    const Shard all = {.method = "whole"};
    const SourceOps *ops = bench->source->ops;
    check(bench, ops->snapshot_open(bench->source, 1, &snapshot, &bench->error) &&
                     ops->reader_open(snapshot, &bench->extract, &all, &reader, &bench->error));
    double began = cpu_seconds();
    Batch batch = {.row_count = 1};
    while (batch.row_count > 0)
        check(bench, reader->ops->read(reader, NULL, &batch, &bench->error));
    report("our reader", began, reader->stats.rows);
}

int main(int argc, char **argv)
{
    if (argc != 3) {
        fprintf(stderr, "usage: %s URL TABLE\n", argv[0]);
        return 2;
    }
    Bench bench = {.config = {.name = "bench", .type = "mysql", .url = argv[1]},
                   .extract.relation.name = argv[2]};
    SourceTable table;
    const MappingOptions options = {0};
    check(&bench, source_mysql_driver.open(&bench.config, &bench.source, &bench.error));
    const SourceOps *ops = bench.source->ops;
    check(&bench, ops->describe(bench.source, &bench.extract.relation, &bench.arena, &table,
                                &bench.error) &&
                      mapping_plan(&table, &options, ops->map_column, &bench.arena, &bench.plan,
                                   &bench.error));
    bench.extract.plan = &bench.plan;
    by_binds(&bench);
    by_packets(&bench);
    by_reader(&bench);
    ops->close(bench.source);
    arena_done(&bench.arena);
    return 0;
}
