/* SPDX-License-Identifier: Apache-2.0 */
/* cmd/output.h: tables of text on standard output. */
#pragma once

#include "base/arena.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdio.h>

typedef struct OutputColumn {
    const char *title; /* NULL ends a list of columns */
    bool right;        /* numbers */
    size_t most; /* columns of the terminal at most; longer texts are cut with "…"; 0: no limit */
} OutputColumn;

typedef struct OutputTable {
    Arena *arena;
    const OutputColumn *columns;
    size_t column_count;
    const char **cells; /* row after row */
    size_t row_count;
    size_t capacity; /* rows */
} OutputTable;

/* `columns` outlive the table; its texts are kept in the arena. */
void output_table_init(OutputTable *table, const OutputColumn *columns, Arena *arena);

/* A row: one text a column, copied with everything made visible; NULL is an empty cell. */
void output_table_add(OutputTable *table, const char *const *cells);

/* Aligned, two spaces between columns, `indent` before each line. A column without any text is left
 * out. Prints nothing when there is no row. */
void output_table_print(const OutputTable *table, FILE *out, size_t indent);

/* Words of a text, wrapped at `width` columns; every line begins after `indent` spaces. Line feeds
 * stay, a line that begins with a space is not wrapped, and control characters are made visible. */
void output_wrapped(FILE *out, const char *text, size_t indent, size_t width);
