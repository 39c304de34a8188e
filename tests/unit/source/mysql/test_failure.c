/* SPDX-License-Identifier: Apache-2.0 */
#include "source/mysql/failure.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

static Error error;

static void fails(unsigned number, const char *sqlstate, const char *text)
{
    const MysqlFailure failure = {number, sqlstate, text, "'me'@'%'"};
    const MysqlAction action = {"reading shop.orders", "`shop`.`orders`"};
    error = (Error){0};
    assert_false(mysqld_fail_with(&failure, &action, &error));
    assert_int_equal(error.kind, ERROR_SOURCE);
}

static void says_the_servers_words(void **state)
{
    (void)state;
    fails(1146, "42S02", "Table 'shop.orders' doesn't exist");
    assert_string_equal(error.message, "reading shop.orders: Table 'shop.orders' doesn't exist "
                                       "(error 1146, SQLSTATE 42S02)");
    assert_false(error.retryable);
    fails(9999, "HY000", "");
    assert_non_null(strstr(error.message, "the server reports an error"));
}

static void calls_a_loss_a_loss(void **state)
{
    (void)state;
    static const unsigned numbers[] = {2006, 2013, 2055, 1053, 1077, 1927, 4031};
    for (size_t i = 0; i < sizeof numbers / sizeof *numbers; i++) {
        fails(numbers[i], "HY000", "gone");
        assert_true(error.retryable);
        assert_non_null(strstr(error.message, "the connection to the server was lost"));
    }
}

static void knows_what_passes(void **state)
{
    (void)state;
    static const unsigned passing[] = {1040, 1203, 1205, 1213, 1317, 1412, 1969, 2003, 3024};
    static const unsigned lasting[] = {1044, 1045, 1049, 1054, 1064, 1130, 1146, 2005, 2026, 2059};
    for (size_t i = 0; i < sizeof passing / sizeof *passing; i++) {
        fails(passing[i], "HY000", "x");
        assert_true(error.retryable);
    }
    for (size_t i = 0; i < sizeof lasting / sizeof *lasting; i++) {
        fails(lasting[i], "HY000", "x");
        assert_false(error.retryable);
        assert_true(error.hint[0] != '\0');
    }
    fails(9998, "08S01", "x"); /* unknown numbers by their class */
    assert_true(error.retryable);
    fails(9998, "40001", "x");
    assert_true(error.retryable);
    fails(9998, "42000", "x");
    assert_false(error.retryable);
}

static void spells_out_a_grant(void **state)
{
    (void)state;
    fails(1142, "42000", "SELECT command denied");
    assert_string_equal(error.hint,
                        "as an administrator: GRANT SELECT ON `shop`.`orders` TO 'me'@'%'");
    assert_true(mysqld_is_denied(1142) && mysqld_is_denied(1227) && !mysqld_is_denied(1146));
}

static void says_what_tls_failed_of(void **state)
{
    (void)state;
    static const struct {
        const char *text, *hint;
    } cases[] = {
        {"TLS/SSL error: self-signed certificate in certificate chain", "set sslrootcert"},
        {"TLS/SSL error: Validation of SSL server certificate failed", "by the name in it"},
        {"SSL is required, but the server does not support it", "switch TLS on at the server"},
        {"TLS/SSL error: unsafe legacy renegotiation disabled", "too old"},
        {"TLS/SSL error: unsupported protocol", "too old"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        fails(2026, "HY000", cases[i].text);
        assert_non_null(strstr(error.hint, cases[i].hint));
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(says_the_servers_words),  cmocka_unit_test(calls_a_loss_a_loss),
        cmocka_unit_test(knows_what_passes),       cmocka_unit_test(spells_out_a_grant),
        cmocka_unit_test(says_what_tls_failed_of),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
