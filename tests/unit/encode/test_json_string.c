/* SPDX-License-Identifier: Apache-2.0 */
#include "encode/json_string.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

static void expect(const char *text, size_t size, const char *expected)
{
    /* exactly as large as the text, so that a read past its end is seen */
    char *copy = malloc(size ? size : 1);
    char *out = malloc(size * JSON_STRING_GROWTH + JSON_STRING_SLACK + 1);
    memcpy(copy, text, size);
    *json_string_write(out, copy, size) = 0;
    assert_string_equal(out, expected);
    free(copy);
    free(out);
}

static void escapes_what_has_to_be(void **state)
{
    (void)state;
    expect("", 0, "");
    expect("a", 1, "a");
    expect("\"", 1, "\\\"");
    expect("\\", 1, "\\\\");
    expect("/", 1, "/");
    expect("\b\t\n\f\r", 5, "\\b\\t\\n\\f\\r");
    expect("\0\x01\x1f\x7f", 4, "\\u0000\\u0001\\u001f\x7f");
    expect("gr\xc3\xb6\xc3\x9f\x65r \xe2\x82\xac", 12, "gr\xc3\xb6\xc3\x9f\x65r \xe2\x82\xac");
    static const char quotes[] = "a quote \" in the first sixteen, and then one \" more";
    expect(quotes, strlen(quotes), "a quote \\\" in the first sixteen, and then one \\\" more");
}

/* A quote at every place of texts of every length around the steps of 16. */
static void escapes_at_every_place(void **state)
{
    (void)state;
    for (size_t size = 1; size < 70; size++) {
        for (size_t place = 0; place < size; place++) {
            char text[80], expected[80];
            memset(text, 'x', size);
            memset(expected, 'x', size + 1);
            text[place] = '"';
            expected[place] = '\\';
            expected[place + 1] = '"';
            expected[size + 1] = 0;
            expect(text, size, expected);
        }
    }
}

static void grows_six_times_at_most(void **state)
{
    (void)state;
    char text[100], expected[601] = "";
    memset(text, 1, sizeof text);
    for (size_t i = 0; i < sizeof text; i++)
        memcpy(expected + 6 * i, "\\u0001", 7);
    expect(text, sizeof text, expected);
}

static void keeps_json_on_one_line(void **state)
{
    (void)state;
    static const char json[] = "{\n\t\"a\" : \"\\n stays\",\r\n  \"b\": [1,\n2, \"\xc3\xa4\"]\n}";
    static const char expected[] = "{  \"a\" : \"\\n stays\",    \"b\": [1, 2, \"\xc3\xa4\"] }";
    size_t size = strlen(json);
    char *copy = malloc(size);
    char out[100];
    memcpy(copy, json, size);
    *json_string_write_value(out, copy, size) = 0;
    assert_string_equal(out, expected);
    free(copy);
    assert_ptr_equal(json_string_write_value(out, "", 0), out);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(escapes_what_has_to_be),
        cmocka_unit_test(escapes_at_every_place),
        cmocka_unit_test(grows_six_times_at_most),
        cmocka_unit_test(keeps_json_on_one_line),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
