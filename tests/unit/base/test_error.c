/* SPDX-License-Identifier: Apache-2.0 */
#include "base/error.h"

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>

#include <cmocka.h>

static void fills_and_returns_false(void **state)
{
    (void)state;
    Error error = {0};
    assert_false(error_set_retryable(&error, ERROR_SOURCE, "lost %d", 1));
    assert_true(error.retryable);
    assert_string_equal(error.message, "lost 1");
    assert_false(error_set(&error, ERROR_TARGET, "gone"));
    assert_false(error.retryable);
    assert_int_equal(error.kind, ERROR_TARGET);
    assert_string_equal(error.message, "gone");
}

static void prefixes_on_the_way_up(void **state)
{
    (void)state;
    Error error = {0};
    error_set_retryable(&error, ERROR_DATA, "bad value");
    assert_false(error_prefix(&error, "shard %d", 2));
    error_prefix(&error, "job orders");
    assert_string_equal(error.message, "job orders: shard 2: bad value");
    assert_true(error.retryable);
    assert_int_equal(error.kind, ERROR_DATA);
}

static void appends_the_system_reason(void **state)
{
    (void)state;
    Error error = {0};
    error_set_errno(&error, ERROR_TARGET, ENOSPC, "cannot write %s", "x");
    assert_string_equal(error.message, "cannot write x: No space left on device");
}

static void keeps_the_first_hint(void **state)
{
    (void)state;
    Error error = {0};
    error_set(&error, ERROR_CONFIG, "a");
    error_hint(&error, "do %s", "this");
    error_hint(&error, "do that");
    assert_string_equal(error.hint, "do this");
    error_set(&error, ERROR_CONFIG, "b");
    assert_string_equal(error.hint, "");
}

static void cuts_what_is_too_long(void **state)
{
    (void)state;
    char longest[2 * ERROR_MESSAGE_MAX];
    memset(longest, 'x', sizeof longest - 1);
    longest[sizeof longest - 1] = '\0';
    Error error = {0};
    error_set(&error, ERROR_DATA, "%s", longest);
    assert_int_equal(strlen(error.message), ERROR_MESSAGE_MAX - 1);
    assert_string_equal(error.message + ERROR_MESSAGE_MAX - 4, "...");
    error_prefix(&error, "column a");
    assert_memory_equal(error.message, "column a: xxx", 13);
    assert_string_equal(error.message + ERROR_MESSAGE_MAX - 4, "...");
    error_prefix(&error, "%s", longest);
    assert_int_equal(strlen(error.message), ERROR_MESSAGE_MAX - 1);
}

static void accepts_no_error_at_all(void **state)
{
    (void)state;
    assert_false(error_set(NULL, ERROR_DATA, "x"));
    assert_false(error_set_retryable(NULL, ERROR_DATA, "x"));
    assert_false(error_set_errno(NULL, ERROR_DATA, EIO, "x"));
    assert_false(error_prefix(NULL, "x"));
    assert_false(error_hint(NULL, "x"));
}

static void kinds_are_exit_codes(void **state)
{
    (void)state;
    static const struct {
        ErrorKind kind;
        int code;
        const char *name;
    } rows[] = {
        {ERROR_NONE, 0, "none"},           {ERROR_INTERNAL, 1, "internal"},
        {ERROR_CANCELLED, 1, "cancelled"}, {ERROR_USAGE, 2, "usage"},
        {ERROR_CONFIG, 2, "config"},       {ERROR_SOURCE, 3, "source"},
        {ERROR_TARGET, 4, "target"},       {ERROR_DATA, 5, "data"},
        {ERROR_VERIFY, 6, "verify"},       {ERROR_LOCKED, 7, "locked"},
    };
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        assert_int_equal(error_exit_code(rows[i].kind), rows[i].code);
        assert_string_equal(error_kind_name(rows[i].kind), rows[i].name);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(fills_and_returns_false),   cmocka_unit_test(prefixes_on_the_way_up),
        cmocka_unit_test(appends_the_system_reason), cmocka_unit_test(keeps_the_first_hint),
        cmocka_unit_test(cuts_what_is_too_long),     cmocka_unit_test(accepts_no_error_at_all),
        cmocka_unit_test(kinds_are_exit_codes),
    };
    return cmocka_run_group_tests_name("base/error", tests, NULL, NULL);
}
