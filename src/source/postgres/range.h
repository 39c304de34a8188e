/* SPDX-License-Identifier: Apache-2.0 */
/* source/postgres/range.h: a cursor's range as a condition. Pure. */
#pragma once

#include "source/source.h"

/* "updated_at" >= '…'::pg_catalog.timestamptz AND …; NULL when the range has no ends. */
const char *range_condition(const CursorRange *range, Arena *arena);

/* Where a range's rows are known to be: in [low, high) of its places. */
typedef struct RangeSpan {
    int64_t low, high;
} RangeSpan;

/* The range's own ends; false: it lacks one. */
bool range_span(const CursorRange *range, RangeSpan *ret_span);

/* The condition for one of `count` parts, between which the span is cut into about equal lengths;
 * the parts are disjoint, and together they are the range, whatever the span says. NULL when the
 * span is too short for that. */
const char *range_part(const CursorRange *range, const RangeSpan *span, size_t count, size_t part,
                       Arena *arena);
