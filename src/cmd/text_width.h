/* SPDX-License-Identifier: Apache-2.0 */
/* cmd/text_width.h: how much room a text takes on a terminal. */
#pragma once

#include "base/arena.h"
#include "base/view.h"

#include <stddef.h>

/* Columns of a UTF-8 text: 0 for combining marks, 2 for East Asian wide letters and emoji. */
size_t text_width(StrView text);

/* A copy of at most `width` columns; what was cut ends in "…". */
const char *text_cut(const char *text, size_t width, Arena *arena);

/* A copy that cannot steer a terminal: control characters as "\n", "\t", "\x1b"; bytes that are not
 * UTF-8 as "\xff". */
const char *text_visible(const char *text, Arena *arena);
