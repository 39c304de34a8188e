/* SPDX-License-Identifier: Apache-2.0 */
#include "source/postgres/select.h"

#include "source/postgres/range.h"
#include "source/postgres/sql.h"

#include <inttypes.h>
#include <string.h>

/* The FROM item of an extract: "public"."orders", or (the query) under a name. */
const char *select_from(const Extract *extract, Arena *arena)
{
    const SourceTable *table = extract->plan->table;
    if (extract->relation.query) /* on lines of its own: it may end in a comment */
        return arena_printf(arena, "(\n%s\n) AS bqferry_query",
                            sql_bare_query(extract->relation.query, arena));
    return sql_relation(table->schema, table->name, arena);
}

static bool is_array(const ColumnPlan *column)
{
    return column->field.mode == MODE_REPEATED && column->source->type.class == SOURCE_TYPE_ARRAY;
}

static void print_column(FILE *out, const ColumnPlan *column)
{
    if (column->select == SELECT_JSON)
        fputs("pg_catalog.to_json(", out);
    else if (column->select == SELECT_AT_TIME_ZONE)
        fputc('(', out);
    sql_print_identifier(out, column->source->name);
    switch (column->select) {
    case SELECT_PLAIN:
        break;
    case SELECT_TEXT:
        fputs(is_array(column) ? "::pg_catalog.text[]" : "::pg_catalog.text", out);
        break;
    case SELECT_JSON:
        fputc(')', out);
        break;
    case SELECT_NUMERIC:
        fputs(is_array(column) ? "::pg_catalog.numeric[]" : "::pg_catalog.numeric", out);
        break;
    case SELECT_AT_TIME_ZONE:
        fputs(" AT TIME ZONE ", out);
        sql_print_literal(out, column->time_zone);
        fputc(')', out);
        break;
    }
}

void select_expected_type(const ColumnPlan *column, uint32_t *ret_oid, int32_t *ret_modifier)
{
    *ret_modifier = -1;
    switch (column->select) {
    case SELECT_PLAIN:
        *ret_oid = column->source->type.id;
        *ret_modifier = column->source->type.modifier;
        break;
    case SELECT_TEXT:
        *ret_oid = is_array(column) ? POSTGRES_OID_TEXT_ARRAY : POSTGRES_OID_TEXT;
        break;
    case SELECT_JSON:
        *ret_oid = POSTGRES_OID_JSON;
        break;
    case SELECT_NUMERIC:
        *ret_oid = is_array(column) ? POSTGRES_OID_NUMERIC_ARRAY : POSTGRES_OID_NUMERIC;
        break;
    case SELECT_AT_TIME_ZONE:
        *ret_oid = POSTGRES_OID_TIMESTAMPTZ;
        break;
    }
}

const char *select_conditions(const Extract *extract, const char *further, Arena *arena)
{
    const char *range = extract->range ? range_condition(extract->range, arena) : NULL;
    const char *parts[] = {further, range, extract->where};
    const char *text = "";
    for (size_t i = 0; i < sizeof parts / sizeof *parts; i++) {
        if (parts[i]) /* on lines of its own: it may end in a comment */
            text = arena_printf(arena, parts[i] == extract->where ? "%s%s (\n%s\n)" : "%s%s (%s)",
                                text, *text ? " AND" : " WHERE", parts[i]);
    }
    return text;
}

const char *select_rows(const Extract *extract, const Shard *shard, Arena *arena)
{
    SqlText sql;
    sql_open(&sql);
    FILE *out = sql.out;
    fputs("SELECT ", out);
    for (size_t i = 0; i < extract->plan->column_count; i++) {
        fputs(i > 0 ? ", " : "", out);
        print_column(out, &extract->plan->columns[i]);
    }
    fprintf(out, " FROM %s%s",
            shard && shard->relation ? shard->relation : select_from(extract, arena),
            select_conditions(extract, shard ? shard->predicate : NULL, arena));
    if (extract->limit > 0)
        fprintf(out, " LIMIT %" PRId64, extract->limit);
    return sql_take(&sql, arena);
}

const char *select_copy(const char *rows, Arena *arena)
{
    return arena_printf(arena, "COPY (%s) TO STDOUT (FORMAT binary)", rows);
}
