/* SPDX-License-Identifier: Apache-2.0 */
/* source/mysql/catalog.h: the questions to information_schema, as SQL. Pure. Each question is one
 * message; its results come in the order of the enums. */
#pragma once

#include "base/arena.h"
#include "source/mysql/select.h"

/* Results of catalog_relation, by name of column. */
enum {
    DESCRIBED_TABLE,   /* at most one row */
    DESCRIBED_COLUMNS, /* in order */
    DESCRIBED_INDEXES, /* parts of usable indexes, the primary key's first, then by index */
    DESCRIBED_GRANTS,  /* the account's own grants of SELECT for the whole table: how many */
    DESCRIBED_CHECKS,  /* MariaDB: json_valid(`column`) */
    DESCRIBED_COUNT,
};

/* `schema` NULL: the session's database. */
const char *mysql_catalog_relation(const char *schema, const char *name, MysqlDialect dialect,
                                   Arena *arena);

/* Result: the name of a usable index that begins with the column, of a unique one if there is one;
 * no row: none does. */
const char *mysql_catalog_leading_index(const char *schema, const char *name, const char *column,
                                        MysqlDialect dialect, Arena *arena);

/* Results: the current database, those there are, the tables of the schema, and other schemas with
 * a table of that name. */
enum { MISSING_CURRENT, MISSING_SCHEMAS, MISSING_NAMES, MISSING_OTHERS, MISSING_COUNT };
const char *mysql_catalog_missing(const char *schema, const char *name, Arena *arena);

/* Results: relations whose "schema.name" matches (without a dot: those of the session's database
 * whose name does), and the parts of their usable unique keys. */
enum { LISTED_TABLES, LISTED_KEYS, LISTED_COUNT };
const char *mysql_catalog_list(const char *pattern, bool with_views, MysqlDialect dialect,
                               Arena *arena);
