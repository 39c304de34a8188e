/* SPDX-License-Identifier: Apache-2.0 */
#include "source/mysql/range.h"
#include "source/mysql/select.h"
#include "source/mysql/snapshot.h"
#include "source/mysql/sql.h"

#include <string.h>

typedef struct Survey {
    MysqlConnection *connection;
    const Extract *extract;
    MysqlAction action;
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

/* The cell of a question with one; NULL in *ret_cell for NULL. */
static bool ask_cell(const Survey *survey, const char *sql, const char **ret_cell, Error *error)
{
    CLEANUP(mysql_free_result_ptr) MYSQL_RES *rows = NULL;
    if (!mysqld_ask_rows(survey->connection, sql, &survey->action, &rows, error))
        return false;
    MYSQL_ROW row = rows ? mysql_fetch_row(rows) : NULL;
    *ret_cell = row ? arena_strdup(survey->arena, row[0]) : NULL;
    return true;
}

/* Rows that no range will ever hold. Where no index leads with the column and it is NOT NULL, a
 * scan for nothing but zero dates is not worth its time. */
static bool count_unreachable(const Survey *survey, uint64_t *ret_rows, Error *error)
{
    Extract all = *survey->extract;
    const SourceColumn *column = cursor_column(survey->extract);
    const char *floor = mysql_place_floor(all.range->kind), *count = NULL;
    *ret_rows = 0;
    if (column && column->not_null && (!floor || !column->leads_an_index))
        return true;
    const char *name = mysql_identifier(all.range->cursor->column, survey->arena);
    const char *condition =
        floor ? arena_printf(survey->arena, "%s IS NULL OR %s < %s", name, name, floor)
              : arena_printf(survey->arena, "%s IS NULL", name);
    all.range = NULL;
    const char *sql = arena_printf(survey->arena, "SELECT count(*) FROM %s%s",
                                   mysql_select_from(&all, survey->arena),
                                   mysql_select_conditions(&all, condition, survey->arena));
    if (!ask_cell(survey, sql, &count, error))
        return false;
    *ret_rows = (uint64_t)mysqld_int(count, 0);
    return true;
}

static bool find_first(const Survey *survey, const char **ret_first, Error *error)
{
    Extract rest = *survey->extract;
    CursorRange open = *rest.range;
    Arena *arena = survey->arena;
    const char *name = mysql_identifier(open.cursor->column, arena);
    const char *floor = mysql_place_floor(open.kind);
    open.high = NULL;
    rest.range = &open;
    const char *sql = arena_printf(
        arena, "SELECT CAST(min(%s) AS CHAR) FROM %s%s", name, mysql_select_from(&rest, arena),
        mysql_select_conditions(&rest, floor ? arena_printf(arena, "%s >= %s", name, floor) : NULL,
                                arena));
    return ask_cell(survey, sql, ret_first, error);
}

bool mysqld_survey(Snapshot *base, const Extract *extract, bool wants_first, Arena *arena,
                   CursorSurvey *ret_survey, Error *error)
{
    MysqlSnapshot *snapshot = (MysqlSnapshot *)base;
    const SourceTable *table = extract->plan->table;
    bool is_query = extract->relation.query != NULL;
    Survey survey = {
        .extract = extract,
        .action.doing = is_query ? "looking at the cursor of the query"
                                 : arena_printf(arena, "looking at the cursor of %s",
                                                sql_label(table->schema, table->name, arena)),
        .action.relation = is_query ? NULL : mysql_relation(table->schema, table->name, arena),
        .arena = arena,
    };
    *ret_survey = (CursorSurvey){0};
    if (!mysqld_take_reader(snapshot, &survey.connection, error))
        return false;
    bool done = count_unreachable(&survey, &ret_survey->unreachable, error) &&
                (!wants_first || find_first(&survey, &ret_survey->first, error));
    mysqld_give_reader(snapshot, survey.connection, done);
    return done;
}
