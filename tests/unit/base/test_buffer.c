/* SPDX-License-Identifier: Apache-2.0 */
#include "base/buffer.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

static void appends_and_formats(void **state)
{
    (void)state;
    Buffer buffer;
    Error error = {0};
    buffer_init(&buffer, 1024);
    assert_true(buffer_append(&buffer, "ab", 2, &error));
    assert_true(buffer_append(&buffer, NULL, 0, &error));
    assert_true(buffer_printf(&buffer, &error, "-%d", 42));
    assert_int_equal(buffer.length, 5);
    assert_memory_equal(buffer.data, "ab-42", 5);
    buffer_clear(&buffer);
    assert_int_equal(buffer_view(&buffer).length, 0);
    buffer_done(&buffer);
}

static void grows_up_to_its_maximum_exactly(void **state)
{
    (void)state;
    Buffer buffer;
    Error error = {0};
    buffer_init(&buffer, 1000);
    for (int i = 0; i < 1000; i++)
        assert_true(buffer_append(&buffer, "x", 1, &error));
    assert_int_equal(buffer.length, 1000);
    buffer_done(&buffer);
}

static void refuses_what_would_pass_its_maximum(void **state)
{
    (void)state;
    Buffer buffer;
    Error error = {0};
    buffer_init(&buffer, 4);
    assert_true(buffer_append(&buffer, "abcd", 4, &error));
    assert_false(buffer_append(&buffer, "e", 1, &error));
    assert_int_equal(error.kind, ERROR_DATA);
    assert_string_equal(error.message, "5 bytes do not fit: the limit here is 4");
    assert_int_equal(buffer.length, 4);
    assert_memory_equal(buffer.data, "abcd", 4);
    buffer_done(&buffer);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(appends_and_formats),
        cmocka_unit_test(grows_up_to_its_maximum_exactly),
        cmocka_unit_test(refuses_what_would_pass_its_maximum),
    };
    return cmocka_run_group_tests_name("base/buffer", tests, NULL, NULL);
}
