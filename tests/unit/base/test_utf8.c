/* SPDX-License-Identifier: Apache-2.0 */
#include "base/utf8.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

static void accepts_what_is_well_formed(void **state)
{
    (void)state;
    static const char *const texts[] = {
        "",
        "plain ASCII that is longer than one machine word",
        "\xc2\x80",         /* U+0080, the first of two bytes */
        "\xdf\xbf",         /* U+07FF */
        "\xe0\xa0\x80",     /* U+0800 */
        "\xed\x9f\xbf",     /* U+D7FF, just below the surrogates */
        "\xee\x80\x80",     /* U+E000, just above */
        "\xef\xbf\xbf",     /* U+FFFF */
        "\xf0\x90\x80\x80", /* U+10000 */
        "\xf4\x8f\xbf\xbf", /* U+10FFFF, the last */
        "1234567\xc3\xa9 across a word boundary \xe2\x82\xac",
    };
    for (size_t i = 0; i < sizeof texts / sizeof *texts; i++)
        assert_true(utf8_is_valid(view_of(texts[i])));
    assert_true(utf8_is_valid((StrView){"a\0b", 3}));
}

static void refuses_what_is_not(void **state)
{
    (void)state;
    static const char *const texts[] = {
        "\x80",             /* a continuation alone */
        "\xc0\x80",         /* overlong NUL */
        "\xc1\xbf",         /* overlong */
        "\xe0\x9f\xbf",     /* overlong */
        "\xf0\x8f\xbf\xbf", /* overlong */
        "\xed\xa0\x80",     /* surrogate */
        "\xed\xbf\xbf",     /* surrogate */
        "\xf4\x90\x80\x80", /* above U+10FFFF */
        "\xf5\x80\x80\x80",
        "\xff",
        "\xc3",
        "\xe2\x82",
        "\xf0\x90\x80",
        "\xe2\x28\xa1",
        "\xe2\x82\x28",
        "\xf0\x90\x80\x28",
        "\xc3\xc3",
    };
    for (size_t i = 0; i < sizeof texts / sizeof *texts; i++) {
        assert_int_equal(utf8_sequence_length(view_of(texts[i])), 0);
        assert_false(utf8_is_valid(view_of(texts[i])));
    }
}

static void finds_the_first_bad_byte(void **state)
{
    (void)state;
    assert_int_equal(utf8_valid_length(view_of("0123456789abcdef\xff")), 16);
    assert_int_equal(utf8_valid_length(view_of("\xc3\xa9\xc3")), 2);
    assert_int_equal(utf8_valid_length((StrView){"abcdefg\xe2\x82\xac", 9}), 7);
    assert_int_equal(utf8_sequence_length((StrView){"", 0}), 0);
    assert_int_equal(utf8_sequence_length(view_of("a")), 1);
    assert_int_equal(utf8_sequence_length(view_of("\xe2\x82\xac")), 3);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(accepts_what_is_well_formed),
        cmocka_unit_test(refuses_what_is_not),
        cmocka_unit_test(finds_the_first_bad_byte),
    };
    return cmocka_run_group_tests_name("base/utf8", tests, NULL, NULL);
}
