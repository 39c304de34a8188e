/* SPDX-License-Identifier: Apache-2.0 */
#include "base/digits.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>

#include <cmocka.h>

static void writes_without_leading_zeros(void **state)
{
    (void)state;
    static const uint64_t numbers[] = {0, 1, 9, 10, 99, 100, 4294967295u, 4294967296u, UINT64_MAX};
    char text[DIGITS_MAX + 2], expected[DIGITS_MAX + 2];
    for (size_t i = 0; i < sizeof numbers / sizeof *numbers; i++) {
        *digits_write(text, numbers[i]) = 0;
        snprintf(expected, sizeof expected, "%llu", (unsigned long long)numbers[i]);
        assert_string_equal(text, expected);
    }
    for (int power = 1; power < 20; power++) { /* both sides of every change of length */
        uint64_t number = digits_power10[power];
        assert_int_equal(digits_count(number), power + 1);
        assert_int_equal(digits_count(number - 1), power);
        assert_int_equal(digits_count(number + 1), power + 1);
    }
}

static void writes_signs(void **state)
{
    (void)state;
    char text[DIGITS_MAX + 2];
    *digits_write_signed(text, INT64_MIN) = 0;
    assert_string_equal(text, "-9223372036854775808");
    *digits_write_signed(text, INT64_MAX) = 0;
    assert_string_equal(text, "9223372036854775807");
    *digits_write_signed(text, -1) = 0;
    assert_string_equal(text, "-1");
}

static void writes_leading_zeros(void **state)
{
    (void)state;
    char text[DIGITS_MAX + 2];
    *digits_write_padded(text, 42, 6) = 0;
    assert_string_equal(text, "000042");
    *digits_write_padded(text, 7, 1) = 0;
    assert_string_equal(text, "7");
    *digits_write_padded(text, 123, 3) = 0;
    assert_string_equal(text, "123");
    *digits_write_padded(text, 0, 0) = 0;
    assert_string_equal(text, "");
    *digits_write_pair(text, 7) = 0;
    assert_string_equal(text, "07");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(writes_without_leading_zeros),
        cmocka_unit_test(writes_signs),
        cmocka_unit_test(writes_leading_zeros),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
