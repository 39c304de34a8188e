/* SPDX-License-Identifier: Apache-2.0 */
#include "target/duckdb/duckdb_state.h"
#include "target/duckdb/existing.h"
#include "target/duckdb/logical.h"
#include "target/duckdb/sql.h"

#include <stdlib.h>
#include <string.h>
#include <strings.h>

static bool read_kind(DuckConnection *connection, const TableRef *table, Arena *arena,
                      Existing *ret_existing, Error *error)
{
    DuckRows rows;
    if (!duck_rows(connection,
                   DUCK_QUERY("SELECT 'table', comment FROM duckdb_tables() WHERE database_name = "
                              "current_database() AND lower(schema_name) = lower($1) AND "
                              "lower(table_name) = lower($2) UNION ALL "
                              "SELECT 'view', comment FROM duckdb_views() WHERE database_name = "
                              "current_database() AND lower(schema_name) = lower($1) AND "
                              "lower(view_name) = lower($2)",
                              table->dataset, table->table),
                   arena, &rows, error))
        return false;
    *ret_existing = (Existing){0};
    if (rows.row_count > 0) {
        ret_existing->kind = rows.cells[0];
        ret_existing->comment = rows.cells[1];
    }
    return true;
}

static bool read_columns(DuckConnection *connection, const TableRef *table, Arena *arena,
                         Existing *existing, Error *error)
{
    DuckRows rows;
    if (!duck_rows(connection,
                   DUCK_QUERY("SELECT column_name, data_type, is_nullable::VARCHAR, "
                              "column_default, comment FROM duckdb_columns() WHERE "
                              "database_name = current_database() AND "
                              "lower(schema_name) = lower($1) AND lower(table_name) = lower($2) "
                              "ORDER BY column_index",
                              table->dataset, table->table),
                   arena, &rows, error))
        return false;
    ExistingColumn *columns = ARENA_ARRAY(arena, ExistingColumn, rows.row_count);
    for (size_t i = 0; i < rows.row_count; i++) {
        const char *const *row = rows.cells + i * rows.column_count;
        columns[i] = (ExistingColumn){.name = row[0],
                                      .type = row[1],
                                      .nullable = strcmp(row[2], "true") == 0,
                                      .default_text = row[3],
                                      .comment = row[4]};
    }
    existing->columns = columns;
    existing->column_count = rows.row_count;
    return true;
}

bool existing_read(DuckConnection *connection, const TableRef *table, Arena *arena,
                   Existing *ret_existing, Error *error)
{
    return read_kind(connection, table, arena, ret_existing, error) &&
           (!ret_existing->kind || read_columns(connection, table, arena, ret_existing, error));
}

/* The statement "before NAME after". */
static const char *table_sql(const char *before, const TableRef *table, const char *after,
                             Arena *arena, Error *error)
{
    CLEANUP(buffer_done) Buffer sql;
    buffer_init(&sql, SQL_TEXT_MAX);
    if (!buffer_printf(&sql, error, "%s", before) || !sql_table_name(&sql, table, error) ||
        !buffer_printf(&sql, error, "%s", after))
        return NULL;
    return sql_text(&sql, arena);
}

/* The columns in BigQuery's terms, from the types of an empty selection. */
static bool read_fields(DuckConnection *connection, const TableRef *table, const Existing *existing,
                        Arena *arena, Schema *ret_schema, Error *error)
{
    CLEANUP(duck_result_done) DuckResult result = {0};
    const DuckApi *api = connection->api;
    const char *sql = table_sql("SELECT * FROM ", table, " LIMIT 0", arena, error);
    if (!sql || !duck_query(connection, &(DuckQuery){.sql = sql}, &result, error))
        return false;
    size_t count = api->column_count(&result.handle);
    Field *fields = ARENA_ARRAY(arena, Field, count);
    for (size_t i = 0; i < count; i++) {
        duckdb_logical_type type = api->column_logical_type(&result.handle, i);
        fields[i] = duck_field_of(api, type, arena);
        api->destroy_logical_type(&type);
        fields[i].name = arena_strdup(arena, api->column_name(&result.handle, i));
        if (i >= existing->column_count)
            continue;
        fields[i].description = existing->columns[i].comment;
        if (!existing->columns[i].nullable && fields[i].mode == MODE_NULLABLE)
            fields[i].mode = MODE_REQUIRED;
    }
    *ret_schema =
        (Schema){.fields = fields, .field_count = count, .description = existing->comment};
    return true;
}

static bool read_row_count(DuckConnection *connection, const TableRef *table, Arena *arena,
                           int64_t *ret_count, Error *error)
{
    DuckRows rows;
    const char *sql = table_sql("SELECT count(*)::VARCHAR FROM ", table, "", arena, error);
    if (!sql || !duck_rows(connection, &(DuckQuery){.sql = sql}, arena, &rows, error))
        return false;
    *ret_count = strtoll(rows.cells[0], NULL, 10);
    return true;
}

static bool check_field(const Field *field, Error *error)
{
    if (field->kind != TYPE_STRUCT)
        return true;
    if (field->field_count == 0)
        return error_set(error, ERROR_CONFIG,
                         "column %s is a STRUCT without members, which DuckDB "
                         "cannot hold",
                         field->name);
    for (size_t i = 0; i < field->field_count; i++)
        if (!check_field(&field->fields[i], error))
            return false;
    return true;
}

static bool check_schema(const Schema *schema, Error *error)
{
    if (schema->field_count == 0)
        return error_set(error, ERROR_CONFIG,
                         "the table has no columns, and DuckDB has no table without columns");
    for (size_t i = 0; i < schema->field_count; i++)
        if (!check_field(&schema->fields[i], error))
            return false;
    return true;
}

/* Values of a key are compared, so they must be of a type that has one form for one value. */
static bool check_key(const Delivery *delivery, Error *error)
{
    const MergeSpec *merge = &delivery->merge;
    bool needs_key = delivery_merges(delivery) && !merge->range.column;
    if (needs_key && delivery->merge.key_count == 0)
        return error_set(error, ERROR_CONFIG, "rows of %s cannot be told apart: there is no key",
                         delivery->table.table);
    for (size_t i = 0; needs_key && i < delivery->merge.key_count; i++) {
        const Field *field = schema_field(&delivery->schema, delivery->merge.key[i]);
        if (!field)
            return error_set(error, ERROR_CONFIG, "the key's column %s is not delivered",
                             delivery->merge.key[i]);
        if (field->mode == MODE_REPEATED || field->kind == TYPE_STRUCT ||
            field->kind == TYPE_JSON || field->kind == TYPE_GEOGRAPHY)
            return error_set(error, ERROR_CONFIG, "column %s cannot be part of a key: it is a %s%s",
                             field->name, field->mode == MODE_REPEATED ? "repeated " : "",
                             type_kind_name(field->kind));
    }
    return true;
}

/* A table that others refer to cannot be dropped, so it cannot be replaced. */
static bool check_references(DuckConnection *connection, const TableRef *table, Arena *arena,
                             Error *error)
{
    DuckRows rows;
    if (!duck_rows(connection,
                   DUCK_QUERY("SELECT table_name FROM duckdb_constraints() WHERE database_name = "
                              "current_database() AND constraint_type = 'FOREIGN KEY' AND "
                              "lower(schema_name) = lower($1) AND "
                              "lower(referenced_table) = lower($2)",
                              table->dataset, table->table),
                   arena, &rows, error))
        return false;
    if (rows.row_count == 0)
        return true;
    error_set(error, ERROR_CONFIG, "%s.%s cannot be replaced: a foreign key of %s.%s refers to it",
              table->dataset, table->table, table->dataset, rows.cells[0]);
    return error_hint(error, "load into another table, or make %s without the foreign key",
                      rows.cells[0]);
}

bool duck_describe(Target *target, const TableRef *table, Arena *arena, TargetTable *ret_table,
                   Error *error)
{
    CLEANUP(duck_disconnect) DuckConnection connection = {0};
    DuckTarget *duck = (DuckTarget *)target;
    TableRef named = duck_table_ref(table);
    Existing existing;
    *ret_table = (TargetTable){.row_count = -1, .byte_count = -1};
    if (!duck_target_has_file(duck))
        return true;
    if (!duck_target_connect(duck, &connection, error) ||
        !existing_read(&connection, &named, arena, &existing, error))
        return false;
    ret_table->exists = existing.kind != NULL;
    return !ret_table->exists ||
           (read_fields(&connection, &named, &existing, arena, &ret_table->schema, error) &&
            read_row_count(&connection, &named, arena, &ret_table->row_count, error));
}

bool duck_ddl(Target *target, const Delivery *delivery, Arena *arena, const char **ret_text,
              Error *error)
{
    CLEANUP(buffer_done) Buffer sql;
    Delivery named = duck_delivery(delivery);
    (void)target;
    buffer_init(&sql, SQL_TEXT_MAX);
    if (!buffer_printf(&sql, error, "CREATE SCHEMA IF NOT EXISTS ") ||
        !sql_identifier(&sql, named.table.dataset, error) || !buffer_printf(&sql, error, ";\n") ||
        !sql_create_table(&sql,
                          named.load == LOAD_REPLACE ? "CREATE OR REPLACE TABLE"
                                                     : "CREATE TABLE IF NOT EXISTS",
                          &named.table, &named.schema, error))
        return false;
    *ret_text = sql_text(&sql, arena);
    return true;
}

bool duck_validate_in(DuckConnection *connection, const Delivery *delivery, bool *ret_exists,
                      Error *error)
{
    CLEANUP(arena_done) Arena arena = {0};
    Existing existing;
    if (!existing_read(connection, &delivery->table, &arena, &existing, error))
        return false;
    *ret_exists = existing.kind != NULL;
    if (!existing.kind)
        return true;
    if (strcmp(existing.kind, "table") != 0) {
        error_set(error, ERROR_CONFIG, "%s.%s is a %s, not a table", delivery->table.dataset,
                  delivery->table.table, existing.kind);
        return error_hint(error, "choose another target table, or drop the %s", existing.kind);
    }
    if (delivery->load == LOAD_REPLACE)
        return check_references(connection, &delivery->table, &arena, error);
    return existing_check(connection, delivery, &existing, &arena, error);
}

bool duck_validate(Target *target, const Delivery *delivery, Error *error)
{
    CLEANUP(duck_disconnect) DuckConnection connection = {0};
    DuckTarget *duck = (DuckTarget *)target;
    Delivery named = duck_delivery(delivery);
    bool exists;
    if (!check_schema(&named.schema, error) || !check_key(&named, error))
        return false;
    return !duck_target_has_file(duck) || (duck_target_connect(duck, &connection, error) &&
                                           duck_validate_in(&connection, &named, &exists, error));
}
