/* SPDX-License-Identifier: Apache-2.0 */
#include "source/postgres/range.h"

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
    {CURSOR_INTEGER, "5", NULL, NULL, false, false, "\"a\"\"t\" >= '5'::pg_catalog.int8"},
    {CURSOR_INTEGER, "5", NULL, "9", true, true,
     "\"a\"\"t\" > '5'::pg_catalog.int8 AND \"a\"\"t\" <= '9'::pg_catalog.int8"},
    {CURSOR_DATE, NULL, NULL, "2026-01-31", false, false,
     "\"a\"\"t\" < '2026-01-31'::pg_catalog.date"},
    {CURSOR_WALL, "2026-01-31 00:00:00", NULL, NULL, false, false,
     "\"a\"\"t\" >= '2026-01-31 00:00:00'::pg_catalog.timestamp"},
    {CURSOR_INSTANT, "2026-01-31 00:00:00+00", "x'y", NULL, true, false,
     "(\"a\"\"t\", \"id\") > ('2026-01-31 00:00:00+00'::pg_catalog.timestamptz, 'x''y')"},
};

static CursorRange range_of(const Sample *sample, const CursorRef *ref)
{
    return (CursorRange){
        .cursor = ref,
        .kind = sample->kind,
        .low = sample->low,
        .low_key = sample->low_key,
        .high = sample->high,
        .after_low = sample->after_low,
        .through_high = sample->through_high,
    };
}

static void test_conditions(void **state)
{
    const CursorRef ref = {.column = "a\"t", .key_column = "id"};
    (void)state;
    Arena arena = {0};
    for (size_t i = 0; i < sizeof samples / sizeof *samples; i++) {
        CursorRange range = range_of(&samples[i], &ref);
        const char *condition = range_condition(&range, &arena);
        if (!samples[i].expected)
            assert_null(condition);
        else
            assert_string_equal(condition, samples[i].expected);
    }
    arena_done(&arena);
}

static void test_parts(void **state)
{
    static const char *const expected[] = {
        "\"at\" > '10'::pg_catalog.int8 AND \"at\" < '13'::pg_catalog.int8",
        "\"at\" >= '13'::pg_catalog.int8 AND \"at\" < '16'::pg_catalog.int8",
        "\"at\" >= '16'::pg_catalog.int8 AND \"at\" <= '20'::pg_catalog.int8",
    };
    const CursorRef ref = {.column = "at"};
    CursorRange range = {.cursor = &ref,
                         .kind = CURSOR_INTEGER,
                         .low = "10",
                         .high = "20",
                         .after_low = true,
                         .through_high = true};
    (void)state;
    Arena arena = {0};
    RangeSpan span;
    assert_true(range_span(&range, &span));
    for (size_t i = 0; i < 3; i++)
        assert_string_equal(range_part(&range, &span, 3, i, &arena), expected[i]);
    assert_null(range_part(&range, &span, 11, 0, &arena));
    span = (RangeSpan){16, 19}; /* where rows were seen; the ends stay those of the range */
    assert_string_equal(range_part(&range, &span, 2, 0, &arena),
                        "\"at\" > '10'::pg_catalog.int8 AND \"at\" < '17'::pg_catalog.int8");
    assert_string_equal(range_part(&range, &span, 2, 1, &arena),
                        "\"at\" >= '17'::pg_catalog.int8 AND \"at\" <= '20'::pg_catalog.int8");
    range.low = NULL;
    assert_false(range_span(&range, &span));
    assert_string_equal(range_part(&range, &(RangeSpan){16, 19}, 2, 0, &arena),
                        "\"at\" < '17'::pg_catalog.int8");
    assert_null(range_part(&range, &(RangeSpan){INT64_MIN, INT64_MAX}, 2, 0, &arena));
    arena_done(&arena);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_conditions),
        cmocka_unit_test(test_parts),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
