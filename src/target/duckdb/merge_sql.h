/* SPDX-License-Identifier: Apache-2.0 */
/* target/duckdb/merge_sql.h: the statements of a delivery that merges. Pure; texts are in an arena.
 * `staged` is the FROM item of the staged rows, `staging` the name of their table. */
#pragma once

#include "base/arena.h"
#include "target/target.h"

/* A merge's statements are about one delivery into one table. */
typedef struct MergeSql {
    const Delivery *delivery;
    const char *table;   /* quoted */
    const char *staging; /* quoted */
    Arena *arena;
} MergeSql;

/* "a", "b" */
const char *merge_columns(const MergeSql *sql);

/* One row of texts: rows, rows with a NULL in the key, distinct keys, then for each key column its
 * least and its greatest value (NULL where bounds of its type help nothing). */
const char *merge_facts(const MergeSql *sql);

/* The FROM item of the staged rows: the table, or, when keys are there several times, the newest
 * row of each. */
const char *merge_source(const MergeSql *sql, bool has_duplicates);

/* "target"."id" >= … AND …: what merge_facts found, as constants; "" for nothing. `cells` begins
 * with the first key column's least value. */
const char *merge_key_bounds(const MergeSql *sql, const char *const *cells);

/* Deletes from staging what merge_source leaves out. */
const char *merge_delete_superseded(const MergeSql *sql);

/* MERGE of `source` into the table. */
const char *merge_statement(const MergeSql *sql, const char *source);

/* One row, one text: keys of `source` that the table has. `bounds`: further condition on target
 * rows, or "". */
const char *merge_count_present(const MergeSql *sql, const char *source, const char *bounds);

/* Deletes the rows of the table whose keys `source` has. */
const char *merge_delete_present(const MergeSql *sql, const char *source, const char *bounds);

/* Adds all rows of `source`; NULL in columns that the source no longer has. */
const char *merge_insert_all(const MergeSql *sql, const char *source);

/* Adds to staging, which has all columns of the table, the rows of it whose keys are not staged. */
const char *merge_keep_others(const MergeSql *sql);

/* Adds the rows of `source` whose key and order values are not in the table. */
const char *merge_insert_absent(const MergeSql *sql, const char *source, const char *bounds);

/* Deletes the rows of the merge's range. */
const char *merge_delete_range(const MergeSql *sql);

/* Marks or deletes the rows of the table whose keys are not staged. */
const char *merge_vanish(const MergeSql *sql);

/* Takes the mark from rows whose keys are staged. */
const char *merge_revive(const MergeSql *sql);

/* One row, one text: staged rows whose row in the table has another partition. NULL: the layout has
 * no partitions by a column. */
const char *merge_moved(const MergeSql *sql, const char *source, const char *bounds);
