/* SPDX-License-Identifier: Apache-2.0 */
#include "base/clock.h"
#include "base/id.h"
#include "base/json_text.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

static void check_literal(StrView text, const char *expected)
{
    char *printed;
    size_t size;
    FILE *out = open_memstream(&printed, &size);
    json_text_print(out, text);
    fclose(out);
    assert_string_equal(printed, expected);
    free(printed);
}

static void json_literals_escape_and_replace(void **state)
{
    (void)state;
    check_literal(view_of(""), "\"\"");
    check_literal(view_of("a \"b\" \\ /"), "\"a \\\"b\\\" \\\\ /\"");
    check_literal(view_of("\n\t\r\x01\x7f"), "\"\\n\\t\\r\\u0001\\u007f\"");
    check_literal((StrView){"a\0b", 3}, "\"a\\u0000b\"");
    check_literal(view_of("\xc3\xa9\xff."), "\"\xc3\xa9\xef\xbf\xbd.\"");
}

static void times_are_utc_with_microseconds(void **state)
{
    (void)state;
    char text[CLOCK_TEXT_SIZE];
    clock_format_utc(0, text);
    assert_string_equal(text, "1970-01-01T00:00:00.000000Z");
    clock_format_utc(1709209845000042, text); /* a leap day */
    assert_string_equal(text, "2024-02-29T12:30:45.000042Z");
    assert_true(clock_wall_us() > 1709209845000042);
}

static void run_ids_differ_and_are_safe(void **state)
{
    (void)state;
    char first[ID_SIZE], second[ID_SIZE];
    id_new_run(first);
    id_new_run(second);
    assert_string_not_equal(first, second);
    assert_int_equal(strlen(first), 28);
    assert_int_equal(strspn(first, "abcdefghijklmnopqrstuvwxyz0123456789-"), 28);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(json_literals_escape_and_replace),
        cmocka_unit_test(times_are_utc_with_microseconds),
        cmocka_unit_test(run_ids_differ_and_are_safe),
    };
    return cmocka_run_group_tests_name("base/text", tests, NULL, NULL);
}
