/* SPDX-License-Identifier: Apache-2.0 */
#include "source/mysql/connection.h"

#include "base/cancel.h"
#include "base/log.h"

#include <errmsg.h>
#include <errno.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

void mysqld_results_done(MysqlResults *results)
{
    for (size_t i = 0; i < results->count; i++)
        mysql_free_result(results->items[i]);
    results->count = 0;
}

bool mysqld_is_open(const MysqlConnection *connection)
{
    return connection->mysql.net.pvio != NULL && !connection->stopped;
}

static bool fail_as(MysqlConnection *connection, unsigned number, const char *sqlstate,
                    const char *text, const MysqlAction *action, Error *error)
{
    if (connection->stopped)
        return error_set(error, ERROR_CANCELLED, "%s: stopped", action->doing);
    /* Once the session is there, TLS fails because the other side is gone. */
    if (connection->methods && number == CR_SSL_CONNECTION_ERROR)
        number = CR_SERVER_LOST;
    const MysqlFailure failure = {number, sqlstate, text, connection->account};
    return mysqld_fail_with(&failure, action, error);
}

bool mysqld_fail(MysqlConnection *connection, const MysqlAction *action, Error *error)
{
    MYSQL *mysql = &connection->mysql;
    return fail_as(connection, mysql_errno(mysql), mysql_sqlstate(mysql), mysql_error(mysql),
                   action, error);
}

bool mysqld_fail_statement(MysqlConnection *connection, MYSQL_STMT *statement,
                           const MysqlAction *action, Error *error)
{
    return fail_as(connection, mysql_stmt_errno(statement), mysql_stmt_sqlstate(statement),
                   mysql_stmt_error(statement), action, error);
}

bool mysqld_wait(MysqlConnection *connection)
{
    enum { URGENT_WAITS = 15 };
    struct pollfd ready = {.fd = mysql_get_socket(&connection->mysql), .events = POLLIN};
    for (int waits = 0; !connection->stopped; waits++) {
        int count = poll(&ready, 1, MYSQLD_WAIT_MS);
        bool is_over =
            connection->is_urgent ? waits >= URGENT_WAITS : stop_requested(connection->stop);
        if (is_over)
            connection->stopped = true;
        else if (count > 0 || (count < 0 && errno != EINTR))
            return true;
    }
    return false;
}

bool mysqld_send(MysqlConnection *connection, const char *sql, const MysqlAction *action,
                 Error *error)
{
    if (!mysqld_is_open(connection) && !connection->stopped)
        return error_set_retryable(error, ERROR_SOURCE, "%s: the connection to the server was lost",
                                   action->doing);
    return mysql_send_query(&connection->mysql, sql, strlen(sql)) == 0 ||
           mysqld_fail(connection, action, error);
}

bool mysqld_receive(MysqlConnection *connection, const MysqlAction *action,
                    MysqlResults *ret_results, Error *error)
{
    MYSQL *mysql = &connection->mysql;
    int more = mysql_read_query_result(mysql) ? 1 : 0;
    while (more == 0) {
        MYSQL_RES *rows = mysql_store_result(mysql);
        if (!rows && mysql_errno(mysql))
            break;
        if (rows && ret_results->count < MYSQLD_RESULTS_MAX)
            ret_results->items[ret_results->count++] = rows;
        else
            mysql_free_result(rows);
        more = mysql_next_result(mysql);
    }
    return more < 0 || mysqld_fail(connection, action, error);
}

bool mysqld_ask(MysqlConnection *connection, const char *sql, const MysqlAction *action,
                MysqlResults *ret_results, Error *error)
{
    *ret_results = (MysqlResults){0};
    if (mysqld_send(connection, sql, action, error) &&
        mysqld_receive(connection, action, ret_results, error))
        return true;
    mysqld_results_done(ret_results);
    return false;
}

bool mysqld_ask_rows(MysqlConnection *connection, const char *sql, const MysqlAction *action,
                     MYSQL_RES **ret_rows, Error *error)
{
    CLEANUP(mysqld_results_done) MysqlResults results = {0};
    if (!mysqld_ask(connection, sql, action, &results, error))
        return false;
    *ret_rows = results.count > 0 ? TAKE_PTR(results.items[0]) : NULL;
    return true;
}

bool mysqld_run(MysqlConnection *connection, const char *sql, const MysqlAction *action,
                Error *error)
{
    CLEANUP(mysqld_results_done) MysqlResults results = {0};
    return mysqld_ask(connection, sql, action, &results, error);
}

void mysqld_cancel(MysqlConnection *connection)
{
    static const MysqlAction action = {.doing = "stopping a statement"};
    unsigned long id = mysql_thread_id(&connection->mysql);
    CLEANUP(mysqld_disconnect_ptr) MysqlConnection *other = NULL;
    Error error = {0};
    char sql[64];
    snprintf(sql, sizeof sql, "KILL QUERY %lu", id);
    bool asked = mysqld_connect_urgently(connection->config, &other, &error);
    if (!asked || !mysqld_run(other, sql, &action, &error))
        log_debug(NULL, "the server could not be asked to stop a statement: %s", error.message);
}

unsigned mysqld_column(MYSQL_RES *rows, const char *name)
{
    const MYSQL_FIELD *fields = mysql_fetch_fields(rows);
    unsigned count = mysql_num_fields(rows), index = 0;
    while (index < count && strcasecmp(fields[index].name, name) != 0)
        index++;
    return index;
}

int64_t mysqld_int(const char *cell, int64_t otherwise)
{
    return cell ? strtoll(cell, NULL, 10) : otherwise;
}
