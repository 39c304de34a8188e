/* SPDX-License-Identifier: Apache-2.0 */
#include "schema/mapping.h"

#include "support/mapping_options.h"
#include "support/pg_type.h"
#include "support/text_table.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

static const char *plan_text(const ColumnPlan *plan, Arena *arena)
{
    static const char *const forms[] = {"plain", "text", "json", "at", "numeric"};
    return arena_printf(arena, "%s%s %s%s%s %s", mapping_type_text(&plan->field, arena),
                        plan->field.mode == MODE_REQUIRED ? " REQUIRED" : "", forms[plan->select],
                        plan->time_zone ? " " : "", plan->time_zone ? plan->time_zone : "",
                        confidence_name(plan->confidence));
}

static bool warnings_match(const ColumnPlan *plan, char *expected)
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

static bool complain(const TextRow *row, const char *got)
{
    printf("%s:%d: %s: got %s\n", row->file, row->line, row->cells[0], got);
    return false;
}

static bool check_row_in(const TextRow *row, Arena *arena)
{
    const char *text = row->cells[0];
    SourceColumn column = {.name = "c", .type = pg_type_parse(&text, arena)};
    ColumnOptions options = mapping_options_parse(row->cells[1], arena);
    ColumnPlan plan = {.source = &column, .field = {.name = "c"}, .on_invalid = options.on_invalid};
    Error error = {0};
    if (!mapping_postgres(&column, &options, arena, &plan, &error)) {
        const char *wanted;
        bool good = option_starts(row->cells[2], "error: ", &wanted) &&
                    error.kind == ERROR_CONFIG &&
                    (strstr(error.message, wanted) || strstr(error.hint, wanted));
        return good || complain(row, arena_printf(arena, "%s (%s)", error.message, error.hint));
    }
    const char *got = plan_text(&plan, arena);
    if (strcmp(got, row->cells[2]) != 0)
        return complain(row, got);
    if (warnings_match(&plan, row->cells[3]))
        return true;
    complain(row, plan.warning_count ? "these warnings:" : "no warning");
    for (size_t i = 0; i < plan.warning_count; i++)
        printf("    %s\n", plan.warnings[i]);
    return false;
}

static bool check_row(const TextRow *row)
{
    Arena arena = {0};
    bool good = check_row_in(row, &arena);
    arena_done(&arena);
    return good;
}

static void maps_every_type_as_the_table_says(void **state)
{
    (void)state;
    assert_int_equal(text_table_check(TEST_DATA "/mapping/postgres.txt", check_row), 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(maps_every_type_as_the_table_says),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
