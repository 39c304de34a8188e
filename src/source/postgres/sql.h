/* SPDX-License-Identifier: Apache-2.0 */
/* source/postgres/sql.h: pieces of SQL text. Pure: identifiers are always quoted, values always
 * escaped. */
#pragma once

#include "source/sql_text.h"

void sql_print_identifier(FILE *out, const char *name); /* "name" */
void sql_print_literal(FILE *out,
                       const char *text); /* 'text', with E'' where there is a backslash */

const char *sql_literal(const char *text, Arena *arena);

/* "schema"."name"; without the schema when it is NULL. */
const char *sql_relation(const char *schema, const char *name, Arena *arena);
