/* SPDX-License-Identifier: Apache-2.0 */
/* target/merge.h: how the rows of a delivery meet those of its table. Plain data; strings live as
 * long as the delivery. */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* What happens when the columns of a delivery and of the existing table differ. */
typedef enum SchemaEvolve {
    EVOLVE_FAIL,    /* validate refuses */
    EVOLVE_COLUMNS, /* new columns are added, REQUIRED is relaxed, with the step that applies */
    EVOLVE_RELAX,   /* REQUIRED is relaxed; new columns were left out when the rows were planned */
} SchemaEvolve;

typedef enum Vanished { VANISHED_KEPT, VANISHED_MARKED, VANISHED_DELETED } Vanished;

/* The rows that an append puts its own in the place of; see MergeSpec. Numbers mean what the
 * column's values mean (model/value.h): microseconds, days, or the number itself. */
typedef struct MergeRange {
    const char *column; /* of the target: TIMESTAMP, DATETIME, DATE or INT64; NULL: none */
    bool has_low;
    int64_t low, high;
    bool after_low;    /* low itself does not belong to it */
    bool through_high; /* high itself does */
} MergeRange;

/* How staged rows meet those of the table. Columns are the target's.
 *
 * LOAD_UPSERT, LOAD_SOFT_DELETE: of staged rows with one key the newest counts; a row of the table
 * with that key gets its values, else it is inserted. A NULL in a key, or several rows of the table
 * with one key, is ERROR_DATA, and nothing is applied.
 * LOAD_REPLACE: with `unique` the same of what is staged, for a job whose later runs merge.
 * LOAD_APPEND: with `present` or `range` no row is there twice; else rows are just added. */
typedef struct MergeSpec {
    const char *const *key; /* tells rows apart; none: `range`, or no merge */
    size_t key_count;
    bool key_is_sources;      /* the source says that no two of its rows have the same */
    bool unique;              /* LOAD_REPLACE: of rows with one key only the newest is kept */
    const char *const *order; /* which row is newest: the greatest, column by column, NULL least; */
    size_t order_count;       /* after these, by anything that is always the same */
    bool changed_only;        /* rows whose values are equal are left as they are */
    const char *const *emptied; /* columns that the source no longer has: NULL in what is updated */
    size_t emptied_count;
    bool present;     /* LOAD_APPEND: leaves out rows whose key and `order` values are there */
    MergeRange range; /* LOAD_APPEND: replaces these rows with the staged ones */
    bool keys_only;   /* staged are nothing but keys: no row is inserted or updated */
    bool whole;       /* staged are all keys that the source has: others have vanished */
    Vanished vanished;
    const char
        *mark; /* column of the mark (part of the schema unless keys_only); NULL: none. Rows */
    bool mark_is_bool; /* that are staged lose it, those that vanish get it: true, or at_us */
} MergeSpec;

/* Columns of the schema that tell of the delivery; the values are staged with the rows. They do not
 * make a row a changed one. A row that gets its mark gets them, too. NULL: there is none. */
typedef struct MetadataColumns {
    const char *synced_at; /* TIMESTAMP: at_us */
    const char *run_id;    /* STRING */
} MetadataColumns;

/* What became of staged rows, and of rows of the table, in a delivery that merges. */
typedef struct ApplyCounts {
    uint64_t inserted;
    uint64_t updated;
    uint64_t unchanged;  /* staged, and not worth a write, or (present) there already */
    uint64_t superseded; /* staged, and another staged row has the key and is newer */
    uint64_t vanished;   /* rows of the table that were marked or deleted, or (range) replaced */
} ApplyCounts;
