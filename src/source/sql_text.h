/* SPDX-License-Identifier: Apache-2.0 */
/* source/sql_text.h: SQL being printed, whatever the dialect. Pure. */
#pragma once

#include "base/arena.h"

#include <stdio.h>

/* A text being printed: sql_open, fprintf into `out`, sql_take. */
typedef struct SqlText {
    char *data;
    size_t length;
    FILE *out;
} SqlText;

void sql_open(SqlText *sql);

/* Ends the text and copies it into the arena; the SqlText is then empty. */
const char *sql_take(SqlText *sql, Arena *arena);

/* schema.name for messages. */
const char *sql_label(const char *schema, const char *name, Arena *arena);

/* A query without the semicolons and white space at its end. */
const char *sql_bare_query(const char *query, Arena *arena);
