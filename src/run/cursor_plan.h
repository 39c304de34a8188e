/* SPDX-License-Identifier: Apache-2.0 */
/* run/cursor_plan.h: which rows a job with a cursor reads next. Pure.
 *
 * Places are counted upwards: `next` is the first one that is not in the target yet, and a range is
 * [low, high). The operator decides only how that is said to the source and kept in the state: `>=`
 * keeps the first place to come, `>` the last one that was read. */
#pragma once

#include "delivery/job_state.h"
#include "source/source.h"

/* The job's cursor in terms of its column's kind. */
typedef struct CursorPlan {
    CursorRef ref;
    CursorKind kind;
    const char *comparison; /* ">=", ">" */
    int64_t lookback;       /* places */
    int64_t window;         /* places; 0: not said */
    bool has_start;         /* false: all */
    bool start_is_age;
    int64_t start; /* a place, or how far below the bound */
} CursorPlan;

/* What of it can be said before the kind is known; texts are the configuration's. */
CursorRef cursor_ref_of(const CursorConfig *config);

/* ERROR_CONFIG when lookback, start or window are not of the kind. `window`: the job's, or NULL. */
bool cursor_plan_make(const CursorConfig *config, const char *window, CursorKind kind,
                      CursorPlan *ret_plan, Error *error);

typedef struct PlannedRange {
    bool has_low; /* false: from the beginning */
    int64_t low;  /* without lookback */
    const char *low_key;
    int64_t high;
    bool is_last; /* nothing further can be read now */
} PlannedRange;

/* The next range up to `bound`. `state` is the job's cursor, or one without a column: the first
 * run. `window` 0: in one go; then `first` does not matter. Else it is the least place that there
 * is at all from the range's low on (NULL: none), so that windows without rows are passed over.
 * False: there is nothing between cursor and bound. */
bool cursor_plan_next(const CursorPlan *plan, const JobCursor *state, int64_t bound, int64_t window,
                      const int64_t *first, PlannedRange *ret_range);

/* The range in the source's words, with lookback. Texts are in the arena. */
CursorRange cursor_plan_range(const CursorPlan *plan, const PlannedRange *range, Arena *arena);

/* What the state keeps once everything below `high` is in the target. */
const char *cursor_plan_value(const CursorPlan *plan, int64_t high, Arena *arena);

/* Why the state's cursor is not this job's: another column, kind, source, destination or table.
 * NULL when it is its own. `wanted` has column, key_column, source, destination and table. */
const char *cursor_plan_foreign(const JobCursor *state, const JobCursor *wanted, Arena *arena);

/* Reads a place as people write it for a backfill: `is_end` makes a plain date include that day.
 * ERROR_USAGE. */
bool cursor_plan_place(CursorKind kind, const char *text, bool is_end, int64_t *ret_place,
                       Error *error);
