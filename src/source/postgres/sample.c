/* SPDX-License-Identifier: Apache-2.0 */
#include "source/postgres/session.h"
#include "source/postgres/sql.h"

#include <string.h>

enum { CELL_CHARACTERS_MAX = 80, CELL_BYTES_MAX = 32 };

/* The first characters of a value's text; of bytes only the first ones are turned into text. */
static void print_cell(FILE *out, const SourceColumn *column, Arena *arena)
{
    const char *name = sql_relation(NULL, column->name, arena);
    if (strcmp(column->type.base, "bytea") == 0)
        fprintf(out,
                "'\\x' || encode(substring(%s from 1 for %d), 'hex') || "
                "CASE WHEN octet_length(%s) > %d THEN '…' ELSE '' END",
                name, CELL_BYTES_MAX, name, CELL_BYTES_MAX);
    else
        fprintf(out, "left(%s::text, %d) || CASE WHEN length(%s::text) > %d THEN '…' ELSE '' END",
                name, CELL_CHARACTERS_MAX, name, CELL_CHARACTERS_MAX);
}

bool postgres_sample(Source *base, const SourceTable *table, size_t rows, Arena *arena,
                     SampleTable *ret_sample, Error *error)
{
    if (!table->name)
        return error_set(error, ERROR_INTERNAL, "a query has no sample");
    const PostgresAction action = {
        .doing = arena_printf(arena, "sampling %s", sql_label(table->schema, table->name, arena)),
        .relation = sql_relation(table->schema, table->name, arena),
    };
    SqlText sql;
    sql_open(&sql);
    for (size_t i = 0; i < table->column_count; i++) {
        fputs(i > 0 ? ", " : "SELECT ", sql.out);
        print_cell(sql.out, &table->columns[i], arena);
    }
    fprintf(sql.out, "%s FROM %s LIMIT %zu", table->column_count ? "" : "SELECT", action.relation,
            rows);
    CLEANUP(PQclear_ptr) PGresult *result = NULL;
    if (!session_ask((PostgresSource *)base, sql_take(&sql, arena), &action, &result, error))
        return false;
    size_t count = (size_t)PQntuples(result), width = table->column_count;
    const char **cells = ARENA_ARRAY(arena, const char *, count *width);
    for (size_t i = 0; i < count * width; i++)
        cells[i] = arena_strdup(arena, postgres_text(result, (int)(i / width), (int)(i % width)));
    *ret_sample = (SampleTable){.cells = cells, .row_count = count, .column_count = width};
    return true;
}
