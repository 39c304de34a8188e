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

/* Whether the role may read each planned column, and (*ret_all) the table as such. */
static bool check_permissions(const LockRequest *request, bool *ret_all, Error *error)
{
    const TablePlan *plan = request->extract->plan;
    SqlText names;
    sql_open(&names);
    for (size_t i = 0; i < plan->column_count; i++) {
        fputs(i > 0 ? ", " : "", names.out);
        sql_print_literal(names.out, plan->columns[i].source->name);
    }
    const char *sql = catalog_permissions(plan->table->driver_id, sql_take(&names, request->arena),
                                          request->arena);
    CLEANUP(PQclear_ptr) PGresult *row = NULL;
    if (!ask(request, sql, &row, error))
        return false;
    *ret_all = postgres_bool(row, 0, PERMISSION_FOR_ALL);
    const char *denied = postgres_text(row, 0, PERMISSION_DENIED);
    CLEANUP(json_free_ptr) Json *columns = NULL;
    return !denied || (json_parse(denied, strlen(denied), "pg_catalog", &columns, error) &&
                       fail_columns(request, columns, error));
}

/* Runs the statement that locks, and sees whether the name means what was planned. */
static bool lock_with(const LockRequest *request, const char *statement, Error *error)
{
    const SourceTable *table = request->extract->plan->table;
    const char *name = sql_relation(table->schema, table->name, request->arena);
    const char *sql = arena_printf(request->arena, "%s; SELECT to_regclass(%s)::oid::int8",
                                   statement, sql_literal(name, request->arena));
    CLEANUP(PQclear_ptr) PGresult *row = NULL;
    if (!ask(request, sql, &row, error))
        return false;
    int64_t now = postgres_int(row, 0, 0, 0);
    return (uint64_t)now == table->driver_id ||
           error_set_retryable(error, ERROR_SOURCE, "%s: it was dropped%s after it was planned",
                               request->action->doing, now ? " and created again" : "");
}

/* Planning a SELECT locks all indexes too, and those of all partitions: with thousands of tables
 * the server has no room for that. LOCK TABLE wants permission for the table, not for columns. */
static bool lock_table(const LockRequest *request, const char *rows, bool for_all, Error *error)
{
    const char *relation = request->action->relation;
    const char *statement =
        for_all ? arena_printf(request->arena, "LOCK TABLE %s IN ACCESS SHARE MODE", relation)
                : arena_printf(request->arena, "SELECT FROM %s LIMIT 0", relation);
    CLEANUP(PQclear_ptr) PGresult *shape = NULL;
    return lock_with(request, statement, error) &&
           postgres_describe(request->connection, rows, request->action, &shape, error);
}

bool lock_relation(const LockRequest *request, bool *ret_for_all, Error *error)
{
    Extract all = *request->extract;
    all.limit = 0;
    const char *rows = select_rows(&all, NULL, request->arena);
    const char *nothing = arena_printf(request->arena, "%s LIMIT 0", rows);
    RelationKind kind = all.plan->table->kind;
    *ret_for_all = true;
    if (all.relation.query)
        return postgres_run(request->connection, nothing, request->action, error);
    if (!check_permissions(request, ret_for_all, error))
        return false;
    if (kind == RELATION_TABLE || kind == RELATION_PARTITIONED)
        return lock_table(request, rows, *ret_for_all, error);
    return lock_with(request, nothing, error);
}
