/* SPDX-License-Identifier: Apache-2.0 */
#include "target/duckdb/existing.h"
#include "target/duckdb/sql.h"

#include <stdlib.h>
#include <string.h>
#include <strings.h>

/* What DuckDB calls the types of the delivered columns. */
static bool delivered_types(DuckConnection *connection, const Schema *schema, Arena *arena,
                            DuckRows *ret_types, Error *error)
{
    CLEANUP(buffer_done) Buffer sql;
    buffer_init(&sql, SQL_TEXT_MAX);
    for (size_t i = 0; i < schema->field_count; i++)
        if (!buffer_printf(&sql, error,
                           i == 0 ? "SELECT typeof(CAST(NULL AS " : ", typeof(CAST(NULL AS ") ||
            !sql_type(&sql, &schema->fields[i], error) || !buffer_printf(&sql, error, "))"))
            return false;
    return duck_rows(connection, &(DuckQuery){.sql = sql_text(&sql, arena)}, arena, ret_types,
                     error);
}

static const ExistingColumn *find_column(const Existing *existing, const char *name)
{
    for (size_t i = 0; i < existing->column_count; i++)
        if (strcasecmp(existing->columns[i].name, name) == 0)
            return &existing->columns[i];
    return NULL;
}

/* The columns of our own making are added whatever the source's may do. */
static bool may_add(const Delivery *delivery, const char *name)
{
    const char *const own[] = {delivery->merge.mark, delivery->metadata.synced_at,
                               delivery->metadata.run_id};
    for (size_t i = 0; i < sizeof own / sizeof *own; i++) {
        if (own[i] && strcmp(own[i], name) == 0)
            return true;
    }
    return delivery->evolve == EVOLVE_COLUMNS;
}

/* The type of ours that becomes a DuckDB type; NULL: none does. */
static const char *type_for(const char *duckdb, Arena *arena)
{
    static const struct {
        const char *duckdb, *type;
    } types[] = {
        {"BOOLEAN", "BOOL"},   {"BIGINT", "INT64"},       {"DOUBLE", "FLOAT64"},
        {"VARCHAR", "STRING"}, {"BLOB", "BYTES"},         {"DATE", "DATE"},
        {"TIME", "TIME"},      {"TIMESTAMP", "DATETIME"}, {"TIMESTAMP WITH TIME ZONE", "TIMESTAMP"},
        {"JSON", "JSON"},      {"INTERVAL", "INTERVAL"},
    };
    for (size_t i = 0; i < sizeof types / sizeof *types; i++) {
        if (strcmp(duckdb, types[i].duckdb) == 0)
            return types[i].type;
    }
    const char *comma = strncmp(duckdb, "DECIMAL(", 8) == 0 ? strchr(duckdb, ',') : NULL;
    if (!comma || strchr(duckdb, '['))
        return NULL;
    enum { NUMERIC_SCALE = 9, NUMERIC_WHOLE_DIGITS = 29 };
    long precision = strtol(duckdb + 8, NULL, 10), scale = strtol(comma + 1, NULL, 10);
    bool fits = scale <= NUMERIC_SCALE && precision - scale <= NUMERIC_WHOLE_DIGITS;
    return arena_printf(arena, "%s(%ld,%ld)", fits ? "NUMERIC" : "BIGNUMERIC", precision, scale);
}

static bool other_type(const Delivery *delivery, const Field *field, const char *existing,
                       const char *type, Error *error)
{
    CLEANUP(arena_done) Arena arena = {0};
    const TableRef *table = &delivery->table;
    const char *wish = type_for(existing, &arena);
    error_set(error, ERROR_CONFIG, "column %s of %s.%s is %s, but %s is delivered", field->name,
              table->dataset, table->table, existing, type);
    if (wish)
        return error_hint(error,
                          "ask for the table's type in the job: columns: {%s: {type: \"%s\"}}; or "
                          "change the table, or load it anew with --full-refresh",
                          field->name, wish);
    return error_hint(error,
                      "no type in the configuration becomes %s: change the table, or load it anew "
                      "with --full-refresh",
                      existing);
}

static bool check_column(const Delivery *delivery, const Existing *existing, const Field *field,
                         const char *type, Error *error)
{
    const TableRef *table = &delivery->table;
    const ExistingColumn *column = find_column(existing, field->name);
    if (!column && may_add(delivery, field->name))
        return true;
    if (!column) {
        error_set(error, ERROR_CONFIG, "%s.%s has no column %s (%s)", table->dataset, table->table,
                  field->name, type);
        return error_hint(error,
                          "schema: {evolve: add_columns} adds it; or ALTER TABLE \"%s\".\"%s\" ADD "
                          "COLUMN \"%s\" %s; or load: replace",
                          table->dataset, table->table, field->name, type);
    }
    if (strcmp(column->type, type) != 0)
        return other_type(delivery, field, column->type, type, error);
    if (column->nullable || field->mode != MODE_NULLABLE || delivery->evolve != EVOLVE_FAIL)
        return true;
    error_set(error, ERROR_CONFIG,
              "column %s of %s.%s is NOT NULL, but it is delivered as NULLABLE", field->name,
              table->dataset, table->table);
    return error_hint(error,
                      "ask for `mode: required` for the column, or ALTER TABLE \"%s\".\"%s\" "
                      "ALTER COLUMN \"%s\" DROP NOT NULL",
                      table->dataset, table->table, field->name);
}

/* A column that is not delivered must be able to stay empty. */
static bool check_left_out(const Delivery *delivery, const ExistingColumn *column, Error *error)
{
    const TableRef *table = &delivery->table;
    if (column->nullable || column->default_text || delivery->evolve != EVOLVE_FAIL ||
        delivery->merge.keys_only || schema_field(&delivery->schema, column->name))
        return true;
    error_set(error, ERROR_CONFIG,
              "column %s of %s.%s is NOT NULL without a default, and it is not "
              "delivered",
              column->name, table->dataset, table->table);
    return error_hint(error,
                      "deliver the column, or ALTER TABLE \"%s\".\"%s\" ALTER COLUMN \"%s\" "
                      "DROP NOT NULL",
                      table->dataset, table->table, column->name);
}

bool existing_check(DuckConnection *connection, const Delivery *delivery, const Existing *existing,
                    Arena *arena, Error *error)
{
    DuckRows types;
    const Schema *schema = &delivery->schema;
    if (!delivered_types(connection, schema, arena, &types, error))
        return false;
    for (size_t i = 0; i < schema->field_count; i++)
        if (!check_column(delivery, existing, &schema->fields[i], types.cells[i], error))
            return false;
    for (size_t i = 0; i < existing->column_count; i++)
        if (!check_left_out(delivery, &existing->columns[i], error))
            return false;
    return true;
}

/* Runs "ALTER TABLE t" with the change that the buffer holds. */
static bool alter(DuckConnection *connection, const TableRef *table, const Buffer *change,
                  Arena *arena, Error *error)
{
    CLEANUP(buffer_done) Buffer sql;
    buffer_init(&sql, SQL_TEXT_MAX);
    return buffer_printf(&sql, error, "ALTER TABLE ") && sql_table_name(&sql, table, error) &&
           buffer_append(&sql, change->data, change->length, error) &&
           duck_run(connection, sql_text(&sql, arena), error);
}

static bool add_column(DuckConnection *connection, const TableRef *table, const Field *field,
                       Arena *arena, Error *error)
{
    CLEANUP(buffer_done) Buffer change;
    buffer_init(&change, SQL_TEXT_MAX);
    return buffer_printf(&change, error, " ADD COLUMN ") &&
           sql_identifier(&change, field->name, error) && buffer_printf(&change, error, " ") &&
           sql_type(&change, field, error) && alter(connection, table, &change, arena, error);
}

static bool allow_null(DuckConnection *connection, const TableRef *table, const char *column,
                       Arena *arena, Error *error)
{
    CLEANUP(buffer_done) Buffer change;
    buffer_init(&change, SQL_TEXT_MAX);
    return buffer_printf(&change, error, " ALTER COLUMN ") &&
           sql_identifier(&change, column, error) &&
           buffer_printf(&change, error, " DROP NOT NULL") &&
           alter(connection, table, &change, arena, error);
}

/* Rows come in without the column, or with NULL in it. */
static bool must_take_null(const Delivery *delivery, const ExistingColumn *column)
{
    const Field *field = schema_field(&delivery->schema, column->name);
    return !column->nullable && (field ? field->mode == MODE_NULLABLE : !column->default_text);
}

/* Keys alone do not bring the columns that marks go to. */
static bool add_marks(DuckConnection *connection, const Delivery *delivery,
                      const Existing *existing, Arena *arena, Error *error)
{
    const MergeSpec *merge = &delivery->merge;
    const Field fields[] = {
        {.name = merge->mark, .kind = merge->mark_is_bool ? TYPE_BOOL : TYPE_TIMESTAMP},
        {.name = delivery->metadata.synced_at, .kind = TYPE_TIMESTAMP},
        {.name = delivery->metadata.run_id, .kind = TYPE_STRING},
    };
    for (size_t i = 0; i < sizeof fields / sizeof *fields; i++) {
        if (fields[i].name && !find_column(existing, fields[i].name) &&
            !add_column(connection, &delivery->table, &fields[i], arena, error))
            return false;
    }
    return true;
}

bool existing_evolve(DuckConnection *connection, const Delivery *delivery, Arena *arena,
                     Error *error)
{
    Existing existing;
    const Schema *schema = &delivery->schema;
    if (!existing_read(connection, &delivery->table, arena, &existing, error))
        return false;
    if (delivery->merge.keys_only)
        return add_marks(connection, delivery, &existing, arena, error);
    for (size_t i = 0; i < schema->field_count; i++) {
        if (!find_column(&existing, schema->fields[i].name) &&
            !add_column(connection, &delivery->table, &schema->fields[i], arena, error))
            return false;
    }
    for (size_t i = 0; i < existing.column_count; i++) {
        if (must_take_null(delivery, &existing.columns[i]) &&
            !allow_null(connection, &delivery->table, existing.columns[i].name, arena, error))
            return false;
    }
    return true;
}
