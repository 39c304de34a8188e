/* SPDX-License-Identifier: Apache-2.0 */
#include "base/real_text.h"

#include <float.h>
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

static void writes_the_shortest_form(void **state)
{
    (void)state;
    static const struct {
        double real;
        const char *text; /* as Python's repr() gives it */
    } cases[] = {
        {0.0, "0.0"},
        {-0.0, "-0.0"},
        {1.0, "1.0"},
        {-1.5, "-1.5"},
        {0.1, "0.1"},
        {0.2 + 0.1, "0.30000000000000004"},
        {100.0, "100.0"},
        {123456789012345680.0, "1.2345678901234568e+17"},
        {9007199254740993.0, "9007199254740992.0"},
        {1e15, "1000000000000000.0"},
        {1e16, "1e+16"},
        {1e22, "1e+22"},
        {1e23, "1e+23"},
        {9.5e-5, "9.5e-05"},
        {0.0001, "0.0001"},
        {0.00012345, "0.00012345"},
        {12345.678, "12345.678"},
        {4.35, "4.35"},
        {2.2250738585072014e-308, "2.2250738585072014e-308"},
        {5e-324, "5e-324"},
        {DBL_MAX, "1.7976931348623157e+308"},
        {2251799813685248.5, "2251799813685248.5"},
        {9.8813129168249309e-324, "1e-323"},
        {2e-44, "2e-44"},
        {0x1p-1022, "2.2250738585072014e-308"},
        {0x1p63, "9.223372036854776e+18"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        char text[REAL_TEXT_MAX + 1];
        *real_text_write(text, cases[i].real) = 0;
        assert_string_equal(text, cases[i].text);
    }
}

static void reads_back_as_the_same_number(void **state)
{
    (void)state;
    uint64_t random = 88172645463325252u;
    for (int i = 0; i < 200000; i++) {
        random ^= random << 13;
        random ^= random >> 7;
        random ^= random << 17;
        /* every second one with few bits, where the steps between doubles change */
        uint64_t bits = i % 2 ? random : random & 0xfff0000000000003;
        double real, again;
        memcpy(&real, &bits, sizeof real);
        if (!isfinite(real))
            continue;
        char text[REAL_TEXT_MAX + 1];
        char *end = real_text_write(text, real);
        assert_true(end <= text + REAL_TEXT_MAX);
        *end = 0;
        again = strtod(text, NULL);
        assert_memory_equal(&again, &real, sizeof real);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(writes_the_shortest_form),
        cmocka_unit_test(reads_back_as_the_same_number),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
