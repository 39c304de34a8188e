/* SPDX-License-Identifier: Apache-2.0 */
/* source/mysql/range.h: a cursor's range as a condition, for a session in UTC. Pure. */
#pragma once

#include "source/source.h"

/* A place as SQL: TIMESTAMP'2026-01-31 12:34:56', DATE'2026-01-31', 42. */
const char *mysql_place_literal(CursorKind kind, int64_t place, Arena *arena);

/* The least place that a column of the kind holds; zero dates are below it. */
const char *mysql_place_floor(CursorKind kind);

/* `updated_at` >= TIMESTAMP'…' AND …; NULL when the range has no ends. Rows that no range ever
 * holds (NULL, zero dates) are in none, whatever its ends. */
const char *mysql_range_condition(const Extract *extract, Arena *arena);
