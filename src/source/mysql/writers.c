/* SPDX-License-Identifier: Apache-2.0 */
#include "source/mysql/writers.h"

#include "base/cancel.h"
#include "base/clock.h"
#include "model/cursor.h"
#include "source/mysql/failure.h"
#include "source/mysql/sql.h"

#include <string.h>
#include <strings.h>

enum {
    XA_HIDDEN = 1401, /* ER_XAER_RMERR: MySQL 8 wants XA_RECOVER_ADMIN */
    SAYS_REPLICA = 80022,
    CACHE_MS = 150,      /* InnoDB's tables of transactions may be 100 ms old */
    SECOND = 1000 * 1000 /* microseconds */
};

static const MysqlAction asking = {.doing = "asking for open transactions"};

/* Of UTC_TIMESTAMP() it is known that whatever begins later is stamped later. */
static const char clock_sql[] =
    "SELECT UTC_TIMESTAMP(6), IF(@@global.time_zone = 'SYSTEM', @@system_time_zone, "
    "@@global.time_zone), @@global.read_only, @@global.innodb_read_only; "
    "SHOW GLOBAL STATUS LIKE 'Slave_running'";

static const char applies[] = "it applies what another server sends";
static const char reads_only[] = "it is read only, as replicas are";
static const char stands_still[] =
    "it is set up as the replica of another server, and stands still";

#define BUSY "command NOT IN ('Sleep', 'Daemon', 'Binlog Dump', 'Binlog Dump GTID')"

/* A transaction that wrote nothing, and whose session does nothing, has no rows yet: those that it
 * will write are stamped later. */
#define WRITING                                                                                    \
    "FROM information_schema.innodb_trx t LEFT JOIN information_schema.processlist p ON p.id = "   \
    "t.trx_mysql_thread_id WHERE t.trx_is_read_only = 0 AND t.trx_mysql_thread_id <> "             \
    "CONNECTION_ID() AND (t.trx_rows_modified > 0 OR t.trx_query IS NOT NULL OR p.id IS NULL OR "  \
    "p.command <> 'Sleep')"

/* InnoDB shows times of the machine's zone, whatever the session's is. An hour that comes twice is
 * taken for the first of the two. */
#define STARTED                                                                                    \
    "IF(FROM_UNIXTIME(UNIX_TIMESTAMP(t.trx_started) - 3600) = t.trx_started, "                     \
    "UNIX_TIMESTAMP(t.trx_started) - 3600, UNIX_TIMESTAMP(t.trx_started))"

static const char oldest_sql[] =
    "SET time_zone = SYSTEM; "
    "SELECT CAST(started AS SIGNED), concat('connection ', id, coalesce(concat(', account ', who), "
    "'')) FROM (SELECT " STARTED " AS started, t.trx_mysql_thread_id AS id, p.user AS who " WRITING
    " UNION ALL SELECT UNIX_TIMESTAMP() - coalesce(time, 0), id, user FROM "
    "information_schema.processlist WHERE id <> CONNECTION_ID() AND " BUSY
    " AND id NOT IN (SELECT trx_mysql_thread_id FROM information_schema.innodb_trx WHERE "
    "trx_is_read_only = 1)) AS open ORDER BY started LIMIT 1; "
    "SELECT count(*) FROM information_schema.processlist WHERE user = 'system user' AND " BUSY "; "
    "SELECT max(trx_id) FROM information_schema.innodb_trx WHERE trx_mysql_thread_id = 0 AND "
    "trx_is_read_only = 0 AND trx_rows_modified > 0";

static const char names_sql[] =
    "SELECT concat(t.trx_mysql_thread_id, '/', t.trx_started), concat('connection ', "
    "t.trx_mysql_thread_id, coalesce(concat(', account ', p.user), '')) " WRITING;

static bool is_on(const char *setting)
{
    return setting && strcmp(setting, "0") != 0 && strcasecmp(setting, "OFF") != 0;
}

static bool ask_clock(MysqlConnection *connection, Arena *arena, WritersMoment *moment,
                      Error *error)
{
    CLEANUP(mysqld_results_done) MysqlResults results = {0};
    if (!mysqld_ask(connection, clock_sql, &asking, &results, error))
        return false;
    MYSQL_ROW row = mysql_fetch_row(results.items[0]);
    MYSQL_ROW slave = results.count > 1 ? mysql_fetch_row(results.items[1]) : NULL;
    moment->zone = row && row[1] ? arena_strdup(arena, row[1]) : "unknown";
    if (slave && is_on(slave[1]))
        moment->replica = applies;
    else if (row && (is_on(row[2]) || is_on(row[3])))
        moment->replica = reads_only;
    if (row && row[0] && cursor_parse(CURSOR_WALL, row[0], &moment->now))
        return true;
    return error_set(error, ERROR_INTERNAL, "%s: the server's time is not understood",
                     asking.doing);
}

static MYSQL_ROW first_row(const MysqlResults *results, size_t index)
{
    return index < results->count ? mysql_fetch_row(results->items[index]) : NULL;
}

/* The answers to oldest_sql. */
static void read_oldest(const MysqlResults *results, Arena *arena, WritersMoment *moment)
{
    enum { OLDEST, APPLIERS, ORPHAN };
    MYSQL_ROW row = first_row(results, OLDEST), appliers = first_row(results, APPLIERS);
    MYSQL_ROW orphan = first_row(results, ORPHAN);
    if (row) {
        moment->oldest = mysqld_int(row[0], 0) * SECOND;
        moment->who = arena_strdup(arena, row[1]);
    }
    if (appliers && mysqld_int(appliers[0], 0) > 0)
        moment->replica = applies;
    if (orphan && orphan[0])
        moment->orphan = arena_strdup(arena, orphan[0]);
}

static bool ask_oldest(MysqlConnection *connection, Arena *arena, WritersMoment *moment,
                       Error *error)
{
    CLEANUP(mysqld_results_done) MysqlResults results = {0};
    Error refused = {0};
    bool asked = mysqld_ask(connection, oldest_sql, &asking, &results, &refused);
    bool denied = !asked && mysqld_is_denied(mysql_errno(&connection->mysql));
    if (!asked && !denied) {
        if (error)
            *error = refused;
        return false;
    }
    moment->sees = asked;
    moment->oldest = INT64_MAX;
    if (asked)
        read_oldest(&results, arena, moment);
    return mysqld_run(connection, "SET time_zone = '+00:00'", &asking, error);
}

/* Whom XA RECOVER tells nothing sees transactions that no session has. A restart of the server
 * makes them look as if they had begun with it. */
static void take_for_prepared(WritersMoment *moment, Arena *arena)
{
    moment->hides_prepared = true;
    if (moment->orphan)
        moment->prepared = arena_printf(arena,
                                        "%s of InnoDB (an account with XA_RECOVER_ADMIN sees its "
                                        "name in XA RECOVER)",
                                        moment->orphan);
}

static bool ask_prepared(MysqlConnection *connection, Arena *arena, WritersMoment *moment,
                         Error *error)
{
    enum { FORMAT, GLOBAL_LENGTH, BRANCH_LENGTH, DATA };
    CLEANUP(mysql_free_result_ptr) MYSQL_RES *rows = NULL;
    Error refused = {0};
    moment->prepared = NULL;
    if (!mysqld_ask_rows(connection, "XA RECOVER", &asking, &rows, &refused)) {
        bool is_hidden = mysql_errno(&connection->mysql) == XA_HIDDEN;
        if (is_hidden)
            take_for_prepared(moment, arena);
        else if (error)
            *error = refused;
        return is_hidden;
    }
    MYSQL_ROW row = rows ? mysql_fetch_row(rows) : NULL;
    if (row)
        moment->prepared = arena_strdup(arena, row[DATA] ? row[DATA] : "?");
    return true;
}

/* A replica that is stopped during a run goes on later with rows that were stamped before. */
static bool ask_stopped(MysqlConnection *connection, WritersMoment *moment, Error *error)
{
    CLEANUP(mysql_free_result_ptr) MYSQL_RES *rows = NULL;
    Error refused = {0};
    const char *sql = connection->is_mariadb                ? "SHOW ALL SLAVES STATUS"
                      : connection->version >= SAYS_REPLICA ? "SHOW REPLICA STATUS"
                                                            : "SHOW SLAVE STATUS";
    if (moment->replica)
        return true;
    if (mysqld_ask_rows(connection, sql, &asking, &rows, &refused)) {
        moment->replica = rows && mysql_num_rows(rows) > 0 ? stands_still : NULL;
        return true;
    }
    moment->hides_stopped = mysqld_is_denied(mysql_errno(&connection->mysql));
    if (!moment->hides_stopped && error)
        *error = refused;
    return moment->hides_stopped;
}

bool writers_look(MysqlConnection *connection, Arena *arena, WritersMoment *ret_moment,
                  Error *error)
{
    *ret_moment = (WritersMoment){0};
    return ask_clock(connection, arena, ret_moment, error) &&
           ask_stopped(connection, ret_moment, error) &&
           ask_oldest(connection, arena, ret_moment, error) &&
           ask_prepared(connection, arena, ret_moment, error);
}

static bool nap(int64_t until_ns, Error *error)
{
    enum { NAP_MS = 200 };
    int64_t left_ms = (until_ns - clock_monotonic_ns()) / 1000000 + 1;
    clock_sleep_ms(left_ms < NAP_MS ? left_ms : NAP_MS);
    return cancel_check(error);
}

bool writers_wait_prepared(MysqlConnection *connection, int64_t wait_ms, Arena *arena,
                           WritersMoment *moment, Error *error)
{
    int64_t until = clock_monotonic_ns() + wait_ms * 1000000;
    while (moment->prepared && clock_monotonic_ns() < until) {
        if (!nap(until, error) || !writers_look(connection, arena, moment, error))
            return false;
    }
    return true;
}

static bool is_among(MYSQL_RES *rows, const char *name)
{
    MYSQL_ROW row;
    mysql_data_seek(rows, 0);
    while ((row = mysql_fetch_row(rows))) {
        if (row[0] && strcmp(row[0], name) == 0)
            return true;
    }
    return false;
}

/* One of the first that is still among those of now; NULL: none. */
static const char *remaining(MYSQL_RES *first, MYSQL_RES *now, Arena *arena)
{
    MYSQL_ROW row;
    mysql_data_seek(first, 0);
    while ((row = mysql_fetch_row(first))) {
        if (row[0] && is_among(now, row[0]))
            return arena_strdup(arena, row[1] ? row[1] : "?");
    }
    return NULL;
}

bool writers_wait(MysqlConnection *connection, int64_t wait_ms, Arena *arena, const char **ret_who,
                  Error *error)
{
    CLEANUP(mysql_free_result_ptr) MYSQL_RES *first = NULL;
    clock_sleep_ms(CACHE_MS);
    if (!cancel_check(error) || !mysqld_ask_rows(connection, names_sql, &asking, &first, error))
        return false;
    int64_t until = clock_monotonic_ns() + wait_ms * 1000000;
    *ret_who = remaining(first, first, arena);
    while (*ret_who && clock_monotonic_ns() < until) {
        CLEANUP(mysql_free_result_ptr) MYSQL_RES *now = NULL;
        if (!nap(until, error) || !mysqld_ask_rows(connection, names_sql, &asking, &now, error))
            return false;
        *ret_who = remaining(first, now, arena);
    }
    return true;
}
