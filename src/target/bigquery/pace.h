/* SPDX-License-Identifier: Apache-2.0 */
/* target/bigquery/pace.h: no more changes of one table than BigQuery takes: 5 in 10 seconds, 50
 * when only partitions of it change (docs/troubleshoot-quotas, "Maximum rate of table metadata
 * update operations"). Who asks for more fails, and a load that fails is a shard to be read again.
 */
#pragma once

#include <stddef.h>
#include <stdint.h>

enum { PACE_OF_TABLES = 5, PACE_OF_PARTITIONS = 50 };

/* Zero-initialise. Not safe from several threads at once. */
typedef struct Pace {
    int64_t begun_ns[PACE_OF_PARTITIONS]; /* of the latest changes, in turn */
    uint64_t count;
} Pace;

/* Takes the next place; returns how long to wait for it, in milliseconds. `limit`: of changes in 10
 * seconds, the same each time, at most PACE_OF_PARTITIONS. */
int64_t pace_take(Pace *pace, size_t limit, int64_t now_ns);
