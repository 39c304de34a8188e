/* SPDX-License-Identifier: Apache-2.0 */
#include "source/mysql/range.h"

#include "support/my_type.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>

#include <cmocka.h>

typedef struct Sample {
    CursorKind kind;
    const char *low, *low_key, *high;
    bool after_low, through_high;
    const char *expected; /* NULL: no condition */
} Sample;

static const Sample samples[] = {
    {CURSOR_INTEGER, NULL, NULL, NULL, false, false, NULL},
    {CURSOR_INTEGER, NULL, NULL, "9", false, false, "`a``t` < 9"},
    {CURSOR_INTEGER, "-5", NULL, "9", true, true, "`a``t` > -5 AND `a``t` <= 9"},
    {CURSOR_DATE, NULL, NULL, "2026-01-31", false, false,
     "`a``t` >= DATE'0001-01-01' AND `a``t` < DATE'2026-01-31'"},
    {CURSOR_WALL, "2026-01-31 00:00:00", NULL, NULL, false, false,
     "`a``t` >= TIMESTAMP'2026-01-31 00:00:00'"},
    {CURSOR_INSTANT, NULL, NULL, "2026-01-31 02:00:00.5+02", false, false,
     "`a``t` >= TIMESTAMP'1970-01-01 00:00:01' AND `a``t` < TIMESTAMP'2026-01-31 00:00:00.5'"},
    {CURSOR_INSTANT, NULL, NULL, "12026-01-31 00:00:00+00", false, true,
     "`a``t` >= TIMESTAMP'1970-01-01 00:00:01' AND `a``t` <= TIMESTAMP'9999-12-31 23:59:59.999999'"},
    {CURSOR_DATE, "2026-01-31", "7", NULL, false, false,
     "`a``t` >= DATE'2026-01-31' AND (`a``t` > DATE'2026-01-31' OR `id` >= 7)"},
    {CURSOR_DATE, "2026-01-31", "x'y", NULL, true, false,
     "`a``t` >= DATE'2026-01-31' AND (`a``t` > DATE'2026-01-31' OR `id` > 'x''y')"},
};

static void makes_conditions(void **state)
{
    (void)state;
    Arena arena = {0};
    const CursorRef ref = {.column = "a`t", .key_column = "id"};
    const SourceColumn id = {.name = "id", .type = my_type_parse("bigint", &arena)};
    const SourceTable table = {.name = "t", .columns = &id, .column_count = 1};
    const TablePlan plan = {.table = &table};
    for (size_t i = 0; i < sizeof samples / sizeof *samples; i++) {
        const Sample *sample = &samples[i];
        const CursorRange range = {
            .cursor = &ref,
            .kind = sample->kind,
            .low = sample->low,
            .low_key = sample->low_key,
            .high = sample->high,
            .after_low = sample->after_low,
            .through_high = sample->through_high,
        };
        const Extract extract = {.plan = &plan, .range = &range};
        const char *condition = mysql_range_condition(&extract, &arena);
        if (!sample->expected)
            assert_null(condition);
        else
            assert_string_equal(condition, sample->expected);
    }
    arena_done(&arena);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(makes_conditions)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
