/* SPDX-License-Identifier: Apache-2.0 */
/* source/postgres/connection.h: one session with a server: opened, asked, cancelled. Everything
 * that waits here ends early when the run is cancelled. */
#pragma once

#include "base/cleanup.h"
#include "base/error.h"
#include "base/parallel.h"
#include "config/config.h"
#include "source/postgres/failure.h"

#include <libpq-fe.h>
#include <stdint.h>

enum { POSTGRES_OLDEST_VERSION = 120000, POSTGRES_WAIT_MS = 200 };

DEFINE_CLEANUP(PGconn, PQfinish)
DEFINE_CLEANUP(PGresult, PQclear)

/* Connects as libpq would from url, keywords, PG* variables, service and password files; keywords
 * of the configuration win over its url. `beside`, unless NULL, is a connection to whose server, of
 * all that these may lead to, this one must go. Messages never hold a password. */
bool postgres_connect(const ConnectionConfig *config, const PGconn *beside, PGconn **ret_connection,
                      Error *error);

/* "SET LOCAL …;" for a transaction of ours: nothing outlives it, so that poolers may hand the
 * session to others afterwards. lc_monetary stays the database's own: it decides what a money value
 * means. */
const char *postgres_settings(const PGconn *connection);

/* Sends one or more statements in one message and gives the last one's rows (the last one's result
 * when none gives rows). Outside a transaction block they are one transaction together. */
bool postgres_exec(PGconn *connection, const char *sql, const PostgresAction *action,
                   PGresult **ret_result, Error *error);

/* The same without a result. */
bool postgres_run(PGconn *connection, const char *sql, const PostgresAction *action, Error *error);

/* What a SELECT would give, without running it: PQnfields, PQftype, PQfmod of *ret_result. One
 * round trip; inside a transaction block only, for the sake of poolers. */
bool postgres_describe(PGconn *connection, const char *sql, const PostgresAction *action,
                       PGresult **ret_result, Error *error);

/* Waits until the connection has something to read, at most POSTGRES_WAIT_MS, and takes it in.
 * False with ERROR_CANCELLED when `stop` (may be NULL) or a signal asks to stop; else the loss of
 * the connection. */
bool postgres_wait(PGconn *connection, const StopFlag *stop, const PostgresAction *action,
                   Error *error);

/* The next result of what was sent; NULL in *ret_result after the last. Waits as postgres_wait. */
bool postgres_next_result(PGconn *connection, const StopFlag *stop, const PostgresAction *action,
                          PGresult **ret_result, Error *error);

/* Asks the server to stop what this connection is doing; does nothing when it is idle. */
void postgres_cancel(PGconn *connection);

/* Column `column` of row `row` as text; NULL for NULL. */
const char *postgres_text(const PGresult *result, int row, int column);
int64_t postgres_int(const PGresult *result, int row, int column, int64_t otherwise);
bool postgres_bool(const PGresult *result, int row, int column);
