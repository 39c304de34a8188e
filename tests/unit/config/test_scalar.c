/* SPDX-License-Identifier: Apache-2.0 */
#include "config/scalar.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

typedef bool ReadNumber(const char *text, int64_t *ret_number);

typedef struct NumberCase {
    const char *text;
    int64_t number;
} NumberCase;

static void assert_numbers(ReadNumber *read, const NumberCase *cases, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        int64_t number = -1;
        if (!read(cases[i].text, &number) || number != cases[i].number)
            fail_msg("\"%s\": %lld, expected %lld", cases[i].text, (long long)number,
                     (long long)cases[i].number);
    }
}

static void assert_refused(ReadNumber *read, const char *const *texts, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        int64_t number;
        if (read(texts[i], &number))
            fail_msg("\"%s\" was read as %lld", texts[i], (long long)number);
    }
}

#define COUNT(table) (sizeof(table) / sizeof *(table))

static void reads_integers(void **state)
{
    static const NumberCase good[] = {
        {"0", 0}, {"42", 42}, {"-7", -7}, {"+7", 7}, {"007", 7}, {"9223372036854775807", INT64_MAX},
    };
    static const char *const bad[] = {
        "", "-", "1.5", "1e3", "0x10", "1_000", " 1", "1 ", "--1", "one", "9223372036854775808"};
    (void)state;
    assert_numbers(scalar_integer, good, COUNT(good));
    assert_refused(scalar_integer, bad, COUNT(bad));
}

static void reads_durations(void **state)
{
    static const NumberCase good[] = {
        {"0", 0},
        {"0s", 0},
        {"250ms", 250},
        {"30s", 30000},
        {"10m", 600000},
        {"2h", 7200000},
        {"1d", 86400000},
        {"1h30m", 5400000},
        {"1m1ms", 60001},
        {"5m5m", 600000},
        {"106751991167d", 106751991167 * 86400000},
    };
    static const char *const bad[] = {"",   "10",   "ten", "1.5h", "-1s", "10 m",
                                      "1M", "1h30", "m",   "1w",   "s1",  "106751991168d"};
    (void)state;
    assert_numbers(scalar_duration_ms, good, COUNT(good));
    assert_refused(scalar_duration_ms, bad, COUNT(bad));
}

static void reads_sizes(void **state)
{
    static const NumberCase good[] = {
        {"0", 0},
        {"4096", 4096},
        {"5B", 5},
        {"64kB", 64000},
        {"64KB", 64000},
        {"64 KiB", 65536},
        {"256MB", 256000000},
        {"1GB", 1000000000},
        {"2GiB", 2147483648},
        {"1MiB", 1048576},
        {"3TB", 3000000000000},
        {"1TiB", 1099511627776},
    };
    static const char *const bad[] = {"",    "B",     "1.5GB", "-1B",
                                      "1 ",  "1  kB", "1 mb",  "lots",
                                      "1PB", "1GBx",  "1K",    "9223372036854775807kB"};
    (void)state;
    assert_numbers(scalar_size, good, COUNT(good));
    assert_refused(scalar_size, bad, COUNT(bad));
}

static void reads_booleans(void **state)
{
    static const char *const bad[] = {"", "yes", "no", "on", "off", "tRUE", "1", "0", "true "};
    (void)state;
    bool boolean = false;
    assert_true(scalar_boolean("true", &boolean) && boolean);
    assert_true(scalar_boolean("True", &boolean) && boolean);
    assert_true(scalar_boolean("TRUE", &boolean) && boolean);
    assert_true(scalar_boolean("false", &boolean) && !boolean);
    assert_true(scalar_boolean("False", &boolean) && !boolean);
    assert_true(scalar_boolean("FALSE", &boolean) && !boolean);
    for (size_t i = 0; i < COUNT(bad); i++)
        assert_false(scalar_boolean(bad[i], &boolean));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(reads_integers),
        cmocka_unit_test(reads_durations),
        cmocka_unit_test(reads_sizes),
        cmocka_unit_test(reads_booleans),
    };
    return cmocka_run_group_tests_name("config/scalar", tests, NULL, NULL);
}
