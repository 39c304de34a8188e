/* SPDX-License-Identifier: Apache-2.0 */
/* target/bigquery/lookup.h: a table and its dataset as they are. What a check before the run has
 * just asked for is not asked for again when the run is arranged. */
#pragma once

#include "target/bigquery/bq_state.h"

typedef struct BqTable {
    Json *json; /* Table; NULL: there is none. bq_table_done frees */
    bool has_dataset;
    const char *location; /* of the dataset; of a missing one, where it will be; in the arena */
    int64_t partition_default_ms; /* expiration that it gives to new tables; 0: none; −1: it was
                                     not asked for, since the table is there */
} BqTable;

typedef enum BqLook {
    LOOK_FRESH, /* asks, and keeps the answer for whoever looks next */
    LOOK_AGAIN, /* takes what is kept, or asks, and keeps it */
    LOOK_KEPT,  /* takes what is kept, once, or asks */
} BqLook;

/* ERROR_CONFIG when the dataset is elsewhere than destination.location says. */
bool bq_lookup(const BqScope *scope, const TableRef *table, BqLook look, BqTable *ret_table,
               Error *error);
void bq_table_done(BqTable *table);

/* Makes the dataset when it is missing; that another made it meanwhile is fine. */
bool bq_need_dataset(const BqScope *scope, const char *dataset, Error *error);

void bq_known_free(BigQuery *bq);
