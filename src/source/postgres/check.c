/* SPDX-License-Identifier: Apache-2.0 */
#include "base/clock.h"
#include "source/postgres/snapshot.h"

#include <inttypes.h>
#include <string.h>

/* Columns of the question below. */
enum {
    FACT_VERSION,
    FACT_ROLE,
    FACT_SUPERUSER,
    FACT_BYPASS,
    FACT_DATABASE,
    FACT_ENCODING,
    FACT_STANDBY,
    FACT_STANDBY_DELAY,
    FACT_CONNECTIONS_MAX,
    FACT_CONNECTIONS_FREE,
    FACT_PROCESS,
    FACT_READABLE,
    FACT_UNREADABLE,
    FACT_UNREADABLE_NAME,
    FACT_FILTERED,
    FACT_FILTERED_NAME,
    FACT_SEES_STARTS,
};

static const char facts_sql[] =
    "WITH seen AS (\n"
    " SELECT n.nspname || '.' || c.relname AS name, row_security_active(c.oid) AS filtered,\n"
    "  has_schema_privilege(n.oid, 'USAGE') AND has_any_column_privilege(c.oid, 'SELECT') AS open\n"
    " FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace\n"
    " WHERE c.relkind IN ('r', 'p') AND NOT c.relispartition AND c.relpersistence <> 't'\n"
    "  AND left(n.nspname, 3) <> 'pg_' AND n.nspname <> 'information_schema')\n"
    "SELECT current_setting('server_version'), current_user, r.rolsuper, r.rolbypassrls,\n"
    " current_database(), current_setting('server_encoding'), pg_is_in_recovery(),\n"
    " current_setting('max_standby_streaming_delay'), current_setting('max_connections'),\n"
    " current_setting('max_connections')::int - current_setting('superuser_reserved_connections')\n"
    "  ::int - (SELECT sum(numbackends) FROM pg_stat_database),\n"
    " pg_backend_pid(), (SELECT count(*) FROM seen WHERE open),\n"
    " (SELECT count(*) FROM seen WHERE NOT open), (SELECT min(name) FROM seen WHERE NOT open),\n"
    " (SELECT count(*) FROM seen WHERE filtered), (SELECT min(name) FROM seen WHERE filtered),\n"
    " pg_has_role(current_user, 'pg_read_all_stats', 'USAGE')\n"
    "FROM pg_roles r WHERE r.rolname = current_user";

typedef struct Check {
    PostgresSource *source;
    CheckReport *report;
    PGconn *connection;
    const PGresult *facts;
} Check;

static const char *fact(const Check *check, int column)
{
    const char *text = postgres_text(check->facts, 0, column);
    return text ? text : "";
}

static int64_t number(const Check *check, int column)
{
    return postgres_int(check->facts, 0, column, 0);
}

static bool flag(const Check *check, int column)
{
    return postgres_bool(check->facts, 0, column);
}

static void say_server(const Check *check, int64_t connect_ms)
{
    Arena *arena = check->report->arena;
    const char *host = PQhost(check->connection);
    check_add(check->report, CHECK_OK, "connection",
              arena_printf(arena, "%s, port %s, in %" PRId64 " ms", host, PQport(check->connection),
                           connect_ms),
              NULL);
    check_add(check->report, CHECK_OK, "server version",
              arena_printf(arena, "PostgreSQL %s", fact(check, FACT_VERSION)), NULL);
    bool is_local = host[0] == '/' || host[0] == '@';
    if (PQsslInUse(check->connection))
        check_add(check->report, CHECK_OK, "encryption",
                  arena_printf(arena, "%s, %s", PQsslAttribute(check->connection, "protocol"),
                               PQsslAttribute(check->connection, "cipher")),
                  NULL);
    else if (is_local)
        check_add(check->report, CHECK_OK, "encryption", "none needed: a socket of this machine",
                  NULL);
    else
        check_add(check->report, CHECK_WARNING, "encryption", "the connection is not encrypted",
                  "set sslmode: require, or verify-full with sslrootcert");
}

static void say_standby(const Check *check)
{
    char delay[32];
    snprintf(delay, sizeof delay, "%s", fact(check, FACT_STANDBY_DELAY));
    bool is_endless = strcmp(delay, "-1") == 0;
    check_add(
        check->report, is_endless ? CHECK_OK : CHECK_WARNING, "server role",
        arena_printf(check->report->arena, "standby, max_standby_streaming_delay = %s", delay),
        is_endless ? NULL
                   : "reads longer than that can be cancelled by replay: "
                     "hot_standby_feedback = on, or a longer delay");
}

static void say_database(const Check *check)
{
    Arena *arena = check->report->arena;
    bool is_ascii = strcmp(fact(check, FACT_ENCODING), "SQL_ASCII") == 0;
    check_add(check->report, is_ascii ? CHECK_WARNING : CHECK_OK, "database",
              arena_printf(arena, "%s, encoding %s", fact(check, FACT_DATABASE),
                           fact(check, FACT_ENCODING)),
              is_ascii ? "it may hold text that is not UTF-8: choose on_invalid for text columns"
                       : NULL);
    if (flag(check, FACT_STANDBY))
        say_standby(check);
    else
        check_add(check->report, CHECK_OK, "server role", "primary", NULL);
}

static void say_role(const Check *check)
{
    Arena *arena = check->report->arena;
    check_add(check->report, CHECK_OK, "role",
              arena_printf(arena, "%s%s%s", fact(check, FACT_ROLE),
                           flag(check, FACT_SUPERUSER) ? ", superuser" : "",
                           flag(check, FACT_BYPASS) ? ", bypasses row security" : ""),
              NULL);
    if (number(check, FACT_FILTERED) > 0)
        check_add(check->report, CHECK_WARNING, "row security",
                  arena_printf(arena, "hides rows of %s tables from this role, such as %s",
                               fact(check, FACT_FILTERED), fact(check, FACT_FILTERED_NAME)),
                  arena_printf(arena, "as a superuser: ALTER ROLE \"%s\" BYPASSRLS",
                               fact(check, FACT_ROLE)));
    const char *counts = arena_printf(arena, "%s tables can be read", fact(check, FACT_READABLE));
    if (number(check, FACT_UNREADABLE) == 0)
        check_add(check->report, CHECK_OK, "permissions", counts, NULL);
    else
        check_add(check->report, CHECK_WARNING, "permissions",
                  arena_printf(arena, "%s, %s cannot, such as %s", counts,
                               fact(check, FACT_UNREADABLE), fact(check, FACT_UNREADABLE_NAME)),
                  arena_printf(arena,
                               "when they are wanted: GRANT USAGE ON SCHEMA …; GRANT SELECT ON … "
                               "TO \"%s\"",
                               fact(check, FACT_ROLE)));
}

/* What cursors go by (open_transactions.h). */
static void say_transactions(const Check *check)
{
    Arena *arena = check->report->arena;
    if (flag(check, FACT_STANDBY))
        check_add(check->report, CHECK_WARNING, "open transactions",
                  "those of the primary cannot be seen here: jobs with a cursor cannot run",
                  "let the connection of such jobs lead to the primary");
    else if (flag(check, FACT_SEES_STARTS))
        check_add(check->report, CHECK_OK, "open transactions",
                  "the role sees when they began: cursors of time stop before the oldest", NULL);
    else
        check_add(
            check->report, CHECK_WARNING, "open transactions",
            "the role does not see when those of others began: with a cursor of time each run "
            "waits until those that are open have ended (cursor.wait)",
            arena_printf(arena, "as a superuser: GRANT pg_read_all_stats TO \"%s\"",
                         fact(check, FACT_ROLE)));
}

static void say_connections(const Check *check)
{
    enum { COMFORTABLE = 8 };
    Arena *arena = check->report->arena;
    int64_t left = number(check, FACT_CONNECTIONS_FREE);
    bool is_tight = left < COMFORTABLE;
    check_add(
        check->report, is_tight ? CHECK_WARNING : CHECK_OK, "connections",
        arena_printf(arena, "%" PRId64 " of %s are free", left, fact(check, FACT_CONNECTIONS_MAX)),
        is_tight ? "a run needs one a connection and one a worker: lower `parallel` and "
                   "`workers`, or raise max_connections"
                 : NULL);
    /* A pooler invents a process number for its clients. */
    if (number(check, FACT_PROCESS) != PQbackendPID(check->connection))
        check_add(check->report, CHECK_OK, "pooler",
                  "there is a connection pooler in between; settings stay inside transactions",
                  NULL);
}

static bool say_snapshot(const Check *check, Error *error)
{
    Snapshot *snapshot = NULL;
    if (!postgres_snapshot_open(&check->source->base, 2, &snapshot, error))
        return false;
    Arena *arena = check->report->arena;
    if (snapshot->note)
        check_add(check->report, CHECK_WARNING, "snapshot", arena_strdup(arena, snapshot->note),
                  "let the role execute pg_export_snapshot(), and connect to the server itself "
                  "rather than through a pooler that spreads sessions");
    else
        check_add(check->report, CHECK_OK, "snapshot", "several workers can share one", NULL);
    snapshot->ops->close(snapshot);
    return true;
}

bool postgres_check(Source *base, CheckReport *report, Error *error)
{
    static const PostgresAction action = {.doing = "asking the server about itself"};
    Check check = {.source = (PostgresSource *)base, .report = report};
    int64_t started = clock_monotonic_ns();
    bool fresh;
    if (!session_borrow(check.source, &check.connection, &fresh, error))
        return false;
    int64_t connect_ms = (clock_monotonic_ns() - started) / 1000000;
    CLEANUP(PQclear_ptr) PGresult *facts = NULL;
    bool asked = postgres_exec(check.connection, facts_sql, &action, &facts, error);
    if (asked) {
        check.facts = facts;
        say_server(&check, connect_ms);
        say_database(&check);
        say_role(&check);
        say_transactions(&check);
        say_connections(&check);
    }
    session_return(check.source, check.connection);
    Error refused = {0};
    if (asked && !say_snapshot(&check, &refused))
        check_add(report, CHECK_FAILED, "snapshot", refused.message,
                  refused.hint[0] ? refused.hint : NULL);
    return asked;
}
