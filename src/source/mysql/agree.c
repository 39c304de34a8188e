/* SPDX-License-Identifier: Apache-2.0 */
#include "source/mysql/agree.h"

#include "base/cancel.h"
#include "base/clock.h"
#include "base/log.h"

#include <string.h>

/* ROLLBACK first: the end of a transaction of before, as START makes it, is a commit, which a lock
 * against writes holds back. Under such a lock nobody may wait for long. */
#define START                                                                                      \
    "ROLLBACK; SET SESSION lock_wait_timeout = 2; START TRANSACTION WITH CONSISTENT SNAPSHOT, "    \
    "READ ONLY; SAVEPOINT bqferry_reader; SET SESSION lock_wait_timeout = 10; "
#define POSITION "SHOW STATUS LIKE 'Binlog_snapshot_%'"

enum {
    ROUNDS_MAX = 20,
    ROUND_PAUSE_MS = 5,
    LOCK_TRIES = 3,
    LOCK_PAUSE_MS = 500,
    LOCK_TIMEOUT = 1205
};

static const MysqlAction opening = {.doing = "opening a snapshot"};
static const MysqlAction locking = {.doing = "holding writes back for a moment"};

/* "file:position" of a result of POSITION; NULL when the server keeps none. */
static const char *position_of(MYSQL_RES *rows, Arena *arena)
{
    const char *file = NULL, *offset = NULL;
    MYSQL_ROW row;
    while (rows && (row = mysql_fetch_row(rows))) {
        if (strcasecmp(row[0], "Binlog_snapshot_file") == 0)
            file = row[1];
        else if (strcasecmp(row[0], "Binlog_snapshot_position") == 0)
            offset = row[1];
    }
    bool is_kept = file && file[0] && offset;
    return is_kept ? arena_printf(arena, "%s:%s", file, offset) : NULL;
}

/* Begins every member's transaction, all at once; positions[i] is what it stands for. */
static bool begin_all(MysqlSnapshot *snapshot, const char **positions, Error *error)
{
    size_t sent = 0;
    while (sent < snapshot->member_count &&
           mysqld_send(snapshot->members[sent], START POSITION, &opening, error))
        sent++;
    bool begun = sent == snapshot->member_count;
    for (size_t i = 0; i < sent; i++) {
        CLEANUP(mysqld_results_done) MysqlResults results = {0};
        begun =
            mysqld_receive(snapshot->members[i], &opening, &results, begun ? error : NULL) && begun;
        if (begun)
            positions[i] = position_of(results.count ? results.items[0] : NULL, &snapshot->arena);
    }
    return begun;
}

/* How many stand where members[index] does. */
static size_t count_same(const char *const *positions, size_t count, size_t index)
{
    size_t same = 0;
    for (size_t i = 0; i < count; i++)
        same += positions[i] && positions[index] && strcmp(positions[i], positions[index]) == 0;
    return same;
}

static void keep_at(MysqlSnapshot *snapshot, const char *const *positions, const char *position)
{
    size_t kept = 0;
    for (size_t i = 0; i < snapshot->member_count; i++) {
        if (positions[i] && strcmp(positions[i], position) == 0)
            snapshot->members[kept++] = snapshot->members[i];
        else
            mysqld_disconnect(snapshot->members[i]);
    }
    snapshot->member_count = kept;
}

/* MariaDB's and Percona's snapshots know where in the binary log they stand: the same place, the
 * same rows. Positions are those of the last round; *ret_best is where most members stand, the
 * member count when the server keeps no binary log. */
static bool agree_by_position(MysqlSnapshot *snapshot, const char **positions, size_t *ret_best,
                              Error *error)
{
    size_t count = snapshot->member_count, most = 0;
    for (int round = 0; round < ROUNDS_MAX && most < count; round++) {
        if (round > 0)
            clock_sleep_ms(ROUND_PAUSE_MS);
        if (!cancel_check(error) || !begin_all(snapshot, positions, error))
            return false;
        *ret_best = count;
        if (!positions[0])
            return true;
        most = 0;
        for (size_t i = 0; i < count; i++) {
            size_t same = count_same(positions, count, i);
            *ret_best = same > most ? i : *ret_best;
            most = same > most ? same : most;
        }
    }
    return true;
}

static void say_position(MysqlSnapshot *snapshot, const char *position)
{
    snapshot->base.position = position;
    snapshot->base.method = arena_printf(
        &snapshot->arena,
        "%zu readers see one moment: their snapshots stand at one position of the binary log, %s",
        snapshot->member_count, position);
}

/* Where the binary log stands while nothing is written; NULL when the account may not know. */
static const char *position_under_lock(MysqlConnection *connection, Arena *arena)
{
    enum { FILE_NAME, OFFSET, GTIDS = 4 };
    bool has_new_name = !connection->is_mariadb && connection->version >= 80200;
    CLEANUP(mysql_free_result_ptr) MYSQL_RES *rows = NULL;
    const char *sql = has_new_name ? "SHOW BINARY LOG STATUS" : "SHOW MASTER STATUS";
    if (!mysqld_ask_rows(connection, sql, &locking, &rows, NULL) || !rows)
        return NULL;
    MYSQL_ROW row = mysql_fetch_row(rows);
    if (!row)
        return NULL;
    const char *gtids = mysql_num_fields(rows) > GTIDS ? row[GTIDS] : NULL;
    return arena_printf(arena, "%s:%s%s%s", row[FILE_NAME], row[OFFSET], gtids && *gtids ? " " : "",
                        gtids ? gtids : "");
}

/* FLUSH TABLES WITH READ LOCK waits for running statements and keeps writers waiting behind it, so
 * it gets a few seconds only. */
static bool lock_writes(MysqlConnection *locker, bool *ret_locked, const char **ret_why,
                        Error *error)
{
    *ret_locked = false;
    for (int i = 0; i < LOCK_TRIES && !*ret_locked; i++) {
        Error refused = {0};
        if (i > 0)
            clock_sleep_ms(LOCK_PAUSE_MS);
        *ret_locked =
            mysqld_run(locker, "SET SESSION lock_wait_timeout = 1; FLUSH TABLES WITH READ LOCK",
                       &locking, &refused);
        if (*ret_locked)
            return true;
        unsigned number = mysql_errno(&locker->mysql);
        *ret_why = number == LOCK_TIMEOUT
                       ? "long statements kept FLUSH TABLES WITH READ LOCK waiting"
                       : "the account may not hold writes back for a moment (GRANT RELOAD ON *.*)";
        if (number != LOCK_TIMEOUT && !mysqld_is_denied(number)) {
            if (error)
                *error = refused;
            return false;
        }
        if (mysqld_is_denied(number))
            return true;
    }
    return true;
}

static bool agree_under_lock(MysqlSnapshot *snapshot, bool *ret_agreed, const char **ret_why,
                             Error *error)
{
    MysqlConnection *locker = NULL;
    bool fresh;
    *ret_agreed = false;
    if (!mysqld_borrow(snapshot->source, &locker, &fresh, error))
        return false;
    bool tried = lock_writes(locker, ret_agreed, ret_why, error);
    if (tried && *ret_agreed) {
        const char *positions[MYSQLD_READERS_MAX] = {0};
        int64_t since = clock_monotonic_ns();
        tried = begin_all(snapshot, positions, error);
        snapshot->base.position = position_under_lock(locker, &snapshot->arena);
        Error unlocked = {0};
        if (!mysqld_run(locker, "UNLOCK TABLES", &locking, &unlocked))
            log_debug(NULL, "%s", unlocked.message); /* the session's end unlocks, too */
        double held_ms = (double)(clock_monotonic_ns() - since) / 1e6;
        snapshot->base.method =
            arena_printf(&snapshot->arena,
                         "%zu readers see one moment: writes were held back for %.1f ms "
                         "(FLUSH TABLES WITH READ LOCK) while they opened their snapshots",
                         snapshot->member_count, held_ms);
    }
    mysqld_disconnect(locker); /* its lock_wait_timeout is not the usual one */
    return tried;
}

static void keep_first(MysqlSnapshot *snapshot)
{
    for (size_t i = 1; i < snapshot->member_count; i++)
        mysqld_disconnect(snapshot->members[i]);
    snapshot->member_count = 1;
}

static bool begin_alone(MysqlSnapshot *snapshot, Error *error)
{
    const char *position = NULL;
    keep_first(snapshot);
    if (!begin_all(snapshot, &position, error))
        return false;
    snapshot->base.position = position;
    return true;
}

bool mysqld_agree(MysqlSnapshot *snapshot, Error *error)
{
    const char *positions[MYSQLD_READERS_MAX] = {0}, *why = NULL;
    size_t wanted = snapshot->member_count, best = wanted;
    if (wanted == 1)
        return begin_alone(snapshot, error);
    if (!agree_by_position(snapshot, positions, &best, error))
        return false;
    size_t same = best < wanted ? count_same(positions, wanted, best) : 0;
    bool agreed = same == wanted;
    if (!agreed && !agree_under_lock(snapshot, &agreed, &why, error))
        return false;
    if (same > 1 && !snapshot->base.method) { /* those of the last round that agree will do */
        const char *position = positions[best];
        keep_at(snapshot, positions, position);
        say_position(snapshot, position);
        if (same < wanted)
            snapshot->base.note =
                arena_printf(&snapshot->arena,
                             "%zu readers of %zu, because so much is committed that no more "
                             "snapshots stand at one position of the binary log, and %s",
                             same, wanted, why);
        return true;
    }
    if (agreed)
        return true;
    snapshot->base.note =
        arena_printf(&snapshot->arena,
                     "one reader only, because several connections could not be given one "
                     "snapshot: %s",
                     why);
    return begin_alone(snapshot, error);
}
