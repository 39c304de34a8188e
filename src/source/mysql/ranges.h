/* SPDX-License-Identifier: Apache-2.0 */
/* source/mysql/ranges.h: a table's key cut into ranges of about as many rows each.
 *
 * Rows are not counted: the optimizer is asked how many it expects in small ranges, which it finds
 * out by looking at the index where they begin and end (EXPLAIN), and ranges are put together from
 * those. */
#pragma once

#include "source/mysql/mysql_source.h"

typedef struct RangeQuestion {
    MysqlConnection *connection;
    const SourceTable *table;
    const SourceColumn *by; /* whose values are divided: the key's first, or the cursor */
    const char *further;    /* condition that all rows must meet (a cursor's range); may be NULL */
    MysqlAction action;
    Arena *arena;
    const char *column;        /* out: quoted */
    const char *relation;      /* out: what to read from, with the index to go by */
    const char *const *bounds; /* out: ascending SQL literals; one fewer than ranges */
    size_t bound_count;
} RangeQuestion;

/* The first column of the table's key, when its values can be divided; else NULL. */
const SourceColumn *ranges_column(const SourceTable *table);

/* Fills the question's answer: at most parts − 1 bounds, none when nothing can be said. */
bool ranges_divide(RangeQuestion *question, size_t parts, Error *error);

/* Picks at most parts − 1 of the `count` bounds so that ranges between them weigh about the same;
 * weights[i] is that of what lies before bounds[i], weights[count] of what lies behind the last.
 * Pure; returns how many. */
size_t ranges_pick(const char *const *bounds, const double *weights, size_t count, size_t parts,
                   const char **ret_picked);
