/* SPDX-License-Identifier: Apache-2.0 */
/* model/cursor.h: places in the order of a cursor column. Pure.
 *
 * State, intents and reports hold a place as text, as the source prints it (times in UTC, at full
 * precision); arithmetic is done on the integer that the text stands for. */
#pragma once

#include "base/arena.h"
#include "base/error.h"

#include <stdbool.h>
#include <stdint.h>

typedef enum CursorKind {
    CURSOR_INSTANT, /* with a time zone: microseconds since 1970-01-01 UTC */
    CURSOR_WALL,    /* without: microseconds since 1970-01-01 on a clock on some wall */
    CURSOR_DATE,    /* days since 1970-01-01 */
    CURSOR_INTEGER,
    CURSOR_KIND_COUNT_,
} CursorKind;

/* "instant", "wall_time", "date", "integer"; parse is false when it is none. */
const char *cursor_kind_name(CursorKind kind);
bool cursor_kind_parse(const char *name, CursorKind *ret_kind);

/* What a place looks like, for messages: "a date such as 2026-01-31". */
const char *cursor_kind_example(CursorKind kind);

/* Reads "2026-01-31", "2026-01-31 12:34:56.789+02", "2026-01-31T12:34Z", "42". An instant without
 * an offset is in UTC; wall times and dates take no offset, a date no time of day. Up to six digits
 * of a second. False when the text is none of the kind, or out of range. */
bool cursor_parse(CursorKind kind, const char *text, int64_t *ret_place);

/* "2026-01-31 12:34:56.789+00", "2026-01-31 12:34:56.789", "2026-01-31", "42": as PostgreSQL prints
 * it in UTC. Years above 9999 have more digits; years before 1 are printed as 0001-01-01. */
const char *cursor_format(CursorKind kind, int64_t place, Arena *arena);

/* The place that `milliseconds` are on the kind's scale, at least one for what is not 0; integers
 * have no such scale and give 0. */
int64_t cursor_distance(CursorKind kind, int64_t milliseconds);

/* place + distance, which stays in range. */
int64_t cursor_shift(int64_t place, int64_t distance);
