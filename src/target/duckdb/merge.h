/* SPDX-License-Identifier: Apache-2.0 */
/* target/duckdb/merge.h: one delivery that merges, in the transaction that applies it. */
#pragma once

#include "target/duckdb/merge_sql.h"
#include "target/duckdb/stage.h"

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
    const char *source; /* a FROM item: of staged rows with one key only the newest */
    ApplyCounts *counts;
} Merge;

/* merge.c: one statement; its one number (a text), or how many rows it changed. */
bool merge_ask(const Merge *merge, const char *sql, uint64_t *ret_number, Error *error);
bool merge_change(const Merge *merge, const char *sql, uint64_t *ret_rows, Error *error);
bool merge_count(const Merge *merge, const char *table, uint64_t *ret_rows, Error *error);

/* The key's columns, for people. */
const char *merge_key_names(const Merge *merge);

/* upsert.c: updates and inserts; the table is there. ERROR_DATA when it has several rows for one
 * key. Afterwards staging may be the table, and no longer there. */
bool merge_upsert(const Merge *merge, Error *error);
