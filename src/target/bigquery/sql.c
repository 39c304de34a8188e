/* SPDX-License-Identifier: Apache-2.0 */
#include "target/bigquery/sql.h"

#include "schema/layout_json.h"

#include <inttypes.h>
#include <strings.h>

static bool text(Buffer *sql, const char *words, Error *error)
{
    return buffer_append(sql, words, strlen(words), error);
}

/* The escape sequences of literals are those of quoted identifiers, too. */
static bool quoted(Buffer *sql, const char *words, char quote, Error *error)
{
    if (!buffer_append(sql, &quote, 1, error))
        return false;
    for (const char *at = words; *at; at++) {
        unsigned char byte = (unsigned char)*at;
        bool done;
        if (byte == (unsigned char)quote || byte == '\\')
            done = buffer_printf(sql, error, "\\%c", byte);
        else if (byte == '\n')
            done = text(sql, "\\n", error);
        else if (byte < 0x20 || byte == 0x7f)
            done = buffer_printf(sql, error, "\\x%02x", byte);
        else
            done = buffer_append(sql, at, 1, error);
        if (!done)
            return false;
    }
    return buffer_append(sql, &quote, 1, error);
}

bool bq_sql_identifier(Buffer *sql, const char *name, Error *error)
{
    return quoted(sql, name, '`', error);
}

bool bq_sql_literal(Buffer *sql, const char *words, Error *error)
{
    return quoted(sql, words, '\'', error);
}

bool bq_sql_table(Buffer *sql, const BqTableName *name, Error *error)
{
    return bq_sql_identifier(sql, name->project, error) && text(sql, ".", error) &&
           bq_sql_identifier(sql, name->dataset, error) && text(sql, ".", error) &&
           bq_sql_identifier(sql, name->table, error);
}

static bool append_struct(Buffer *sql, const Field *field, Error *error)
{
    if (!text(sql, "STRUCT<", error))
        return false;
    for (size_t i = 0; i < field->field_count; i++) {
        const Field *member = &field->fields[i];
        if ((i > 0 && !text(sql, ", ", error)) || !bq_sql_identifier(sql, member->name, error) ||
            !text(sql, " ", error) || !bq_sql_type(sql, member, error) ||
            (member->mode == MODE_REQUIRED && !text(sql, " NOT NULL", error)))
            return false;
    }
    return text(sql, ">", error);
}

static bool append_scalar(Buffer *sql, const Field *field, Error *error)
{
    if (field->kind == TYPE_STRUCT)
        return append_struct(sql, field, error);
    if (!text(sql, type_kind_name(field->kind), error))
        return false;
    return !field->precision ||
           buffer_printf(sql, error, "(%d, %d)", field->precision, field->scale);
}

bool bq_sql_type(Buffer *sql, const Field *field, Error *error)
{
    if (field->mode != MODE_REPEATED)
        return append_scalar(sql, field, error);
    return text(sql, "ARRAY<", error) && append_scalar(sql, field, error) && text(sql, ">", error);
}

static bool append_column(Buffer *sql, const Field *field, Error *error)
{
    if (!text(sql, "  ", error) || !bq_sql_identifier(sql, field->name, error) ||
        !text(sql, " ", error) || !bq_sql_type(sql, field, error) ||
        (field->mode == MODE_REQUIRED && !text(sql, " NOT NULL", error)))
        return false;
    return !field->description || !*field->description ||
           (text(sql, " OPTIONS(description=", error) &&
            bq_sql_literal(sql, field->description, error) && text(sql, ")", error));
}

static bool append_names(Buffer *sql, const char *const *names, size_t count, Error *error)
{
    for (size_t i = 0; i < count; i++) {
        if ((i > 0 && !text(sql, ", ", error)) || !bq_sql_identifier(sql, names[i], error))
            return false;
    }
    return true;
}

static bool append_columns(Buffer *sql, const Schema *schema, const TableLayout *layout,
                           Error *error)
{
    for (size_t i = 0; i < schema->field_count; i++) {
        if (!append_column(sql, &schema->fields[i], error) ||
            (i + 1 < schema->field_count && !text(sql, ",\n", error)))
            return false;
    }
    return layout->key_count == 0 || (text(sql, ",\n  PRIMARY KEY (", error) &&
                                      append_names(sql, layout->key, layout->key_count, error) &&
                                      text(sql, ") NOT ENFORCED", error));
}

static TypeKind type_of(const Schema *schema, const char *column)
{
    for (size_t i = 0; i < schema->field_count; i++) {
        if (strcasecmp(schema->fields[i].name, column) == 0)
            return schema->fields[i].kind;
    }
    return TYPE_TIMESTAMP;
}

/* standard-sql/data-definition-language, partition_expression */
static bool append_time_expression(Buffer *sql, const Schema *schema, const Partitioning *by,
                                   Error *error)
{
    if (!by->column && by->kind == PARTITION_DAY)
        return text(sql, "_PARTITIONDATE", error);
    TypeKind type = by->column ? type_of(schema, by->column) : TYPE_TIMESTAMP;
    if (type == TYPE_DATE && by->kind == PARTITION_DAY)
        return bq_sql_identifier(sql, by->column, error);
    return buffer_printf(sql, error, "%s_TRUNC(", type_kind_name(type)) &&
           (by->column ? bq_sql_identifier(sql, by->column, error)
                       : text(sql, "_PARTITIONTIME", error)) &&
           buffer_printf(sql, error, ", %s)", partition_unit_name(by->kind));
}

static bool append_partitioning(Buffer *sql, const Schema *schema, const Partitioning *by,
                                Error *error)
{
    if (by->kind == PARTITION_NONE)
        return true;
    if (!text(sql, "\nPARTITION BY ", error))
        return false;
    if (by->kind != PARTITION_RANGE)
        return append_time_expression(sql, schema, by, error);
    return text(sql, "RANGE_BUCKET(", error) && bq_sql_identifier(sql, by->column, error) &&
           buffer_printf(sql, error, ", GENERATE_ARRAY(%" PRId64 ", %" PRId64 ", %" PRId64 "))",
                         by->start, by->end, by->interval);
}

static bool append_labels(Buffer *sql, const ConfigLabels *labels, Error *error)
{
    for (size_t i = 0; i < labels->count; i++) {
        if (!text(sql, i ? ", (" : "[(", error) ||
            !bq_sql_literal(sql, labels->items[i].key, error) || !text(sql, ", ", error) ||
            !bq_sql_literal(sql, labels->items[i].value, error) || !text(sql, ")", error))
            return false;
    }
    return text(sql, "]", error);
}

typedef struct OptionList {
    Buffer *sql;
    size_t count;
} OptionList;

static bool begin_option(OptionList *list, const char *name, Error *error)
{
    return buffer_printf(list->sql, error, "%s\n  %s=", list->count++ ? "," : "\nOPTIONS(", name);
}

static bool text_option(OptionList *list, const char *name, const char *value, Error *error)
{
    return !value || !*value ||
           (begin_option(list, name, error) && bq_sql_literal(list->sql, value, error));
}

static bool append_partition_options(OptionList *list, const Partitioning *by, Error *error)
{
    const double day_ms = 24.0 * 3600 * 1000;
    if (by->expiration_ms &&
        !(begin_option(list, "partition_expiration_days", error) &&
          buffer_printf(list->sql, error, "%.12g", (double)by->expiration_ms / day_ms)))
        return false;
    return !by->require_filter || (begin_option(list, "require_partition_filter", error) &&
                                   text(list->sql, "TRUE", error));
}

static bool append_options(Buffer *sql, const Partitioning *by, const BqTableOptions *options,
                           Error *error)
{
    OptionList list = {.sql = sql};
    if (!text_option(&list, "description", options->description, error) ||
        !text_option(&list, "kms_key_name", options->kms_key, error))
        return false;
    if (options->labels.count &&
        !(begin_option(&list, "labels", error) && append_labels(sql, &options->labels, error)))
        return false;
    if (options->expiration_ms &&
        !(begin_option(&list, "expiration_timestamp", error) &&
          buffer_printf(sql, error,
                        "TIMESTAMP_ADD(CURRENT_TIMESTAMP(), INTERVAL %" PRId64 " MILLISECOND)",
                        options->expiration_ms)))
        return false;
    return append_partition_options(&list, by, error) &&
           (list.count == 0 || text(sql, "\n)", error));
}

bool bq_sql_create_table(Buffer *sql, const BqTableName *name, const Schema *schema,
                         const TableLayout *layout, const BqTableOptions *options, Error *error)
{
    return text(sql, "CREATE TABLE IF NOT EXISTS ", error) && bq_sql_table(sql, name, error) &&
           text(sql, " (\n", error) && append_columns(sql, schema, layout, error) &&
           text(sql, "\n)", error) &&
           append_partitioning(sql, schema, &layout->partitioning, error) &&
           (layout->cluster_count == 0 ||
            (text(sql, "\nCLUSTER BY ", error) &&
             append_names(sql, layout->cluster_by, layout->cluster_count, error))) &&
           append_options(sql, &layout->partitioning, options, error) && text(sql, ";", error);
}
