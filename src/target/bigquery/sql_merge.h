/* SPDX-License-Identifier: Apache-2.0 */
/* target/bigquery/sql_merge.h: statements by which staged rows meet those of a table, in BigQuery's
 * SQL (docs.cloud.google.com/bigquery/docs/reference/standard-sql/dml-syntax#merge_statement,
 * docs/using-dml-with-partitioned-tables). Pure; texts live as long as the arena.
 *
 * Identifiers are quoted. What comes from rows is a literal of its type where BigQuery needs a
 * constant to leave blocks and partitions out; all else is a query parameter: @at (TIMESTAMP), when
 * the run began, and @run (STRING), its id. */
#pragma once

#include "target/bigquery/partition.h"
#include "target/target.h"

typedef struct BqMergeSql {
    const Delivery *delivery;
    const char *table, *staging;   /* whole names, quoted; staging may be any FROM item */
    TypeKind partition_type;       /* of the partitioning column, when there is one */
    const char *const *partitions; /* those that staged rows belong to, when bq_merge_prunes */
    size_t partition_count;
    Arena *arena;
} BqMergeSql;

/* A merge looks only into the partitions that staged rows belong to: a row that is in the table
 * already cannot be in another one. */
bool bq_merge_prunes(const Delivery *delivery);

/* Rows of the table that have no staged one are part of what happens: it is read whole. */
bool bq_merge_sees_all(const Delivery *delivery);

/* ERROR_CONFIG when BigQuery cannot tell rows apart by the key. */
bool bq_merge_key_fits(const Delivery *delivery, Error *error);

/* SELECT of one row of texts: rows staged, rows with a NULL in the key, distinct keys, and for each
 * key column the least and the greatest value (NULL: of no use as a bound). */
const char *bq_sql_facts(const BqMergeSql *sql);

/* FROM item: of staged rows with one key the newest. */
const char *bq_sql_source(const BqMergeSql *sql, bool has_duplicates);

/* " AND target.id >= …" from the cells behind the third. */
const char *bq_sql_key_bounds(const BqMergeSql *sql, const char *const *cells);

/* SELECT of one row of texts about rows of the table as it is: keys that several rows have, rows
 * that are in another partition than their staged one, rows that will be marked as vanished. NULL:
 * nothing needs to be known. */
const char *bq_sql_look(const BqMergeSql *sql, const char *source, const char *bounds);

/* The statement that applies, MERGE in every case. */
const char *bq_sql_merge(const BqMergeSql *sql, const char *source, const char *bounds);

/* INSERT of the source's rows into the table (LOAD_REPLACE with `unique`: an empty one that takes
 * staging's place). */
const char *bq_sql_insert(const BqMergeSql *sql, const char *source);

/* A table as a FROM item that may be read whole even if it asks for a filter on partitions. */
const char *bq_sql_whole_table(const char *table, const Partitioning *by, Arena *arena);
