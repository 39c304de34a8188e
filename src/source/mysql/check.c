/* SPDX-License-Identifier: Apache-2.0 */
#include "base/clock.h"
#include "source/mysql/mysql_source.h"
#include "source/mysql/writers.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

/* Columns of the question below. */
enum {
    FACT_VERSION,
    FACT_COMMENT,
    FACT_USER,
    FACT_DATABASE,
    FACT_READ_ONLY,
    FACT_CHARSET,
    FACT_PACKET,
    FACT_CONNECTIONS,
    FACT_BINLOG,
    FACT_TABLES,
    FACT_WITHOUT_SNAPSHOT,
    FACT_WITHOUT_SNAPSHOT_NAME,
};

#define ORDINARY                                                                                   \
    "FROM information_schema.tables WHERE table_type = 'BASE TABLE' AND table_schema NOT IN "      \
    "('mysql', 'sys', 'information_schema', 'performance_schema')"
#define WITHOUT_SNAPSHOT ORDINARY " AND engine NOT IN ('InnoDB', 'ROCKSDB')"

static const char facts_sql[] =
    "SELECT VERSION(), @@version_comment, CURRENT_USER(), DATABASE(), @@global.read_only, "
    "@@character_set_server, @@max_allowed_packet, @@max_connections, @@global.log_bin, "
    "(SELECT count(*) " ORDINARY "), (SELECT count(*) " WITHOUT_SNAPSHOT "), "
    "(SELECT min(concat(table_schema, '.', table_name, ' (', engine, ')')) " WITHOUT_SNAPSHOT ")";

typedef struct Check {
    MysqlSource *source;
    CheckReport *report;
    MysqlConnection *connection;
    MYSQL_ROW facts;
} Check;

static const char *fact(const Check *check, int column)
{
    return check->facts[column] ? check->facts[column] : "";
}

static void say_server(const Check *check, int64_t connect_ms)
{
    Arena *arena = check->report->arena;
    MYSQL *mysql = &check->connection->mysql;
    const char *cipher = mysql_get_ssl_cipher(mysql), *host = mysql_get_host_info(mysql);
    const char *protocol = NULL;
    mariadb_get_infov(mysql, MARIADB_CONNECTION_TLS_VERSION, &protocol);
    check_add(check->report, CHECK_OK, "connection",
              arena_printf(arena, "%s, in %" PRId64 " ms", host, connect_ms), NULL);
    check_add(check->report, CHECK_OK, "server version",
              arena_printf(arena, "%s %s", check->connection->is_mariadb ? "MariaDB" : "MySQL",
                           fact(check, FACT_VERSION)),
              NULL);
    if (cipher)
        check_add(check->report, CHECK_OK, "encryption",
                  arena_printf(arena, "%s, %s", protocol ? protocol : "TLS", cipher), NULL);
    else if (strstr(host, "UNIX socket"))
        check_add(check->report, CHECK_OK, "encryption", "none needed: a socket of this machine",
                  NULL);
    else
        check_add(check->report, CHECK_WARNING, "encryption", "the connection is not encrypted",
                  "set sslmode: require, or verify-full with sslrootcert");
}

static void say_database(const Check *check)
{
    Arena *arena = check->report->arena;
    bool has_database = check->facts[FACT_DATABASE] != NULL;
    check_add(check->report, has_database ? CHECK_OK : CHECK_WARNING, "database",
              has_database ? arena_printf(arena, "%s, character set of the server %s",
                                          fact(check, FACT_DATABASE), fact(check, FACT_CHARSET))
                           : "none is chosen",
              has_database ? NULL : "say DATABASE.TABLE in jobs, or `database` in the connection");
    check_add(check->report, CHECK_OK, "server role",
              strcmp(fact(check, FACT_READ_ONLY), "0") == 0 ||
                      strcmp(fact(check, FACT_READ_ONLY), "OFF") == 0
                  ? "takes writes"
                  : "read only: a replica?",
              NULL);
}

static void say_account(const Check *check)
{
    Arena *arena = check->report->arena;
    check_add(check->report, CHECK_OK, "account", fact(check, FACT_USER), NULL);
    bool sees_none = strcmp(fact(check, FACT_TABLES), "0") == 0;
    check_add(check->report, sees_none ? CHECK_WARNING : CHECK_OK, "permissions",
              arena_printf(arena, "%s tables can be seen", fact(check, FACT_TABLES)),
              sees_none ? "as an administrator: GRANT SELECT ON `database`.* TO the account"
                        : NULL);
    if (strcmp(fact(check, FACT_WITHOUT_SNAPSHOT), "0") != 0)
        check_add(check->report, CHECK_WARNING, "storage engines",
                  arena_printf(arena, "%s tables have no snapshots, such as %s",
                               fact(check, FACT_WITHOUT_SNAPSHOT),
                               fact(check, FACT_WITHOUT_SNAPSHOT_NAME)),
                  "each is read in one statement, at a moment of its own; ALTER TABLE … ENGINE = "
                  "InnoDB where that matters");
}

static void say_limits(const Check *check)
{
    enum { SMALL_PACKET = 16 * 1024 * 1024 };
    Arena *arena = check->report->arena;
    int64_t packet = mysqld_int(check->facts[FACT_PACKET], 0);
    check_add(check->report, CHECK_OK, "connections",
              arena_printf(arena, "%s at most", fact(check, FACT_CONNECTIONS)), NULL);
    if (packet < SMALL_PACKET)
        check_add(check->report, CHECK_WARNING, "max_allowed_packet",
                  arena_printf(arena, "%" PRId64 " bytes", packet),
                  "rows that are longer cannot be read: raise it on the server");
    check_add(check->report, CHECK_OK, "binary log",
              strcmp(fact(check, FACT_BINLOG), "1") == 0 ? "on" : "off", NULL);
}

/* Of an account that XA RECOVER tells nothing. */
static void say_prepared(const Check *check, bool sees_writers)
{
    if (sees_writers)
        check_add(check->report, CHECK_OK, "prepared transactions",
                  "XA transactions that are prepared hold cursors; their names are not seen (GRANT "
                  "XA_RECOVER_ADMIN ON *.* TO the account tells them)",
                  NULL);
    else
        check_add(check->report, CHECK_WARNING, "prepared transactions",
                  "the account may not see them: rows of XA transactions that are prepared for "
                  "long may come in below a cursor",
                  "as an administrator: GRANT PROCESS, XA_RECOVER_ADMIN ON *.* TO the account; "
                  "where nobody uses XA, nothing is missing");
}

/* How far cursors may go. */
static bool say_cursors(const Check *check, Error *error)
{
    Arena *arena = check->report->arena;
    WritersMoment moment;
    if (!writers_look(check->connection, arena, &moment, error))
        return false;
    if (moment.replica)
        check_add(check->report, CHECK_WARNING, "cursors",
                  arena_printf(arena,
                               "a replica (%s) does not show the transactions that are open on "
                               "its source: jobs with a cursor are refused",
                               moment.replica),
                  "let the connection of jobs with a cursor lead to the source of the replica");
    else if (!moment.sees)
        check_add(check->report, CHECK_WARNING, "cursors",
                  "the account may not see when transactions began: what commits late is lost "
                  "without `lookback`",
                  "as an administrator: GRANT PROCESS ON *.* TO the account");
    else
        check_add(check->report, moment.prepared ? CHECK_WARNING : CHECK_OK, "cursors",
                  moment.prepared ? arena_printf(arena, "held by the prepared XA transaction %s",
                                                 moment.prepared)
                                  : "never pass what an open transaction may commit",
                  moment.prepared ? "end it: XA COMMIT or XA ROLLBACK" : NULL);
    if (!moment.replica && moment.hides_prepared)
        say_prepared(check, moment.sees);
    if (moment.hides_stopped)
        check_add(check->report, CHECK_OK, "replication",
                  arena_printf(arena,
                               "whether this is a replica that stands still is not known (%s "
                               "tells); one that runs is seen",
                               check->connection->is_mariadb
                                   ? "GRANT SLAVE MONITOR ON *.* TO the account"
                                   : "GRANT REPLICATION CLIENT ON *.* TO the account"),
                  NULL);
    return true;
}

static bool say_snapshot(const Check *check, Error *error)
{
    Snapshot *snapshot = NULL;
    if (!mysqld_snapshot_open(&check->source->base, 2, &snapshot, error))
        return false;
    Arena *arena = check->report->arena;
    if (snapshot->note)
        check_add(check->report, CHECK_WARNING, "snapshot", arena_strdup(arena, snapshot->note),
                  "several workers can read one table when the account has RELOAD (in MySQL 8 and "
                  "later FLUSH_TABLES will do), or MariaDB keeps a binary log");
    else
        check_add(check->report, CHECK_OK, "snapshot", arena_strdup(arena, snapshot->method), NULL);
    snapshot->ops->close(snapshot);
    return true;
}

bool mysqld_check(Source *base, CheckReport *report, Error *error)
{
    static const MysqlAction action = {.doing = "asking the server about itself"};
    Check check = {.source = (MysqlSource *)base, .report = report};
    int64_t started = clock_monotonic_ns();
    bool fresh;
    if (!mysqld_borrow(check.source, &check.connection, &fresh, error))
        return false;
    int64_t connect_ms = (clock_monotonic_ns() - started) / 1000000;
    CLEANUP(mysql_free_result_ptr) MYSQL_RES *rows = NULL;
    bool asked = mysqld_ask_rows(check.connection, facts_sql, &action, &rows, error);
    if (asked) {
        check.facts = mysql_fetch_row(rows);
        say_server(&check, connect_ms);
        say_database(&check);
        say_account(&check);
        say_limits(&check);
        asked = say_cursors(&check, error);
    }
    mysqld_return(check.source, check.connection);
    Error refused = {0};
    if (asked && !say_snapshot(&check, &refused))
        check_add(report, CHECK_FAILED, "snapshot", refused.message,
                  refused.hint[0] ? refused.hint : NULL);
    return asked;
}
