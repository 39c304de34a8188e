/* SPDX-License-Identifier: Apache-2.0 */
#include "cmd/output.h"

#include "base/cleanup.h"
#include "cmd/human.h"
#include "cmd/text_width.h"

#include <setjmp.h>
#include <stdarg.h>
#include <string.h>

#include <cmocka.h>

static Arena arena;

static const OutputColumn columns[] = {
    {.title = "name", .most = 6},
    {.title = "rows", .right = true},
    {.title = "empty"},
    {.title = "note"},
    {0},
};

#define ADD(table, ...) output_table_add(table, (const char *const[]){__VA_ARGS__})

static void assert_prints(const OutputTable *table, size_t indent, const char *expected)
{
    CLEANUP(free_ptr) char *bytes = NULL;
    size_t size;
    FILE *out = open_memstream(&bytes, &size);
    output_table_print(table, out, indent);
    fclose(out);
    assert_string_equal(bytes, expected);
}

static void aligns_columns(void **state)
{
    (void)state;
    OutputTable table;
    output_table_init(&table, columns, &arena);
    ADD(&table, "a", "1", NULL, "x");
    ADD(&table, "bb", "1,234", "", NULL);
    ADD(&table, NULL, "12", NULL, "yy");
    assert_prints(&table, 0,
                  "name   rows  note\n"
                  "a         1  x\n"
                  "bb    1,234\n"
                  "         12  yy\n");
    assert_prints(&table, 2,
                  "  name   rows  note\n"
                  "  a         1  x\n"
                  "  bb    1,234\n"
                  "           12  yy\n");
}

static void counts_columns_not_bytes(void **state)
{
    (void)state;
    OutputTable table;
    output_table_init(&table, columns, &arena);
    ADD(&table, "éé", "1", NULL, "a");
    ADD(&table, "日本", "2", NULL, "b");
    ADD(&table, "abcdefghij", "3", NULL, "c");
    ADD(&table, "日本語の表", "4", NULL, "d");
    assert_prints(&table, 0,
                  "name    rows  note\n"
                  "éé         1  a\n"
                  "日本       2  b\n"
                  "abcde…     3  c\n"
                  "日本…      4  d\n");
}

static void prints_nothing_of_nothing(void **state)
{
    (void)state;
    OutputTable table;
    output_table_init(&table, columns, &arena);
    assert_prints(&table, 0, "");
}

static void grows(void **state)
{
    (void)state;
    OutputTable table;
    output_table_init(&table, columns, &arena);
    for (int i = 0; i < 100; i++)
        ADD(&table, i == 99 ? "last" : "x", NULL, NULL, NULL);
    assert_int_equal(table.row_count, 100);
    assert_string_equal(table.cells[99 * 4], "last");
    assert_string_equal(table.cells[0], "x");
}

static void measures_widths(void **state)
{
    (void)state;
    assert_int_equal(text_width(view_of("")), 0);
    assert_int_equal(text_width(view_of("abc")), 3);
    assert_int_equal(text_width(view_of("Zürich")), 6);
    assert_int_equal(text_width(view_of("Zu\xcc\x88rich")), 6); /* u and a combining diaeresis */
    assert_int_equal(text_width(view_of("東京")), 4);
    assert_int_equal(text_width(view_of("한국")), 4);
    assert_int_equal(text_width(view_of("🚀")), 2);
    assert_int_equal(text_width(view_of("\xff\xfe")), 2);
    assert_string_equal(text_cut("東京都", 5, &arena), "東京…");
    assert_string_equal(text_cut("東京都", 4, &arena), "東…");
    assert_string_equal(text_cut("東京", 4, &arena), "東京");
    assert_string_equal(text_cut("abc", 0, &arena), "");
}

static void nothing_steers_the_terminal(void **state)
{
    (void)state;
    assert_string_equal(text_visible("a\nb\tc\\", &arena), "a\\nb\\tc\\");
    assert_string_equal(text_visible("\x1b[31m\x7f", &arena), "\\x1b[31m\\x7f");
    assert_string_equal(text_visible("\xc2\x9b", &arena), "\\xc2\\x9b"); /* U+009B: CSI */
    assert_string_equal(text_visible("ok \xff é", &arena), "ok \\xff é");
}

static void wraps_words(void **state)
{
    (void)state;
    CLEANUP(free_ptr) char *bytes = NULL;
    size_t size;
    FILE *out = open_memstream(&bytes, &size);
    output_wrapped(out, "one two three four\n\nfive\n  as it is", 2, 10);
    fclose(out);
    assert_string_equal(bytes, "  one two\n  three\n  four\n\n  five\n    as it is\n");
}

static void numbers_for_people(void **state)
{
    (void)state;
    char text[HUMAN_SIZE];
    assert_string_equal(human_count(0, text), "0");
    assert_string_equal(human_count(999, text), "999");
    assert_string_equal(human_count(1000, text), "1,000");
    assert_string_equal(human_count(1234567, text), "1,234,567");
    assert_string_equal(human_count(INT64_MAX, text), "9,223,372,036,854,775,807");
    assert_string_equal(human_count(-1, text), "?");
    assert_string_equal(human_estimate(0, text), "0");
    assert_string_equal(human_estimate(999, text), "999");
    assert_string_equal(human_estimate(1004, text), "~1,000");
    assert_string_equal(human_estimate(1006, text), "~1,010");
    assert_string_equal(human_estimate(1234567, text), "~1,230,000");
    assert_string_equal(human_estimate(-1, text), "?");
    assert_string_equal(human_bytes(0, text), "0 B");
    assert_string_equal(human_bytes(999, text), "999 B");
    assert_string_equal(human_bytes(1234, text), "1.2 kB");
    assert_string_equal(human_bytes(12345, text), "12 kB");
    assert_string_equal(human_bytes(999999, text), "1.0 MB");
    assert_string_equal(human_bytes(34000000000, text), "34 GB");
    assert_string_equal(human_bytes(-1, text), "?");
}

static void durations_for_people(void **state)
{
    (void)state;
    char text[HUMAN_SIZE];
    const int64_t second = 1000000000;
    assert_string_equal(human_duration(0, text), "0.00 s");
    assert_string_equal(human_duration(420000000, text), "0.42 s");
    assert_string_equal(human_duration(12 * second + second / 3, text), "12.3 s");
    assert_string_equal(human_duration(60 * second - 1, text), "1m00s");
    assert_string_equal(human_duration(245 * second, text), "4m05s");
    assert_string_equal(human_duration(11220 * second, text), "3h07m");
    assert_string_equal(human_duration(59 * second + 940000000, text), "59.9 s");
    assert_string_equal(human_seconds(1, text), "1 s");
    assert_string_equal(human_seconds(59, text), "59 s");
    assert_string_equal(human_seconds(60, text), "1m00s");
    assert_string_equal(human_seconds(3600, text), "1h00m");
}

static int free_arena(void **state)
{
    (void)state;
    arena_done(&arena);
    return 0;
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(aligns_columns),
        cmocka_unit_test(counts_columns_not_bytes),
        cmocka_unit_test(prints_nothing_of_nothing),
        cmocka_unit_test(grows),
        cmocka_unit_test(measures_widths),
        cmocka_unit_test(nothing_steers_the_terminal),
        cmocka_unit_test(wraps_words),
        cmocka_unit_test(numbers_for_people),
        cmocka_unit_test(durations_for_people),
    };
    return cmocka_run_group_tests_name("cmd/output", tests, NULL, free_arena);
}
