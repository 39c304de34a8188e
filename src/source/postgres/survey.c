/* SPDX-License-Identifier: Apache-2.0 */
#include "source/postgres/select.h"
#include "source/postgres/snapshot.h"
#include "source/postgres/sql.h"

#include <string.h>

typedef struct Survey {
    PGconn *connection;
    const Extract *extract;
    PostgresAction action;
    Arena *arena;
} Survey;

static const SourceColumn *cursor_column(const Extract *extract)
{
    const SourceTable *table = extract->plan->table;
    for (size_t i = 0; i < table->column_count; i++) {
        if (strcmp(table->columns[i].name, extract->range->cursor->column) == 0)
            return &table->columns[i];
    }
    return NULL;
}

static bool has_infinity(CursorKind kind)
{
    return kind != CURSOR_INTEGER;
}

/* Rows that no range will ever hold. Where no index leads with the column and it is NOT NULL, a
 * scan for nothing but what stands for the end of all is not worth its time. */
static bool count_unreachable(const Survey *survey, uint64_t *ret_rows, Error *error)
{
    Extract all = *survey->extract;
    const SourceColumn *column = cursor_column(survey->extract);
    const char *end = has_infinity(all.range->kind) ? "'infinity'" : POSTGRES_INTEGER_END;
    *ret_rows = 0;
    if (column && column->not_null && !column->leads_an_index)
        return true;
    const char *name = sql_relation(NULL, all.range->cursor->column, survey->arena);
    const char *condition = arena_printf(survey->arena, "%s IS NULL OR %s >= %s", name, name, end);
    all.range = NULL;
    const char *sql =
        arena_printf(survey->arena, "SELECT count(*) FROM %s%s", select_from(&all, survey->arena),
                     select_conditions(&all, condition, survey->arena));
    CLEANUP(PQclear_ptr) PGresult *row = NULL;
    if (!postgres_exec(survey->connection, sql, &survey->action, &row, error))
        return false;
    *ret_rows = (uint64_t)postgres_int(row, 0, 0, 0);
    return true;
}

static bool find_first(const Survey *survey, const char **ret_first, Error *error)
{
    Extract rest = *survey->extract;
    CursorRange open = *rest.range;
    open.high = NULL;
    rest.range = &open;
    const char *name = sql_relation(NULL, open.cursor->column, survey->arena);
    const char *finite =
        has_infinity(open.kind) ? arena_printf(survey->arena, "isfinite(%s)", name) : NULL;
    const char *sql = arena_printf(survey->arena, "SELECT min(%s)::text FROM %s%s", name,
                                   select_from(&rest, survey->arena),
                                   select_conditions(&rest, finite, survey->arena));
    CLEANUP(PQclear_ptr) PGresult *row = NULL;
    if (!postgres_exec(survey->connection, sql, &survey->action, &row, error))
        return false;
    *ret_first = arena_strdup(survey->arena, postgres_text(row, 0, 0));
    return true;
}

bool postgres_survey(Snapshot *base, const Extract *extract, bool wants_first, Arena *arena,
                     CursorSurvey *ret_survey, Error *error)
{
    PostgresSnapshot *snapshot = (PostgresSnapshot *)base;
    const SourceTable *table = extract->plan->table;
    bool is_query = extract->relation.query != NULL;
    Survey survey = {
        .extract = extract,
        .action.doing = is_query ? "looking at the cursor of the query"
                                 : arena_printf(arena, "looking at the cursor of %s",
                                                sql_label(table->schema, table->name, arena)),
        .action.relation = is_query ? NULL : sql_relation(table->schema, table->name, arena),
        .arena = arena,
    };
    *ret_survey = (CursorSurvey){0};
    if (!snapshot_take_reader(snapshot, &survey.connection, error))
        return false;
    bool done = count_unreachable(&survey, &ret_survey->unreachable, error) &&
                (!wants_first || find_first(&survey, &ret_survey->first, error));
    snapshot_give_reader(snapshot, survey.connection, done);
    return done;
}
