/* SPDX-License-Identifier: Apache-2.0 */
#include "base/visible.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <stdlib.h>

static void nothing_steers_a_terminal(void **state)
{
    (void)state;
    static const char *const pairs[][2] = {
        {"", ""},
        {"plain ä € 😀", "plain ä € 😀"},
        {"\x1b[31mred\x1b[0m", "\\x1b[31mred\\x1b[0m"},
        {"a\nb\tc\r\a\b\v\f", "a\\nb\\tc\\r\\a\\b\\v\\f"},
        {"\x7f\xc2\x9b"
         "2J\xc2\xa0",
         "\\x7f\\xc2\\x9b"
         "2J\xc2\xa0"},
        {"\xff\xe2\x82", "\\xff\\xe2\\x82"},
        {"\xc2", "\\xc2"},
    };
    for (size_t i = 0; i < sizeof pairs / sizeof *pairs; i++) {
        char *shown = NULL;
        size_t size = 0;
        FILE *out = open_memstream(&shown, &size);
        assert_non_null(out);
        visible_print(out, view_of(pairs[i][0]));
        fclose(out);
        assert_string_equal(shown, pairs[i][1]);
        free(shown);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(nothing_steers_a_terminal),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
