/* SPDX-License-Identifier: Apache-2.0 */
#include "source/mysql/snapshot.h"

#include "base/cancel.h"
#include "base/log.h"
#include "base/memory.h"
#include "source/mysql/agree.h"

#include <time.h>

static const MysqlAction releasing = {.doing = "letting go of a table"};

static void wait_freed(MysqlSnapshot *snapshot)
{
    struct timespec until;
    clock_gettime(CLOCK_REALTIME, &until);
    until.tv_nsec += MYSQLD_WAIT_MS * 1000000L;
    until.tv_sec += until.tv_nsec / 1000000000;
    until.tv_nsec %= 1000000000;
    pthread_cond_timedwait(&snapshot->freed, &snapshot->lock, &until);
}

bool mysqld_take_reader(MysqlSnapshot *snapshot, MysqlConnection **ret_connection, Error *error)
{
    pthread_mutex_lock(&snapshot->lock);
    while (snapshot->idle_count == 0 && snapshot->alive > 0 && !cancel_requested())
        wait_freed(snapshot);
    MysqlConnection *taken =
        snapshot->idle_count > 0 ? snapshot->idle[--snapshot->idle_count] : NULL;
    pthread_mutex_unlock(&snapshot->lock);
    *ret_connection = taken;
    if (taken || !cancel_check(error))
        return taken != NULL;
    return error_set_retryable(error, ERROR_SOURCE,
                               "the snapshot is gone: the connections that held it were lost");
}

/* Locks of tables go with the savepoint; the snapshot stays (as mysqldump does it). */
static bool let_go(MysqlConnection *connection)
{
    Error error = {0};
    connection->stop = NULL;
    bool done = mysqld_run(connection, "ROLLBACK TO SAVEPOINT bqferry_reader", &releasing, &error);
    if (!done)
        log_debug(NULL, "%s", error.message);
    return done;
}

void mysqld_give_reader(MysqlSnapshot *snapshot, MysqlConnection *connection, bool done)
{
    bool kept = done && mysqld_is_open(connection) && let_go(connection);
    if (!kept) {
        mysqld_cancel(connection); /* a server notices that nobody listens only when it sends */
        mysqld_disconnect(connection);
    }
    pthread_mutex_lock(&snapshot->lock);
    if (kept)
        snapshot->idle[snapshot->idle_count++] = connection;
    else
        snapshot->alive--;
    pthread_cond_signal(&snapshot->freed);
    pthread_mutex_unlock(&snapshot->lock);
}

static void free_snapshot(MysqlSnapshot *snapshot)
{
    for (size_t i = 0; i < snapshot->member_count; i++)
        mysqld_disconnect(snapshot->members[i]);
    for (size_t i = 0; i < snapshot->idle_count; i++)
        mysqld_disconnect(snapshot->idle[i]);
    pthread_cond_destroy(&snapshot->freed);
    pthread_mutex_destroy(&snapshot->lock);
    arena_done(&snapshot->arena);
    free(snapshot);
}

DEFINE_CLEANUP(MysqlSnapshot, free_snapshot)

static void close_snapshot(Snapshot *base)
{
    if (base)
        free_snapshot((MysqlSnapshot *)base);
}

static const SnapshotOps ops = {.close = close_snapshot};

static bool is_full(const Error *error)
{
    return strstr(error->message, "(error 1040") || strstr(error->message, "(error 1203") ||
           strstr(error->message, "(error 1226");
}

/* As many as there will be readers, or as the server lets in. */
static bool connect_members(MysqlSnapshot *snapshot, size_t readers, Error *error)
{
    size_t wanted = readers < MYSQLD_READERS_MAX ? readers : MYSQLD_READERS_MAX;
    Error refused = {0};
    do {
        MysqlConnection **next = &snapshot->members[snapshot->member_count];
        if (!mysqld_connect(snapshot->source->config, next, &refused))
            break;
        snapshot->member_count++;
    } while (snapshot->member_count < wanted);
    if (snapshot->member_count >= wanted)
        return true;
    if (snapshot->member_count > 1 && is_full(&refused)) {
        /* Questions about tables need a connection, too. */
        mysqld_disconnect(snapshot->members[--snapshot->member_count]);
        snapshot->base.note = arena_printf(&snapshot->arena, "%zu readers only: %s",
                                           snapshot->member_count, refused.message);
        return true;
    }
    if (error)
        *error = refused;
    return false;
}

bool mysqld_snapshot_open(Source *base, size_t readers, Snapshot **ret_snapshot, Error *error)
{
    CLEANUP(free_snapshot_ptr) MysqlSnapshot *snapshot = memory_zalloc(1, sizeof *snapshot);
    snapshot->base.ops = &ops;
    snapshot->source = (MysqlSource *)base;
    pthread_mutex_init(&snapshot->lock, NULL);
    pthread_cond_init(&snapshot->freed, NULL);
    if (!connect_members(snapshot, readers, error) || !mysqld_agree(snapshot, error))
        return false;
    for (size_t i = 0; i < snapshot->member_count; i++)
        snapshot->idle[i] = snapshot->members[i];
    snapshot->idle_count = snapshot->alive = snapshot->base.max_readers = snapshot->member_count;
    snapshot->member_count = 0;
    *ret_snapshot = &TAKE_PTR(snapshot)->base;
    return true;
}
