/* SPDX-License-Identifier: Apache-2.0 */
#include "model/decimal.h"

#include <setjmp.h>
#include <stdarg.h>
#include <string.h>

#include <cmocka.h>

/* Reads an optional sign and digits; the test's own way from text to number. */
static Decimal parse(const char *text)
{
    Decimal decimal = {0};
    bool negative = *text == '-';
    for (text += negative; *text; text++)
        assert_true(decimal_multiply_add(&decimal, 10, (uint64_t)(*text - '0')));
    if (negative)
        decimal_negate(&decimal);
    return decimal;
}

static const char nines76[] =
    "9999999999999999999999999999999999999999999999999999999999999999999999999999";
static const char ten76[] =
    "10000000000000000000000000000000000000000000000000000000000000000000000000000";
static const char most[] = /* 2^255 − 1 */
    "57896044618658097711785492504343953926634992332820282019728792003956564819967";

static void prints_plain_digits(void **state)
{
    (void)state;
    static const struct {
        const char *number;
        int scale;
        const char *text;
    } cases[] = {
        {"0", 0, "0"},
        {"0", 2, "0.00"},
        {"7", 0, "7"},
        {"-5", 2, "-0.05"},
        {"1200", 2, "12.00"},
        {"-1200", 2, "-12.00"},
        {"9223372036854775807", 0, "9223372036854775807"},
        {"-9223372036854775808", 18, "-9.223372036854775808"},
        {"-9223372036854775808", 19, "-0.9223372036854775808"},
        {"-1", 38, "-0.00000000000000000000000000000000000001"},
        {"9223372036854775808", 9, "9223372036.854775808"},
        {"10000000000000000000", 0, "10000000000000000000"},
        {"100000000000000000000000000000000000001", 38, "1.00000000000000000000000000000000000001"},
        {nines76, 38,
         "99999999999999999999999999999999999999.99999999999999999999999999999999999999"},
        {most, 0, most},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        char text[DECIMAL_TEXT_MAX + 1];
        Decimal decimal = parse(cases[i].number);
        text[decimal_to_text(&decimal, cases[i].scale, text)] = 0;
        assert_string_equal(text, cases[i].text);
        int64_t integer;
        if (!decimal_to_int64(&decimal, &integer))
            continue;
        text[decimal64_to_text(integer, cases[i].scale, text)] = 0;
        assert_string_equal(text, cases[i].text);
    }
}

static void writes_the_shortest_big_endian_form(void **state)
{
    (void)state;
    static const struct {
        const char *number;
        size_t size;
        const char *bytes;
    } cases[] = {
        {"0", 1, "\x00"},
        {"1", 1, "\x01"},
        {"-1", 1, "\xff"},
        {"127", 1, "\x7f"},
        {"128", 2, "\x00\x80"},
        {"-128", 1, "\x80"},
        {"-129", 2, "\xff\x7f"},
        {"255", 2, "\x00\xff"},
        {"256", 2, "\x01\x00"},
        {"-256", 2, "\xff\x00"},
        {"12345678", 4, "\x00\xbc\x61\x4e"},
        {"9223372036854775807", 8, "\x7f\xff\xff\xff\xff\xff\xff\xff"},
        {"-9223372036854775808", 8, "\x80\x00\x00\x00\x00\x00\x00\x00"},
        {"9223372036854775808", 9, "\x00\x80\x00\x00\x00\x00\x00\x00\x00"},
        {"-9223372036854775809", 9, "\xff\x7f\xff\xff\xff\xff\xff\xff\xff"},
        {"18446744073709551616", 9, "\x01\x00\x00\x00\x00\x00\x00\x00\x00"},
        {most, 32,
         "\x7f\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff"
         "\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        uint8_t bytes[DECIMAL_BYTES_MAX];
        Decimal decimal = parse(cases[i].number);
        assert_int_equal(decimal_to_big_endian(&decimal, bytes), cases[i].size);
        assert_memory_equal(bytes, cases[i].bytes, cases[i].size);
        int64_t integer;
        if (!decimal_to_int64(&decimal, &integer))
            continue;
        assert_int_equal(decimal64_to_big_endian(integer, bytes), cases[i].size);
        assert_memory_equal(bytes, cases[i].bytes, cases[i].size);
    }
}

static void narrows_only_what_fits(void **state)
{
    (void)state;
    int64_t integer = 0, high;
    uint64_t low;
    Decimal decimal = parse("-9223372036854775808");
    assert_true(decimal_to_int64(&decimal, &integer));
    assert_true(integer == INT64_MIN);
    decimal = parse("9223372036854775808");
    assert_false(decimal_to_int64(&decimal, &integer));
    assert_true(decimal_to_int128(&decimal, &high, &low));
    assert_true(high == 0 && low == 1ull << 63);
    decimal = parse("-9223372036854775809");
    assert_false(decimal_to_int64(&decimal, &integer));
    assert_true(decimal_to_int128(&decimal, &high, &low));
    assert_true(high == -1 && low == INT64_MAX);
    decimal = parse("170141183460469231731687303715884105727"); /* 2^127 − 1 */
    assert_true(decimal_to_int128(&decimal, &high, &low));
    assert_true(high == INT64_MAX && low == UINT64_MAX);
    decimal = parse("170141183460469231731687303715884105728");
    assert_false(decimal_to_int128(&decimal, &high, &low));
    decimal_negate(&decimal);
    assert_true(decimal_to_int128(&decimal, &high, &low));
    assert_true(high == INT64_MIN && low == 0);
}

static void counts_digits(void **state)
{
    (void)state;
    static const struct {
        const char *number;
        int digits;
    } cases[] = {
        /* the fewest digits that hold the number */
        {"0", 0},
        {"1", 1},
        {"-9", 1},
        {"10", 2},
        {"-10", 2},
        {"9999999999999999999", 19},
        {"10000000000000000000", 20},
        {"99999999999999999999999999999999999999", 38},
        {"-100000000000000000000000000000000000000", 39},
        {nines76, 76},
        {ten76, 77},
        {most, 77},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        Decimal decimal = parse(cases[i].number);
        for (int digits = 0; digits <= 76; digits++)
            assert_int_equal(decimal_fits_digits(&decimal, digits), digits >= cases[i].digits);
    }
}

static void refuses_overflow_and_keeps_the_number(void **state)
{
    (void)state;
    Decimal decimal = parse(most);
    Decimal before = decimal;
    assert_false(decimal_multiply_add(&decimal, 1, 1));
    assert_false(decimal_multiply_add(&decimal, 10, 0));
    assert_false(decimal_multiply_add(&decimal, UINT64_MAX, UINT64_MAX));
    assert_memory_equal(&decimal, &before, sizeof decimal);
    assert_true(decimal_multiply_add(&decimal, 1, 0));
    assert_memory_equal(&decimal, &before, sizeof decimal);
}

static void negates(void **state)
{
    (void)state;
    Decimal decimal = decimal_from_int64(0);
    decimal_negate(&decimal);
    assert_false(decimal_is_negative(&decimal));
    decimal = decimal_from_int64(-5);
    assert_true(decimal_is_negative(&decimal));
    decimal_negate(&decimal);
    Decimal five = decimal_from_int64(5);
    assert_memory_equal(&decimal, &five, sizeof decimal);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(prints_plain_digits),
        cmocka_unit_test(writes_the_shortest_big_endian_form),
        cmocka_unit_test(narrows_only_what_fits),
        cmocka_unit_test(counts_digits),
        cmocka_unit_test(refuses_overflow_and_keeps_the_number),
        cmocka_unit_test(negates),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
