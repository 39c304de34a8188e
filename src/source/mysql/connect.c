/* SPDX-License-Identifier: Apache-2.0 */
#include "source/mysql/connection.h"

#include "base/arena.h"
#include "base/cancel.h"
#include "base/clock.h"
#include "base/memory.h"
#include "source/mysql/pvio.h"
#include "source/mysql/url.h"

#include <errmsg.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>

enum {
    DEFAULT_TIMEOUT_MS = 10000,
    URGENT_TIMEOUT_MS = 3000,
    NS_PER_MS = 1000000,
    /* The library connects on a stack of its own; name services and plugins need room there. */
    STACK_SIZE = 512 * 1024,
};

/* Ways to prove who one is without handing out the password; mysql_clear_password is not here. */
#define AUTHENTICATION                                                                             \
    "mysql_native_password,caching_sha2_password,sha256_password,client_ed25519,dialog,"           \
    "auth_gssapi_client,parsec"

static const MysqlAction connecting = {.doing = "connecting"};
static const MysqlAction setting = {.doing = "setting up the session"};

typedef struct Attempt {
    MysqlConnection *connection;
    const MysqlAddress *address;
    bool with_tls;
    int64_t patience_ms;
    bool timed_out;
} Attempt;

static void set_tls(MYSQL *mysql, const MysqlAddress *address, bool enforce)
{
    const my_bool on = 1, off = 0;
    mysql_optionsv(mysql, MYSQL_OPT_SSL_ENFORCE, enforce ? &on : &off);
    mysql_optionsv(mysql, MYSQL_OPT_SSL_VERIFY_SERVER_CERT,
                   address->tls == TLS_VERIFY_FULL ? &on : &off);
    if (!enforce)
        return;
    if (address->tls >= TLS_VERIFY_CA)
        mysql_optionsv(mysql, MYSQL_OPT_SSL_CA, address->ca);
    if (address->certificate)
        mysql_optionsv(mysql, MYSQL_OPT_SSL_CERT, address->certificate);
    if (address->key)
        mysql_optionsv(mysql, MYSQL_OPT_SSL_KEY, address->key);
}

static void set_options(const Attempt *attempt)
{
    MYSQL *mysql = &attempt->connection->mysql;
    const MysqlAddress *address = attempt->address;
    const ConnectionConfig *config = attempt->connection->config;
    const size_t stack = STACK_SIZE;
    const unsigned local_infile = 0, seconds = (unsigned)(attempt->patience_ms / 1000 + 1);
    const unsigned protocol = address->socket ? MYSQL_PROTOCOL_SOCKET : MYSQL_PROTOCOL_TCP;
    mysql_optionsv(mysql, MYSQL_OPT_NONBLOCK, &stack);
    mysql_optionsv(mysql, MYSQL_OPT_CONNECT_TIMEOUT, &seconds);
    mysql_optionsv(mysql, MYSQL_SET_CHARSET_NAME, "utf8mb4");
    mysql_optionsv(mysql, MYSQL_OPT_LOCAL_INFILE, &local_infile);
    mysql_optionsv(mysql, MARIADB_OPT_RESTRICTED_AUTH, AUTHENTICATION);
    mysql_optionsv(mysql, MYSQL_OPT_CONNECT_ATTR_ADD, "program_name",
                   config->application_name ? config->application_name : "bqferry");
    if (address->socket || address->port ||
        (address->host && strcmp(address->host, "localhost") != 0))
        mysql_optionsv(mysql, MYSQL_OPT_PROTOCOL, &protocol);
    set_tls(mysql, address, attempt->with_tls);
}

static short events_of(int wanted)
{
    return (short)((wanted & MYSQL_WAIT_READ ? POLLIN : 0) |
                   (wanted & MYSQL_WAIT_WRITE ? POLLOUT : 0) |
                   (wanted & MYSQL_WAIT_EXCEPT ? POLLPRI : 0));
}

/* Waits for what the library wants, a slice at a time; after a stop or the deadline it is told that
 * the time is over, which makes it end. */
static int wait_slice(Attempt *attempt, int wanted, int64_t deadline)
{
    MysqlConnection *connection = attempt->connection;
    struct pollfd ready = {.fd = mysql_get_socket(&connection->mysql), .events = events_of(wanted)};
    while (poll(&ready, 1, MYSQLD_WAIT_MS) <= 0) {
        connection->stopped = !connection->is_urgent && cancel_requested();
        attempt->timed_out = clock_monotonic_ns() > deadline;
        if (connection->stopped || attempt->timed_out)
            return MYSQL_WAIT_TIMEOUT;
    }
    return (ready.revents & (POLLIN | POLLHUP | POLLERR) ? wanted & MYSQL_WAIT_READ : 0) |
           (ready.revents & (POLLOUT | POLLHUP | POLLERR) ? wanted & MYSQL_WAIT_WRITE : 0) |
           (ready.revents & POLLPRI ? MYSQL_WAIT_EXCEPT : 0);
}

static bool attempt_connect(Attempt *attempt)
{
    MYSQL *mysql = &attempt->connection->mysql, *connected = NULL;
    const MysqlAddress *address = attempt->address;
    int64_t deadline = clock_monotonic_ns() + attempt->patience_ms * NS_PER_MS;
    mysql_init(mysql);
    set_options(attempt);
    int wanted = mysql_real_connect_start(&connected, mysql, address->socket ? NULL : address->host,
                                          address->user, address->password, address->database,
                                          address->port, address->socket, CLIENT_MULTI_STATEMENTS);
    while (wanted)
        wanted = mysql_real_connect_cont(&connected, mysql, wait_slice(attempt, wanted, deadline));
    return connected != NULL;
}

static bool lacks_tls(MYSQL *mysql)
{
    return mysql_errno(mysql) == CR_SSL_CONNECTION_ERROR &&
           strstr(mysql_error(mysql), "does not support") != NULL;
}

static const char *place(const MysqlAddress *address, Arena *arena)
{
    if (address->socket)
        return arena_printf(arena, "socket \"%s\"", address->socket);
    return arena_printf(arena, "host \"%s\", port %u", address->host ? address->host : "localhost",
                        address->port ? address->port : MYSQL_PORT);
}

static bool fail_attempt(const Attempt *attempt, Error *error)
{
    CLEANUP(arena_done) Arena arena = {0};
    MysqlConnection *connection = attempt->connection;
    if (connection->stopped)
        return cancel_check(error);
    if (attempt->timed_out) {
        error_set_retryable(error, ERROR_SOURCE, "no answer from %s, within %g s",
                            place(attempt->address, &arena), (double)attempt->patience_ms / 1000);
        return error_hint(error, "check host, port and firewalls, or raise connect_timeout");
    }
    return mysqld_fail(connection, &connecting, error);
}

static bool check_server(MysqlConnection *connection, Error *error)
{
    MYSQL *mysql = &connection->mysql;
    connection->is_mariadb = mariadb_connection(mysql);
    connection->version = mysql_get_server_version(mysql);
    unsigned long oldest = connection->is_mariadb ? MYSQLD_OLDEST_MARIADB : MYSQLD_OLDEST_MYSQL;
    return connection->version >= oldest ||
           error_set(error, ERROR_SOURCE,
                     "the server is %s %s: MySQL 5.7, MariaDB 10.3 or a later version is needed",
                     connection->is_mariadb ? "MariaDB" : "MySQL", mysql_get_server_info(mysql));
}

static bool set_session(MysqlConnection *connection, Error *error)
{
#define SETTINGS                                                                                   \
    "SET NAMES utf8mb4; SET SESSION sql_mode = '', time_zone = '+00:00', "                         \
    "net_write_timeout = 86400, net_read_timeout = 86400, wait_timeout = 86400, "                  \
    "lock_wait_timeout = 10, sql_select_limit = 18446744073709551615, sql_big_selects = 1, "       \
    "sql_safe_updates = 0, "                                                                       \
    "character_set_results = utf8mb4; "                                                            \
    "SET SESSION TRANSACTION ISOLATION LEVEL REPEATABLE READ; "
#define ONLY_MARIADB                                                                               \
    "SET SESSION max_statement_time = 0, idle_transaction_timeout = 0, "                           \
    "idle_readonly_transaction_timeout = 0; "
#define ACCOUNT "SELECT CURRENT_USER()"
    const char *sql = connection->is_mariadb         ? SETTINGS ONLY_MARIADB ACCOUNT
                      : connection->version >= 80000 ? SETTINGS
                          "SET SESSION max_execution_time = 0, information_schema_stats_expiry = "
                          "0; " ACCOUNT
                                                     : SETTINGS
                          "SET SESSION max_execution_time = 0; " ACCOUNT;
#undef ACCOUNT
#undef ONLY_MARIADB
#undef SETTINGS
    CLEANUP(mysql_free_result_ptr) MYSQL_RES *rows = NULL;
    if (!mysqld_ask_rows(connection, sql, &setting, &rows, error))
        return false;
    MYSQL_ROW row = rows ? mysql_fetch_row(rows) : NULL;
    const char *at = row && row[0] ? strrchr(row[0], '@') : NULL;
    if (at) {
        snprintf(connection->account_text, sizeof connection->account_text, "'%.*s'@'%s'",
                 (int)(at - row[0]), row[0], at + 1);
        connection->account = connection->account_text;
    }
    return true;
}

static bool connect_with(Attempt *attempt, Error *error)
{
    MysqlConnection *connection = attempt->connection;
    const MysqlAddress *address = attempt->address;
    attempt->with_tls = address->tls != TLS_DISABLE && !address->socket;
    bool connected = attempt_connect(attempt);
    if (!connected && address->tls == TLS_PREFER && lacks_tls(&connection->mysql)) {
        mysql_close(&connection->mysql);
        attempt->with_tls = false;
        connected = attempt_connect(attempt);
    }
    if (!connected)
        return fail_attempt(attempt, error);
    if (!pvio_take_over(connection))
        return error_set(error, ERROR_INTERNAL, "libmariadb is not what its headers say");
    return check_server(connection, error) && set_session(connection, error);
}

void mysqld_disconnect(MysqlConnection *connection)
{
    if (!connection)
        return;
    mysql_close(&connection->mysql);
    free(connection->methods);
    free(connection);
}

static bool open_connection(const ConnectionConfig *config, bool is_urgent,
                            MysqlConnection **ret_connection, Error *error)
{
    CLEANUP(arena_done) Arena arena = {0};
    MysqlAddress address;
    if (!mysql_address(config, &arena, &address, error))
        return false;
    CLEANUP(mysqld_disconnect_ptr)
    MysqlConnection *connection = memory_zalloc(1, sizeof *connection);
    connection->config = config;
    connection->is_urgent = is_urgent;
    int64_t patience = address.timeout_ms > 0 ? address.timeout_ms : DEFAULT_TIMEOUT_MS;
    Attempt attempt = {
        .connection = connection,
        .address = &address,
        .patience_ms = is_urgent ? URGENT_TIMEOUT_MS : patience,
    };
    if (!connect_with(&attempt, error))
        return false;
    *ret_connection = TAKE_PTR(connection);
    return true;
}

bool mysqld_connect(const ConnectionConfig *config, MysqlConnection **ret_connection, Error *error)
{
    return open_connection(config, false, ret_connection, error);
}

bool mysqld_connect_urgently(const ConnectionConfig *config, MysqlConnection **ret_connection,
                             Error *error)
{
    return open_connection(config, true, ret_connection, error);
}
