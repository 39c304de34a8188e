/* SPDX-License-Identifier: Apache-2.0 */
#include "run/cursor_plan.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>

#include <cmocka.h>

static CursorPlan plan_of(CursorKind kind, const char *comparison, const char *lookback,
                          const char *start)
{
    static const char *const columns[] = {"at", "id"};
    const CursorConfig config = {
        .columns = {columns, 2},
        .comparison = comparison,
        .lookback = lookback,
        .start = start,
        .time_zone = "Asia/Tokyo",
        .grace_ms = 7,
        .wait_ms = 9,
    };
    CursorPlan plan;
    Error error = {0};
    if (!cursor_plan_make(&config, NULL, kind, &plan, &error))
        fail_msg("%s", error.message);
    return plan;
}

static JobCursor at(CursorKind kind, const char *comparison, const char *value, const char *key)
{
    return (JobCursor){.column = "at",
                       .key_column = "id",
                       .kind = kind,
                       .comparison = comparison,
                       .value = value,
                       .key = key};
}

/* One step: the range as the source is asked for it, "[low, high)" with its edges. */
typedef struct Step {
    CursorKind kind;
    const char *comparison;
    const char *lookback;
    const char *start;
    const char *state; /* NULL: a first run */
    const char *state_comparison;
    const char *bound;    /* exclusive, as text of the kind */
    const char *expected; /* NULL: nothing to read */
    const char *next;     /* what the state keeps */
} Step;

#define DAY "2026-01-31 00:00:00+00"

static const Step steps[] = {
    {CURSOR_INTEGER, ">=", NULL, NULL, NULL, NULL, "10", "[, 10)", "10"},
    {CURSOR_INTEGER, ">", NULL, NULL, NULL, NULL, "10", "[, 9]", "9"},
    {CURSOR_INTEGER, ">=", NULL, NULL, "4", ">=", "10", "[4, 10)", "10"},
    {CURSOR_INTEGER, ">", NULL, NULL, "4", ">", "10", "(4, 9]", "9"},
    /* what the state means does not depend on the operator of today */
    {CURSOR_INTEGER, ">", NULL, NULL, "4", ">=", "10", "(3, 9]", "9"},
    {CURSOR_INTEGER, ">=", NULL, NULL, "4", ">", "10", "[5, 10)", "10"},
    {CURSOR_INTEGER, ">=", NULL, NULL, "10", ">=", "10", NULL, NULL},
    {CURSOR_INTEGER, ">=", NULL, NULL, "11", ">=", "10", NULL, NULL},
    {CURSOR_INTEGER, ">", NULL, NULL, "9", ">", "10", NULL, NULL},
    {CURSOR_INTEGER, ">=", "3", NULL, "8", ">=", "10", "[5, 10)", "10"},
    {CURSOR_INTEGER, ">", "3", NULL, "8", ">", "10", "(5, 9]", "9"},
    {CURSOR_INTEGER, ">=", "3", "5", NULL, NULL, "10", "[2, 10)", "10"},
    {CURSOR_INTEGER, ">", NULL, "5", NULL, NULL, "10", "(4, 9]", "9"},
    {CURSOR_INTEGER, ">=", NULL, "all", NULL, NULL, "10", "[, 10)", "10"},
    {CURSOR_DATE, ">=", "1d", NULL, "2026-01-30", ">=", "2026-01-31", "[2026-01-29, 2026-01-31)",
     "2026-01-31"},
    {CURSOR_DATE, ">", NULL, "30d", NULL, NULL, "2026-01-31", "(2025-12-31, 2026-01-30]",
     "2026-01-30"},
    {CURSOR_INSTANT, ">=", "5m", NULL, DAY, ">=", "2026-01-31 00:10:00.5+00",
     "[2026-01-30 23:55:00+00, 2026-01-31 00:10:00.5+00)", "2026-01-31 00:10:00.5+00"},
    {CURSOR_INSTANT, ">", NULL, NULL, DAY, ">", "2026-01-31 00:10:00+00",
     "(2026-01-31 00:00:00+00, 2026-01-31 00:09:59.999999+00]", "2026-01-31 00:09:59.999999+00"},
    {CURSOR_WALL, ">=", NULL, "2026-01-01", NULL, NULL, "2026-01-31 00:00:00",
     "[2026-01-01 00:00:00, 2026-01-31 00:00:00)", "2026-01-31 00:00:00"},
};

static const char *range_text(const CursorRange *range, Arena *arena)
{
    return arena_printf(arena, "%s%s, %s%s", range->after_low ? "(" : "[",
                        range->low ? range->low : "", range->high, range->through_high ? "]" : ")");
}

static void test_ranges(void **state)
{
    (void)state;
    Arena arena = {0};
    for (size_t i = 0; i < sizeof steps / sizeof *steps; i++) {
        const Step *step = &steps[i];
        CursorPlan plan = plan_of(step->kind, step->comparison, step->lookback, step->start);
        JobCursor cursor = {0};
        int64_t bound;
        PlannedRange range;
        if (step->state)
            cursor = at(step->kind, step->state_comparison, step->state, NULL);
        assert_true(cursor_parse(step->kind, step->bound, &bound));
        bool found = cursor_plan_next(&plan, &cursor, bound, 0, NULL, &range);
        if (found != (step->expected != NULL))
            fail_msg("step %zu: %s", i, found ? "a range" : "nothing");
        if (!found)
            continue;
        assert_true(range.is_last);
        CursorRange source = cursor_plan_range(&plan, &range, &arena);
        assert_string_equal(range_text(&source, &arena), step->expected);
        assert_string_equal(cursor_plan_value(&plan, range.high, &arena), step->next);
    }
    arena_done(&arena);
}

/* Whatever bounds come, and whatever the operators: each place is in exactly one range. */
static void test_each_place_is_read_once(void **state)
{
    (void)state;
    Arena arena = {0};
    unsigned random = 7;
    for (int round = 0; round < 200; round++) {
        int read[64] = {0};
        JobCursor cursor = {0};
        int64_t bound = 0;
        while (bound < 64) {
            random = random * 1103515245 + 12345;
            bound += (random >> 16) % 9;
            bound = bound > 64 ? 64 : bound;
            CursorPlan plan = plan_of(CURSOR_INTEGER, (random >> 20) & 1 ? ">" : ">=", NULL, NULL);
            PlannedRange range;
            if (!cursor_plan_next(&plan, &cursor, bound, 0, NULL, &range))
                continue;
            CursorRange source = cursor_plan_range(&plan, &range, &arena);
            int64_t low = INT64_MIN, high = 0;
            assert_true(!source.low || cursor_parse(CURSOR_INTEGER, source.low, &low));
            assert_true(cursor_parse(CURSOR_INTEGER, source.high, &high));
            for (int64_t place = 0; place < 64; place++)
                read[place] += (source.after_low ? place > low : place >= low) &&
                               (source.through_high ? place <= high : place < high);
            cursor = at(CURSOR_INTEGER, plan.comparison,
                        cursor_plan_value(&plan, range.high, &arena), NULL);
        }
        for (int place = 0; place < 64; place++)
            assert_int_equal(read[place], 1);
    }
    arena_done(&arena);
}

static void test_windows(void **state)
{
    (void)state;
    CursorPlan plan = plan_of(CURSOR_INTEGER, ">=", NULL, NULL);
    JobCursor none = {0}, some = at(CURSOR_INTEGER, ">=", "100", NULL);
    int64_t first = 50, far = 5000;
    PlannedRange range;
    assert_true(cursor_plan_next(&plan, &none, 1000, 20, &first, &range));
    assert_false(range.has_low || range.is_last);
    assert_int_equal(range.high, 70);
    /* windows without rows are passed over */
    assert_true(cursor_plan_next(&plan, &some, 10000, 20, &far, &range));
    assert_int_equal(range.low, 100);
    assert_int_equal(range.high, 5020);
    /* the last one goes to the bound */
    first = 990;
    assert_true(cursor_plan_next(&plan, &some, 1000, 20, &first, &range));
    assert_true(range.is_last);
    assert_int_equal(range.high, 1000);
    assert_true(cursor_plan_next(&plan, &some, 1000, 20, NULL, &range));
    assert_true(range.is_last);
    assert_int_equal(range.high, 1000);
}

static void test_keys(void **state)
{
    (void)state;
    Arena arena = {0};
    CursorPlan plan = plan_of(CURSOR_INTEGER, ">", NULL, NULL);
    JobCursor cursor = at(CURSOR_INTEGER, ">", "9", "abc");
    PlannedRange range;
    /* rows of the value itself may be left */
    assert_true(cursor_plan_next(&plan, &cursor, 10, 0, NULL, &range));
    CursorRange source = cursor_plan_range(&plan, &range, &arena);
    assert_string_equal(source.low, "9");
    assert_string_equal(source.low_key, "abc");
    assert_true(source.after_low);
    plan = plan_of(CURSOR_INTEGER, ">", "3", NULL);
    assert_true(cursor_plan_next(&plan, &cursor, 12, 0, NULL, &range));
    source = cursor_plan_range(&plan, &range, &arena);
    assert_null(source.low_key);
    assert_string_equal(source.low, "6");
    arena_done(&arena);
}

static void test_what_is_not_of_the_kind(void **state)
{
    static const struct {
        CursorKind kind;
        const char *lookback, *start, *window, *words;
    } wrong[] = {
        {CURSOR_INTEGER, "5m", NULL, NULL, "expected a count"},
        {CURSOR_INSTANT, "1000", NULL, NULL, "expected a duration"},
        {CURSOR_INTEGER, NULL, "30d", NULL, "expected a whole number"},
        {CURSOR_WALL, NULL, "2026-01-01T00:00:00Z", NULL, "without a time zone"},
        {CURSOR_DATE, NULL, "7", NULL, "a date such as"},
        {CURSOR_INTEGER, NULL, NULL, "7d", "backfill.window"},
    };
    (void)state;
    for (size_t i = 0; i < sizeof wrong / sizeof *wrong; i++) {
        static const char *const columns[] = {"at"};
        const CursorConfig config = {
            .columns = {columns, 1},
            .comparison = ">=",
            .lookback = wrong[i].lookback,
            .start = wrong[i].start,
        };
        CursorPlan plan;
        Error error = {0};
        assert_false(cursor_plan_make(&config, wrong[i].window, wrong[i].kind, &plan, &error));
        assert_int_equal(error.kind, ERROR_CONFIG);
        if (!strstr(error.message, wrong[i].words))
            fail_msg("%s", error.message);
    }
}

static void test_places_of_a_backfill(void **state)
{
    static const struct {
        CursorKind kind;
        const char *text;
        bool is_end;
        const char *expected;
    } places[] = {
        {CURSOR_INSTANT, "2026-01-31", false, "2026-01-31 00:00:00+00"},
        {CURSOR_INSTANT, "2026-01-31", true, "2026-02-01 00:00:00+00"},
        {CURSOR_INSTANT, "2026-01-31T00:00:00Z", true, "2026-01-31 00:00:00+00"},
        {CURSOR_WALL, "2026-01-31", true, "2026-02-01 00:00:00"},
        {CURSOR_DATE, "2026-01-31", false, "2026-01-31"},
        {CURSOR_DATE, "2026-01-31", true, "2026-02-01"},
        {CURSOR_INTEGER, "10", true, "10"},
    };
    (void)state;
    Arena arena = {0};
    for (size_t i = 0; i < sizeof places / sizeof *places; i++) {
        int64_t place;
        Error error = {0};
        assert_true(
            cursor_plan_place(places[i].kind, places[i].text, places[i].is_end, &place, &error));
        assert_string_equal(cursor_format(places[i].kind, place, &arena), places[i].expected);
    }
    int64_t place;
    Error error = {0};
    assert_false(cursor_plan_place(CURSOR_DATE, "yesterday", false, &place, &error));
    assert_int_equal(error.kind, ERROR_USAGE);
    arena_done(&arena);
}

static void test_whose_state_it_is(void **state)
{
    (void)state;
    Arena arena = {0};
    JobCursor own = {.column = "at", .source = "a.b", .destination = "duckdb x", .table = "m.t"};
    JobCursor wanted = own, none = {0};
    assert_null(cursor_plan_foreign(&own, &wanted, &arena));
    assert_null(cursor_plan_foreign(&none, &wanted, &arena));
    wanted.source = "a.c";
    assert_non_null(strstr(cursor_plan_foreign(&own, &wanted, &arena), "a.b"));
    wanted = own;
    wanted.column = "id";
    assert_non_null(strstr(cursor_plan_foreign(&own, &wanted, &arena), "cursor is id"));
    wanted = own;
    wanted.key_column = "id";
    assert_non_null(cursor_plan_foreign(&own, &wanted, &arena));
    wanted = own;
    wanted.table = "m.u";
    assert_non_null(strstr(cursor_plan_foreign(&own, &wanted, &arena), "m.u"));
    wanted = own;
    wanted.destination = "bigquery p";
    assert_non_null(strstr(cursor_plan_foreign(&own, &wanted, &arena), "bigquery p"));
    arena_done(&arena);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_ranges),
        cmocka_unit_test(test_each_place_is_read_once),
        cmocka_unit_test(test_windows),
        cmocka_unit_test(test_keys),
        cmocka_unit_test(test_what_is_not_of_the_kind),
        cmocka_unit_test(test_places_of_a_backfill),
        cmocka_unit_test(test_whose_state_it_is),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
