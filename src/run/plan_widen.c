/* SPDX-License-Identifier: Apache-2.0 */
#include "run/plan_widen.h"

#include "model/type_text.h"
#include "run/plan_merge.h"
#include "schema/widen.h"

#include <string.h>

/* The options of a source column; a place for them at the end when there are none. */
static ColumnOptions *options_of(MappingOptions *options, ColumnOptions *columns, const char *name)
{
    for (size_t i = 0; i < options->column_count; i++) {
        if (strcmp(columns[i].name, name) == 0)
            return &columns[i];
    }
    columns[options->column_count] = (ColumnOptions){.name = name};
    return &columns[options->column_count++];
}

static bool take_type(const Field *existing, const ColumnPlan *column, ColumnOptions *own,
                      Arena *arena)
{
    if (own->type || !field_widens(existing, &column->field))
        return false;
    Field scalar = *existing;
    scalar.mode = MODE_NULLABLE;
    own->type = type_text_of(&scalar, arena);
    return true;
}

static bool take_mode(const Field *existing, const ColumnPlan *column, ColumnOptions *own)
{
    if (own->has_required || existing->mode != MODE_REQUIRED || !column->source->not_null ||
        column->field.mode != MODE_NULLABLE)
        return false;
    return own->has_required = own->required = true;
}

MappingOptions plan_widen(PlannedJob *planned, const MappingOptions *options, Arena *arena)
{
    const TablePlan *plan = &planned->plan;
    MappingOptions wider = *options;
    ColumnOptions *columns =
        ARENA_ARRAY(arena, ColumnOptions, options->column_count + plan->column_count);
    const char *names = NULL;
    bool changed = false;
    if (options->column_count)
        memcpy(columns, options->columns, options->column_count * sizeof *columns);
    for (size_t i = 0; i < plan->column_count; i++) {
        const ColumnPlan *column = &plan->columns[i];
        const Field *existing = schema_field(&planned->existing.schema, column->field.name);
        if (!existing)
            continue;
        ColumnOptions *own = options_of(&wider, columns, column->source->name);
        if (take_type(existing, column, own, arena))
            names = arena_printf(arena, "%s%s%s (%s)", names ? names : "", names ? ", " : "",
                                 column->field.name, own->type);
        changed |= take_mode(existing, column, own);
    }
    wider.columns = columns;
    if (names)
        planned_note(
            planned, arena,
            arena_printf(arena, "columns of the wider type that the table has: %s", names));
    return names || changed ? wider : *options;
}
