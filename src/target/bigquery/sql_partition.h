/* SPDX-License-Identifier: Apache-2.0 */
/* target/bigquery/sql_partition.h: partitions in BigQuery's SQL: as constant conditions, by which
 * it leaves out all others (docs.cloud.google.com/bigquery/docs/querying-partitioned-tables), and
 * as values. Pure; texts live as long as the arena. */
#pragma once

#include "target/bigquery/partition.h"

typedef struct BqPartitionSql {
    const Partitioning *by;
    TypeKind type;      /* of the column */
    const char *column; /* as an expression: target.`day` */
    Arena *arena;
} BqPartitionSql;

/* A value as a literal: DATE '2026-01-31', 42. `place` is in the value's own unit. */
const char *bq_sql_place(TypeKind kind, int64_t place, Arena *arena);

/* "(c >= DATE '2026-01-01' AND c < DATE '2026-01-03') OR c IS NULL": the column is in one of the
 * partitions. "FALSE" without any. */
const char *bq_sql_in_partitions(const BqPartitionSql *sql, const char *const *ids, size_t count);

/* An expression that is equal for values of one partition only. */
const char *bq_sql_partition_of(const BqPartitionSql *sql);
