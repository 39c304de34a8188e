/* SPDX-License-Identifier: Apache-2.0 */
/* source/postgres/divide.h: which shards a table is read in. Asks on the exporter's connection,
 * inside its snapshot; locks nothing. */
#pragma once

#include "source/postgres/connection.h"
#include "source/source.h"

/* One table that rows of the relation are in: itself, a partition, an inheritance child. */
typedef struct Member {
    const char *relation; /* quoted, with its schema */
    const char *method;   /* access method; "" when it has none (a foreign table) */
    bool is_open;         /* may be read by itself */
    bool is_locked;       /* by this transaction, when the table was */
    int64_t blocks;
    double rows_per_block; /* < 0: unknown */
} Member;

typedef struct Division {
    PGconn *connection;
    const Extract *extract;
    const PostgresAction *action;
    Arena *arena;
    const Member *members;
    size_t member_count;
} Division;

/* Fills members with those of the extract's table, which is no view, foreign table or query, and
 * which this transaction has locked. ERROR_SOURCE (retryable) when the table has since lost one. */
bool divide_members(Division *division, Error *error);

bool divide_table(const Division *division, size_t wanted, ShardList *ret_shards, Error *error);
