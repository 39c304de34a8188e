/* SPDX-License-Identifier: Apache-2.0 */
#include "encode/text.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

static const int64_t day = 86400000000; /* microseconds */

static void writes_dates(void **state)
{
    (void)state;
    static const struct {
        int64_t days;
        const char *text;
    } cases[] = {
        {0, "1970-01-01"},       {-1, "1969-12-31"},      {11016, "2000-02-29"},
        {11017, "2000-03-01"},   {-25509, "1900-02-28"},  {-25508, "1900-03-01"},
        {-719162, "0001-01-01"}, {-718798, "0001-12-31"}, {2932896, "9999-12-31"},
        {19782, "2024-02-29"},   {20454, "2026-01-01"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        char text[TEXT_VALUE_MAX];
        *text_write_date(text, cases[i].days) = 0;
        assert_string_equal(text, cases[i].text);
    }
}

static int length_of_month(int year, int month)
{
    static const int lengths[] = {31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31};
    bool leap = (year % 4 == 0 && year % 100 != 0) || year % 400 == 0;
    return lengths[month - 1] + (month == 2 && leap);
}

/* Every day of the range, against a calendar kept by counting. */
static void agrees_with_a_counted_calendar(void **state)
{
    (void)state;
    int year = 1, month = 1, day_of_month = 1;
    for (int64_t days = -719162; days <= 2932896; days++) {
        char text[TEXT_VALUE_MAX], expected[TEXT_VALUE_MAX];
        *text_write_date(text, days) = 0;
        snprintf(expected, sizeof expected, "%04d-%02d-%02d", year, month, day_of_month);
        assert_string_equal(text, expected);
        if (++day_of_month <= length_of_month(year, month))
            continue;
        day_of_month = 1;
        month = month % 12 + 1;
        year += month == 1;
    }
    assert_int_equal(year, 10000);
}

static void writes_times(void **state)
{
    (void)state;
    char text[TEXT_VALUE_MAX];
    *text_write_time(text, 0) = 0;
    assert_string_equal(text, "00:00:00");
    *text_write_time(text, 45296000700) = 0;
    assert_string_equal(text, "12:34:56.000700");
    *text_write_time(text, day - 1) = 0;
    assert_string_equal(text, "23:59:59.999999");
}

static void writes_datetimes(void **state)
{
    (void)state;
    char text[TEXT_VALUE_MAX];
    *text_write_datetime(text, 0) = 0;
    assert_string_equal(text, "1970-01-01T00:00:00");
    *text_write_datetime(text, -1) = 0;
    assert_string_equal(text, "1969-12-31T23:59:59.999999");
    *text_write_datetime(text, -day) = 0;
    assert_string_equal(text, "1969-12-31T00:00:00");
    *text_write_datetime(text, -719162 * day) = 0;
    assert_string_equal(text, "0001-01-01T00:00:00");
    *text_write_datetime(text, 2932897 * day - 1) = 0;
    assert_string_equal(text, "9999-12-31T23:59:59.999999");
    *text_write_datetime(text, 1700000000123456) = 0;
    assert_string_equal(text, "2023-11-14T22:13:20.123456");
}

static void writes_intervals(void **state)
{
    (void)state;
    static const struct {
        Interval interval;
        const char *text;
        const char *iso;
    } cases[] = {
        {{14, -3, 14706700000}, "1-2 -3 4:5:6.7", "P1Y2M-3DT4H5M6.7S"},
        {{0, 0, 0}, "0-0 0 0:0:0", "P0Y0M0DT0H0M0S"},
        {{-14, 0, 0}, "-1-2 0 0:0:0", "P-1Y-2M0DT0H0M0S"},
        {{-1, 2, -1}, "-0-1 2 -0:0:0.000001", "P0Y-1M2DT0H0M-0.000001S"},
        {{0, 0, 360000000000}, "0-0 0 100:0:0", "P0Y0M0DT100H0M0S"},
        {{0, 0, -86399500000}, "0-0 0 -23:59:59.5", "P0Y0M0DT-23H-59M-59.5S"},
        {{0, 0, 60000000}, "0-0 0 0:1:0", "P0Y0M0DT0H1M0S"},
        {{0, 0, 3600000001}, "0-0 0 1:0:0.000001", "P0Y0M0DT1H0M0.000001S"},
        {{0, 0, -60000000}, "0-0 0 -0:1:0", "P0Y0M0DT0H-1M0S"},
        {{120000, 3660000, 0}, "10000-0 3660000 0:0:0", "P10000Y0M3660000DT0H0M0S"},
        {{INT32_MIN, INT32_MIN, INT64_MIN},
         "-178956970-8 -2147483648 -2562047788:0:54.775808",
         "P-178956970Y-8M-2147483648DT-2562047788H0M-54.775808S"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        char text[TEXT_VALUE_MAX];
        *text_write_interval(text, &cases[i].interval) = 0;
        assert_string_equal(text, cases[i].text);
        *text_write_interval_iso(text, &cases[i].interval) = 0;
        assert_string_equal(text, cases[i].iso);
    }
}

static void writes_decimals(void **state)
{
    (void)state;
    static const Field declared = {.kind = TYPE_NUMERIC, .precision = 15, .scale = 2};
    static const Field whole = {.kind = TYPE_NUMERIC, .precision = 3};
    static const Field numeric = {.kind = TYPE_NUMERIC};
    static const Field big = {.kind = TYPE_BIGNUMERIC};
    static const Decimal huge = {{0, 0, 1, 0}}; /* 2^128 */
    static const struct {
        const Field *field;
        Value value;
        const char *text;
    } cases[] = {
        {&declared, {.kind = VALUE_DECIMAL64, .integer = 1200}, "12.00"},
        {&declared, {.kind = VALUE_DECIMAL64, .integer = -5}, "-0.05"},
        {&whole, {.kind = VALUE_DECIMAL64, .integer = 100}, "100"},
        {&numeric, {.kind = VALUE_DECIMAL64, .integer = 1200000000}, "1.2"},
        {&numeric, {.kind = VALUE_DECIMAL64, .integer = 100000000000}, "100"},
        {&numeric, {.kind = VALUE_DECIMAL64, .integer = 0}, "0"},
        {&numeric, {.kind = VALUE_DECIMAL64, .integer = -1}, "-0.000000001"},
        {&big,
         {.kind = VALUE_DECIMAL64, .integer = -1},
         "-0.00000000000000000000000000000000000001"},
        {&big,
         {.kind = VALUE_DECIMAL, .decimal = &huge},
         "3.40282366920938463463374607431768211456"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        char text[TEXT_VALUE_MAX];
        *text_write_decimal(text, cases[i].field, &cases[i].value) = 0;
        assert_string_equal(text, cases[i].text);
    }
}

static void writes_base64(void **state)
{
    (void)state;
    static const struct {
        const char *bytes;
        const char *text;
    } cases[] = {
        /* RFC 4648, section 10 */
        {"", ""},
        {"f", "Zg=="},
        {"fo", "Zm8="},
        {"foo", "Zm9v"},
        {"foob", "Zm9vYg=="},
        {"fooba", "Zm9vYmE="},
        {"foobar", "Zm9vYmFy"},
        {"\xff\xfe\xfd\xfb\xf0", "//79+/A="},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        char text[16];
        StrView bytes = view_of(cases[i].bytes);
        char *end = text_write_base64(text, bytes);
        assert_int_equal(end - text, text_base64_size(bytes.length));
        *end = 0;
        assert_string_equal(text, cases[i].text);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(writes_dates),     cmocka_unit_test(agrees_with_a_counted_calendar),
        cmocka_unit_test(writes_times),     cmocka_unit_test(writes_datetimes),
        cmocka_unit_test(writes_intervals), cmocka_unit_test(writes_decimals),
        cmocka_unit_test(writes_base64),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
