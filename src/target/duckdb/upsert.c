/* SPDX-License-Identifier: Apache-2.0 */
#include "target/duckdb/existing.h"
#include "target/duckdb/merge.h"
#include "target/duckdb/sql.h"

#include <inttypes.h>
#include <string.h>

static bool fail_several(const Merge *merge, Error *error)
{
    const TableRef *table = &merge->delivery->table;
    const char *names = merge_key_names(merge);
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
    if (!merge_ask(merge, sql, &moved, error))
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

/* New rows in the place of old ones. DuckDB does that several times as fast as updates, and with a
 * fraction of the memory, as long as most of the table stays as it is. */
static bool swap_rows(const Merge *merge, Error *error)
{
    uint64_t present, deleted;
    ApplyCounts *counts = merge->counts;
    const char *source = merge->source, *bounds = merge->facts.bounds;
    if (!merge_ask(merge, merge_count_present(&merge->sql, source, bounds), &present, error) ||
        !merge_change(merge, merge_delete_present(&merge->sql, source, bounds), &deleted, error))
        return false;
    if (deleted != present)
        return fail_several(merge, error);
    counts->updated = present;
    if (!merge_change(merge, merge_insert_all(&merge->sql, source), &counts->inserted, error))
        return false;
    counts->inserted -= present;
    return true;
}

static bool comment_on(const Merge *merge, const char *column, const char *comment, Error *error)
{
    CLEANUP(buffer_done) Buffer sql;
    buffer_init(&sql, SQL_TEXT_MAX);
    return sql_comment(&sql, &merge->stage->staging, column, comment, error) &&
           duck_run(merge->stage->connection, sql_text(&sql, merge->stage->arena), error);
}

static bool is_same(const char *left, const char *right)
{
    return left && right ? strcmp(left, right) == 0 : left == right;
}

/* Staging has the comments that a new table would have. */
static bool copy_comments(const Merge *merge, Error *error)
{
    DuckConnection *connection = merge->stage->connection;
    Arena *arena = merge->stage->arena;
    Existing from, to;
    if (!existing_read(connection, &merge->delivery->table, arena, &from, error) ||
        !existing_read(connection, &merge->stage->staging, arena, &to, error) ||
        (!is_same(from.comment, to.comment) && !comment_on(merge, NULL, from.comment, error)))
        return false;
    for (size_t i = 0; i < from.column_count && i < to.column_count; i++) {
        const ExistingColumn *column = &from.columns[i];
        if (!is_same(column->comment, to.columns[i].comment) &&
            !comment_on(merge, column->name, column->comment, error))
            return false;
    }
    return true;
}

/* Staging, with the rows that nothing was staged for, in the place of the table. */
static bool swap_table(const Merge *merge, uint64_t before, Error *error)
{
    uint64_t present, kept, gone;
    ApplyCounts *counts = merge->counts;
    const MergeSql *sql = &merge->sql;
    const char *drop = arena_printf(sql->arena, "DROP TABLE %s", sql->table);
    if (!merge_ask(merge, merge_count_present(sql, merge->source, ""), &present, error) ||
        (counts->superseded > 0 &&
         !merge_change(merge, merge_delete_superseded(sql), &gone, error)) ||
        !merge_change(merge, merge_keep_others(sql), &kept, error))
        return false;
    if (before - kept != present)
        return fail_several(merge, error);
    counts->updated = present;
    counts->inserted = merge->facts.keys - present;
    return copy_comments(merge, error) && duck_run(merge->stage->connection, drop, error) &&
           stage_becomes_table(merge->stage, error);
}

/* DuckDB itself passes over what has no key between the least and the greatest that is staged. Told
 * the same as a condition, it takes the table for the smaller side of the join, and updates its
 * rows in the order of the staged ones: each in a block that it unpacks again. */
static bool merge_rows(const Merge *merge, uint64_t before, Error *error)
{
    uint64_t after, changed;
    ApplyCounts *counts = merge->counts;
    const char *sql = merge_statement(&merge->sql, merge->source);
    if (!merge_change(merge, sql, &changed, error) ||
        !merge_count(merge, merge->sql.table, &after, error))
        return false;
    counts->inserted = after - before;
    counts->updated = changed - counts->inserted;
    if (changed > merge->facts.keys)
        return fail_several(merge, error);
    counts->unchanged = merge->facts.keys - changed;
    return true;
}

typedef enum Way {
    WAY_MERGE,
    WAY_SWAP_ROWS,
    WAY_SWAP_TABLE,
} Way;

/* By what DuckDB would have to write. In between a MERGE is cheapest: rows that are deleted all
 * over the table make it pack all others again, as does another table. */
static bool choose_way(const Merge *merge, uint64_t before, Way *ret_way, Error *error)
{
    const Delivery *delivery = merge->delivery;
    const Stage *stage = merge->stage;
    const char *columns, *staged;
    bool is_small = merge->facts.keys < before / 4;
    bool is_large = merge->facts.keys >= before - before / 3;
    *ret_way = WAY_MERGE;
    if ((!is_small && !is_large) || delivery->merge.changed_only ||
        delivery->schema.field_count == delivery->merge.key_count)
        return true;
    if (!existing_plain(stage->connection, delivery, stage->arena, &columns, error))
        return false;
    if (is_small && columns)
        *ret_way = WAY_SWAP_ROWS;
    if (is_small || !columns)
        return true;
    if (!existing_definition(stage->connection, &stage->staging, stage->arena, &staged, error))
        return false;
    if (is_same(columns, staged))
        *ret_way = WAY_SWAP_TABLE;
    return true;
}

bool merge_upsert(const Merge *merge, Error *error)
{
    uint64_t before;
    Way way;
    if (!check_partitions(merge, error) || !merge_count(merge, merge->sql.table, &before, error) ||
        !choose_way(merge, before, &way, error))
        return false;
    switch (way) {
    case WAY_SWAP_ROWS:
        return swap_rows(merge, error);
    case WAY_SWAP_TABLE:
        return swap_table(merge, before, error);
    default:
        return merge_rows(merge, before, error);
    }
}
