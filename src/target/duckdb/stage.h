/* SPDX-License-Identifier: Apache-2.0 */
/* target/duckdb/stage.h: one delivery's staging, in the hands of one call. */
#pragma once

#include "target/duckdb/duckdb_state.h"

typedef struct Stage {
    const Delivery *delivery;
    TableRef staging; /* in the same dataset as the target table */
    Arena *arena;
    DuckConnection *connection;
} Stage;

/* stage.c: staging becomes the table, which is not there. */
bool stage_becomes_table(const Stage *stage, Error *error);

/* merge.c: brings the staged rows of a delivery that merges into the table, inside a transaction
 * that the caller ends. `exists`: the table is there. Staging may be gone afterwards. */
bool stage_merge(const Stage *stage, bool exists, ApplyCounts *ret_counts, Error *error);
