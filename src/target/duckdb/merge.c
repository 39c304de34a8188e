/* SPDX-License-Identifier: Apache-2.0 */
#include "target/duckdb/merge.h"
#include "target/duckdb/sql.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

static const char *table_name(const Stage *stage, const TableRef *table)
{
    CLEANUP(buffer_done) Buffer name;
    buffer_init(&name, SQL_TEXT_MAX);
    bool done = sql_table_name(&name, table, NULL);
    (void)done; /* names are far below the maximum */
    return sql_text(&name, stage->arena);
}

static bool ask(const Merge *merge, const char *sql, DuckRows *ret_rows, Error *error)
{
    return duck_rows(merge->stage->connection, &(DuckQuery){.sql = sql}, merge->stage->arena,
                     ret_rows, error);
}

bool merge_ask(const Merge *merge, const char *sql, uint64_t *ret_number, Error *error)
{
    DuckRows rows;
    if (!ask(merge, sql, &rows, error))
        return false;
    *ret_number = strtoull(rows.cells[0], NULL, 10);
    return true;
}

bool merge_change(const Merge *merge, const char *sql, uint64_t *ret_rows, Error *error)
{
    return duck_change(merge->stage->connection, sql, ret_rows, error);
}

bool merge_count(const Merge *merge, const char *table, uint64_t *ret_rows, Error *error)
{
    const char *sql = arena_printf(merge->stage->arena, "SELECT count(*)::VARCHAR FROM %s", table);
    return merge_ask(merge, sql, ret_rows, error);
}

const char *merge_key_names(const Merge *merge)
{
    const MergeSpec *spec = &merge->delivery->merge;
    const char *text = "";
    for (size_t i = 0; i < spec->key_count; i++)
        text = arena_printf(merge->stage->arena, "%s%s%s", text, i ? ", " : "", spec->key[i]);
    return text;
}

static bool fail_null(const Merge *merge, uint64_t nulls, Error *error)
{
    error_set(error, ERROR_DATA,
              "%" PRIu64 " of %" PRIu64
              " rows have NULL in their key (%s): which row of %s.%s each of "
              "them is cannot be told",
              nulls, merge->facts.rows, merge_key_names(merge), merge->delivery->table.dataset,
              merge->delivery->table.table);
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

static bool vanish(const Merge *merge, Error *error)
{
    const MergeSpec *spec = &merge->delivery->merge;
    if (!spec->whole || spec->vanished == VANISHED_KEPT)
        return true;
    return merge_change(merge, merge_vanish(&merge->sql), &merge->counts->vanished, error);
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
        !merge_change(merge, merge_revive(&merge->sql), &counts->updated, error))
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
    if (!merge_change(merge,
                      merge_insert_absent(&merge->sql, merge->sql.staging, merge->facts.bounds),
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
        return merge_count(merge, merge->sql.staging, &merge->counts->inserted, error) &&
               stage_becomes_table(merge->stage, error);
    return merge_change(merge, merge_delete_range(&merge->sql), &merge->counts->vanished, error) &&
           merge_change(merge, insert, &merge->counts->inserted, error);
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
    return merge_change(merge, insert, &merge->counts->inserted, error);
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
    if (!exists)
        return make_table(merge, error);
    return vanish(merge, error) && merge_upsert(merge, error); /* staging may be gone then */
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
