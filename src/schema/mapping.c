/* SPDX-License-Identifier: Apache-2.0 */
#include "schema/mapping.h"

#include "base/nearest.h"
#include "schema/names.h"

#include <string.h>
#include <strings.h>

static const char *table_label(const SourceTable *table, Arena *arena)
{
    if (!table->name)
        return "the query";
    return table->schema ? arena_printf(arena, "%s.%s", table->schema, table->name) : table->name;
}

static const SourceColumn *find_column(const SourceTable *table, const char *name)
{
    for (size_t i = 0; i < table->column_count; i++) {
        if (strcmp(table->columns[i].name, name) == 0)
            return &table->columns[i];
    }
    return NULL;
}

static bool unknown_column(const SourceTable *table, const char *name, Arena *arena, Error *error)
{
    const char **names = ARENA_ARRAY(arena, const char *, table->column_count);
    for (size_t i = 0; i < table->column_count; i++)
        names[i] = table->columns[i].name;
    error_set(error, ERROR_CONFIG, "%s has no column \"%s\"", table_label(table, arena), name);
    const char *nearest = nearest_word(name, names, table->column_count);
    if (nearest)
        error_hint(error, "did you mean \"%s\"?", nearest);
    return false;
}

/* The source columns that are wanted, in the order they are wanted; NULL when one is none. */
static const SourceColumn **select_columns(const SourceTable *table, const MappingOptions *options,
                                           Arena *arena, Error *error)
{
    size_t count = options->select ? options->select_count : table->column_count;
    const SourceColumn **columns = ARENA_ARRAY(arena, const SourceColumn *, count);
    for (size_t i = 0; i < count; i++) {
        if (!options->select) {
            columns[i] = &table->columns[i];
            continue;
        }
        columns[i] = find_column(table, options->select[i]);
        if (!columns[i]) {
            unknown_column(table, options->select[i], arena, error);
            return NULL;
        }
        for (size_t j = 0; j < i; j++) {
            if (columns[j] != columns[i])
                continue;
            error_set(error, ERROR_CONFIG, "%s: column \"%s\" is asked for twice",
                      table_label(table, arena), options->select[i]);
            return NULL;
        }
    }
    return columns;
}

static bool check_option_names(const SourceTable *table, const MappingOptions *options,
                               Arena *arena, Error *error)
{
    for (size_t i = 0; i < options->column_count; i++) {
        if (!find_column(table, options->columns[i].name))
            return unknown_column(table, options->columns[i].name, arena, error);
    }
    return true;
}

/* What is said for the column goes before what is said for all; REQUIRED for all means those that
 * the source declares NOT NULL. */
static ColumnOptions merge_options(const MappingOptions *options, const SourceColumn *column)
{
    const char *name = column->name;
    ColumnOptions merged = options->defaults;
    merged.name = name;
    merged.required = merged.required && column->not_null;
    for (size_t i = 0; i < options->column_count; i++) {
        const ColumnOptions *own = &options->columns[i];
        if (strcmp(own->name, name) != 0)
            continue;
        merged.type = own->type ? own->type : merged.type;
        merged.target_name = own->target_name;
        merged.description = own->description;
        if (own->has_on_invalid) {
            merged.has_on_invalid = true;
            merged.on_invalid = own->on_invalid;
        }
        if (own->has_required) {
            merged.has_required = true;
            merged.required = own->required;
        }
        if (own->naive_timestamp_type) { /* the zone belongs to the type it was said with */
            merged.naive_timestamp_type = own->naive_timestamp_type;
            merged.naive_timestamp_zone = own->naive_timestamp_zone;
        } else if (own->naive_timestamp_zone) {
            merged.naive_timestamp_zone = own->naive_timestamp_zone;
        }
        merged.arrays = own->arrays ? own->arrays : merged.arrays;
        merged.composites = own->composites ? own->composites : merged.composites;
    }
    return merged;
}

static bool map_one(const SourceColumn *column, const ColumnOptions *options, MapColumn *map_column,
                    Arena *arena, ColumnPlan *plan, Error *error)
{
    plan->source = column;
    plan->on_invalid = options->has_on_invalid ? options->on_invalid : INVALID_FAIL;
    plan->field.name = options->target_name ? options->target_name : column->name;
    plan->field.description = options->description ? options->description : column->comment;
    return map_column(column, options, arena, plan, error);
}

static bool is_name_taken(const TablePlan *plan, const char *name, size_t except)
{
    for (size_t i = 0; i < plan->column_count; i++) {
        if (i != except && strcasecmp(plan->columns[i].field.name, name) == 0)
            return true;
    }
    return false;
}

static const char *free_name(const TablePlan *plan, size_t column, Arena *arena)
{
    const char *wanted = name_suggest(plan->columns[column].field.name, arena);
    const char *name = wanted;
    for (int i = 2; is_name_taken(plan, name, column); i++)
        name = arena_printf(arena, "%.290s_%d", wanted, i);
    return name;
}

/* All of them in one message: a table from a spreadsheet has twenty. */
static bool check_names(const TablePlan *plan, Arena *arena, Error *error)
{
    const char *problems = NULL, *fix = "";
    size_t shown = 0;
    for (size_t i = 0; i < plan->column_count && shown < 20; i++) {
        const char *name = plan->columns[i].field.name;
        const char *problem = name_problem(name, false);
        if (!problem)
            continue;
        problems = arena_printf(arena, "%s%s\"%s\" %s", problems ? problems : "",
                                problems ? "; " : "", name, problem);
        fix = arena_printf(arena, "%s%s%s: {name: %s}", fix, shown ? ", " : "",
                           name_as_key(plan->columns[i].source->name, arena),
                           free_name(plan, i, arena));
        shown++;
    }
    if (!problems)
        return true;
    error_set(error, ERROR_CONFIG, "%s: BigQuery takes no such column names: %s",
              table_label(plan->table, arena), problems);
    return error_hint(error, "rename in the job: columns: {%s}", fix);
}

static bool check_twins(const TablePlan *plan, Arena *arena, Error *error)
{
    for (size_t i = 1; i < plan->column_count; i++) {
        for (size_t j = 0; j < i; j++) {
            const ColumnPlan *first = &plan->columns[j], *second = &plan->columns[i];
            if (strcasecmp(first->field.name, second->field.name) != 0)
                continue;
            error_set(error, ERROR_CONFIG,
                      "%s: columns \"%s\" and \"%s\" would both be \"%s\" in BigQuery, where upper "
                      "and lower case are one",
                      table_label(plan->table, arena), first->source->name, second->source->name,
                      second->field.name);
            return error_hint(error, "rename one in the job: columns: {%s: {name: %s}}",
                              name_as_key(second->source->name, arena), free_name(plan, i, arena));
        }
    }
    return true;
}

bool mapping_plan(const SourceTable *table, const MappingOptions *options, MapColumn *map_column,
                  Arena *arena, TablePlan *ret_plan, Error *error)
{
    if (!check_option_names(table, options, arena, error))
        return false;
    const SourceColumn **wanted = select_columns(table, options, arena, error);
    if (!wanted)
        return false;
    size_t count = options->select ? options->select_count : table->column_count;
    if (count == 0)
        return error_set(error, ERROR_CONFIG, "%s: there is no column to carry",
                         table_label(table, arena));

    ColumnPlan *columns = ARENA_ARRAY(arena, ColumnPlan, count);
    Field *fields = ARENA_ARRAY(arena, Field, count);
    for (size_t i = 0; i < count; i++) {
        ColumnOptions merged = merge_options(options, wanted[i]);
        if (!map_one(wanted[i], &merged, map_column, arena, &columns[i], error))
            return error_prefix(error, "%s", table_label(table, arena));
        fields[i] = columns[i].field;
    }
    TablePlan plan = {
        .table = table,
        .columns = columns,
        .column_count = count,
        .schema = {.fields = fields, .field_count = count, .description = table->comment},
    };
    if (!check_names(&plan, arena, error) || !check_twins(&plan, arena, error))
        return false;
    *ret_plan = plan;
    return true;
}

const char *confidence_name(Confidence confidence)
{
    static const char *const names[] = {"high", "medium", "low"};
    return names[confidence];
}
