/* SPDX-License-Identifier: Apache-2.0 */
/* target/bigquery/partition.h: which partitions rows belong to, from their values
 * (docs.cloud.google.com/bigquery/docs/partitioned-tables): a decorator's id is "2026", "202601",
 * "20260131" or "2026013123" of UTC, or the first number of a range. Rows whose value is NULL, and
 * rows before 1960, after 2159 or outside of all ranges, go where no decorator leads. */
#pragma once

#include "base/arena.h"
#include "base/error.h"
#include "model/batch.h"
#include "model/layout.h"
#include "model/type.h"

enum {
    PARTITIONS_OF_ONE_JOB = 4000, /* "a job can modify at most" (quotas, partitioned tables) */
    PARTITIONS_OF_A_TABLE = 10000,
    PARTITION_ID_SIZE = 24,
};

/* Zero-initialise with partitions_init. Not safe from several threads at once. */
typedef struct Partitions {
    Partitioning by;   /* strings borrowed */
    size_t column;     /* index in a row */
    TypeKind type;     /* of the column */
    int64_t low, high; /* of the partition seen last, in the value's own unit; high exclusive */
    int64_t *slots;    /* hash table of partition numbers */
    size_t slot_count; /* a power of two; half of them at most are used */
    size_t count;      /* different partitions */
    bool has_null;     /* rows of the partition __NULL__ */
    bool has_outside;  /* rows of the partition __UNPARTITIONED__ */
} Partitions;

/* False when the layout has no partitions that values decide. */
bool partitions_init(Partitions *partitions, const TableLayout *layout, const Schema *schema);
void partitions_done(Partitions *partitions);

/* Notes where each row goes. */
void partitions_add(Partitions *partitions, const Batch *batch);

/* Adds those of `more`, which has the same layout. */
void partitions_merge(Partitions *partitions, const Partitions *more);

/* The ids of rows whose value is NULL, and of rows outside of all partitions. */
#define PARTITION_ID_NULL "__NULL__"
#define PARTITION_ID_OUTSIDE "__UNPARTITIONED__"

/* Ids of all partitions in ascending order, the special ones behind them. */
const char *const *partitions_ids(const Partitions *partitions, Arena *arena, size_t *ret_count);

/* ERROR_CONFIG when there are more than one job may touch, saying what to choose instead. */
bool partitions_check_count(const Partitions *partitions, Error *error);

/* Partition number of a value (that is not NULL); false: __UNPARTITIONED__. */
bool partition_of(const Partitioning *by, TypeKind type, int64_t value, int64_t *ret_number);

/* Writes the id of a partition number into id[PARTITION_ID_SIZE]. */
void partition_id(const Partitioning *by, int64_t number, char *id);

/* The number that an id stands for; false: none, as for the two special ones. */
bool partition_number(const Partitioning *by, const char *id, int64_t *ret_number);

/* First value of a partition and of what follows it, in the unit of the column's values. */
void partition_bounds(const Partitioning *by, TypeKind type, int64_t number, int64_t *ret_low,
                      int64_t *ret_high);

/* The same of all partitions together. */
void partition_extent(const Partitioning *by, TypeKind type, int64_t *ret_low, int64_t *ret_high);
