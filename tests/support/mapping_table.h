/* SPDX-License-Identifier: Apache-2.0 */
/* support/mapping_table.h: rows of tests/data/mapping: type | options | target type, how it is
 * selected, confidence | warnings. */
#pragma once

#include "model/type_text.h"
#include "support/mapping_options.h"
#include "support/text_table.h"

static const char *mapping_table_text(const ColumnPlan *plan, Arena *arena)
{
    static const char *const forms[] = {"plain", "text", "json", "at", "numeric"};
    return arena_printf(arena, "%s%s %s%s%s %s", type_text_of(&plan->field, arena),
                        plan->field.mode == MODE_REQUIRED ? " REQUIRED" : "", forms[plan->select],
                        plan->time_zone ? " " : "", plan->time_zone ? plan->time_zone : "",
                        confidence_name(plan->confidence));
}

static bool mapping_table_warnings(const ColumnPlan *plan, char *expected)
{
    if (strcmp(expected, "-") == 0)
        return plan->warning_count == 0;
    size_t count = 0;
    for (char *next; expected; expected = next, count++) {
        next = strstr(expected, ";;");
        if (next) {
            *next = '\0';
            next += 2;
        }
        if (count >= plan->warning_count || !strstr(plan->warnings[count], expected))
            return false;
    }
    return count == plan->warning_count;
}

static bool mapping_table_complain(const TextRow *row, const char *got)
{
    printf("%s:%d: %s: got %s\n", row->file, row->line, row->cells[0], got);
    return false;
}

/* False (it has said why) when the row is not what `map_column` makes of the type. */
static bool mapping_table_check(const TextRow *row, SourceType type, MapColumn *map_column,
                                Arena *arena)
{
    SourceColumn column = {.name = "c", .type = type};
    ColumnOptions options = mapping_options_parse(row->cells[1], arena);
    ColumnPlan plan = {.source = &column, .field = {.name = "c"}, .on_invalid = options.on_invalid};
    Error error = {0};
    if (!map_column(&column, &options, arena, &plan, &error)) {
        const char *wanted;
        bool good = option_starts(row->cells[2], "error: ", &wanted) &&
                    error.kind == ERROR_CONFIG &&
                    (strstr(error.message, wanted) || strstr(error.hint, wanted));
        return good || mapping_table_complain(
                           row, arena_printf(arena, "%s (%s)", error.message, error.hint));
    }
    const char *got = mapping_table_text(&plan, arena);
    if (strcmp(got, row->cells[2]) != 0)
        return mapping_table_complain(row, got);
    if (mapping_table_warnings(&plan, row->cells[3]))
        return true;
    mapping_table_complain(row, plan.warning_count ? "these warnings:" : "no warning");
    for (size_t i = 0; i < plan.warning_count; i++)
        printf("    %s\n", plan.warnings[i]);
    return false;
}
