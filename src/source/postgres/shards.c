/* SPDX-License-Identifier: Apache-2.0 */
#include "format/json.h"
#include "source/postgres/catalog.h"
#include "source/postgres/divide.h"
#include "source/postgres/select.h"
#include "source/postgres/snapshot.h"
#include "source/postgres/sql.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#define SAVEPOINT "SAVEPOINT bqferry_shards; "
#define RELEASE "RELEASE SAVEPOINT bqferry_shards"
#define BACK "ROLLBACK TO SAVEPOINT bqferry_shards; RELEASE SAVEPOINT bqferry_shards"

/* One call of shards(). */
typedef struct Planning {
    PGconn *connection;
    const Extract *extract;
    PostgresAction action;
    Arena *arena;
} Planning;

/* Statements over the relation without rows: they check names, types and permissions, and lock the
 * table and all below it until the snapshot ends, so that nobody rewrites it in between. The second
 * one alone would leave out partitions that the job's condition excludes. */
static bool lock_relation(const Planning *planning, Error *error)
{
    Extract all = *planning->extract;
    all.limit = 0;
    const char *sql =
        arena_printf(planning->arena, SAVEPOINT "SELECT FROM %s LIMIT 0; %s LIMIT 0",
                     select_from(&all, planning->arena), select_rows(&all, NULL, planning->arena));
    return postgres_run(planning->connection, sql, &planning->action, error);
}

/* The name must still mean the table that was planned. */
static bool check_identity(const Planning *planning, Error *error)
{
    const SourceTable *table = planning->extract->plan->table;
    Arena *arena = planning->arena;
    const char *sql =
        arena_printf(arena, "SELECT to_regclass(%s)::oid::int8",
                     sql_literal(sql_relation(table->schema, table->name, arena), arena));
    CLEANUP(PQclear_ptr) PGresult *row = NULL;
    if (!postgres_exec(planning->connection, sql, &planning->action, &row, error))
        return false;
    if ((uint64_t)postgres_int(row, 0, 0, 0) == table->driver_id)
        return true;
    return error_set_retryable(error, ERROR_SOURCE,
                               "%s: the table was dropped and created again after it was planned",
                               planning->action.doing);
}

static const char *why_whole(const Extract *extract)
{
    if (extract->relation.query)
        return "a query is read by one worker";
    switch (extract->plan->table->kind) {
    case RELATION_VIEW:
        return "a view is read by one worker";
    case RELATION_FOREIGN:
        return "a foreign table is read by one worker";
    default:
        return NULL;
    }
}

static bool cut(const Planning *planning, size_t wanted, ShardList *ret_shards, Error *error)
{
    const Extract *extract = planning->extract;
    const char *why = why_whole(extract);
    bool is_divided = wanted > 1 && extract->limit == 0;
    Division division = {
        .connection = planning->connection,
        .extract = extract,
        .action = &planning->action,
        .arena = planning->arena,
    };
    if (!why && !divide_members(&division, error))
        return false;
    if (!why && is_divided)
        return divide_table(&division, wanted, ret_shards, error);
    divide_whole(extract, is_divided ? why : NULL, planning->arena, ret_shards);
    return true;
}

static bool plan_shards(const Planning *planning, size_t wanted, ShardList *ret_shards,
                        Error *error)
{
    bool is_query = planning->extract->relation.query != NULL;
    return lock_relation(planning, error) && (is_query || check_identity(planning, error)) &&
           cut(planning, wanted, ret_shards, error) &&
           snapshot_check_whole(planning->connection, &planning->action, error) &&
           postgres_run(planning->connection, RELEASE, &planning->action, error);
}

/* A role with some of the columns: says which ones it lacks. */
static void explain_columns(const Planning *planning, Error *error)
{
    const TablePlan *plan = planning->extract->plan;
    SqlText names;
    sql_open(&names);
    for (size_t i = 0; i < plan->column_count; i++) {
        fputs(i > 0 ? ", " : "", names.out);
        sql_print_literal(names.out, plan->columns[i].source->name);
    }
    const char *sql = catalog_unreadable(plan->table->driver_id, sql_take(&names, planning->arena),
                                         planning->arena);
    CLEANUP(PQclear_ptr) PGresult *row = NULL;
    CLEANUP(json_free_ptr) Json *columns = NULL;
    Error ignored = {0};
    if (!postgres_exec(planning->connection, sql, &planning->action, &row, &ignored) ||
        !postgres_text(row, 0, 0) ||
        !json_parse(postgres_text(row, 0, 0), strlen(postgres_text(row, 0, 0)), "pg_catalog",
                    &columns, &ignored))
        return;
    sql_open(&names);
    for (size_t i = 0; i < json_count(columns); i++) {
        fputs(i > 0 ? ", " : "", names.out);
        sql_print_identifier(names.out, json_text_of(json_at(columns, i)));
    }
    const char *list = sql_take(&names, planning->arena);
    error_set(error, ERROR_SOURCE, "%s: no permission to read column %s", planning->action.doing,
              list);
    error_hint(error,
               "as the table's owner: GRANT SELECT (%s) ON %s TO \"%s\"; or leave it out "
               "with `columns`",
               list, planning->action.relation, PQuser(planning->connection));
}

/* Undoes what failed, so that the snapshot lives on for other tables. */
static void recover(const Planning *planning, Error *error)
{
    if (PQstatus(planning->connection) != CONNECTION_OK ||
        PQtransactionStatus(planning->connection) == PQTRANS_ACTIVE)
        return;
    Error ignored = {0};
    bool may_be_denied = !planning->extract->relation.query && !error->retryable;
    if (postgres_run(planning->connection, BACK, &planning->action, &ignored) && may_be_denied)
        explain_columns(planning, error);
}

bool postgres_shards(Snapshot *base, const Extract *extract, size_t wanted, Arena *arena,
                     ShardList *ret_shards, Error *error)
{
    PostgresSnapshot *snapshot = (PostgresSnapshot *)base;
    const SourceTable *table = extract->plan->table;
    bool is_query = extract->relation.query != NULL;
    Planning planning = {
        .extract = extract,
        .action.doing = is_query ? "planning the read of the query"
                                 : arena_printf(arena, "planning the read of %s",
                                                sql_label(table->schema, table->name, arena)),
        .action.relation = is_query ? NULL : sql_relation(table->schema, table->name, arena),
        .arena = arena,
    };
    if (!snapshot_take_exporter(snapshot, &planning.connection, error))
        return false;
    Error why = {0};
    bool done = plan_shards(&planning, wanted, ret_shards, &why);
    if (!done) {
        recover(&planning, &why);
        if (error)
            *error = why;
    }
    snapshot_give_exporter(snapshot);
    return done;
}
