/* SPDX-License-Identifier: Apache-2.0 */
/* target/duckdb/existing.h: a table that is there, and what of a delivery fits it. */
#pragma once

#include "target/duckdb/query.h"
#include "target/target.h"

typedef struct ExistingColumn {
    const char *name;
    const char *type; /* as DuckDB prints it */
    bool nullable;
    const char *default_text; /* NULL: none */
    const char *comment;
} ExistingColumn;

typedef struct Existing {
    const char *kind; /* "table", "view"; NULL: there is nothing of that name */
    const char *comment;
    const ExistingColumn *columns;
    size_t column_count;
} Existing;

/* describe.c */
bool existing_read(DuckConnection *connection, const TableRef *table, Arena *arena,
                   Existing *ret_existing, Error *error);

/* Refuses columns that have another type in the table, or that it does not have, or that must not
 * be NULL there, as far as the delivery's `evolve` does not allow to change the table. */
bool existing_check(DuckConnection *connection, const Delivery *delivery, const Existing *existing,
                    Arena *arena, Error *error);

/* Changes the table so that the delivery fits, as far as existing_check allows. */
bool existing_evolve(DuckConnection *connection, const Delivery *delivery, Arena *arena,
                     Error *error);

/* plain.c: what stands in CREATE TABLE after the name, "(…);". NULL: there is no such table. */
bool existing_definition(DuckConnection *connection, const TableRef *table, Arena *arena,
                         const char **ret_text, Error *error);

/* The same of the delivery's table, if new rows may take the place of old ones in it, and a table
 * with the same definition its own: a row is nothing but what is delivered, and nothing hangs on it
 * (an index, a key, a check, another table's foreign key, a view that DuckDB has tied to it). NULL:
 * they may not, or there is no table. */
bool existing_plain(DuckConnection *connection, const Delivery *delivery, Arena *arena,
                    const char **ret_definition, Error *error);
