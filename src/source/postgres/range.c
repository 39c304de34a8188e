/* SPDX-License-Identifier: Apache-2.0 */
#include "source/postgres/range.h"

#include "source/postgres/sql.h"

/* Integers of any width compare with int8; so a bound that does not fit the column is no error. */
static const char *literal(CursorKind kind, const char *text, Arena *arena)
{
    static const char *const types[CURSOR_KIND_COUNT_] = {"timestamptz", "timestamp", "date",
                                                          "int8"};
    return arena_printf(arena, "%s::pg_catalog.%s", sql_literal(text, arena), types[kind]);
}

static const char *compare(const CursorRange *range, const char *sign, const char *text,
                           Arena *arena)
{
    return arena_printf(arena, "%s %s %s", sql_relation(NULL, range->cursor->column, arena), sign,
                        literal(range->kind, text, arena));
}

static const char *low_condition(const CursorRange *range, Arena *arena)
{
    const char *sign = range->after_low ? ">" : ">=";
    const char *key = range->cursor->key_column;
    if (!key || !range->low_key)
        return compare(range, sign, range->low, arena);
    return arena_printf(
        arena, "(%s, %s) %s (%s, %s)", sql_relation(NULL, range->cursor->column, arena),
        sql_relation(NULL, key, arena), sign, literal(range->kind, range->low, arena),
        sql_literal(range->low_key, arena));
}

const char *range_condition(const CursorRange *range, Arena *arena)
{
    const char *low = range->low ? low_condition(range, arena) : NULL;
    const char *high =
        range->high ? compare(range, range->through_high ? "<=" : "<", range->high, arena) : NULL;
    if (low && high)
        return arena_printf(arena, "%s AND %s", low, high);
    return low ? low : high;
}

bool range_span(const CursorRange *range, RangeSpan *ret_span)
{
    return range->low && range->high && cursor_parse(range->kind, range->low, &ret_span->low) &&
           cursor_parse(range->kind, range->high, &ret_span->high);
}

const char *range_part(const CursorRange *range, const RangeSpan *span, size_t count, size_t part,
                       Arena *arena)
{
    int64_t length;
    if (__builtin_sub_overflow(span->high, span->low, &length) || length < (int64_t)count)
        return NULL;
    int64_t step = length / (int64_t)count;
    CursorRange cut = *range;
    if (part > 0) {
        cut.low = cursor_format(range->kind, span->low + step * (int64_t)part, arena);
        cut.low_key = NULL;
        cut.after_low = false;
    }
    if (part + 1 < count) {
        cut.high = cursor_format(range->kind, span->low + step * (int64_t)(part + 1), arena);
        cut.through_high = false;
    }
    return range_condition(&cut, arena);
}
