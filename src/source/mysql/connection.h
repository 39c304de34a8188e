/* SPDX-License-Identifier: Apache-2.0 */
/* source/mysql/connection.h: one session with a server: opened, asked, cancelled. Everything that
 * waits here ends early when the run is cancelled: the library's own waits are replaced by ours
 * (docs/internals/mysql.md). */
#pragma once

#include "base/cleanup.h"
#include "base/error.h"
#include "base/parallel.h"
#include "config/config.h"
#include "source/mysql/failure.h"

#include <mysql.h>
#include <stdint.h>

enum { MYSQLD_WAIT_MS = 200, MYSQLD_OLDEST_MYSQL = 50700, MYSQLD_OLDEST_MARIADB = 100300 };

typedef struct MysqlConnection {
    MYSQL mysql; /* first: the library's callbacks lead back here */
    const ConnectionConfig *config;
    void *methods;        /* the library's input and output, with our waits */
    const StopFlag *stop; /* of whoever uses the connection now; may be NULL */
    bool stopped;         /* a wait ended because of it */
    bool is_urgent;       /* goes on after a stop was asked for, but not for long */
    bool is_mariadb;
    unsigned long version; /* 101119, 90704 */
    const char *account;   /* 'user'@'host' as the server granted it; NULL: not asked for */
    char account_text[512];
} MysqlConnection;

DEFINE_CLEANUP(MYSQL_RES, mysql_free_result)

/* Connects, sets the session (UTC, utf8mb4, no time limits, an empty sql_mode), and refuses servers
 * that are too old. Messages never hold a password. */
bool mysqld_connect(const ConnectionConfig *config, MysqlConnection **ret_connection, Error *error);
void mysqld_disconnect(MysqlConnection *connection); /* accepts NULL */
DEFINE_CLEANUP(MysqlConnection, mysqld_disconnect)

/* The same for a word to the server after a stop was asked for: waits a few seconds at most. */
bool mysqld_connect_urgently(const ConnectionConfig *config, MysqlConnection **ret_connection,
                             Error *error);

/* True while it has not been lost. */
bool mysqld_is_open(const MysqlConnection *connection);

/* Results of the statements of one message that gave rows. */
enum { MYSQLD_RESULTS_MAX = 8 };
typedef struct MysqlResults {
    MYSQL_RES *items[MYSQLD_RESULTS_MAX];
    size_t count;
} MysqlResults;
void mysqld_results_done(MysqlResults *results);

/* Sends one or more statements in one message and gives all their rows. */
bool mysqld_ask(MysqlConnection *connection, const char *sql, const MysqlAction *action,
                MysqlResults *ret_results, Error *error);

/* The two halves of it, to keep several sessions busy at once. */
bool mysqld_send(MysqlConnection *connection, const char *sql, const MysqlAction *action,
                 Error *error);
bool mysqld_receive(MysqlConnection *connection, const MysqlAction *action,
                    MysqlResults *ret_results, Error *error);

/* Of the only statement that gives rows; *ret_rows may be NULL when none did. */
bool mysqld_ask_rows(MysqlConnection *connection, const char *sql, const MysqlAction *action,
                     MYSQL_RES **ret_rows, Error *error);

/* The same without a result. */
bool mysqld_run(MysqlConnection *connection, const char *sql, const MysqlAction *action,
                Error *error);

/* What the connection failed of, as an Error; ERROR_CANCELLED when it was told to stop. */
bool mysqld_fail(MysqlConnection *connection, const MysqlAction *action, Error *error);

/* The same for a prepared statement. */
bool mysqld_fail_statement(MysqlConnection *connection, MYSQL_STMT *statement,
                           const MysqlAction *action, Error *error);

/* Waits until there is something to read. False when it was told to stop. */
bool mysqld_wait(MysqlConnection *connection);

/* Asks the server, on another connection, to stop what this one is doing. */
void mysqld_cancel(MysqlConnection *connection);

/* The number of column `name` in a result; the result's width when there is none. */
unsigned mysqld_column(MYSQL_RES *rows, const char *name);

/* A cell's number; `otherwise` for NULL. */
int64_t mysqld_int(const char *cell, int64_t otherwise);
