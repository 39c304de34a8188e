/* SPDX-License-Identifier: Apache-2.0 */
/* source/postgres/failure.h: what PostgreSQL and libpq say when something fails, as an Error: the
 * server's own words and SQLSTATE, whether a new attempt may help, and what to do.
 * SQLSTATEs: PostgreSQL manual, appendix A. */
#pragma once

#include "base/error.h"

#include <stddef.h>

/* As in libpq-fe.h, which those who only read texts do not need. */
typedef struct pg_conn PGconn;
typedef struct pg_result PGresult;

/* What was being done, for messages. */
typedef struct PostgresAction {
    const char *doing;    /* "reading public.orders" */
    const char *relation; /* quoted for SQL, to spell out a GRANT; NULL: unknown */
} PostgresAction;

typedef struct SqlstateMeaning {
    bool retryable;
    const char *hint; /* NULL: the server's words say it all */
} SqlstateMeaning;

/* `sqlstate` has five characters; NULL gives "not retryable, no hint". */
SqlstateMeaning postgres_sqlstate_meaning(const char *sqlstate);

/* Fills ERROR_SOURCE from a failed result (NULL: from the connection) and returns false. A lost
 * connection is retryable and is called that. */
bool postgres_fail(const PGconn *connection, const PGresult *result, const PostgresAction *action,
                   Error *error);

/* Fills ERROR_SOURCE from libpq's text (verbose form) about a connection that could not be made. */
bool postgres_fail_connect(const char *text, Error *error);

/* Copies libpq's complaint about a malformed url or keyword string, without what it quotes: that
 * may hold a password. */
void postgres_redact(const char *text, char *clean, size_t size);
