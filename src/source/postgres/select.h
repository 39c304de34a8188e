/* SPDX-License-Identifier: Apache-2.0 */
/* source/postgres/select.h: the statements that read rows, from a plan. Pure. */
#pragma once

#include "source/source.h"

/* Not below it: the greatest bigint, and of numerics NaN. */
#define POSTGRES_INTEGER_END "9223372036854775807"

/* Types that a result is expected to have (pg_type.dat). */
enum {
    POSTGRES_OID_TEXT = 25,
    POSTGRES_OID_JSON = 114,
    POSTGRES_OID_TEXT_ARRAY = 1009,
    POSTGRES_OID_TIMESTAMPTZ = 1184,
    POSTGRES_OID_NUMERIC_ARRAY = 1231,
    POSTGRES_OID_NUMERIC = 1700,
};

/* The FROM item of an extract: "public"."orders", or (the query) under a name. */
const char *select_from(const Extract *extract, Arena *arena);

/* " WHERE (further) AND (range) AND (where)": what there is of it; "" when there is nothing. */
const char *select_conditions(const Extract *extract, const char *further, Arena *arena);

/* SELECT columns FROM … WHERE shard AND where LIMIT n. `shard` may be NULL: everything. */
const char *select_rows(const Extract *extract, const Shard *shard, Arena *arena);

/* COPY (that) TO STDOUT (FORMAT binary). */
const char *select_copy(const char *rows, Arena *arena);

/* What the server must answer for a column: the type's oid, and its modifier (−1: none). */
void select_expected_type(const ColumnPlan *column, uint32_t *ret_oid, int32_t *ret_modifier);
