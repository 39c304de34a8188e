/* SPDX-License-Identifier: Apache-2.0 */
#include "schema/mysql_types.h"
#include "source/mysql/mysql_source.h"
#include "source/mysql/sql.h"

#include <string.h>

enum { CELL_CHARACTERS_MAX = 80, CELL_BYTES_MAX = 32 };

/* The first characters of a value's text; of bytes the first ones as hexadecimal digits. */
static void print_cell(FILE *out, const SourceColumn *column, bool is_mariadb, Arena *arena)
{
    const char *name = mysql_identifier(column->name, arena);
    MysqlWire wire = mysql_type(&column->type)->wire;
    if (wire == MYSQL_WIRE_BYTES || (wire == MYSQL_WIRE_VECTOR && is_mariadb))
        fprintf(out, "concat('0x', hex(left(%s, %d)), if(octet_length(%s) > %d, '…', ''))", name,
                CELL_BYTES_MAX, name, CELL_BYTES_MAX);
    else if (wire == MYSQL_WIRE_GEOMETRY)
        fprintf(out,
                "concat(left(ST_AsText(%s), %d), if(char_length(ST_AsText(%s)) > %d, '…', ''))",
                name, CELL_CHARACTERS_MAX, name, CELL_CHARACTERS_MAX);
    else if (wire == MYSQL_WIRE_BIT)
        fprintf(out, "CAST(%s + 0 AS CHAR)", name);
    else if (wire == MYSQL_WIRE_VECTOR)
        fprintf(out, "left(VECTOR_TO_STRING(%s), %d)", name, CELL_CHARACTERS_MAX);
    else
        fprintf(
            out,
            "concat(left(CAST(%s AS CHAR), %d), if(char_length(CAST(%s AS CHAR)) > %d, '…', ''))",
            name, CELL_CHARACTERS_MAX, name, CELL_CHARACTERS_MAX);
}

typedef struct SampleWish {
    const SourceTable *table;
    size_t rows;
} SampleWish;

static const char *sample_question(const MysqlConnection *connection, const void *context,
                                   Arena *arena)
{
    const SampleWish *wish = context;
    SqlText sql;
    sql_open(&sql);
    for (size_t i = 0; i < wish->table->column_count; i++) {
        fputs(i > 0 ? ", " : "SELECT ", sql.out);
        print_cell(sql.out, &wish->table->columns[i], connection->is_mariadb, arena);
    }
    fprintf(sql.out, " FROM %s LIMIT %zu",
            mysql_relation(wish->table->schema, wish->table->name, arena), wish->rows);
    return sql_take(&sql, arena);
}

bool mysqld_sample(Source *base, const SourceTable *table, size_t rows, Arena *arena,
                   SampleTable *ret_sample, Error *error)
{
    if (!table->name || table->column_count == 0)
        return error_set(error, ERROR_INTERNAL, "a query has no sample");
    const MysqlAction action = {
        .doing = arena_printf(arena, "sampling %s", sql_label(table->schema, table->name, arena)),
        .relation = mysql_relation(table->schema, table->name, arena),
    };
    const SampleWish wish = {table, rows};
    CLEANUP(mysqld_results_done) MysqlResults results = {0};
    const MysqlQuestion question = {sample_question, &wish, &action};
    if (!mysqld_ask_source((MysqlSource *)base, &question, arena, &results, error))
        return false;
    size_t count = mysql_num_rows(results.items[0]), width = table->column_count;
    const char **cells = ARENA_ARRAY(arena, const char *, count *width);
    for (size_t i = 0; i < count; i++) {
        MYSQL_ROW row = mysql_fetch_row(results.items[0]);
        for (size_t j = 0; j < width; j++)
            cells[i * width + j] = arena_strdup(arena, row[j]);
    }
    *ret_sample = (SampleTable){.cells = cells, .row_count = count, .column_count = width};
    return true;
}
