/* SPDX-License-Identifier: Apache-2.0 */
#include "cmd/discover_print.h"

#include "cmd/human.h"
#include "cmd/model_json.h"
#include "cmd/output.h"
#include "cmd/text_width.h"
#include "model/type_text.h"

#include <string.h>

enum { WIDTH = 100, SAMPLE_COLUMNS_MOST = 3 };

static const OutputColumn list_columns[] = {
    {.title = "table", .most = 60},
    {.title = "kind"},
    {.title = "rows", .right = true},
    {.title = "size", .right = true},
    {.title = "key", .most = 40},
    {.title = "comment", .most = 60},
    {0},
};

static const OutputColumn column_columns[] = {
    {.title = "column", .most = 40},
    {.title = "type", .most = 40},
    {.title = "null"},
    {.title = "becomes", .most = 60},
    {.title = "confidence"},
    {.title = "cursor"},
    {.title = "comment", .most = 60},
    {0},
};

static const OutputColumn sample_columns[] = {
    {.title = "column", .most = 40},
    {.title = "row 1", .most = 30},
    {.title = "row 2", .most = 30},
    {.title = "row 3", .most = 30},
    {0},
};

/* A column that can say which rows are new: ordered, and an index begins with it, its name says so,
 * or the source keeps it. */
static bool is_cursor(const SourceColumn *column, const ColumnPlan *mapping)
{
    static const char *const words[] = {"updated", "modified", "changed", "created", "inserted"};
    TypeKind kind = mapping->field.kind;
    bool ordered =
        kind == TYPE_INT64 || kind == TYPE_DATE || kind == TYPE_DATETIME || kind == TYPE_TIMESTAMP;
    if (!mapping->source || !ordered || mapping->field.mode == MODE_REPEATED)
        return false;
    if (column->leads_an_index || column->set_on_write)
        return true;
    for (size_t i = 0; i < sizeof words / sizeof *words; i++) {
        if (strcasestr(column->name, words[i]))
            return true;
    }
    return false;
}

static const char *cursor_text(const SourceColumn *column, const ColumnPlan *mapping)
{
    if (!is_cursor(column, mapping))
        return NULL;
    return column->set_on_write ? "candidate: set on write" : "candidate";
}

static const char *key_text(const SourceTable *table, Arena *arena)
{
    const char *text = "";
    for (size_t i = 0; i < table->key_count; i++)
        text = arena_printf(arena, "%s%s%s", text, i ? ", " : "", table->key[i]);
    return text;
}

static const char *table_text(const SourceTable *table, Arena *arena)
{
    return table->schema ? arena_printf(arena, "%s.%s", table->schema, table->name) : table->name;
}

void discover_print_list(const RelationList *relations, FILE *out, Arena *arena)
{
    OutputTable table;
    output_table_init(&table, list_columns, arena);
    for (size_t i = 0; i < relations->count; i++) {
        const SourceTable *relation = &relations->tables[i];
        char rows[HUMAN_SIZE], size[HUMAN_SIZE];
        const char *cells[] = {table_text(relation, arena),
                               relation_kind_name(relation->kind),
                               human_estimate(relation->row_estimate, rows),
                               human_bytes(relation->byte_size, size),
                               key_text(relation, arena),
                               relation->comment};
        output_table_add(&table, cells);
    }
    if (relations->count == 0)
        fputs("nothing matches\n", out);
    output_table_print(&table, out, 0);
}

void discover_print_list_json(const RelationList *relations, FILE *out)
{
    CLEANUP(json_free_ptr) Json *json = json_object_new();
    json_set_int(json, "version", 1);
    Json *tables = json_array_new();
    for (size_t i = 0; i < relations->count; i++)
        json_append(tables, model_json_table(&relations->tables[i]));
    json_set(json, "tables", tables);
    json_print(out, json, true);
}

static void print_head(const SourceTable *table, FILE *out, Arena *arena)
{
    char rows[HUMAN_SIZE], size[HUMAN_SIZE];
    fprintf(out, "%s: %s, %s rows, %s\n", text_visible(table_text(table, arena), arena),
            relation_kind_name(table->kind), human_estimate(table->row_estimate, rows),
            human_bytes(table->byte_size, size));
    if (table->key_count)
        fprintf(out, "%s: %s\n", table->key_is_primary ? "primary key" : "unique key",
                text_visible(key_text(table, arena), arena));
    if (table->comment)
        output_wrapped(out, table->comment, 0, WIDTH);
    fputc('\n', out);
}

static void print_columns(const DiscoveredTable *found, FILE *out, Arena *arena)
{
    OutputTable table;
    output_table_init(&table, column_columns, arena);
    for (size_t i = 0; i < found->table.column_count; i++) {
        const SourceColumn *column = &found->table.columns[i];
        const ColumnPlan *mapping = &found->mappings[i];
        bool mapped = mapping->source != NULL;
        const char *cells[] = {column->name,
                               column->type.text,
                               column->not_null ? "not null" : NULL,
                               mapped ? type_text_of(&mapping->field, arena) : "(see below)",
                               mapped ? confidence_name(mapping->confidence) : NULL,
                               cursor_text(column, mapping),
                               column->comment};
        output_table_add(&table, cells);
    }
    output_table_print(&table, out, 0);
}

static void print_warnings(const DiscoveredTable *found, FILE *out, Arena *arena)
{
    for (size_t i = 0; i < found->table.column_count; i++) {
        const char *name = found->table.columns[i].name;
        const ColumnPlan *mapping = &found->mappings[i];
        for (size_t j = 0; j < mapping->warning_count; j++)
            output_wrapped(out, arena_printf(arena, "%s: %s", name, mapping->warnings[j]), 2,
                           WIDTH);
        if (found->errors[i].kind != ERROR_NONE)
            output_wrapped(out, arena_printf(arena, "%s: %s", name, found->errors[i].message), 2,
                           WIDTH);
    }
}

/* A row of the source is a column here: tables are wide, terminals are not. */
static void print_sample(const DiscoveredTable *found, FILE *out, Arena *arena)
{
    const SampleTable *sample = &found->sample;
    OutputTable table;
    output_table_init(&table, sample_columns, arena);
    for (size_t column = 0; column < sample->column_count; column++) {
        const char *cells[SAMPLE_COLUMNS_MOST + 1] = {found->table.columns[column].name};
        for (size_t row = 0; row < sample->row_count && row < SAMPLE_COLUMNS_MOST; row++) {
            const char *cell = sample->cells[row * sample->column_count + column];
            cells[row + 1] = cell ? cell : "NULL";
        }
        output_table_add(&table, cells);
    }
    fputc('\n', out);
    if (sample->row_count)
        output_table_print(&table, out, 0);
    else
        fputs("no rows\n", out);
}

void discover_print_table(const DiscoveredTable *found, FILE *out, Arena *arena)
{
    print_head(&found->table, out, arena);
    print_columns(found, out, arena);
    print_warnings(found, out, arena);
    print_sample(found, out, arena);
}

static Json *columns_json(const DiscoveredTable *found, Arena *arena)
{
    Json *json = json_array_new();
    for (size_t i = 0; i < found->table.column_count; i++) {
        const SourceColumn *column = &found->table.columns[i];
        const ColumnPlan *mapping = &found->mappings[i];
        bool mapped = mapping->source != NULL;
        Json *own = model_json_column(column);
        json_set(own, "target", mapped ? model_json_mapping(mapping, arena) : NULL);
        json_set(own, "error", mapped ? NULL : model_json_error(&found->errors[i]));
        json_set_bool(own, "cursor_candidate", is_cursor(column, mapping));
        json_append(json, own);
    }
    return json;
}

static Json *sample_json(const SampleTable *sample)
{
    Json *json = json_array_new();
    for (size_t row = 0; row < sample->row_count; row++) {
        Json *cells = json_array_new();
        for (size_t column = 0; column < sample->column_count; column++)
            json_append_text(cells, sample->cells[row * sample->column_count + column]);
        json_append(json, cells);
    }
    return json;
}

void discover_print_table_json(const DiscoveredTable *found, FILE *out, Arena *arena)
{
    CLEANUP(json_free_ptr) Json *json = model_json_table(&found->table);
    json_set(json, "columns", columns_json(found, arena));
    json_set(json, "sample", sample_json(&found->sample));
    json_print(out, json, true);
}
