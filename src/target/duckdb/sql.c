/* SPDX-License-Identifier: Apache-2.0 */
#include "target/duckdb/sql.h"

enum { DECIMAL_DIGITS_MAX = 38 }; /* DuckDB's */

static bool append_text(Buffer *sql, const char *text, Error *error)
{
    return buffer_append(sql, text, strlen(text), error);
}

static bool append_quoted(Buffer *sql, const char *text, char quote, Error *error)
{
    if (!buffer_append(sql, &quote, 1, error))
        return false;
    for (const char *c = text; *c; c++)
        if (!buffer_append(sql, c, 1, error) ||
            (*c == quote && !buffer_append(sql, &quote, 1, error)))
            return false;
    return buffer_append(sql, &quote, 1, error);
}

static bool append_decimal(Buffer *sql, const Field *field, Error *error)
{
    if (sql_decimal_is_text(field))
        return append_text(sql, "VARCHAR", error);
    return buffer_printf(sql, error, "DECIMAL(%d,%d)", field_decimal_precision(field),
                         field_decimal_scale(field));
}

static bool append_struct(Buffer *sql, const Field *field, Error *error)
{
    for (size_t i = 0; i < field->field_count; i++) {
        if (!append_text(sql, i == 0 ? "STRUCT(" : ", ", error) ||
            !sql_identifier(sql, field->fields[i].name, error) || !append_text(sql, " ", error) ||
            !sql_type(sql, &field->fields[i], error))
            return false;
    }
    return append_text(sql, ")", error);
}

static const char *simple_type(TypeKind kind)
{
    switch (kind) {
    case TYPE_BOOL:
        return "BOOLEAN";
    case TYPE_INT64:
        return "BIGINT";
    case TYPE_FLOAT64:
        return "DOUBLE";
    case TYPE_BYTES:
        return "BLOB";
    case TYPE_DATE:
        return "DATE";
    case TYPE_TIME:
        return "TIME";
    case TYPE_DATETIME:
        return "TIMESTAMP";
    case TYPE_TIMESTAMP:
        return "TIMESTAMP WITH TIME ZONE";
    case TYPE_INTERVAL:
        return "INTERVAL";
    case TYPE_JSON:
        return "JSON";
    default:
        return "VARCHAR";
    }
}

static bool append_scalar(Buffer *sql, const Field *field, Error *error)
{
    if (field->kind == TYPE_STRUCT)
        return append_struct(sql, field, error);
    if (field->kind == TYPE_NUMERIC || field->kind == TYPE_BIGNUMERIC)
        return append_decimal(sql, field, error);
    return append_text(sql, simple_type(field->kind), error);
}

static bool append_column(Buffer *sql, const Field *field, Error *error)
{
    return sql_identifier(sql, field->name, error) && append_text(sql, " ", error) &&
           sql_type(sql, field, error) &&
           (field->mode != MODE_REQUIRED || append_text(sql, " NOT NULL", error));
}

static bool append_comment(Buffer *sql, const TableRef *table, const char *column,
                           const char *description, Error *error)
{
    return !description || !*description || sql_comment(sql, table, column, description, error);
}

bool sql_identifier(Buffer *sql, const char *name, Error *error)
{
    return append_quoted(sql, name, '"', error);
}

bool sql_table_name(Buffer *sql, const TableRef *table, Error *error)
{
    return sql_identifier(sql, table->dataset, error) && append_text(sql, ".", error) &&
           sql_identifier(sql, table->table, error);
}

bool sql_comment(Buffer *sql, const TableRef *table, const char *column, const char *comment,
                 Error *error)
{
    return append_text(sql, column ? "COMMENT ON COLUMN " : "COMMENT ON TABLE ", error) &&
           sql_table_name(sql, table, error) &&
           (!column || (append_text(sql, ".", error) && sql_identifier(sql, column, error))) &&
           append_text(sql, " IS ", error) &&
           (comment ? append_quoted(sql, comment, '\'', error) : append_text(sql, "NULL", error)) &&
           append_text(sql, ";\n", error);
}

bool sql_decimal_is_text(const Field *field)
{
    return field_decimal_precision(field) > DECIMAL_DIGITS_MAX;
}

bool sql_type(Buffer *sql, const Field *field, Error *error)
{
    return append_scalar(sql, field, error) &&
           (field->mode != MODE_REPEATED || append_text(sql, "[]", error));
}

bool sql_create_table(Buffer *sql, const char *verb, const TableRef *table, const Schema *schema,
                      Error *error)
{
    bool done = append_text(sql, verb, error) && append_text(sql, " ", error) &&
                sql_table_name(sql, table, error) && append_text(sql, " (", error);
    for (size_t i = 0; done && i < schema->field_count; i++)
        done = append_text(sql, i == 0 ? "\n    " : ",\n    ", error) &&
               append_column(sql, &schema->fields[i], error);
    done = done && append_text(sql, "\n);\n", error) &&
           append_comment(sql, table, NULL, schema->description, error);
    for (size_t i = 0; done && i < schema->field_count; i++)
        done = append_comment(sql, table, schema->fields[i].name, schema->fields[i].description,
                              error);
    return done;
}

bool sql_column_list(Buffer *sql, const Schema *schema, Error *error)
{
    for (size_t i = 0; i < schema->field_count; i++)
        if ((i > 0 && !append_text(sql, ", ", error)) ||
            !sql_identifier(sql, schema->fields[i].name, error))
            return false;
    return true;
}

const char *sql_text(const Buffer *sql, Arena *arena)
{
    return arena_strndup(arena, sql->data ? sql->data : "", sql->length);
}

const char *sql_staging_prefix(const char *run_id, Arena *arena)
{
    char *prefix = arena_printf(arena, "_bqferry_stage_%s_", run_id);
    for (char *c = prefix; *c; c++)
        if (*c == '-')
            *c = '_';
    return prefix;
}

const char *sql_staging_name(const Delivery *delivery, Arena *arena)
{
    return arena_printf(arena, "%s%d", sql_staging_prefix(delivery->run_id, arena),
                        delivery->attempt);
}
