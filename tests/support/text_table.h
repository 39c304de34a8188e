/* SPDX-License-Identifier: Apache-2.0 */
/* support/text_table.h: test tables in plain text: one case a line, cells between " | ", and lines
 * that are empty or begin with # left out. */
#pragma once

#include "base/cleanup.h"

#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { TEXT_TABLE_CELLS = 8 };

typedef struct TextRow {
    const char *file;
    int line;
    size_t count;
    char *cells[TEXT_TABLE_CELLS]; /* trimmed; "" where the line has fewer */
} TextRow;

/* Returns false when the row is wrong; it has said why. */
typedef bool TextRowCheck(const TextRow *row);

static char *text_table_trim(char *cell)
{
    while (*cell == ' ')
        cell++;
    size_t length = strlen(cell);
    while (length && (cell[length - 1] == ' ' || cell[length - 1] == '\n'))
        cell[--length] = '\0';
    return cell;
}

static void text_table_split(char *line, TextRow *row)
{
    static char empty[] = "";
    for (size_t i = 0; i < TEXT_TABLE_CELLS; i++)
        row->cells[i] = empty;
    row->count = 0;
    while (line && row->count < TEXT_TABLE_CELLS) {
        char *next = strstr(line, " |");
        if (next) {
            *next = '\0';
            next += 2;
        }
        row->cells[row->count++] = text_table_trim(line);
        line = next;
    }
}

/* The number of wrong rows; at least 1 when there are none at all. */
static int text_table_check(const char *path, TextRowCheck *check)
{
    CLEANUP(close_file) FILE *file = fopen(path, "r");
    if (!file) {
        perror(path);
        return 1;
    }
    CLEANUP(free_ptr) char *line = NULL;
    size_t size = 0;
    int rows = 0, wrong = 0;
    TextRow row = {.file = path};
    while (getline(&line, &size, file) >= 0) {
        row.line++;
        if (*line == '#' || *line == '\n')
            continue;
        text_table_split(line, &row);
        rows++;
        wrong += !check(&row);
    }
    printf("%s: %d rows\n", path, rows);
    return rows ? wrong : 1;
}
