/* SPDX-License-Identifier: Apache-2.0 */
#include "source/postgres/copy_format.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#define SIGNATURE "PGCOPY\n\xff\r\n\0"
#define MESSAGE(text)                                                                              \
    {                                                                                              \
        (text), sizeof(text) - 1                                                                   \
    }

static void takes_the_header_off(void **state)
{
    (void)state;
    StrView message = MESSAGE(SIGNATURE "\0\0\0\0"
                                        "\0\0\0\0"
                                        "\xff\xff");
    assert_true(copy_take_header(&message, NULL));
    assert_int_equal(message.length, 2);
    assert_true(copy_is_trailer(message));

    message = (StrView)MESSAGE(SIGNATURE "\0\0\xff\xff"
                                         "\0\0\0\3"
                                         "abc"
                                         "row");
    assert_true(copy_take_header(&message, NULL));
    assert_int_equal(message.length, 3);
    assert_memory_equal(message.data, "row", 3);

    message = (StrView)MESSAGE(SIGNATURE "\0\0\0\0"
                                         "\0\0\0\0");
    assert_true(copy_take_header(&message, NULL));
    assert_int_equal(message.length, 0);
}

static void refuses_what_is_none(void **state)
{
    (void)state;
    static const StrView bad[] = {
        MESSAGE(""),
        MESSAGE("\xff\xff"),
        MESSAGE(SIGNATURE "\0\0\0\0"
                          "\0\0\0"),
        MESSAGE("PGCOPY\n\xff\r\n\1"
                "\0\0\0\0"
                "\0\0\0\0"),
        MESSAGE(SIGNATURE "\0\1\0\0"
                          "\0\0\0\0"),
        MESSAGE(SIGNATURE "\x80\0\0\0"
                          "\0\0\0\0"),
        MESSAGE(SIGNATURE "\0\0\0\0"
                          "\0\0\0\4"
                          "abc"),
        MESSAGE(SIGNATURE "\0\0\0\0"
                          "\xff\xff\xff\xff"
                          "abc"),
    };
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        StrView message = bad[i];
        Error error = {0};
        assert_false(copy_take_header(&message, &error));
        assert_int_equal(error.kind, ERROR_SOURCE);
    }
}

static void knows_the_trailer(void **state)
{
    (void)state;
    assert_true(copy_is_trailer((StrView)MESSAGE("\xff\xff")));
    assert_false(copy_is_trailer((StrView)MESSAGE("\0\1")));
    assert_false(copy_is_trailer((StrView)MESSAGE("\xff\xff\0")));
    assert_false(copy_is_trailer((StrView)MESSAGE("")));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(takes_the_header_off),
        cmocka_unit_test(refuses_what_is_none),
        cmocka_unit_test(knows_the_trailer),
    };
    return cmocka_run_group_tests_name("source/postgres/copy_format", tests, NULL, NULL);
}
