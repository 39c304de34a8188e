/* SPDX-License-Identifier: Apache-2.0 */
/* source/mysql/keys.h: what a table's indexes are good for. Rows are catalog.c's INDEX_PARTS. */
#pragma once

#include "source/source.h"

#include <mysql.h>

/* Sets leads_an_index of the columns. */
void mysql_mark_indexes(MYSQL_RES *parts, SourceColumn *columns, size_t count);

/* Sets the table's key: the primary one, else the smallest unique one whose columns are whole and
 * never NULL. */
void mysql_read_key(MYSQL_RES *parts, Arena *arena, SourceTable *table);
