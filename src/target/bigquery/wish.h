/* SPDX-License-Identifier: Apache-2.0 */
/* target/bigquery/wish.h: what the configuration says of a table beside its columns, and what of it
 * a table that is there already does not have yet. Pure.
 *
 * Only what is said counts: a key that is left out takes nothing away. What can be changed
 * (docs.cloud.google.com/bigquery/docs/managing-tables#updating_table_properties,
 * …/managing-partitioned-tables): description, labels, expiration, expiration of partitions and
 * whether queries must name partitions. */
#pragma once

#include "base/arena.h"
#include "config/config.h"
#include "format/json.h"

typedef struct TableWishes {
    const char *description; /* as long as BigQuery takes; NULL: not said, and so below */
    ConfigLabels labels;     /* without those of our own */
    int64_t expiration_ms;   /* of the table after its making */
    int64_t partition_expiration_ms;
    bool require_filter;
    const char *kms_key;
} TableWishes;

/* What is to be done about them. */
typedef struct WishChanges {
    Json *patch;      /* body of tables.patch; NULL: nothing is to be changed; owned */
    const char *what; /* the same for people: "labels, expiration" */
    const char *left; /* what cannot be had, and how to get it; NULL: all can */
} WishChanges;

/* Compares them with `table` (Table of the REST API, of a table that is there), which then is as it
 * will be after the patch. Texts go into the arena; wish_changes_done frees the rest. */
WishChanges wish_compare(const TableWishes *wishes, Json *table, int64_t now_ms, Arena *arena);
void wish_changes_done(WishChanges *changes);
