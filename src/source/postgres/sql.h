/* SPDX-License-Identifier: Apache-2.0 */
/* source/postgres/sql.h: pieces of SQL text. Pure: identifiers are always quoted, values always
 * escaped. */
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

void sql_print_identifier(FILE *out, const char *name); /* "name" */
void sql_print_literal(FILE *out,
                       const char *text); /* 'text', with E'' where there is a backslash */

const char *sql_literal(const char *text, Arena *arena);

/* "schema"."name"; without the schema when it is NULL. */
const char *sql_relation(const char *schema, const char *name, Arena *arena);

/* schema.name for messages. */
const char *sql_label(const char *schema, const char *name, Arena *arena);

/* A query without the semicolons and white space at its end. */
const char *sql_bare_query(const char *query, Arena *arena);
