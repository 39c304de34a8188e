/* SPDX-License-Identifier: Apache-2.0 */
#include "source/postgres/snapshot.h"

#include "base/cancel.h"
#include "base/log.h"
#include "base/memory.h"
#include "source/postgres/catalog.h"
#include "source/postgres/open_transactions.h"
#include "source/postgres/sql.h"

#include <poll.h>
#include <string.h>
#include <time.h>

#define BEGIN_SNAPSHOT "BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY; "
#define SAVEPOINT "SAVEPOINT bqferry_reader"
#define BACK_TO_SAVEPOINT "ROLLBACK TO SAVEPOINT bqferry_reader"
#define RELEASE "RELEASE SAVEPOINT bqferry_reader"

static const PostgresAction opening = {.doing = "opening a snapshot"};
static const PostgresAction holding = {.doing = "holding the snapshot"};
static const PostgresAction joining = {.doing = "joining the snapshot"};

static void wait_freed(PostgresSnapshot *snapshot)
{
    struct timespec until;
    clock_gettime(CLOCK_REALTIME, &until);
    until.tv_nsec += POSTGRES_WAIT_MS * 1000000L;
    until.tv_sec += until.tv_nsec / 1000000000;
    until.tv_nsec %= 1000000000;
    pthread_cond_timedwait(&snapshot->freed, &snapshot->lock, &until);
}

/* The server says why it ends a session to whoever listens, which is nobody while the session is
 * idle: what it said is kept for the message. */
static void keep_last_words(void *context, const PGresult *notice)
{
    PostgresSnapshot *snapshot = context;
    const char *severity = PQresultErrorField(notice, PG_DIAG_SEVERITY_NONLOCALIZED);
    if (severity && strcmp(severity, "FATAL") == 0)
        postgres_fail(snapshot->exporter, notice, &holding, &snapshot->last_words);
}

static bool fail_gone(const PostgresSnapshot *snapshot, Error *error)
{
    if (error && snapshot->last_words.kind != ERROR_NONE) {
        *error = snapshot->last_words;
        error->retryable = true; /* a new snapshot can be opened */
        return false;
    }
    return error_set_retryable(error, ERROR_SOURCE,
                               "the snapshot is gone: the connection that held it was lost");
}

bool snapshot_take_exporter(PostgresSnapshot *snapshot, PGconn **ret_connection, Error *error)
{
    pthread_mutex_lock(&snapshot->lock);
    while (snapshot->busy && !cancel_requested())
        wait_freed(snapshot);
    bool taken = !snapshot->busy;
    snapshot->busy = true;
    pthread_mutex_unlock(&snapshot->lock);
    if (!taken)
        return cancel_check(error);
    *ret_connection = snapshot->exporter;
    if (PQstatus(snapshot->exporter) == CONNECTION_OK &&
        PQtransactionStatus(snapshot->exporter) == PQTRANS_INTRANS)
        return true;
    snapshot_give_exporter(snapshot);
    return fail_gone(snapshot, error);
}

void snapshot_give_exporter(PostgresSnapshot *snapshot)
{
    pthread_mutex_lock(&snapshot->lock);
    snapshot->busy = false;
    pthread_cond_signal(&snapshot->freed);
    pthread_mutex_unlock(&snapshot->lock);
}

static bool join(PostgresSnapshot *snapshot, PGconn **ret_connection, Error *error)
{
    CLEANUP(PQfinish_ptr) PGconn *connection = NULL;
    CLEANUP(arena_done) Arena arena = {0};
    if (!postgres_connect(snapshot->source->config, snapshot->exporter, &connection, error))
        return false;
    const char *sql =
        arena_printf(&arena, BEGIN_SNAPSHOT "SET TRANSACTION SNAPSHOT %s; %s" OPEN_MARK SAVEPOINT,
                     sql_literal(snapshot->id, &arena), postgres_settings(connection));
    if (!postgres_run(connection, sql, &joining, error)) {
        bool cancelled = error && error->kind == ERROR_CANCELLED;
        if (error && !cancelled)
            error->retryable = true; /* a new snapshot can be joined */
        return false;
    }
    *ret_connection = TAKE_PTR(connection);
    return true;
}

/* Without its exporter a snapshot can no longer be joined, and its locks are gone. The server says
 * so when it ends the session; an idle connection hears it only when it listens. */
static bool exporter_lives(PostgresSnapshot *snapshot)
{
    pthread_mutex_lock(&snapshot->lock);
    bool lives = true;
    if (!snapshot->busy) {
        struct pollfd ready = {.fd = PQsocket(snapshot->exporter), .events = POLLIN};
        while (poll(&ready, 1, 0) > 0 && PQconsumeInput(snapshot->exporter))
            ;
        PQfreemem(PQnotifies(snapshot->exporter)); /* makes libpq look at what came */
        lives = PQstatus(snapshot->exporter) == CONNECTION_OK;
    }
    pthread_mutex_unlock(&snapshot->lock);
    return lives;
}

bool snapshot_take_reader(PostgresSnapshot *snapshot, PGconn **ret_connection, Error *error)
{
    if (!snapshot->id) {
        if (!snapshot_take_exporter(snapshot, ret_connection, error))
            return false;
        if (postgres_run(*ret_connection, SAVEPOINT, &joining, error))
            return true;
        snapshot_give_exporter(snapshot);
        return false;
    }
    if (!exporter_lives(snapshot))
        return fail_gone(snapshot, error);
    pthread_mutex_lock(&snapshot->lock);
    PGconn *idle = snapshot->idle_count > 0 ? snapshot->idle[--snapshot->idle_count] : NULL;
    pthread_mutex_unlock(&snapshot->lock);
    *ret_connection = idle;
    return idle || join(snapshot, ret_connection, error);
}

static void keep_idle(PostgresSnapshot *snapshot, PGconn *connection)
{
    pthread_mutex_lock(&snapshot->lock);
    if (snapshot->idle_count == snapshot->idle_capacity) {
        snapshot->idle_capacity = snapshot->idle_capacity * 2 + 4;
        snapshot->idle =
            memory_realloc(snapshot->idle, snapshot->idle_capacity * sizeof *snapshot->idle);
    }
    snapshot->idle[snapshot->idle_count++] = connection;
    pthread_mutex_unlock(&snapshot->lock);
}

/* Reads what the server still sends of a statement that was cancelled. */
static void drain(PGconn *connection)
{
    PGresult *result;
    while ((result = PQgetResult(connection))) {
        char *row = NULL;
        while (PQresultStatus(result) == PGRES_COPY_OUT && PQgetCopyData(connection, &row, 0) > 0)
            PQfreemem(row);
        PQclear(result);
    }
}

static bool clear(PGconn *connection, const char *sql)
{
    Error error = {0};
    bool done = postgres_run(connection, sql, &joining, &error);
    if (!done)
        log_debug(NULL, "%s", error.message);
    return done;
}

void snapshot_give_reader(PostgresSnapshot *snapshot, PGconn *connection, bool done)
{
    postgres_cancel(connection);
    if (!snapshot->id) {
        drain(connection);
        clear(connection, BACK_TO_SAVEPOINT "; " RELEASE);
        snapshot_give_exporter(snapshot);
    } else if (done && clear(connection, BACK_TO_SAVEPOINT)) {
        keep_idle(snapshot, connection);
    } else {
        PQfinish(connection);
    }
}

bool snapshot_check_whole(PGconn *connection, const PostgresAction *action, Error *error)
{
    CLEANUP(PQclear_ptr) PGresult *lost = NULL;
    if (!postgres_exec(connection, catalog_lost, action, &lost, error))
        return false;
    if (PQntuples(lost) == 0)
        return true;
    error_set_retryable(error, ERROR_SOURCE,
                        "%s: %s was %s after the snapshot was opened, and the rows it had then are "
                        "no longer there",
                        action->doing, postgres_text(lost, 0, 0), postgres_text(lost, 0, 1));
    return error_hint(error, "a new snapshot sees the table as it is now");
}

static void free_snapshot(PostgresSnapshot *snapshot)
{
    for (size_t i = 0; i < snapshot->idle_count; i++)
        PQfinish(snapshot->idle[i]);
    free(snapshot->idle);
    PQfinish(snapshot->exporter);
    pthread_cond_destroy(&snapshot->freed);
    pthread_mutex_destroy(&snapshot->lock);
    arena_done(&snapshot->arena);
    free(snapshot);
}

DEFINE_CLEANUP(PostgresSnapshot, free_snapshot)

static void close_snapshot(Snapshot *base)
{
    if (base)
        free_snapshot((PostgresSnapshot *)base);
}

static const SnapshotOps ops = {.close = close_snapshot};

/* Begins the transaction and, where the server lets it, exports its snapshot. */
static bool begin(PostgresSnapshot *snapshot, Error *error)
{
    PGconn *connection = snapshot->exporter;
    const char *begin_sql =
        arena_printf(&snapshot->arena, BEGIN_SNAPSHOT "%s", postgres_settings(connection));
    const char *export_sql =
        arena_printf(&snapshot->arena, "%sSELECT pg_export_snapshot()", begin_sql);
    CLEANUP(PQclear_ptr) PGresult *exported = NULL;
    Error refused = {0};
    if (postgres_exec(connection, export_sql, &opening, &exported, &refused)) {
        snapshot->id = arena_strdup(&snapshot->arena, postgres_text(exported, 0, 0));
        return true;
    }
    if (refused.retryable || refused.kind != ERROR_SOURCE) {
        if (error)
            *error = refused;
        return false;
    }
    snapshot->base.note =
        arena_printf(&snapshot->arena, "one reader only, because the snapshot cannot be shared: %s",
                     refused.message);
    return postgres_run(connection, "ROLLBACK", &opening, error) &&
           postgres_run(connection, begin_sql, &opening, error);
}

/* Also the first statement of a transaction that is not shared: the one that makes its snapshot. */
static bool find_position(PostgresSnapshot *snapshot, Error *error)
{
    static const char sql[] = SAVEPOINT
        "; " OPEN_MARK " SELECT CASE WHEN pg_is_in_recovery() THEN pg_last_wal_replay_lsn() "
        "ELSE pg_current_wal_lsn() END; " RELEASE;
    CLEANUP(PQclear_ptr) PGresult *position = NULL;
    Error refused = {0};
    if (postgres_exec(snapshot->exporter, sql, &opening, &position, &refused)) {
        snapshot->base.position = arena_strdup(&snapshot->arena, postgres_text(position, 0, 0));
        return true;
    }
    if (PQtransactionStatus(snapshot->exporter) == PQTRANS_INERROR)
        return postgres_run(snapshot->exporter, BACK_TO_SAVEPOINT "; " RELEASE, &opening, error);
    if (error)
        *error = refused;
    return false;
}

/* Proves that another connection can join (a pooler may lead it to another server), and keeps that
 * connection for the first reader. False only for a cancelled run. */
static bool try_sharing(PostgresSnapshot *snapshot, Error *error)
{
    PGconn *second = NULL;
    Error refused = {0};
    if (join(snapshot, &second, &refused)) {
        keep_idle(snapshot, second);
        return true;
    }
    if (!cancel_check(error))
        return false;
    snapshot->id = NULL;
    snapshot->base.note =
        arena_printf(&snapshot->arena,
                     "one reader only, because a second connection cannot join the snapshot: %s",
                     refused.message);
    return true;
}

bool postgres_snapshot_open(Source *base, size_t readers, Snapshot **ret_snapshot, Error *error)
{
    (void)readers; /* each imports it when it comes */
    CLEANUP(free_snapshot_ptr)
    PostgresSnapshot *snapshot = memory_zalloc(1, sizeof *snapshot);
    snapshot->base.ops = &ops;
    snapshot->source = (PostgresSource *)base;
    pthread_mutex_init(&snapshot->lock, NULL);
    pthread_cond_init(&snapshot->freed, NULL);
    if (!postgres_connect(snapshot->source->config, NULL, &snapshot->exporter, error))
        return false;
    PQsetNoticeReceiver(snapshot->exporter, keep_last_words, snapshot);
    if (!begin(snapshot, error) || !find_position(snapshot, error) ||
        (snapshot->id && !try_sharing(snapshot, error)))
        return false;
    snapshot->base.max_readers = snapshot->id ? SIZE_MAX : 1;
    *ret_snapshot = &TAKE_PTR(snapshot)->base;
    return true;
}
