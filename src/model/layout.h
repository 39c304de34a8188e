/* SPDX-License-Identifier: Apache-2.0 */
/* model/layout.h: how a target table is laid out, beside its columns. Plain data; strings live as
 * long as their arena. Rules: BigQuery, "Introduction to partitioned tables", "Clustered tables",
 * "Primary and foreign keys". */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

typedef enum PartitionKind {
    PARTITION_NONE,
    PARTITION_HOUR,
    PARTITION_DAY,
    PARTITION_MONTH,
    PARTITION_YEAR,
    PARTITION_RANGE, /* of whole numbers */
} PartitionKind;

typedef struct Partitioning {
    PartitionKind kind;
    const char *column;           /* of the target; NULL: by the time of loading */
    int64_t start, end, interval; /* RANGE: start inclusive, end exclusive */
    int64_t expiration_ms;        /* of a partition; 0: never */
    bool require_filter;          /* queries must name partitions */
    bool immutable;               /* a row never changes its partition: a MERGE may lean on that */
} Partitioning;

typedef struct TableLayout {
    Partitioning partitioning;
    const char *const *cluster_by; /* at most four target columns */
    size_t cluster_count;
    const char *const *key; /* target columns; declared NOT ENFORCED where the target can */
    size_t key_count;
    bool partitions_by_default; /* nobody asked for them: they are for a new table only */
    bool clusters_by_default;   /* the same of cluster_by */
} TableLayout;
