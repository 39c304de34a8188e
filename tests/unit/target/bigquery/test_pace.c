/* SPDX-License-Identifier: Apache-2.0 */
#include "target/bigquery/pace.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

static const int64_t second_ns = 1000 * 1000 * 1000;

/* The limit-th change after one begins ten seconds later, or more. */
static void no_more_than_the_limit(void **state)
{
    (void)state;
    const size_t limits[] = {PACE_OF_TABLES, PACE_OF_PARTITIONS};
    for (size_t i = 0; i < 2; i++) {
        Pace pace = {0};
        int64_t begun_ns[200], now_ns = 7 * second_ns;
        for (size_t j = 0; j < 200; j++) {
            now_ns += second_ns / 10;
            begun_ns[j] = now_ns + pace_take(&pace, limits[i], now_ns) * (second_ns / 1000);
            if (j >= limits[i])
                assert_true(begun_ns[j] - begun_ns[j - limits[i]] >= 10 * second_ns);
            else
                assert_int_equal(begun_ns[j], now_ns);
        }
    }
}

static void who_comes_late_does_not_wait(void **state)
{
    (void)state;
    Pace pace = {0};
    for (int i = 0; i < 100; i++)
        assert_int_equal(pace_take(&pace, PACE_OF_TABLES, i * 2 * second_ns), 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(no_more_than_the_limit),
        cmocka_unit_test(who_comes_late_does_not_wait),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
