/* SPDX-License-Identifier: Apache-2.0 */
#include "source/mysql/range.h"

#include "schema/mysql_types.h"
#include "source/mysql/sql.h"

#include <inttypes.h>
#include <string.h>

/* DATETIME and TIMESTAMP go no further; the latter's literals are compared as the former's. */
#define LAST_WALL INT64_C(253402300799999999) /* 9999-12-31 23:59:59.999999 */
#define LAST_DATE INT64_C(2932896)

static int64_t at_most(int64_t place, int64_t most)
{
    return place < most ? place : most;
}

const char *mysql_place_literal(CursorKind kind, int64_t place, Arena *arena)
{
    switch (kind) {
    case CURSOR_INSTANT: /* the session is in UTC: its text takes no offset */
    case CURSOR_WALL:
        return arena_printf(arena, "TIMESTAMP'%s'",
                            cursor_format(CURSOR_WALL, at_most(place, LAST_WALL), arena));
    case CURSOR_DATE:
        return arena_printf(arena, "DATE'%s'",
                            cursor_format(CURSOR_DATE, at_most(place, LAST_DATE), arena));
    default:
        return arena_printf(arena, "%" PRId64, place);
    }
}

const char *mysql_place_floor(CursorKind kind)
{
    static const char *const floors[CURSOR_KIND_COUNT_] = {"TIMESTAMP'1970-01-01 00:00:01'",
                                                           "TIMESTAMP'0001-01-01 00:00:00'",
                                                           "DATE'0001-01-01'", NULL};
    return floors[kind];
}

/* Texts in a range were printed by cursor_format, or checked by cursor_parse. */
static const char *compare(const CursorRange *range, const char *sign, const char *text,
                           Arena *arena)
{
    int64_t place = 0;
    cursor_parse(range->kind, text, &place);
    return arena_printf(arena, "%s %s %s", mysql_identifier(range->cursor->column, arena), sign,
                        mysql_place_literal(range->kind, place, arena));
}

static bool is_whole_number(const Extract *extract, const char *column)
{
    const SourceTable *table = extract->plan->table;
    for (size_t i = 0; i < table->column_count; i++) {
        if (strcmp(table->columns[i].name, column) == 0)
            return mysql_type(&table->columns[i].type)->digits > 0;
    }
    return false;
}

/* A number in quotes would be compared as a double. */
static const char *key_literal(const Extract *extract, const char *column, const char *text,
                               Arena *arena)
{
    size_t sign = *text == '-';
    bool is_number = text[sign] && !text[sign + strspn(text + sign, "0123456789")];
    return is_number && is_whole_number(extract, column) ? text : mysql_literal(text, arena);
}

/* A comparison of pairs would not use the index. */
static const char *low_condition(const Extract *extract, Arena *arena)
{
    const CursorRange *range = extract->range;
    const char *sign = range->after_low ? ">" : ">=", *key = range->cursor->key_column;
    if (!key || !range->low_key)
        return compare(range, sign, range->low, arena);
    return arena_printf(arena, "%s AND (%s OR %s %s %s)", compare(range, ">=", range->low, arena),
                        compare(range, ">", range->low, arena), mysql_identifier(key, arena), sign,
                        key_literal(extract, key, range->low_key, arena));
}

const char *mysql_range_condition(const Extract *extract, Arena *arena)
{
    const CursorRange *range = extract->range;
    if (!range)
        return NULL;
    const char *floor = mysql_place_floor(range->kind), *low = NULL, *high = NULL;
    if (range->low)
        low = low_condition(extract, arena);
    else if (floor && range->high)
        low =
            arena_printf(arena, "%s >= %s", mysql_identifier(range->cursor->column, arena), floor);
    if (range->high)
        high = compare(range, range->through_high ? "<=" : "<", range->high, arena);
    if (low && high)
        return arena_printf(arena, "%s AND %s", low, high);
    return low ? low : high;
}
