/* SPDX-License-Identifier: Apache-2.0 */
#include "target/bigquery/sql_merge.h"

#include "base/cleanup.h"
#include "model/cursor.h"
#include "target/bigquery/sql.h"
#include "target/bigquery/sql_partition.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

enum {
    BOUND_BYTES_MAX = 256, /* longer texts are no bounds */
    LIST_BYTES_MAX = 2 * BQ_SQL_TEXT_MAX,
};

/* Names that no column is likely to have: where one is called `target`, `SET target = …` would mean
 * the whole row. */
#define MERGE_HEAD "MERGE %s AS bqferry_target\nUSING %s AS bqferry_staged\n"

static const char *text_of(const Buffer *buffer, Arena *arena)
{
    return arena_strndup(arena, buffer->data ? buffer->data : "", buffer->length);
}

static const char *quoted(const BqMergeSql *sql, const char *name)
{
    CLEANUP(buffer_done) Buffer text;
    buffer_init(&text, BQ_SQL_TEXT_MAX);
    bool done = bq_sql_identifier(&text, name, NULL);
    (void)done; /* names are far below the maximum */
    return text_of(&text, sql->arena);
}

static const char *literal(const BqMergeSql *sql, const char *words)
{
    CLEANUP(buffer_done) Buffer text;
    buffer_init(&text, BQ_SQL_TEXT_MAX);
    bool done = bq_sql_literal(&text, words, NULL);
    (void)done;
    return text_of(&text, sql->arena);
}

/* Texts one behind the other. */
static const char *join(const BqMergeSql *sql, const char *left, const char *between,
                        const char *right)
{
    return *left ? arena_printf(sql->arena, "%s%s%s", left, between, right) : right;
}

/* The same for all columns of a table, which are thousands at times: each text is copied once. What
 * is longer than any statement may be is cut off, and refused later. */
static void list_add(Buffer *list, const char *between, const char *text)
{
    bool done = (list->length == 0 || buffer_append(list, between, strlen(between), NULL)) &&
                buffer_append(list, text, strlen(text), NULL);
    (void)done;
}

static bool is_among(const char *name, const char *const *names, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        if (strcasecmp(names[i], name) == 0)
            return true;
    }
    return false;
}

static bool is_key(const BqMergeSql *sql, const char *name)
{
    return is_among(name, sql->delivery->merge.key, sql->delivery->merge.key_count);
}

static bool is_metadata(const BqMergeSql *sql, const char *name)
{
    const MetadataColumns *own = &sql->delivery->metadata;
    return (own->synced_at && strcasecmp(name, own->synced_at) == 0) ||
           (own->run_id && strcasecmp(name, own->run_id) == 0);
}

bool bq_merge_sees_all(const Delivery *delivery)
{
    return delivery->merge.whole && delivery->merge.vanished != VANISHED_KEPT;
}

/* Rows that are there already have the same cursor value, and so the same partition by it. */
bool bq_merge_prunes(const Delivery *delivery)
{
    const Partitioning *by = &delivery->layout.partitioning;
    const MergeSpec *merge = &delivery->merge;
    if (!delivery_merges(delivery) || by->kind == PARTITION_NONE || !by->column ||
        delivery->load == LOAD_REPLACE || merge->range.column || merge->keys_only ||
        bq_merge_sees_all(delivery))
        return false;
    return by->immutable ||
           (merge->present && is_among(by->column, merge->order, merge->order_count));
}

bool bq_merge_key_fits(const Delivery *delivery, Error *error)
{
    static const bool apart[TYPE_COUNT_] = {
        [TYPE_BOOL] = true,       [TYPE_INT64] = true,  [TYPE_NUMERIC] = true,
        [TYPE_BIGNUMERIC] = true, [TYPE_STRING] = true, [TYPE_BYTES] = true,
        [TYPE_DATE] = true,       [TYPE_TIME] = true,   [TYPE_DATETIME] = true,
        [TYPE_TIMESTAMP] = true,
    };
    if (!delivery_merges(delivery))
        return true; /* the source's own key, which nothing asks for */
    for (size_t i = 0; i < delivery->merge.key_count; i++) {
        const Field *field = schema_field(&delivery->schema, delivery->merge.key[i]);
        if (field && field->mode != MODE_REPEATED && apart[field->kind])
            continue;
        error_set(error, ERROR_CONFIG, "key: %s is %s%s, which BigQuery cannot tell rows apart by",
                  delivery->merge.key[i],
                  field && field->mode == MODE_REPEATED ? "an array of " : "",
                  field ? type_kind_name(field->kind) : "not carried");
        return error_hint(error, "choose other columns with `key`, or another type for this one "
                                 "(columns.<name>.type)");
    }
    return true;
}

static const char *columns_of(const BqMergeSql *sql, const char *prefix)
{
    const Schema *schema = &sql->delivery->schema;
    CLEANUP(buffer_done) Buffer list;
    buffer_init(&list, LIST_BYTES_MAX);
    for (size_t i = 0; i < schema->field_count; i++)
        list_add(&list, ", ",
                 arena_printf(sql->arena, "%s%s", prefix, quoted(sql, schema->fields[i].name)));
    return text_of(&list, sql->arena);
}

static const char *key_columns(const BqMergeSql *sql, const char *prefix)
{
    const MergeSpec *merge = &sql->delivery->merge;
    const char *text = "";
    for (size_t i = 0; i < merge->key_count; i++)
        text = join(sql, text, ", ",
                    arena_printf(sql->arena, "%s%s", prefix, quoted(sql, merge->key[i])));
    return text;
}

static const char *key_match(const BqMergeSql *sql)
{
    const MergeSpec *merge = &sql->delivery->merge;
    const char *text = "";
    for (size_t i = 0; i < merge->key_count; i++) {
        const char *name = quoted(sql, merge->key[i]);
        text = join(sql, text, " AND ",
                    arena_printf(sql->arena, "bqferry_target.%s = bqferry_staged.%s", name, name));
    }
    return text;
}

/* Types whose text reads back as the same value, in an order that blocks are kept by. */
static bool is_bounded(const Field *field)
{
    return field && (field->kind == TYPE_INT64 || field->kind == TYPE_STRING ||
                     field->kind == TYPE_NUMERIC || field->kind == TYPE_BIGNUMERIC ||
                     field->kind == TYPE_DATE || field->kind == TYPE_DATETIME ||
                     field->kind == TYPE_TIMESTAMP);
}

static const char *bound_of(const BqMergeSql *sql, const Field *field, const char *function)
{
    const char *name = quoted(sql, field->name);
    if (field->kind == TYPE_STRING)
        return arena_printf(sql->arena, "IF(BYTE_LENGTH(%s(%s)) <= %d, %s(%s), NULL)", function,
                            name, BOUND_BYTES_MAX, function, name);
    return arena_printf(sql->arena, "CAST(%s(%s) AS STRING)", function, name);
}

const char *bq_sql_facts(const BqMergeSql *sql)
{
    const MergeSpec *merge = &sql->delivery->merge;
    const char *nulls = "", *bounds = "", *key = key_columns(sql, "");
    for (size_t i = 0; i < merge->key_count; i++) {
        const Field *field = schema_field(&sql->delivery->schema, merge->key[i]);
        nulls = join(sql, nulls, " OR ",
                     arena_printf(sql->arena, "%s IS NULL", quoted(sql, merge->key[i])));
        if (is_bounded(field))
            bounds = arena_printf(sql->arena, "%s, %s, %s", bounds, bound_of(sql, field, "MIN"),
                                  bound_of(sql, field, "MAX"));
        else
            bounds =
                arena_printf(sql->arena, "%s, CAST(NULL AS STRING), CAST(NULL AS STRING)", bounds);
    }
    return arena_printf(sql->arena,
                        "SELECT CAST(COALESCE(SUM(bqferry_rows), 0) AS STRING), "
                        "CAST(COALESCE(SUM(IF(%s, bqferry_rows, 0)), 0) AS STRING), "
                        "CAST(COUNT(*) AS STRING)%s FROM (SELECT %s, COUNT(*) AS bqferry_rows "
                        "FROM %s GROUP BY %s)",
                        nulls, bounds, key, sql->staging, key);
}

const char *bq_sql_source(const BqMergeSql *sql, bool has_duplicates)
{
    const MergeSpec *merge = &sql->delivery->merge;
    const char *order = "";
    if (!has_duplicates)
        return sql->staging;
    for (size_t i = 0; i < merge->order_count; i++)
        order =
            arena_printf(sql->arena, "%s%s DESC NULLS LAST, ", order, quoted(sql, merge->order[i]));
    return arena_printf(
        sql->arena,
        "(SELECT bqferry_several.* FROM %s AS bqferry_several WHERE TRUE QUALIFY "
        "ROW_NUMBER() OVER (PARTITION BY %s ORDER BY %sTO_JSON_STRING(bqferry_several) DESC) = 1)",
        sql->staging, key_columns(sql, ""), order);
}

/* NULL: not what the type's values look like. */
static const char *bound_literal(const BqMergeSql *sql, const Field *field, const char *cell)
{
    char *end;
    if (field->kind == TYPE_STRING)
        return literal(sql, cell);
    if (field->kind != TYPE_INT64)
        return arena_printf(sql->arena, "%s %s", type_kind_name(field->kind), literal(sql, cell));
    long long number = strtoll(cell, &end, 10);
    return *end || end == cell ? NULL : arena_printf(sql->arena, "%lld", number);
}

const char *bq_sql_key_bounds(const BqMergeSql *sql, const char *const *cells)
{
    const MergeSpec *merge = &sql->delivery->merge;
    const char *text = "";
    for (size_t i = 0; i < merge->key_count; i++) {
        const Field *field = schema_field(&sql->delivery->schema, merge->key[i]);
        static const char *const signs[] = {">=", "<="};
        for (size_t side = 0; side < 2 && is_bounded(field); side++) {
            const char *cell = cells[2 * i + side];
            const char *bound = cell ? bound_literal(sql, field, cell) : NULL;
            if (bound)
                text = arena_printf(sql->arena, "%s AND bqferry_target.%s %s %s", text,
                                    quoted(sql, merge->key[i]), signs[side], bound);
        }
    }
    return text;
}

/* Texts that differ whenever the values do; of what cannot be compared as it is, JSON. */
static const char *change_of(const BqMergeSql *sql, const Field *field)
{
    const char *name = quoted(sql, field->name);
    if (field->mode == MODE_REPEATED || field->kind == TYPE_STRUCT)
        return arena_printf(sql->arena,
                            "TO_JSON_STRING(bqferry_target.%s) != "
                            "TO_JSON_STRING(bqferry_staged.%s)",
                            name, name);
    switch (field->kind) {
    case TYPE_JSON: /* the JSON null is another value than NULL */
        return arena_printf(sql->arena,
                            "(bqferry_target.%s IS NULL) != (bqferry_staged.%s IS NULL) OR "
                            "TO_JSON_STRING(bqferry_target.%s) != "
                            "TO_JSON_STRING(bqferry_staged.%s)",
                            name, name, name, name);
    case TYPE_GEOGRAPHY:
        return arena_printf(sql->arena,
                            "ST_ASTEXT(bqferry_target.%s) IS DISTINCT FROM "
                            "ST_ASTEXT(bqferry_staged.%s)",
                            name, name);
    case TYPE_INTERVAL: /* a month is 30 days when they are compared */
        return arena_printf(sql->arena,
                            "CAST(bqferry_target.%s AS STRING) IS DISTINCT FROM "
                            "CAST(bqferry_staged.%s AS STRING)",
                            name, name);
    default: /* of FLOAT64, too: NaN is not distinct from NaN */
        return arena_printf(sql->arena, "bqferry_target.%s IS DISTINCT FROM bqferry_staged.%s",
                            name, name);
    }
}

static const char *change_condition(const BqMergeSql *sql)
{
    const Schema *schema = &sql->delivery->schema;
    CLEANUP(buffer_done) Buffer list;
    buffer_init(&list, LIST_BYTES_MAX);
    for (size_t i = 0; i < schema->field_count; i++) {
        if (!is_key(sql, schema->fields[i].name) && !is_metadata(sql, schema->fields[i].name))
            list_add(&list, " OR ", change_of(sql, &schema->fields[i]));
    }
    return text_of(&list, sql->arena);
}

static const char *assignments(const BqMergeSql *sql)
{
    const Schema *schema = &sql->delivery->schema;
    const MergeSpec *merge = &sql->delivery->merge;
    CLEANUP(buffer_done) Buffer list;
    buffer_init(&list, LIST_BYTES_MAX);
    for (size_t i = 0; i < schema->field_count; i++) {
        const char *name = quoted(sql, schema->fields[i].name);
        if (!is_key(sql, schema->fields[i].name))
            list_add(&list, ", ", arena_printf(sql->arena, "%s = bqferry_staged.%s", name, name));
    }
    for (size_t i = 0; i < merge->emptied_count; i++)
        list_add(&list, ", ",
                 arena_printf(sql->arena, "%s = NULL", quoted(sql, merge->emptied[i])));
    return text_of(&list, sql->arena);
}

static const char *is_marked(const BqMergeSql *sql)
{
    return arena_printf(sql->arena,
                        sql->delivery->merge.mark_is_bool ? "bqferry_target.%s IS TRUE"
                                                          : "bqferry_target.%s IS NOT NULL",
                        quoted(sql, sql->delivery->merge.mark));
}

/* `mark` = …, and who did it. */
static const char *mark_assignments(const BqMergeSql *sql, bool marks)
{
    const Delivery *delivery = sql->delivery;
    const char *value = delivery->merge.mark_is_bool ? (marks ? "TRUE" : "FALSE")
                        : marks                      ? "@at"
                                                     : "NULL";
    const char *text =
        arena_printf(sql->arena, "%s = %s", quoted(sql, delivery->merge.mark), value);
    if (delivery->metadata.synced_at)
        text = arena_printf(sql->arena, "%s, %s = @at", text,
                            quoted(sql, delivery->metadata.synced_at));
    if (delivery->metadata.run_id)
        text =
            arena_printf(sql->arena, "%s, %s = @run", text, quoted(sql, delivery->metadata.run_id));
    return text;
}

/* " AND …" that lets a table be read whole which otherwise refuses that (require_partition_filter):
 * all of it is meant. */
static const char *whole_filter(const BqMergeSql *sql)
{
    const Partitioning *by = &sql->delivery->layout.partitioning;
    if (!by->require_filter)
        return "";
    const char *name = by->column ? quoted(sql, by->column) : "_PARTITIONTIME";
    return arena_printf(sql->arena,
                        " AND (bqferry_target.%s IS NULL OR bqferry_target.%s IS NOT NULL)", name,
                        name);
}

static const char *partition_filter(const BqMergeSql *sql)
{
    if (!bq_merge_prunes(sql->delivery))
        return whole_filter(sql);
    const BqPartitionSql partition = {
        .by = &sql->delivery->layout.partitioning,
        .type = sql->partition_type,
        .column = arena_printf(sql->arena, "bqferry_target.%s",
                               quoted(sql, sql->delivery->layout.partitioning.column)),
        .arena = sql->arena,
    };
    return arena_printf(sql->arena, " AND (%s)",
                        bq_sql_in_partitions(&partition, sql->partitions, sql->partition_count));
}

static const char *vanish_clause(const BqMergeSql *sql)
{
    const char *filter = whole_filter(sql);
    if (!bq_merge_sees_all(sql->delivery))
        return "";
    if (sql->delivery->merge.vanished == VANISHED_DELETED)
        return arena_printf(sql->arena, "\nWHEN NOT MATCHED BY SOURCE%s THEN DELETE", filter);
    return arena_printf(sql->arena,
                        "\nWHEN NOT MATCHED BY SOURCE%s AND NOT (%s) THEN UPDATE SET %s", filter,
                        is_marked(sql), mark_assignments(sql, true));
}

static const char *insert_clause(const BqMergeSql *sql)
{
    return arena_printf(sql->arena, "\nWHEN NOT MATCHED BY TARGET THEN INSERT (%s) VALUES (%s)",
                        columns_of(sql, ""), columns_of(sql, "bqferry_staged."));
}

static const char *update_clause(const BqMergeSql *sql)
{
    const char *set = assignments(sql), *changed = change_condition(sql);
    bool changed_only = sql->delivery->merge.changed_only;
    if (!*set || (changed_only && !*changed))
        return "";
    const char *condition = changed_only ? arena_printf(sql->arena, " AND (%s)", changed) : "";
    return arena_printf(sql->arena, "\nWHEN MATCHED%s THEN UPDATE SET %s", condition, set);
}

static const char *upsert(const BqMergeSql *sql, const char *source, const char *bounds)
{
    return arena_printf(sql->arena, MERGE_HEAD "ON %s%s%s%s%s%s", sql->table, source,
                        key_match(sql), bq_merge_sees_all(sql->delivery) ? "" : bounds,
                        partition_filter(sql), update_clause(sql), insert_clause(sql),
                        vanish_clause(sql));
}

/* Keys alone: who is there loses the mark, who is not gets it, or goes. */
static const char *compare_keys(const BqMergeSql *sql, const char *source)
{
    const char *revive = "";
    if (sql->delivery->merge.vanished == VANISHED_MARKED)
        revive = arena_printf(sql->arena, "\nWHEN MATCHED AND %s THEN UPDATE SET %s",
                              is_marked(sql), mark_assignments(sql, false));
    return arena_printf(sql->arena, MERGE_HEAD "ON %s%s%s%s", sql->table, source, key_match(sql),
                        whole_filter(sql), revive, vanish_clause(sql));
}

/* Versions of one row are rows of their own here. */
static const char *insert_absent(const BqMergeSql *sql, const char *bounds)
{
    const MergeSpec *merge = &sql->delivery->merge;
    const char *order = "";
    for (size_t i = 0; i < merge->order_count; i++) {
        const char *name = quoted(sql, merge->order[i]);
        if (!is_key(sql, merge->order[i]))
            order = arena_printf(sql->arena,
                                 "%s AND bqferry_target.%s IS NOT DISTINCT FROM bqferry_staged.%s",
                                 order, name, name);
    }
    return arena_printf(sql->arena, MERGE_HEAD "ON %s%s%s%s%s", sql->table, sql->staging,
                        key_match(sql), order, bounds, partition_filter(sql), insert_clause(sql));
}

/* ON FALSE: every staged row is inserted, and of the table's the range goes, in one step
 * (dml-syntax#merge_statement, "replace"). */
static const char *replace_range(const BqMergeSql *sql)
{
    const MergeRange *range = &sql->delivery->merge.range;
    const Partitioning *by = &sql->delivery->layout.partitioning;
    const Field *field = schema_field(&sql->delivery->schema, range->column);
    TypeKind kind = field ? field->kind : TYPE_INT64;
    const char *name = quoted(sql, range->column), *low = "";
    bool filtered = by->column && strcasecmp(by->column, range->column) == 0;
    if (range->has_low)
        low =
            arena_printf(sql->arena, " AND bqferry_target.%s %s %s", name,
                         range->after_low ? ">" : ">=", bq_sql_place(kind, range->low, sql->arena));
    return arena_printf(
        sql->arena,
        MERGE_HEAD "ON FALSE%s%s\n"
                   "WHEN NOT MATCHED BY SOURCE%s%s AND bqferry_target.%s %s %s THEN DELETE",
        sql->table, sql->staging, whole_filter(sql), insert_clause(sql),
        filtered ? "" : whole_filter(sql), low, name, range->through_high ? "<=" : "<",
        bq_sql_place(kind, range->high, sql->arena));
}

const char *bq_sql_merge(const BqMergeSql *sql, const char *source, const char *bounds)
{
    const MergeSpec *merge = &sql->delivery->merge;
    if (merge->range.column)
        return replace_range(sql);
    if (merge->present)
        return insert_absent(sql, bounds);
    return merge->keys_only ? compare_keys(sql, source) : upsert(sql, source, bounds);
}

const char *bq_sql_insert(const BqMergeSql *sql, const char *source)
{
    const char *columns = columns_of(sql, "");
    return arena_printf(sql->arena, "INSERT INTO %s (%s)\nSELECT %s FROM %s AS bqferry_staged",
                        sql->table, columns, columns, source);
}

const char *bq_sql_whole_table(const char *table, const Partitioning *by, Arena *arena)
{
    const Delivery delivery = {.layout.partitioning = *by};
    const BqMergeSql sql = {.delivery = &delivery, .arena = arena};
    const char *filter = whole_filter(&sql);
    return *filter
               ? arena_printf(arena,
                              "(SELECT bqferry_target.* FROM %s AS bqferry_target WHERE TRUE%s)",
                              table, filter)
               : table;
}

/* Whether a row has another partition than its staged one. */
static const char *has_moved(const BqMergeSql *sql)
{
    const Partitioning *by = &sql->delivery->layout.partitioning;
    if (!bq_merge_prunes(sql->delivery))
        return "FALSE";
    BqPartitionSql partition = {.by = by, .type = sql->partition_type, .arena = sql->arena};
    const char *name = quoted(sql, by->column);
    partition.column = arena_printf(sql->arena, "bqferry_target.%s", name);
    const char *before = bq_sql_partition_of(&partition);
    partition.column = arena_printf(sql->arena, "bqferry_staged.%s", name);
    return arena_printf(sql->arena, "%s IS DISTINCT FROM %s", before,
                        bq_sql_partition_of(&partition));
}

const char *bq_sql_look(const BqMergeSql *sql, const char *source, const char *bounds)
{
    const MergeSpec *merge = &sql->delivery->merge;
    bool marks = bq_merge_sees_all(sql->delivery) && merge->vanished == VANISHED_MARKED;
    if (merge->range.column || merge->present || (merge->keys_only && !marks))
        return NULL;
    const char *is_staged =
        arena_printf(sql->arena, "bqferry_staged.%s IS NOT NULL", quoted(sql, merge->key[0]));
    const char *unmarked = marks ? arena_printf(sql->arena, "NOT (%s)", is_marked(sql)) : "FALSE";
    return arena_printf(
        sql->arena,
        "SELECT CAST(COUNTIF(bqferry_is_staged AND bqferry_rows > 1) AS STRING), "
        "CAST(COALESCE(SUM(IF(bqferry_is_staged, moved, 0)), 0) AS STRING), "
        "CAST(COALESCE(SUM(IF(bqferry_is_staged, 0, unmarked)), 0) AS STRING) FROM (SELECT %s AS "
        "bqferry_is_staged, COUNT(*) AS bqferry_rows, COUNTIF(%s) AS moved, COUNTIF(%s) AS "
        "unmarked FROM %s AS bqferry_target %s JOIN %s AS bqferry_staged ON %s%s WHERE TRUE%s "
        "GROUP BY %s, bqferry_is_staged)",
        is_staged, has_moved(sql), unmarked, sql->table, marks ? "LEFT" : "INNER", source,
        key_match(sql), marks ? "" : bounds, whole_filter(sql),
        key_columns(sql, "bqferry_target."));
}
