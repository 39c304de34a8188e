/* SPDX-License-Identifier: Apache-2.0 */
#include "cmd/discover_target.h"

#include "base/cleanup.h"
#include "cmd/human.h"
#include "cmd/model_json.h"
#include "cmd/output.h"
#include "model/type_text.h"
#include "schema/field_json.h"
#include "schema/layout_json.h"
#include "schema/mapping.h"

#include <inttypes.h>

static const OutputColumn list_columns[] = {
    {.title = "table", .most = 80},
    {.title = "kind"},
    {0},
};

static const OutputColumn field_columns[] = {
    {.title = "column", .most = 40},
    {.title = "type", .most = 80},
    {.title = "mode"},
    {.title = "description", .most = 60},
    {0},
};

void discover_print_target_list(const TargetTableList *list, FILE *out, Arena *arena)
{
    OutputTable table;
    output_table_init(&table, list_columns, arena);
    for (size_t i = 0; i < list->count; i++) {
        const char *cells[] = {
            arena_printf(arena, "%s.%s", list->tables[i].dataset, list->tables[i].table),
            list->tables[i].kind};
        output_table_add(&table, cells);
    }
    if (list->count)
        output_table_print(&table, out, 0);
    else
        fputs("no tables\n", out);
}

void discover_print_target_list_json(const TargetTableList *list, FILE *out)
{
    CLEANUP(json_free_ptr) Json *json = json_object_new();
    Json *tables = json_array_new();
    json_set_int(json, "version", 1);
    for (size_t i = 0; i < list->count; i++) {
        Json *table = json_object_new();
        json_set_text(table, "dataset", list->tables[i].dataset);
        json_set_text(table, "table", list->tables[i].table);
        json_set_text(table, "kind", list->tables[i].kind);
        json_append(tables, table);
    }
    json_set(json, "tables", tables);
    json_print(out, json, true);
}

static void print_partitions(const Partitioning *by, FILE *out)
{
    if (by->kind == PARTITION_NONE)
        return;
    if (by->kind == PARTITION_RANGE)
        fprintf(out, "partitions: %s from %" PRId64 " to %" PRId64 " by %" PRId64, by->column,
                by->start, by->end, by->interval);
    else
        fprintf(out, "partitions: one %s, of %s",
                by->kind == PARTITION_HOUR    ? "an hour"
                : by->kind == PARTITION_DAY   ? "a day"
                : by->kind == PARTITION_MONTH ? "a month"
                                              : "a year",
                by->column ? by->column : "the time of loading");
    fprintf(out, "%s\n", by->require_filter ? "; queries must name them" : "");
}

static void print_names(const char *what, const char *const *names, size_t count, FILE *out)
{
    for (size_t i = 0; i < count; i++)
        fprintf(out, "%s%s", i ? ", " : what, names[i]);
    if (count)
        fputc('\n', out);
}

void discover_print_target(const TableRef *name, const TargetTable *found, FILE *out, Arena *arena)
{
    char rows[HUMAN_SIZE], bytes[HUMAN_SIZE];
    OutputTable table;
    output_table_init(&table, field_columns, arena);
    fprintf(out, "%s.%s: %s rows, %s\n", name->dataset, name->table,
            human_count(found->row_count, rows), human_bytes(found->byte_count, bytes));
    if (found->schema.description && *found->schema.description)
        fprintf(out, "%s\n", found->schema.description);
    print_partitions(&found->layout.partitioning, out);
    print_names("clustered by: ", found->layout.cluster_by, found->layout.cluster_count, out);
    print_names("key: ", found->layout.key, found->layout.key_count, out);
    for (size_t i = 0; i < found->schema.field_count; i++) {
        const Field *field = &found->schema.fields[i];
        const char *cells[] = {field->name, type_text_of(field, arena),
                               field_mode_name(field->mode), field->description};
        output_table_add(&table, cells);
    }
    output_table_print(&table, out, 0);
    print_names("of types that only BigQuery has: ", found->others, found->other_count, out);
}

void discover_print_target_json(const TableRef *name, const TargetTable *found, FILE *out)
{
    CLEANUP(json_free_ptr) Json *json = json_object_new();
    json_set_text(json, "dataset", name->dataset);
    json_set_text(json, "table", name->table);
    model_json_set_known(json, "rows", found->row_count);
    model_json_set_known(json, "bytes", found->byte_count);
    json_set(json, "schema", field_json_from_schema(&found->schema));
    layout_json_set(json, &found->layout);
    Json *others = found->other_count ? json_array_new() : NULL;
    for (size_t i = 0; i < found->other_count; i++)
        json_append_text(others, found->others[i]);
    if (others)
        json_set(json, "other_columns", others);
    json_print(out, json, true);
}
