/* SPDX-License-Identifier: Apache-2.0 */
#include "target/duckdb/merge_sql.h"

#include "base/cleanup.h"
#include "model/cursor.h"
#include "target/duckdb/sql.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

static const char *quoted(const MergeSql *sql, const char *name)
{
    CLEANUP(buffer_done) Buffer text;
    buffer_init(&text, SQL_TEXT_MAX);
    bool done = sql_identifier(&text, name, NULL);
    (void)done; /* names are far below the maximum */
    return sql_text(&text, sql->arena);
}

static const char *literal(const MergeSql *sql, const char *text)
{
    size_t length = strlen(text);
    char *quoted_text = arena_alloc(sql->arena, 2 * length + 3), *end = quoted_text;
    *end++ = '\'';
    for (; *text; text++) {
        if (*text == '\'')
            *end++ = '\'';
        *end++ = *text;
    }
    *end++ = '\'';
    *end = '\0';
    return quoted_text;
}

/* Texts one behind the other. */
static const char *join(const MergeSql *sql, const char *left, const char *between,
                        const char *right)
{
    return *left ? arena_printf(sql->arena, "%s%s%s", left, between, right) : right;
}

static bool is_among(const char *name, const char *const *names, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        if (strcmp(names[i], name) == 0)
            return true;
    }
    return false;
}

static bool is_key(const MergeSql *sql, const char *name)
{
    return is_among(name, sql->delivery->merge.key, sql->delivery->merge.key_count);
}

static bool is_metadata(const MergeSql *sql, const char *name)
{
    const MetadataColumns *own = &sql->delivery->metadata;
    return (own->synced_at && strcmp(name, own->synced_at) == 0) ||
           (own->run_id && strcmp(name, own->run_id) == 0);
}

const char *merge_columns(const MergeSql *sql)
{
    const Schema *schema = &sql->delivery->schema;
    const char *text = "";
    for (size_t i = 0; i < schema->field_count; i++)
        text = join(sql, text, ", ", quoted(sql, schema->fields[i].name));
    return text;
}

/* "id", or ("a", "b"). */
static const char *key_value(const MergeSql *sql)
{
    const MergeSpec *own = &sql->delivery->merge;
    const char *text = "";
    for (size_t i = 0; i < own->key_count; i++)
        text = join(sql, text, ", ", quoted(sql, own->key[i]));
    return own->key_count == 1 ? text : arena_printf(sql->arena, "(%s)", text);
}

/* target.k = staged.k for every key column. */
static const char *key_match(const MergeSql *sql)
{
    const MergeSpec *own = &sql->delivery->merge;
    const char *text = "";
    for (size_t i = 0; i < own->key_count; i++) {
        const char *name = quoted(sql, own->key[i]);
        text =
            join(sql, text, " AND ", arena_printf(sql->arena, "target.%s = staged.%s", name, name));
    }
    return text;
}

/* Types whose order zone maps keep, and whose text reads back as the same value. */
static bool is_bounded(const Field *field)
{
    if (!field || field->mode == MODE_REPEATED)
        return false;
    switch (field->kind) {
    case TYPE_INT64:
    case TYPE_STRING:
    case TYPE_DATE:
    case TYPE_DATETIME:
    case TYPE_TIMESTAMP:
        return true;
    case TYPE_NUMERIC:
    case TYPE_BIGNUMERIC:
        return !sql_decimal_is_text(field);
    default:
        return false;
    }
}

/* The text of a bound reads back as the same value. Instants are written as UTC: in the session's
 * time zone those of before there were time zones have offsets with seconds, which are cut off. */
static const char *bound_of(const MergeSql *sql, const char *column, const char *function)
{
    const Field *field = schema_field(&sql->delivery->schema, column);
    const char *name = quoted(sql, column);
    if (!is_bounded(field))
        return "NULL::VARCHAR";
    return arena_printf(sql->arena,
                        field->kind == TYPE_TIMESTAMP
                            ? "make_timestamp(epoch_us(%s(%s)))::VARCHAR || '+00'"
                            : "%s(%s)::VARCHAR",
                        function, name);
}

const char *merge_facts(const MergeSql *sql)
{
    const MergeSpec *own = &sql->delivery->merge;
    const char *nulls = "", *bounds = "";
    for (size_t i = 0; i < own->key_count; i++) {
        const char *name = quoted(sql, own->key[i]);
        nulls = join(sql, nulls, " OR ", arena_printf(sql->arena, "%s IS NULL", name));
        bounds = arena_printf(sql->arena, "%s, %s, %s", bounds, bound_of(sql, own->key[i], "min"),
                              bound_of(sql, own->key[i], "max"));
    }
    return arena_printf(sql->arena,
                        "SELECT count(*)::VARCHAR, (count(*) FILTER (%s))::VARCHAR, "
                        "count(DISTINCT %s)::VARCHAR%s FROM %s",
                        nulls, key_value(sql), bounds, sql->staging);
}

/* Picks, of `several`, the newest row of each key ("="), or all others (">"). */
static const char *by_age(const MergeSql *sql, const char *comparison)
{
    const MergeSpec *merge = &sql->delivery->merge;
    const char *keys = "", *order = "";
    for (size_t i = 0; i < merge->key_count; i++)
        keys = join(sql, keys, ", ", quoted(sql, merge->key[i]));
    for (size_t i = 0; i < merge->order_count; i++)
        order =
            arena_printf(sql->arena, "%s%s DESC NULLS LAST, ", order, quoted(sql, merge->order[i]));
    return arena_printf(sql->arena,
                        "QUALIFY row_number() OVER (PARTITION BY %s ORDER BY %sseveral::VARCHAR "
                        "DESC) %s 1",
                        keys, order, comparison);
}

const char *merge_source(const MergeSql *sql, bool has_duplicates)
{
    return has_duplicates ? arena_printf(sql->arena, "(SELECT * FROM %s AS several %s)",
                                         sql->staging, by_age(sql, "="))
                          : sql->staging;
}

const char *merge_delete_superseded(const MergeSql *sql)
{
    return arena_printf(sql->arena,
                        "DELETE FROM %s WHERE rowid IN (SELECT rowid FROM %s AS several %s)",
                        sql->staging, sql->staging, by_age(sql, ">"));
}

const char *merge_key_bounds(const MergeSql *sql, const char *const *cells)
{
    const MergeSpec *own = &sql->delivery->merge;
    const char *text = "";
    for (size_t i = 0; i < own->key_count; i++) {
        const char *least = cells[2 * i], *greatest = cells[2 * i + 1];
        const Field *field = schema_field(&sql->delivery->schema, own->key[i]);
        CLEANUP(buffer_done) Buffer type;
        buffer_init(&type, SQL_TEXT_MAX);
        if (!least || !greatest || !sql_type(&type, field, NULL))
            continue;
        const char *name = quoted(sql, own->key[i]), *type_text = sql_text(&type, sql->arena);
        text = arena_printf(
            sql->arena, "%s AND target.%s >= CAST(%s AS %s) AND target.%s <= CAST(%s AS %s)", text,
            name, literal(sql, least), type_text, name, literal(sql, greatest), type_text);
    }
    return text;
}

/* target."a" IS DISTINCT FROM staged."a" OR …, of what can make a row a changed one. */
static const char *change_condition(const MergeSql *sql)
{
    const Schema *schema = &sql->delivery->schema;
    const char *text = "";
    for (size_t i = 0; i < schema->field_count; i++) {
        const char *name = quoted(sql, schema->fields[i].name);
        if (!is_key(sql, schema->fields[i].name) && !is_metadata(sql, schema->fields[i].name))
            text =
                join(sql, text, " OR ",
                     arena_printf(sql->arena, "target.%s IS DISTINCT FROM staged.%s", name, name));
    }
    return text;
}

static const char *assignments(const MergeSql *sql)
{
    const Schema *schema = &sql->delivery->schema;
    const MergeSpec *merge = &sql->delivery->merge;
    const char *text = "";
    for (size_t i = 0; i < schema->field_count; i++) {
        const char *name = quoted(sql, schema->fields[i].name);
        if (!is_key(sql, schema->fields[i].name))
            text = join(sql, text, ", ", arena_printf(sql->arena, "%s = staged.%s", name, name));
    }
    for (size_t i = 0; i < merge->emptied_count; i++)
        text = join(sql, text, ", ",
                    arena_printf(sql->arena, "%s = NULL", quoted(sql, merge->emptied[i])));
    return text;
}

const char *merge_statement(const MergeSql *sql, const char *source)
{
    const Schema *schema = &sql->delivery->schema;
    const char *set = assignments(sql), *changed = change_condition(sql), *values = "";
    for (size_t i = 0; i < schema->field_count; i++)
        values = join(sql, values, ", ",
                      arena_printf(sql->arena, "staged.%s", quoted(sql, schema->fields[i].name)));
    const char *condition = sql->delivery->merge.changed_only && *changed
                                ? arena_printf(sql->arena, " AND (%s)", changed)
                                : "";
    const char *update =
        *set && (*changed || !sql->delivery->merge.changed_only)
            ? arena_printf(sql->arena, " WHEN MATCHED%s THEN UPDATE SET %s", condition, set)
            : "";
    return arena_printf(sql->arena,
                        "MERGE INTO %s AS target USING %s AS staged ON %s%s "
                        "WHEN NOT MATCHED THEN INSERT (%s) VALUES (%s)",
                        sql->table, source, key_match(sql), update, merge_columns(sql), values);
}

const char *merge_count_present(const MergeSql *sql, const char *source, const char *bounds)
{
    return arena_printf(sql->arena,
                        "SELECT count(*)::VARCHAR FROM %s AS staged WHERE EXISTS (SELECT 1 FROM %s "
                        "AS target WHERE %s%s)",
                        source, sql->table, key_match(sql), bounds);
}

const char *merge_delete_present(const MergeSql *sql, const char *source, const char *bounds)
{
    return arena_printf(sql->arena, "DELETE FROM %s AS target USING %s AS staged WHERE %s%s",
                        sql->table, source, key_match(sql), bounds);
}

const char *merge_insert_all(const MergeSql *sql, const char *source)
{
    const MergeSpec *merge = &sql->delivery->merge;
    const char *columns = merge_columns(sql), *names = columns, *values = columns;
    for (size_t i = 0; i < merge->emptied_count; i++) {
        names = join(sql, names, ", ", quoted(sql, merge->emptied[i]));
        values = join(sql, values, ", ", "NULL");
    }
    return arena_printf(sql->arena, "INSERT INTO %s (%s) SELECT %s FROM %s AS staged", sql->table,
                        names, values, source);
}

const char *merge_keep_others(const MergeSql *sql)
{
    const MergeSpec *merge = &sql->delivery->merge;
    const char *columns = merge_columns(sql);
    for (size_t i = 0; i < merge->emptied_count; i++)
        columns = join(sql, columns, ", ", quoted(sql, merge->emptied[i]));
    return arena_printf(sql->arena,
                        "INSERT INTO %s (%s) SELECT %s FROM %s AS target WHERE NOT EXISTS "
                        "(SELECT 1 FROM %s AS staged WHERE %s)",
                        sql->staging, columns, columns, sql->table, sql->staging, key_match(sql));
}

const char *merge_insert_absent(const MergeSql *sql, const char *source, const char *bounds)
{
    const MergeSpec *merge = &sql->delivery->merge;
    const char *columns = merge_columns(sql), *order = "";
    for (size_t i = 0; i < merge->order_count; i++) {
        const char *name = quoted(sql, merge->order[i]);
        order = arena_printf(sql->arena, "%s AND target.%s IS NOT DISTINCT FROM staged.%s", order,
                             name, name);
    }
    return arena_printf(sql->arena,
                        "INSERT INTO %s (%s) SELECT %s FROM %s AS staged WHERE NOT EXISTS "
                        "(SELECT 1 FROM %s AS target WHERE %s%s%s)",
                        sql->table, columns, columns, source, sql->table, key_match(sql), order,
                        bounds);
}

static const char *place_literal(const MergeSql *sql, TypeKind kind, int64_t place)
{
    switch (kind) {
    case TYPE_TIMESTAMP:
        return arena_printf(sql->arena, "'%s'::TIMESTAMPTZ",
                            cursor_format(CURSOR_INSTANT, place, sql->arena));
    case TYPE_DATETIME:
        return arena_printf(sql->arena, "'%s'::TIMESTAMP",
                            cursor_format(CURSOR_WALL, place, sql->arena));
    case TYPE_DATE:
        return arena_printf(sql->arena, "'%s'::DATE",
                            cursor_format(CURSOR_DATE, place, sql->arena));
    default:
        return arena_printf(sql->arena, "%" PRId64, place);
    }
}

const char *merge_delete_range(const MergeSql *sql)
{
    const MergeRange *range = &sql->delivery->merge.range;
    const Field *field = schema_field(&sql->delivery->schema, range->column);
    TypeKind kind = field ? field->kind : TYPE_INT64;
    const char *name = quoted(sql, range->column), *low = "";
    if (range->has_low)
        low = arena_printf(sql->arena, "%s %s %s AND ", name,
                           range->after_low ? ">" : ">=", place_literal(sql, kind, range->low));
    return arena_printf(sql->arena, "DELETE FROM %s WHERE %s%s %s %s", sql->table, low, name,
                        range->through_high ? "<=" : "<", place_literal(sql, kind, range->high));
}

/* Rows that are marked now. */
static const char *is_marked(const MergeSql *sql)
{
    const char *name = quoted(sql, sql->delivery->merge.mark);
    return sql->delivery->merge.mark_is_bool
               ? arena_printf(sql->arena, "target.%s IS TRUE", name)
               : arena_printf(sql->arena, "target.%s IS NOT NULL", name);
}

/* "mark" = …, and who did it. */
static const char *mark_assignments(const MergeSql *sql, bool marks)
{
    const Delivery *delivery = sql->delivery;
    const char *now = place_literal(sql, TYPE_TIMESTAMP, delivery->at_us);
    const char *value = delivery->merge.mark_is_bool ? (marks ? "true" : "false")
                        : marks                      ? now
                                                     : "NULL";
    const char *text =
        arena_printf(sql->arena, "%s = %s", quoted(sql, delivery->merge.mark), value);
    if (delivery->metadata.synced_at)
        text = arena_printf(sql->arena, "%s, %s = %s", text,
                            quoted(sql, delivery->metadata.synced_at), now);
    if (delivery->metadata.run_id)
        text = arena_printf(sql->arena, "%s, %s = %s", text, quoted(sql, delivery->metadata.run_id),
                            literal(sql, delivery->run_id));
    return text;
}

static const char *is_staged(const MergeSql *sql)
{
    return arena_printf(sql->arena, "EXISTS (SELECT 1 FROM %s AS staged WHERE %s)", sql->staging,
                        key_match(sql));
}

const char *merge_vanish(const MergeSql *sql)
{
    if (sql->delivery->merge.vanished == VANISHED_DELETED)
        return arena_printf(sql->arena, "DELETE FROM %s AS target WHERE NOT %s", sql->table,
                            is_staged(sql));
    return arena_printf(sql->arena, "UPDATE %s AS target SET %s WHERE NOT (%s) AND NOT %s",
                        sql->table, mark_assignments(sql, true), is_marked(sql), is_staged(sql));
}

const char *merge_revive(const MergeSql *sql)
{
    return arena_printf(sql->arena, "UPDATE %s AS target SET %s WHERE %s AND %s", sql->table,
                        mark_assignments(sql, false), is_marked(sql), is_staged(sql));
}

/* A value's partition: instants are cut in UTC, whatever the session's time zone. */
static const char *partition_of(const MergeSql *sql, const char *side)
{
    static const char *const units[] = {
        [PARTITION_HOUR] = "hour",
        [PARTITION_DAY] = "day",
        [PARTITION_MONTH] = "month",
        [PARTITION_YEAR] = "year",
    };
    const Partitioning *parts = &sql->delivery->layout.partitioning;
    const Field *field = schema_field(&sql->delivery->schema, parts->column);
    const char *value = arena_printf(sql->arena, "%s.%s", side, quoted(sql, parts->column));
    if (parts->kind == PARTITION_RANGE)
        return arena_printf(sql->arena, "((%s - %" PRId64 ") // %" PRId64 ")", value, parts->start,
                            parts->interval > 0 ? parts->interval : 1);
    if (field && field->kind == TYPE_TIMESTAMP)
        value = arena_printf(sql->arena, "make_timestamp(epoch_us(%s))", value);
    return arena_printf(sql->arena, "date_trunc('%s', %s)", units[parts->kind], value);
}

const char *merge_moved(const MergeSql *sql, const char *source, const char *bounds)
{
    const Partitioning *parts = &sql->delivery->layout.partitioning;
    if (!parts->column || parts->kind == PARTITION_NONE)
        return NULL;
    return arena_printf(
        sql->arena,
        "SELECT count(*)::VARCHAR FROM %s AS staged JOIN %s AS target ON %s%s WHERE "
        "%s IS DISTINCT FROM %s",
        source, sql->table, key_match(sql), bounds, partition_of(sql, "target"),
        partition_of(sql, "staged"));
}
