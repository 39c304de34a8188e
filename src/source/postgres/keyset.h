/* SPDX-License-Identifier: Apache-2.0 */
/* source/postgres/keyset.h: ranges over a table's key, where rows cannot be chosen by block. */
#pragma once

#include "source/postgres/divide.h"

typedef struct KeysetBounds {
    const char *column;        /* quoted */
    const char *const *bounds; /* ascending SQL literals; one fewer than ranges */
    size_t count;
} KeysetBounds;

/* The column whose ranges can serve: a key of one column with an order that can be divided; else
 * NULL. */
const SourceColumn *keyset_column(const SourceTable *table);

/* At most parts − 1 bounds, from the planner's histogram, else from the extremes. */
bool keyset_bounds(const Division *division, const SourceColumn *column, size_t parts,
                   KeysetBounds *ret_bounds, Error *error);

/* Picks at most parts − 1 different values, evenly, from sorted ones. Pure; the result is in the
 * arena, the texts are borrowed. */
size_t keyset_pick(const char *const *sorted, size_t count, size_t parts, const char **ret_picked);
