/* SPDX-License-Identifier: Apache-2.0 */
#include "target/duckdb/existing.h"

#include <string.h>
#include <strings.h>

/* What follows the table's name, which may be quoted and have a schema before it. */
#define DEFINITION                                                                                 \
    "regexp_replace(sql, '^CREATE TABLE (?:(?:\"(?:[^\"]|\"\")*\"|[^\". (]+)\\.?)+\\(', '(')"
#define OF_TABLE                                                                                   \
    "database_name = current_database() AND lower(schema_name) = lower($1) AND "                   \
    "lower(table_name) = lower($2)"

/* `sql` gives one text, or no row; *ret_text is NULL then. */
static bool ask_text(DuckConnection *connection, const char *sql, const TableRef *table,
                     Arena *arena, const char **ret_text, Error *error)
{
    DuckRows rows;
    if (!duck_rows(connection, DUCK_QUERY(sql, table->dataset, table->table), arena, &rows, error))
        return false;
    *ret_text = rows.row_count > 0 ? rows.cells[0] : NULL;
    return true;
}

bool existing_definition(DuckConnection *connection, const TableRef *table, Arena *arena,
                         const char **ret_text, Error *error)
{
    return ask_text(connection, "SELECT " DEFINITION " FROM duckdb_tables() WHERE " OF_TABLE, table,
                    arena, ret_text, error);
}

/* A column that the source no longer has can only be empty where it has no default. */
static bool is_delivered(const Delivery *delivery, const ExistingColumn *column)
{
    if (schema_field(&delivery->schema, column->name))
        return true;
    for (size_t i = 0; i < delivery->merge.emptied_count; i++) {
        if (strcasecmp(column->name, delivery->merge.emptied[i]) == 0)
            return !column->default_text;
    }
    return false;
}

bool existing_plain(DuckConnection *connection, const Delivery *delivery, Arena *arena,
                    const char **ret_definition, Error *error)
{
    Existing existing;
    *ret_definition = NULL;
    if (!existing_read(connection, &delivery->table, arena, &existing, error))
        return false;
    for (size_t i = 0; i < existing.column_count; i++) {
        if (!is_delivered(delivery, &existing.columns[i]))
            return true;
    }
    return ask_text(connection,
                    "SELECT " DEFINITION " FROM duckdb_tables() WHERE " OF_TABLE
                    " AND NOT EXISTS (SELECT 1 FROM duckdb_constraints() WHERE " OF_TABLE
                    " AND constraint_type <> 'NOT NULL')"
                    " AND NOT EXISTS (SELECT 1 FROM duckdb_indexes() WHERE " OF_TABLE ")"
                    " AND table_oid NOT IN (SELECT objid FROM duckdb_dependencies())",
                    &delivery->table, arena, ret_definition, error);
}
