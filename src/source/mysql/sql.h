/* SPDX-License-Identifier: Apache-2.0 */
/* source/mysql/sql.h: pieces of SQL text for a session whose sql_mode is empty. Pure: identifiers
 * are always quoted, values always escaped. */
#pragma once

#include "source/sql_text.h"

void mysql_print_identifier(FILE *out, const char *name); /* `name` */
void mysql_print_literal(FILE *out, const char *text);    /* 'text' */

const char *mysql_literal(const char *text, Arena *arena);
const char *mysql_identifier(const char *name, Arena *arena);

/* `schema`.`name`; without the schema when it is NULL. */
const char *mysql_relation(const char *schema, const char *name, Arena *arena);
