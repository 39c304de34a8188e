/* SPDX-License-Identifier: Apache-2.0 */
#include "target/duckdb/existing.h"
#include "target/duckdb/merge_sql.h"
#include "target/duckdb/sql.h"
#include "target/duckdb/stage.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

/* What is known of the staged rows. */
typedef struct StagedFacts {
    uint64_t rows;
    uint64_t keys;      /* distinct */
    const char *bounds; /* of the key, as a condition on target rows */
} StagedFacts;

typedef struct Merge {
    const Stage *stage;
    const Delivery *delivery;
    MergeSql sql;
    StagedFacts facts;
    const char *source;
    ApplyCounts *counts;
} Merge;

static const char *table_name(const Stage *stage, const TableRef *table)
{
    CLEANUP(buffer_done) Buffer name;
    buffer_init(&name, SQL_TEXT_MAX);
    bool done = sql_table_name(&name, table, NULL);
    (void)done; /* names are far below the maximum */
    return sql_text(&name, stage->arena);
}

static const char *key_names(const Delivery *delivery, Arena *arena)
{
    const char *text = "";
    for (size_t i = 0; i < delivery->merge.key_count; i++)
        text = arena_printf(arena, "%s%s%s", text, i ? ", " : "", delivery->merge.key[i]);
    return text;
}

static bool ask(const Merge *merge, const char *sql, DuckRows *ret_rows, Error *error)
{
    return duck_rows(merge->stage->connection, &(DuckQuery){.sql = sql}, merge->stage->arena,
                     ret_rows, error);
}

static bool ask_number(const Merge *merge, const char *sql, uint64_t *ret_number, Error *error)
{
    DuckRows rows;
    if (!ask(merge, sql, &rows, error))
        return false;
    *ret_number = strtoull(rows.cells[0], NULL, 10);
    return true;
}

static bool change(const Merge *merge, const char *sql, uint64_t *ret_rows, Error *error)
{
    return duck_change(merge->stage->connection, sql, ret_rows, error);
}

static bool fail_null(const Merge *merge, uint64_t nulls, Error *error)
{
    error_set(error, ERROR_DATA,
              "%" PRIu64 " of %" PRIu64
              " rows have NULL in their key (%s): which row of %s.%s each of "
              "them is cannot be told",
              nulls, merge->facts.rows, key_names(merge->delivery, merge->stage->arena),
              merge->delivery->table.dataset, merge->delivery->table.table);
    return error_hint(error, "choose another `key`, or leave such rows out with source.where; "
                             "nothing was changed");
}

static bool find_facts(Merge *merge, Error *error)
{
    DuckRows row;
    if (!ask(merge, merge_facts(&merge->sql), &row, error))
        return false;
    merge->facts = (StagedFacts){
        .rows = strtoull(row.cells[0], NULL, 10),
        .keys = strtoull(row.cells[2], NULL, 10),
        .bounds = merge_key_bounds(&merge->sql, row.cells + 3),
    };
    uint64_t nulls = strtoull(row.cells[1], NULL, 10);
    merge->counts->superseded = merge->facts.rows - merge->facts.keys;
    merge->source = merge_source(&merge->sql, merge->counts->superseded > 0);
    return nulls == 0 || fail_null(merge, nulls, error);
}

static bool fail_several(const Merge *merge, Error *error)
{
    const TableRef *table = &merge->delivery->table;
    const char *names = key_names(merge->delivery, merge->stage->arena);
    error_set(error, ERROR_DATA,
              "%s.%s has several rows for one key (%s): which of them to update cannot be told",
              table->dataset, table->table, names);
    return error_hint(error,
                      "remove the surplus rows (SELECT %s FROM %s.%s GROUP BY ALL HAVING "
                      "count(*) > 1), or load the table anew with --full-refresh",
                      names, table->dataset, table->table);
}

/* With a predicate on the partition, a row that has moved to another one would not be found, and
 * be inserted a second time: what the layout promises is looked at wherever it can be. */
static bool check_partitions(const Merge *merge, Error *error)
{
    const Partitioning *parts = &merge->delivery->layout.partitioning;
    uint64_t moved;
    const char *sql = merge_moved(&merge->sql, merge->source, merge->facts.bounds);
    if (!parts->immutable || !sql)
        return true;
    if (!ask_number(merge, sql, &moved, error))
        return false;
    if (moved == 0)
        return true;
    error_set(error, ERROR_DATA,
              "%" PRIu64 " rows have another partition of %s.%s now than before (by %s), which "
              "partition_by.immutable says never happens",
              moved, merge->delivery->table.dataset, merge->delivery->table.table, parts->column);
    return error_hint(error, "take `immutable` away: merges then look through all partitions; "
                             "nothing was changed");
}

static bool count_rows(const Merge *merge, const char *table, uint64_t *ret_rows, Error *error)
{
    const char *sql = arena_printf(merge->stage->arena, "SELECT count(*)::VARCHAR FROM %s", table);
    return ask_number(merge, sql, ret_rows, error);
}

/* Whether a row of the table is nothing but what is delivered, so that a new one may take its
 * place; and no index or constraint remembers, until the commit, what was deleted. */
static bool find_swappable(const Merge *merge, bool *ret_swappable, Error *error)
{
    const Delivery *delivery = merge->delivery;
    const TableRef *table = &delivery->table;
    Existing existing;
    DuckRows rows;
    *ret_swappable = false;
    if (!existing_read(merge->stage->connection, table, merge->stage->arena, &existing, error))
        return false;
    for (size_t i = 0; i < existing.column_count; i++) {
        bool is_ours = existing_field(&delivery->schema, existing.columns[i].name) != NULL;
        for (size_t j = 0; j < delivery->merge.emptied_count; j++)
            is_ours =
                is_ours || strcasecmp(existing.columns[i].name, delivery->merge.emptied[j]) == 0;
        if (!is_ours)
            return true;
    }
    if (!duck_rows(
            merge->stage->connection,
            DUCK_QUERY("SELECT table_name FROM duckdb_constraints() WHERE database_name = "
                       "current_database() AND lower(schema_name) = lower($1) AND "
                       "lower(table_name) = lower($2) AND constraint_type IN ('PRIMARY KEY', "
                       "'UNIQUE', 'FOREIGN KEY') UNION ALL SELECT table_name FROM "
                       "duckdb_indexes() WHERE database_name = current_database() AND "
                       "lower(schema_name) = lower($1) AND lower(table_name) = lower($2)",
                       table->dataset, table->table),
            merge->stage->arena, &rows, error))
        return false;
    *ret_swappable = rows.row_count == 0;
    return true;
}

/* New rows in the place of old ones. DuckDB does that several times as fast as updates, and with a
 * fraction of the memory, as long as most of the table stays as it is. */
static bool swap_rows(const Merge *merge, Error *error)
{
    uint64_t present, deleted;
    ApplyCounts *counts = merge->counts;
    const char *source = merge->source, *bounds = merge->facts.bounds;
    if (!ask_number(merge, merge_count_present(&merge->sql, source, bounds), &present, error) ||
        !change(merge, merge_delete_present(&merge->sql, source, bounds), &deleted, error))
        return false;
    if (deleted != present)
        return fail_several(merge, error);
    counts->updated = present;
    if (!change(merge, merge_insert_all(&merge->sql, source), &counts->inserted, error))
        return false;
    counts->inserted -= present;
    return true;
}

static bool merge_rows(const Merge *merge, uint64_t before, Error *error)
{
    uint64_t after, changed;
    ApplyCounts *counts = merge->counts;
    const char *sql = merge_statement(&merge->sql, merge->source, merge->facts.bounds);
    if (!change(merge, sql, &changed, error) || !count_rows(merge, merge->sql.table, &after, error))
        return false;
    counts->inserted = after - before;
    counts->updated = changed - counts->inserted;
    if (changed > merge->facts.keys)
        return fail_several(merge, error);
    counts->unchanged = merge->facts.keys - changed;
    return true;
}

static bool upsert(const Merge *merge, Error *error)
{
    enum { SMALL_PART = 4 };
    const Delivery *delivery = merge->delivery;
    bool has_others = delivery->schema.field_count > delivery->merge.key_count, swappable = false;
    uint64_t before;
    if (!check_partitions(merge, error) || !count_rows(merge, merge->sql.table, &before, error))
        return false;
    bool is_small = merge->facts.keys < before / SMALL_PART;
    if (is_small && has_others && !delivery->merge.changed_only &&
        !find_swappable(merge, &swappable, error))
        return false;
    return swappable ? swap_rows(merge, error) : merge_rows(merge, before, error);
}

static bool vanish(const Merge *merge, Error *error)
{
    const MergeSpec *spec = &merge->delivery->merge;
    if (!spec->whole || spec->vanished == VANISHED_KEPT)
        return true;
    return change(merge, merge_vanish(&merge->sql), &merge->counts->vanished, error);
}

/* Keys only say which rows are there: those that are marked and came back lose their mark. */
static bool compare_keys(const Merge *merge, bool exists, Error *error)
{
    const MergeSpec *spec = &merge->delivery->merge;
    ApplyCounts *counts = merge->counts;
    counts->unchanged = merge->facts.keys;
    if (!exists)
        return true;
    if (spec->vanished == VANISHED_MARKED &&
        !change(merge, merge_revive(&merge->sql), &counts->updated, error))
        return false;
    counts->unchanged = merge->facts.keys - counts->updated;
    return vanish(merge, error);
}

/* Versions of one row are rows of their own here. */
static bool append_absent(const Merge *merge, bool exists, Error *error)
{
    ApplyCounts *counts = merge->counts;
    counts->superseded = 0;
    counts->inserted = merge->facts.rows;
    if (!exists)
        return stage_becomes_table(merge->stage, error);
    if (!change(merge, merge_insert_absent(&merge->sql, merge->sql.staging, merge->facts.bounds),
                &counts->inserted, error))
        return false;
    counts->unchanged = merge->facts.rows - counts->inserted;
    return true;
}

static bool replace_range(const Merge *merge, bool exists, Error *error)
{
    const char *columns = merge_columns(&merge->sql);
    const char *insert = arena_printf(merge->stage->arena, "INSERT INTO %s (%s) SELECT %s FROM %s",
                                      merge->sql.table, columns, columns, merge->sql.staging);
    if (!exists)
        return count_rows(merge, merge->sql.staging, &merge->counts->inserted, error) &&
               stage_becomes_table(merge->stage, error);
    return change(merge, merge_delete_range(&merge->sql), &merge->counts->vanished, error) &&
           change(merge, insert, &merge->counts->inserted, error);
}

/* The table does not exist (any more): nothing of it can be in the way. */
static bool make_table(const Merge *merge, Error *error)
{
    const Stage *stage = merge->stage;
    const Delivery *delivery = merge->delivery;
    merge->counts->inserted = merge->facts.keys;
    if (merge->counts->superseded == 0)
        return stage_becomes_table(stage, error);
    CLEANUP(buffer_done) Buffer sql;
    buffer_init(&sql, SQL_TEXT_MAX);
    if (!sql_create_table(&sql, "CREATE TABLE", &delivery->table, &delivery->schema, error) ||
        !duck_run(stage->connection, sql_text(&sql, stage->arena), error))
        return false;
    const char *columns = merge_columns(&merge->sql);
    const char *insert = arena_printf(stage->arena, "INSERT INTO %s (%s) SELECT %s FROM %s",
                                      merge->sql.table, columns, columns, merge->source);
    return change(merge, insert, &merge->counts->inserted, error);
}

static bool drop_table(const Merge *merge, Error *error)
{
    const char *sql = arena_printf(merge->stage->arena, "DROP TABLE %s", merge->sql.table);
    return duck_run(merge->stage->connection, sql, error);
}

static bool run_merge(Merge *merge, bool exists, Error *error)
{
    const MergeSpec *spec = &merge->delivery->merge;
    if (spec->range.column)
        return replace_range(merge, exists, error);
    if (!find_facts(merge, error))
        return false;
    if (merge->delivery->load == LOAD_REPLACE)
        return (!exists || drop_table(merge, error)) && make_table(merge, error);
    if (spec->keys_only)
        return compare_keys(merge, exists, error);
    if (spec->present)
        return append_absent(merge, exists, error);
    return exists ? upsert(merge, error) && vanish(merge, error) : make_table(merge, error);
}

bool stage_merge(const Stage *stage, bool exists, ApplyCounts *ret_counts, Error *error)
{
    *ret_counts = (ApplyCounts){0};
    Merge merge = {
        .stage = stage,
        .delivery = stage->delivery,
        .sql = {.delivery = stage->delivery,
                .table = table_name(stage, &stage->delivery->table),
                .staging = table_name(stage, &stage->staging),
                .arena = stage->arena},
        .counts = ret_counts,
    };
    return run_merge(&merge, exists, error);
}
