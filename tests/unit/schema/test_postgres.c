/* SPDX-License-Identifier: Apache-2.0 */
#include "schema/mapping.h"

#include "support/pg_type.h"
#include "support/text_table.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

static bool starts(const char *word, const char *prefix, const char **ret_rest)
{
    *ret_rest = word + strlen(prefix);
    return strncmp(word, prefix, strlen(prefix)) == 0;
}

static void read_naive(const char *value, ColumnOptions *options, Arena *arena)
{
    char *type = arena_strdup(arena, value);
    char *zone = strchr(type, ':');
    if (zone)
        *zone++ = '\0';
    options->naive_timestamp_type = *type ? type : NULL;
    options->naive_timestamp_zone = zone;
}

/* "type=DECIMAL(10, 2) required": a word without = that is no option belongs to the one before. */
static ColumnOptions read_options(const char *text, Arena *arena, InvalidPolicy *ret_policy)
{
    ColumnOptions options = {.name = "c"};
    *ret_policy = INVALID_FAIL;
    char *rest = arena_strdup(arena, text);
    for (char *word; (word = strsep(&rest, " "));) {
        const char *value;
        if (starts(word, "type=", &value))
            options.type = value;
        else if (starts(word, "naive=", &value))
            read_naive(value, &options, arena);
        else if (starts(word, "arrays=", &value))
            options.arrays = value;
        else if (starts(word, "composites=", &value))
            options.composites = value;
        else if (starts(word, "on_invalid=string", &value))
            *ret_policy = INVALID_STRING;
        else if (strcmp(word, "required") == 0)
            options.has_required = options.required = true;
        else if (options.type && *word)
            options.type = arena_printf(arena, "%s %s", options.type, word);
    }
    return options;
}

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
    ColumnPlan plan = {.source = &column, .field = {.name = "c"}};
    ColumnOptions options = read_options(row->cells[1], arena, &plan.on_invalid);
    Error error = {0};
    if (!mapping_postgres(&column, &options, arena, &plan, &error)) {
        const char *wanted;
        bool good = starts(row->cells[2], "error: ", &wanted) && error.kind == ERROR_CONFIG &&
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
