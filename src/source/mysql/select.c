/* SPDX-License-Identifier: Apache-2.0 */
#include "source/mysql/select.h"

#include "schema/mysql_types.h"
#include "source/mysql/range.h"
#include "source/mysql/sql.h"

#include <inttypes.h>
#include <string.h>

enum { VERSION_WITH_AXES = 80000 };

const char *mysql_select_from(const Extract *extract, Arena *arena)
{
    const SourceTable *table = extract->plan->table;
    if (extract->relation.query) /* on lines of its own: it may end in a comment */
        return arena_printf(arena, "(\n%s\n) AS bqferry_query",
                            sql_bare_query(extract->relation.query, arena));
    return mysql_relation(table->schema, table->name, arena);
}

/* The server's text; numbers and bits would come as something else. */
static void print_text(FILE *out, const ColumnPlan *column, const char *name, MysqlDialect dialect)
{
    const SourceType *type = &column->source->type;
    bool has_axes = !dialect.is_mariadb && dialect.version >= VERSION_WITH_AXES;
    switch (mysql_type(type)->wire) {
    case MYSQL_WIRE_FLOAT: /* FLOAT's own text has six digits */
        fprintf(out, "CAST(%s + 0e0 AS CHAR)", name);
        break;
    case MYSQL_WIRE_BIT:
        fprintf(out, "CAST(LPAD(BIN(%s + 0), %d, '0') AS CHAR)", name, type->modifier);
        break;
    case MYSQL_WIRE_GEOMETRY:
        fprintf(out, "ST_AsText(%s%s)", name, has_axes ? ", 'axis-order=long-lat'" : "");
        break;
    case MYSQL_WIRE_VECTOR:
        fprintf(out, "CAST(%s(%s) AS CHAR)", dialect.is_mariadb ? "VEC_ToText" : "VECTOR_TO_STRING",
                name);
        break;
    default:
        fprintf(out, "CAST(%s AS CHAR)", name);
    }
}

/* CONVERT_TZ gives back unconverted what is outside the range of TIMESTAMP: such a moment becomes a
 * zero date here, which the decoder refuses. */
static void print_moment(FILE *out, const ColumnPlan *column, const char *name)
{
    fprintf(out, "CASE WHEN %s >= '1970-01-02' AND %s < '2038-01-18' THEN CONVERT_TZ(%s, ", name,
            name, name);
    mysql_print_literal(out, column->time_zone);
    fprintf(out, ", '+00:00') WHEN %s IS NOT NULL THEN CAST('0000-00-00' AS DATETIME) END", name);
}

static void print_column(FILE *out, const ColumnPlan *column, MysqlDialect dialect, Arena *arena)
{
    const char *name = mysql_identifier(column->source->name, arena);
    switch (column->select) {
    case SELECT_TEXT:
    case SELECT_JSON:
        print_text(out, column, name, dialect);
        break;
    case SELECT_AT_TIME_ZONE:
        print_moment(out, column, name);
        break;
    case SELECT_NUMERIC:
    case SELECT_PLAIN:
        fputs(name, out);
    }
}

const char *mysql_select_conditions(const Extract *extract, const char *further, Arena *arena)
{
    const char *parts[] = {further, mysql_range_condition(extract, arena), extract->where};
    const char *text = "";
    for (size_t i = 0; i < sizeof parts / sizeof *parts; i++) {
        if (parts[i]) /* on lines of its own: it may end in a comment */
            text = arena_printf(arena, parts[i] == extract->where ? "%s%s (\n%s\n)" : "%s%s (%s)",
                                text, *text ? " AND" : " WHERE", parts[i]);
    }
    return text;
}

const char *mysql_select_rows(const Extract *extract, const Shard *shard, MysqlDialect dialect,
                              Arena *arena)
{
    SqlText sql;
    sql_open(&sql);
    FILE *out = sql.out;
    fputs("SELECT ", out);
    for (size_t i = 0; i < extract->plan->column_count; i++) {
        fputs(i > 0 ? ", " : "", out);
        print_column(out, &extract->plan->columns[i], dialect, arena);
    }
    fprintf(out, " FROM %s%s",
            shard && shard->relation ? shard->relation : mysql_select_from(extract, arena),
            mysql_select_conditions(extract, shard ? shard->predicate : NULL, arena));
    if (extract->limit > 0)
        fprintf(out, " LIMIT %" PRId64, extract->limit);
    return sql_take(&sql, arena);
}

const char *mysql_select_zones(const TablePlan *plan, Arena *arena)
{
    SqlText sql;
    sql_open(&sql);
    size_t count = 0;
    for (size_t i = 0; i < plan->column_count; i++) {
        if (plan->columns[i].select != SELECT_AT_TIME_ZONE)
            continue;
        fputs(count++ ? " UNION ALL SELECT " : "SELECT ", sql.out);
        mysql_print_literal(sql.out, plan->columns[i].time_zone);
        fputs(" AS zone, CONVERT_TZ('2020-01-01', ", sql.out);
        mysql_print_literal(sql.out, plan->columns[i].time_zone);
        fputs(", '+00:00') IS NULL AS is_unknown", sql.out);
    }
    const char *text = sql_take(&sql, arena);
    return count ? text : NULL;
}
