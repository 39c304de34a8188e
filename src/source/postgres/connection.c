/* SPDX-License-Identifier: Apache-2.0 */
#include "source/postgres/connection.h"

#include "base/log.h"

#include <poll.h>
#include <string.h>

const char *postgres_settings(const PGconn *connection)
{
#define SETTINGS                                                                                   \
    "SET LOCAL statement_timeout = 0; SET LOCAL idle_in_transaction_session_timeout = 0; "         \
    "SET LOCAL lock_timeout = '10s'; SET LOCAL row_security = off; "                               \
    "SET LOCAL extra_float_digits = 1; SET LOCAL timezone = 'UTC'; SET LOCAL datestyle = 'ISO'; "  \
    "SET LOCAL intervalstyle = 'postgres'; SET LOCAL bytea_output = 'hex'; "                       \
    "SET LOCAL standard_conforming_strings = on; "
    /* Such a server checks what it sends as UTF-8 and would refuse the read: policies want to see
     * it. */
#define RAW_BYTES "SET LOCAL client_encoding = 'SQL_ASCII'; "
#define NO_TIMEOUT "SET LOCAL transaction_timeout = 0; "
    const char *encoding = PQparameterStatus(connection, "server_encoding");
    bool raw = encoding && strcmp(encoding, "SQL_ASCII") == 0;
    if (PQserverVersion(connection) >= 170000)
        return raw ? SETTINGS NO_TIMEOUT RAW_BYTES : SETTINGS NO_TIMEOUT;
    return raw ? SETTINGS RAW_BYTES : SETTINGS;
#undef NO_TIMEOUT
#undef RAW_BYTES
#undef SETTINGS
}

void postgres_cancel(PGconn *connection)
{
    if (PQtransactionStatus(connection) != PQTRANS_ACTIVE)
        return;
    PGcancel *cancel = PQgetCancel(connection);
    char said[256];
    if (cancel && !PQcancel(cancel, said, sizeof said))
        log_debug(NULL, "the server could not be asked to stop a statement: %s", said);
    PQfreeCancel(cancel);
}

/* Decrypted bytes may be waiting inside the TLS library, where poll() does not see them. */
static int wait_ms(PGconn *connection)
{
    enum { ENCRYPTED_WAIT_MS = 10 };
    bool is_encrypted = PQsslInUse(connection) || PQgssEncInUse(connection);
    return is_encrypted ? ENCRYPTED_WAIT_MS : POSTGRES_WAIT_MS;
}

bool postgres_wait(PGconn *connection, const StopFlag *stop, const PostgresAction *action,
                   Error *error)
{
    struct pollfd ready = {.fd = PQsocket(connection), .events = POLLIN};
    poll(&ready, 1, wait_ms(connection));
    if (stop_requested(stop))
        return error_set(error, ERROR_CANCELLED, "%s: stopped", action->doing);
    return PQconsumeInput(connection) || postgres_fail(connection, NULL, action, error);
}

bool postgres_next_result(PGconn *connection, const StopFlag *stop, const PostgresAction *action,
                          PGresult **ret_result, Error *error)
{
    while (PQisBusy(connection)) {
        if (!postgres_wait(connection, stop, action, error)) {
            postgres_cancel(connection);
            return false;
        }
    }
    *ret_result = PQgetResult(connection);
    return true;
}

/* Of a message's results the one that matters: an error, else the last rows, else the last. */
static void keep_best(PGresult **kept, PGresult *next)
{
    ExecStatusType old = PQresultStatus(*kept), new = PQresultStatus(next);
    bool better =
        !*kept || (old != PGRES_FATAL_ERROR &&
                   (new == PGRES_FATAL_ERROR || new == PGRES_TUPLES_OK || old == PGRES_COMMAND_OK));
    PQclear(better ? *kept : next);
    *kept = better ? next : *kept;
}

bool postgres_exec(PGconn *connection, const char *sql, const PostgresAction *action,
                   PGresult **ret_result, Error *error)
{
    if (!PQsendQuery(connection, sql))
        return postgres_fail(connection, NULL, action, error);
    CLEANUP(PQclear_ptr) PGresult *kept = NULL;
    for (;;) {
        PGresult *result = NULL;
        if (!postgres_next_result(connection, NULL, action, &result, error))
            return false;
        if (!result)
            break;
        keep_best(&kept, result);
    }
    if (!kept || PQresultStatus(kept) == PGRES_FATAL_ERROR)
        return postgres_fail(connection, kept, action, error);
    if (ret_result)
        *ret_result = TAKE_PTR(kept);
    return true;
}

bool postgres_describe(PGconn *connection, const char *sql, const PostgresAction *action,
                       PGresult **ret_result, Error *error)
{
    if (!PQenterPipelineMode(connection) || !PQsendPrepare(connection, "", sql, 0, NULL) ||
        !PQsendDescribePrepared(connection, "") || !PQpipelineSync(connection))
        return postgres_fail(connection, NULL, action, error);
    CLEANUP(PQclear_ptr) PGresult *kept = NULL;
    for (bool synced = false; !synced;) {
        PGresult *result = NULL;
        if (!postgres_next_result(connection, NULL, action, &result, error))
            return false;
        ExecStatusType status = PQresultStatus(result);
        synced = status == PGRES_PIPELINE_SYNC || PQstatus(connection) == CONNECTION_BAD;
        if (result && (status == PGRES_COMMAND_OK || status == PGRES_FATAL_ERROR))
            keep_best(&kept, TAKE_PTR(result));
        PQclear(result);
    }
    bool left = PQexitPipelineMode(connection);
    if (!left || !kept || PQresultStatus(kept) == PGRES_FATAL_ERROR)
        return postgres_fail(connection, kept, action, error);
    *ret_result = TAKE_PTR(kept);
    return true;
}

bool postgres_run(PGconn *connection, const char *sql, const PostgresAction *action, Error *error)
{
    return postgres_exec(connection, sql, action, NULL, error);
}

const char *postgres_text(const PGresult *result, int row, int column)
{
    return PQgetisnull(result, row, column) ? NULL : PQgetvalue(result, row, column);
}

int64_t postgres_int(const PGresult *result, int row, int column, int64_t otherwise)
{
    return PQgetisnull(result, row, column) ? otherwise
                                            : strtoll(PQgetvalue(result, row, column), NULL, 10);
}

bool postgres_bool(const PGresult *result, int row, int column)
{
    return !PQgetisnull(result, row, column) && PQgetvalue(result, row, column)[0] == 't';
}
