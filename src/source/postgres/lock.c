/* SPDX-License-Identifier: Apache-2.0 */
#include "source/postgres/lock.h"

#include "format/json.h"
#include "source/postgres/catalog.h"
#include "source/postgres/select.h"
#include "source/postgres/sql.h"

#include <inttypes.h>
#include <string.h>

static bool ask(const LockRequest *request, const char *sql, PGresult **ret_result, Error *error)
{
    return postgres_exec(request->connection, sql, request->action, ret_result, error);
}

static bool fail_columns(const LockRequest *request, const Json *columns, Error *error)
{
    SqlText names;
    sql_open(&names);
    for (size_t i = 0; i < json_count(columns); i++) {
        fputs(i > 0 ? ", " : "", names.out);
        sql_print_identifier(names.out, json_text_of(json_at(columns, i)));
    }
    const char *list = sql_take(&names, request->arena);
    error_set(error, ERROR_SOURCE, "%s: no permission to read column %s", request->action->doing,
              list);
    return error_hint(error,
                      "as the table's owner: GRANT SELECT (%s) ON %s TO \"%s\"; or choose others "
                      "with `columns`",
                      list, request->action->relation, PQuser(request->connection));
}

static bool check_columns(const LockRequest *request, Error *error)
{
    const TablePlan *plan = request->extract->plan;
    SqlText names;
    sql_open(&names);
    for (size_t i = 0; i < plan->column_count; i++) {
        fputs(i > 0 ? ", " : "", names.out);
        sql_print_literal(names.out, plan->columns[i].source->name);
    }
    const char *sql = catalog_unreadable(plan->table->driver_id, sql_take(&names, request->arena),
                                         request->arena);
    CLEANUP(PQclear_ptr) PGresult *row = NULL;
    if (!ask(request, sql, &row, error))
        return false;
    const char *unreadable = postgres_text(row, 0, 0);
    CLEANUP(json_free_ptr) Json *columns = NULL;
    return !unreadable ||
           (json_parse(unreadable, strlen(unreadable), "pg_catalog", &columns, error) &&
            fail_columns(request, columns, error));
}

static bool check_identity(const LockRequest *request, Error *error)
{
    const SourceTable *table = request->extract->plan->table;
    const char *sql = arena_printf(
        request->arena, "SELECT to_regclass(%s)::oid::int8",
        sql_literal(sql_relation(table->schema, table->name, request->arena), request->arena));
    CLEANUP(PQclear_ptr) PGresult *row = NULL;
    if (!ask(request, sql, &row, error))
        return false;
    int64_t now = postgres_int(row, 0, 0, 0);
    return (uint64_t)now == table->driver_id ||
           error_set_retryable(error, ERROR_SOURCE, "%s: it was dropped%s after it was planned",
                               request->action->doing, now ? " and created again" : "");
}

/* Runs without giving a row; the executor checks permissions as for the real read. */
static bool select_nothing(const LockRequest *request, const char *select, Error *error)
{
    return postgres_run(request->connection, arena_printf(request->arena, "%s LIMIT 0", select),
                        request->action, error);
}

/* A plan for a SELECT would lock the indexes of all partitions too; with thousands of them the
 * server's lock table is too small for that. LOCK TABLE wants more than permission for columns. */
static bool lock_partitions(const LockRequest *request, Error *error)
{
    const char *relation = request->action->relation;
    const char *sql =
        arena_printf(request->arena, "SELECT has_table_privilege(%" PRIu64 ", 'SELECT')",
                     request->extract->plan->table->driver_id);
    CLEANUP(PQclear_ptr) PGresult *row = NULL;
    if (!ask(request, sql, &row, error))
        return false;
    if (!postgres_bool(row, 0, 0))
        return select_nothing(request, arena_printf(request->arena, "SELECT FROM %s", relation),
                              error);
    return postgres_run(
        request->connection,
        arena_printf(request->arena, "LOCK TABLE %s IN ACCESS SHARE MODE", relation),
        request->action, error);
}

bool lock_relation(const LockRequest *request, Error *error)
{
    Extract all = *request->extract;
    all.limit = 0;
    const char *rows = select_rows(&all, NULL, request->arena);
    if (all.relation.query)
        return select_nothing(request, rows, error);
    if (!check_columns(request, error))
        return false;
    if (all.plan->table->kind != RELATION_PARTITIONED)
        return select_nothing(request, rows, error) && check_identity(request, error);
    CLEANUP(PQclear_ptr) PGresult *shape = NULL;
    return lock_partitions(request, error) && check_identity(request, error) &&
           postgres_describe(request->connection, rows, request->action, &shape, error);
}
