/* SPDX-License-Identifier: Apache-2.0 */
/* source/postgres/range.h: a cursor's range as a condition. Pure. */
#pragma once

#include "source/source.h"

/* "updated_at" >= '…'::pg_catalog.timestamptz AND …; NULL when the range has no ends. */
const char *range_condition(const CursorRange *range, Arena *arena);

/* The same for one of `count` parts of about equal length; the parts are disjoint and together
 * complete. NULL when the range cannot be cut (it lacks an end, or is too short). */
const char *range_part(const CursorRange *range, size_t count, size_t part, Arena *arena);
