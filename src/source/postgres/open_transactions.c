/* SPDX-License-Identifier: Apache-2.0 */
#include "source/postgres/open_transactions.h"

#include "base/arena.h"
#include "base/cancel.h"
#include "base/clock.h"
#include "source/postgres/sql.h"

#include <inttypes.h>
#include <string.h>

/* Process ids of our own readers, in the database that asks. */
#define MARKED                                                                                     \
    "(SELECT m.pid FROM pg_locks m WHERE m.locktype = 'advisory' AND m.classid = 1651598969\n"     \
    "  AND m.objid = 1 AND m.objsubid = 2 AND m.database =\n"                                      \
    "  (SELECT oid FROM pg_database WHERE datname = current_database()))"

#define HERE "(SELECT oid FROM pg_database WHERE datname = current_database())"

static const PostgresAction asking = {.doing = "asking for open transactions"};

/* Of statement_timestamp() it is known that whatever began later is stamped later: it is taken
 * before the statement looks at anything. */
static const char moment_sql[] =
    "WITH open AS MATERIALIZED (\n"
    " SELECT a.pid, a.xact_start, a.usename, a.application_name, a.state FROM pg_stat_activity a\n"
    " WHERE a.datid = " HERE " AND a.xact_start IS NOT NULL AND a.pid <> pg_backend_pid()\n"
    "  AND a.backend_type NOT IN ('autovacuum worker', 'walsender')\n"
    "  AND NOT EXISTS (SELECT FROM " MARKED " AS m WHERE m.pid = a.pid)\n"
    " ORDER BY a.xact_start LIMIT 1)\n"
    "SELECT pg_is_in_recovery(), pg_has_role(current_user, 'pg_read_all_stats', 'USAGE'),\n"
    " (SELECT reset_val FROM pg_settings WHERE name = 'TimeZone'),\n"
    " (statement_timestamp() AT TIME ZONE 'UTC')::text,\n"
    " (SELECT (xact_start AT TIME ZONE 'UTC')::text FROM open),\n"
    " (SELECT (extract(epoch FROM statement_timestamp() - xact_start) * 1000)::int8 FROM open),\n"
    " (SELECT format('process %s, role %s%s, %s', pid, usename,\n"
    "   CASE WHEN application_name <> '' THEN ', application ' || application_name ELSE '' END,\n"
    "   state) FROM open)";

enum {
    MOMENT_STANDBY,
    MOMENT_SEES,
    MOMENT_ZONE,
    MOMENT_TIME,
    MOMENT_OLDEST,
    MOMENT_AGE,
    MOMENT_WHO,
};

bool open_moment(PostgresSource *source, Arena *arena, Moment *ret_moment, Error *error)
{
    CLEANUP(PQclear_ptr) PGresult *row = NULL;
    if (!session_ask(source, moment_sql, &asking, &row, error))
        return false;
    *ret_moment = (Moment){
        .is_standby = postgres_bool(row, 0, MOMENT_STANDBY),
        .sees_starts = postgres_bool(row, 0, MOMENT_SEES),
        .zone = arena_strdup(arena, postgres_text(row, 0, MOMENT_ZONE)),
        .time = arena_strdup(arena, postgres_text(row, 0, MOMENT_TIME)),
        .oldest = arena_strdup(arena, postgres_text(row, 0, MOMENT_OLDEST)),
        .age_ms = postgres_int(row, 0, MOMENT_AGE, 0),
        .who = arena_strdup(arena, postgres_text(row, 0, MOMENT_WHO)),
    };
    return true;
}

bool open_has(const OpenSet *set, const char *name)
{
    for (size_t i = 0; i < set->count; i++) {
        if (strcmp(set->names[i], name) == 0)
            return true;
    }
    return false;
}

static void add(OpenSet *set, const char *name, Arena *arena)
{
    if (set->count == set->capacity) {
        set->capacity = set->capacity ? set->capacity * 2 : 16;
        const char **grown = ARENA_ARRAY(arena, const char *, set->capacity);
        if (set->count)
            memcpy(grown, set->names, set->count * sizeof *grown);
        set->names = grown;
    }
    set->names[set->count++] = arena_strdup(arena, name);
}

void open_join(OpenSet *set, const OpenSet *more, Arena *arena)
{
    for (size_t i = 0; i < more->count; i++) {
        if (!open_has(set, more->names[i]))
            add(set, more->names[i], arena);
    }
}

static bool add_rows(PostgresSource *source, const char *sql, Arena *arena, OpenSet *set,
                     Error *error)
{
    CLEANUP(PQclear_ptr) PGresult *rows = NULL;
    if (!session_ask(source, sql, &asking, &rows, error))
        return false;
    for (int i = 0; i < PQntuples(rows); i++)
        add(set, postgres_text(rows, i, 0), arena);
    return true;
}

/* Autovacuum has no user; of others' sessions a role that may see nothing else sees that. Prepared
 * transactions have no virtual lock, but one on their number. */
bool open_add_all(PostgresSource *source, Arena *arena, OpenSet *set, Error *error)
{
    static const char sql[] =
        "SELECT l.virtualtransaction FROM pg_locks l JOIN pg_stat_activity a ON a.pid = l.pid\n"
        " WHERE l.locktype = 'virtualxid' AND l.mode = 'ExclusiveLock' AND a.datid = " HERE "\n"
        "  AND a.usesysid IS NOT NULL AND l.pid <> pg_backend_pid()\n"
        "  AND NOT EXISTS (SELECT FROM " MARKED " AS m WHERE m.pid = l.pid)\n"
        "UNION SELECT l.virtualtransaction FROM pg_locks l WHERE l.pid IS NULL\n"
        "  AND l.locktype = 'relation' AND l.database = " HERE " AND l.mode = 'RowExclusiveLock'";
    return add_rows(source, sql, arena, set, error);
}

bool open_add_writers(PostgresSource *source, const char *oids, Arena *arena, OpenSet *set,
                      Error *error)
{
    const char *sql = arena_printf(
        arena,
        "SELECT DISTINCT l.virtualtransaction FROM pg_locks l WHERE l.locktype = 'relation'\n"
        " AND l.database = " HERE " AND l.relation = ANY ('{%s}'::oid[])\n"
        " AND l.mode = 'RowExclusiveLock' AND l.granted AND l.pid IS DISTINCT FROM pg_backend_pid()",
        oids);
    return add_rows(source, sql, arena, set, error);
}

static const char *array_of(const OpenSet *set, Arena *arena)
{
    SqlText text;
    sql_open(&text);
    for (size_t i = 0; i < set->count; i++)
        fprintf(text.out, "%s%s", i > 0 ? "," : "", set->names[i]);
    return sql_take(&text, arena);
}

static bool look(PostgresSource *source, const OpenSet *set, Arena *arena, OpenRest *ret_rest,
                 Error *error)
{
    const char *sql = arena_printf(
        arena,
        "SELECT DISTINCT ON (l.virtualtransaction) l.virtualtransaction,\n"
        " CASE WHEN l.pid IS NULL THEN 'a prepared transaction' ELSE format('process %%s%%s', l.pid,\n"
        "  (SELECT ', role ' || coalesce(a.usename, '?') || CASE WHEN a.application_name <> ''\n"
        "   THEN ', application ' || a.application_name ELSE '' END\n"
        "   FROM pg_stat_activity a WHERE a.pid = l.pid)) END\n"
        "FROM pg_locks l WHERE l.virtualtransaction = ANY ('{%s}'::text[])\n"
        " AND (l.locktype = 'virtualxid' OR l.pid IS NULL)",
        array_of(set, arena));
    CLEANUP(PQclear_ptr) PGresult *rows = NULL;
    *ret_rest = (OpenRest){0};
    if (!session_ask(source, sql, &asking, &rows, error))
        return false;
    for (int i = 0; i < PQntuples(rows); i++)
        add(&ret_rest->set, postgres_text(rows, i, 0), arena);
    if (ret_rest->set.count)
        ret_rest->who = arena_strdup(arena, postgres_text(rows, 0, 1));
    return true;
}

bool open_wait(PostgresSource *source, const OpenSet *set, int64_t wait_ms, Arena *arena,
               OpenRest *ret_rest, Error *error)
{
    enum { NAP_MS = 20, NAP_MAX_MS = 500 };
    CLEANUP(arena_done) Arena scratch = {0};
    int64_t until = clock_monotonic_ns() + wait_ms * 1000000, nap = NAP_MS;
    OpenRest rest = {.set = *set};
    while (rest.set.count > 0) {
        OpenSet asked = rest.set;
        if (!look(source, &asked, &scratch, &rest, error))
            return false;
        if (rest.set.count == 0 || clock_monotonic_ns() >= until)
            break;
        clock_sleep_ms(nap);
        nap = nap * 2 > NAP_MAX_MS ? NAP_MAX_MS : nap * 2;
        if (!cancel_check(error))
            return false;
    }
    *ret_rest = (OpenRest){.who = arena_strdup(arena, rest.who)};
    open_join(&ret_rest->set, &rest.set, arena);
    return true;
}

bool open_prepared(PostgresSource *source, const char *oids, Arena *arena, const char **ret_time,
                   Error *error)
{
    const char *sql = arena_printf(
        arena,
        "SELECT (min(p.prepared) AT TIME ZONE 'UTC')::text FROM pg_prepared_xacts p\n"
        "WHERE p.database = current_database() AND EXISTS (SELECT FROM pg_locks t\n"
        " JOIN pg_locks l ON l.virtualtransaction = t.virtualtransaction AND l.pid IS NULL\n"
        " WHERE t.locktype = 'transactionid' AND t.pid IS NULL AND t.transactionid = p.transaction\n"
        "  AND l.locktype = 'relation' AND l.mode = 'RowExclusiveLock' AND %s)",
        oids ? arena_printf(arena, "l.relation = ANY ('{%s}'::oid[])", oids) : "true");
    CLEANUP(PQclear_ptr) PGresult *row = NULL;
    if (!session_ask(source, sql, &asking, &row, error))
        return false;
    *ret_time = arena_strdup(arena, postgres_text(row, 0, 0));
    return true;
}
