/* SPDX-License-Identifier: Apache-2.0 */
#include "model/cursor.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>

#include <cmocka.h>

#define US INT64_C(1000000)

typedef struct Sample {
    CursorKind kind;
    const char *text;
    int64_t place;
    const char *printed; /* NULL: as text */
} Sample;

/* Places by `date -u -d … +%s`. */
static const Sample samples[] = {
    {CURSOR_INSTANT, "1970-01-01 00:00:00+00", 0, NULL},
    {CURSOR_INSTANT, "2026-01-31 12:34:56.789012+00", 1769862896 * US + 789012, NULL},
    {CURSOR_INSTANT, "2026-01-31T12:34:56.7890120000Z", 1769862896 * US + 789012,
     "2026-01-31 12:34:56.789012+00"},
    {CURSOR_INSTANT, "2026-01-31T14:34:56+02:00", 1769862896 * US, "2026-01-31 12:34:56+00"},
    {CURSOR_INSTANT, "2026-01-31 09:04:56-0330", 1769862896 * US, "2026-01-31 12:34:56+00"},
    {CURSOR_INSTANT, "2026-01-31 12:34", 1769862840 * US, "2026-01-31 12:34:00+00"},
    {CURSOR_INSTANT, "2026-01-31", 1769817600 * US, "2026-01-31 00:00:00+00"},
    {CURSOR_INSTANT, "1969-12-31 23:59:59.999999+00", -1, NULL},
    {CURSOR_INSTANT, "0001-01-01 00:00:00+00", INT64_C(-62135596800) * US, NULL},
    {CURSOR_INSTANT, "294246-12-31 23:59:59.999999+00", INT64_C(9223371244799) * US + 999999, NULL},
    {CURSOR_WALL, "2026-01-31 12:34:56.5", 1769862896 * US + 500000, NULL},
    {CURSOR_WALL, "2024-02-29T00:00:00", 1709164800 * US, "2024-02-29 00:00:00"},
    {CURSOR_DATE, "2026-01-31", 20484, NULL},
    {CURSOR_DATE, "1969-12-31", -1, NULL},
    {CURSOR_INTEGER, "42", 42, NULL},
    {CURSOR_INTEGER, "-9223372036854775808", INT64_MIN, NULL},
    {CURSOR_INTEGER, "9223372036854775807", INT64_MAX, NULL},
};

static void test_texts_are_places(void **state)
{
    (void)state;
    Arena arena = {0};
    for (size_t i = 0; i < sizeof samples / sizeof *samples; i++) {
        const Sample *sample = &samples[i];
        int64_t place = 7;
        if (!cursor_parse(sample->kind, sample->text, &place))
            fail_msg("not read: %s", sample->text);
        if (place != sample->place)
            fail_msg("%s: %lld", sample->text, (long long)place);
        assert_string_equal(cursor_format(sample->kind, place, &arena),
                            sample->printed ? sample->printed : sample->text);
    }
    arena_done(&arena);
}

static void test_other_texts_are_refused(void **state)
{
    static const Sample wrong[] = {
        {CURSOR_INSTANT, "", 0, NULL},
        {CURSOR_INSTANT, "infinity", 0, NULL},
        {CURSOR_INSTANT, "2026-02-29", 0, NULL},
        {CURSOR_INSTANT, "2026-13-01", 0, NULL},
        {CURSOR_INSTANT, "294247-01-01", 0, NULL},
        {CURSOR_INSTANT, "2026-01-31 12:34:60Z", 0, NULL},
        {CURSOR_INSTANT, "2026-01-31 12:34:56.1234567Z", 0, NULL},
        {CURSOR_INSTANT, "2026-01-31 12:34:56 Europe/Berlin", 0, NULL},
        {CURSOR_INSTANT, "2026-01-31 ", 0, NULL},
        {CURSOR_INSTANT, "0044-03-15 00:00:00+00 BC", 0, NULL},
        {CURSOR_WALL, "2026-01-31 12:34:56Z", 0, NULL},
        {CURSOR_WALL, "2026-01-31 12:34:56+00", 0, NULL},
        {CURSOR_DATE, "2026-01-31 00:00", 0, NULL},
        {CURSOR_DATE, "26-01-31", 0, NULL},
        {CURSOR_INTEGER, "9223372036854775808", 0, NULL},
        {CURSOR_INTEGER, "-9223372036854775809", 0, NULL},
        {CURSOR_INTEGER, "1.0", 0, NULL},
        {CURSOR_INTEGER, "-", 0, NULL},
    };
    (void)state;
    for (size_t i = 0; i < sizeof wrong / sizeof *wrong; i++) {
        int64_t place;
        if (cursor_parse(wrong[i].kind, wrong[i].text, &place))
            fail_msg("read: %s", wrong[i].text);
    }
}

static void test_distances(void **state)
{
    (void)state;
    assert_int_equal(cursor_distance(CURSOR_INSTANT, 300000), 300 * US);
    assert_int_equal(cursor_distance(CURSOR_DATE, 86400000), 1);
    assert_int_equal(cursor_distance(CURSOR_DATE, 300000), 1);
    assert_int_equal(cursor_distance(CURSOR_DATE, 0), 0);
    assert_int_equal(cursor_distance(CURSOR_INTEGER, 300000), 0);
    assert_int_equal(cursor_shift(10, -3), 7);
    assert_int_equal(cursor_shift(INT64_MAX - 1, 5), INT64_MAX);
    assert_int_equal(cursor_shift(INT64_MIN + 1, -5), INT64_MIN);
}

static void test_kinds_have_names(void **state)
{
    (void)state;
    for (int kind = 0; kind < CURSOR_KIND_COUNT_; kind++) {
        CursorKind found;
        assert_true(cursor_kind_parse(cursor_kind_name((CursorKind)kind), &found));
        assert_int_equal(found, kind);
        assert_non_null(cursor_kind_example((CursorKind)kind));
    }
    CursorKind kind;
    assert_false(cursor_kind_parse("timestamp", &kind));
    assert_false(cursor_kind_parse(NULL, &kind));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_texts_are_places),
        cmocka_unit_test(test_other_texts_are_refused),
        cmocka_unit_test(test_distances),
        cmocka_unit_test(test_kinds_have_names),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
