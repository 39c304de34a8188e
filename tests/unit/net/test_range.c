/* SPDX-License-Identifier: Apache-2.0 */
#include "net/range.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

static void reads_what_is_committed(void **state)
{
    (void)state;
    static const struct {
        const char *text;
        bool valid;
        uint64_t bytes;
    } rows[] = {
        {NULL, true, 0},
        {"bytes=0-0", true, 1},
        {"bytes=0-262143", true, 262144},
        {"0-42", true, 43},
        {"bytes=0-9223372036854775", true, 9223372036854776},
        {"", false, 0},
        {"bytes=", false, 0},
        {"bytes=0-", false, 0},
        {"bytes=1-5", false, 0},
        {"bytes=0-5x", false, 0},
        {"bytes=0--5", false, 0},
        {"bytes 0-5", false, 0},
        {"bytes=0-99999999999999999999", false, 0},
        {"bytes=00-5", false, 0},
    };
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        uint64_t bytes;
        assert_int_equal(range_committed(view_of(rows[i].text), &bytes), rows[i].valid);
        if (rows[i].valid)
            assert_int_equal(bytes, rows[i].bytes);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(reads_what_is_committed)};
    return cmocka_run_group_tests_name("net/range", tests, NULL, NULL);
}
