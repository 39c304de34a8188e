/* SPDX-License-Identifier: Apache-2.0 */
#include "source/mysql/url.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

static Arena arena;
static MysqlAddress address;
static Error error;

static int tear_down(void **state)
{
    (void)state;
    arena_done(&arena);
    return 0;
}

static bool read_url(const char *url)
{
    const ConnectionConfig config = {.url = url};
    error = (Error){0};
    return mysql_address(&config, &arena, &address, &error);
}

static void reads_every_part(void **state)
{
    (void)state;
    assert_true(read_url("mysql://us%40er:p%2Fw%3A@db.example.com:3307/sh%20op?sslmode=require"));
    assert_string_equal(address.user, "us@er");
    assert_string_equal(address.password, "p/w:");
    assert_string_equal(address.host, "db.example.com");
    assert_int_equal(address.port, 3307);
    assert_string_equal(address.database, "sh op");
    assert_int_equal(address.tls, TLS_REQUIRE);
    assert_null(address.socket);
}

static void leaves_out_what_is_not_said(void **state)
{
    (void)state;
    assert_true(read_url("mariadb://"));
    assert_null(address.host);
    assert_null(address.user);
    assert_null(address.password);
    assert_null(address.database);
    assert_int_equal(address.port, 0);
    assert_int_equal(address.tls, TLS_PREFER);
    assert_true(read_url("mysql://host/"));
    assert_string_equal(address.host, "host");
    assert_null(address.database);
    assert_true(read_url("mysql://me@host"));
    assert_string_equal(address.user, "me");
    assert_null(address.password);
    assert_true(read_url("mysql://me:@host"));
    assert_string_equal(address.password, "");
}

static void takes_addresses_and_sockets(void **state)
{
    (void)state;
    assert_true(read_url("mysql://[::1]:3306/db"));
    assert_string_equal(address.host, "::1");
    assert_int_equal(address.port, 3306);
    assert_true(read_url("mysql://[fe80::2]"));
    assert_string_equal(address.host, "fe80::2");
    assert_true(read_url("mysql://me@%2Frun%2Fmysqld.sock/db"));
    assert_null(address.host);
    assert_string_equal(address.socket, "/run/mysqld.sock");
    assert_true(read_url("mysql://localhost/db?socket=/x/y&connect_timeout=3"));
    assert_string_equal(address.socket, "/x/y");
    assert_int_equal(address.timeout_ms, 3000);
}

static void knows_mysqls_spellings(void **state)
{
    (void)state;
    assert_true(read_url("mysql://h/d?ssl-mode=VERIFY_CA&ssl-ca=/ca&ssl-cert=/c&ssl-key=/k"));
    assert_int_equal(address.tls, TLS_VERIFY_CA);
    assert_string_equal(address.ca, "/ca");
    assert_string_equal(address.certificate, "/c");
    assert_string_equal(address.key, "/k");
    assert_true(read_url("mysql://h/d?ssl-mode=DISABLED"));
    assert_int_equal(address.tls, TLS_DISABLE);
}

static void keywords_win(void **state)
{
    (void)state;
    const ConnectionConfig config = {.url = "mysql://a:b@c:1/d?sslmode=disable&socket=/x",
                                     .host = "host",
                                     .port = "2",
                                     .user = "user",
                                     .password = "password",
                                     .database = "database",
                                     .sslmode = "verify-full",
                                     .sslrootcert = "/ca",
                                     .connect_timeout_ms = 7};
    assert_true(mysql_address(&config, &arena, &address, &error));
    assert_string_equal(address.host, "host");
    assert_null(address.socket);
    assert_int_equal(address.port, 2);
    assert_string_equal(address.user, "user");
    assert_string_equal(address.password, "password");
    assert_string_equal(address.database, "database");
    assert_int_equal(address.tls, TLS_VERIFY_FULL);
    assert_int_equal(address.timeout_ms, 7);
}

static void refuses_without_a_password(void **state)
{
    (void)state;
    static const char *const wrong[] = {
        "host:3306/db",
        "mysql://u:hunter2@x@h/d",
        "mysql://u:hunter2%@h/d",
        "mysql://u:hunter2%4@h/d",
        "mysql://u:hunter2%zz@h/d",
        "mysql://u:hunter2%00@h/d",
        "mysql://u:hunter2@h:0/d",
        "mysql://u:hunter2@h:65536/d",
        "mysql://u:hunter2@h:x/d",
        "mysql://u:hunter2@[::1/d",
        "mysql://u:hunter2@[::1]x/d",
        "mysql://u:hunter2@h/d?sslmode",
        "mysql://u:hunter2@h/d?sslmode=maybe",
        "mysql://u:hunter2@h/d?other=1",
        "mysql://u:hunter2@h/d?sslmode=verify-ca",
        "mysql://u:hunter2@h/d#part",
        "mysql://u:hunter2@h/%zz",
    };
    for (size_t i = 0; i < sizeof wrong / sizeof *wrong; i++) {
        assert_false(read_url(wrong[i]));
        assert_int_equal(error.kind, ERROR_CONFIG);
        assert_null(strstr(error.message, "hunter2"));
        assert_null(strstr(error.hint, "hunter2"));
    }
    const ConnectionConfig service = {.service = "shop"};
    assert_false(mysql_address(&service, &arena, &address, &error));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_teardown(reads_every_part, tear_down),
        cmocka_unit_test_teardown(leaves_out_what_is_not_said, tear_down),
        cmocka_unit_test_teardown(takes_addresses_and_sockets, tear_down),
        cmocka_unit_test_teardown(knows_mysqls_spellings, tear_down),
        cmocka_unit_test_teardown(keywords_win, tear_down),
        cmocka_unit_test_teardown(refuses_without_a_password, tear_down),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
