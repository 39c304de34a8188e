/* SPDX-License-Identifier: Apache-2.0 */
#include "net/url.h"

#include "base/cleanup.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

static void takes_apart(void **state)
{
    (void)state;
    static const struct {
        const char *text, *scheme, *host;
        int port;
        const char *path, *query;
    } rows[] = {
        {"https://bigquery.googleapis.com", "https", "bigquery.googleapis.com", 443, "", ""},
        {"HTTP://LocalHost:9050/bigquery/v2", "http", "localhost", 9050, "/bigquery/v2", ""},
        {"https://h/a%2Fb?x=1&y=2", "https", "h", 443, "/a%2Fb", "x=1&y=2"},
        {"http://[::1]:80/", "http", "::1", 80, "/", ""},
        {"http://[2001:db8::5]", "http", "2001:db8::5", 80, "", ""},
        {"https://h?q", "https", "h", 443, "", "q"},
    };
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        CLEANUP(arena_done) Arena arena = {0};
        Url url;
        Error error = {0};
        assert_true(url_parse(rows[i].text, &arena, &url, &error));
        assert_string_equal(url.scheme, rows[i].scheme);
        assert_string_equal(url.host, rows[i].host);
        assert_int_equal(url.port, rows[i].port);
        assert_string_equal(url.path, rows[i].path);
        assert_string_equal(url.query, rows[i].query);
    }
}

static void refuses(void **state)
{
    (void)state;
    static const char *const wrong[] = {
        "",
        "localhost:9050",
        "ftp://h/",
        "https://",
        "https:///a",
        "http://h:0",
        "http://h:65536",
        "http://h:1x",
        "http://h:",
        "http://[::1",
        "http://a b",
        "http://u:secret@h/",
        "http://h/#frag",
        "http://h/\xc3\xa4",
        "http://h\n",
        "http://[::1]x",
        "http://[127.0.0.1]/",
        "http://ho$t/",
        "http://h:123456",
    };
    for (size_t i = 0; i < sizeof wrong / sizeof *wrong; i++) {
        CLEANUP(arena_done) Arena arena = {0};
        Url url;
        Error error = {0};
        assert_false(url_parse(wrong[i], &arena, &url, &error));
        assert_int_equal(error.kind, ERROR_CONFIG);
        assert_null(strstr(error.message, "secret"));
    }
    CLEANUP(arena_done) Arena arena = {0};
    Error error = {0};
    Url url;
    assert_false(url_parse("http://h:x/?token=secret", &arena, &url, &error));
    assert_null(strstr(error.message, "secret"));
}

static void knows_this_machine(void **state)
{
    (void)state;
    static const struct {
        const char *host;
        bool here;
    } rows[] = {
        {"localhost", true},          {"a.localhost", true}, {"127.0.0.1", true},
        {"127.8.9.10", true},         {"::1", true},         {"127.evil.example", false},
        {"localhost.example", false}, {"10.0.0.1", false},   {"127.0.0.1.example", false},
        {"xlocalhost", false},        {"127.0.0", false},
    };
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++)
        assert_int_equal(url_is_loopback(&(Url){.host = rows[i].host}), rows[i].here);
}

static void puts_together(void **state)
{
    (void)state;
    CLEANUP(arena_done) Arena arena = {0};
    assert_string_equal(url_escape(&arena, "a/b c+%~_-.\xc3\xa4"), "a%2Fb%20c%2B%25~_-.%C3%A4");
    assert_string_equal(url_path(&arena, "/projects/%s/tables/%s", "p", "t$2026"),
                        "/projects/p/tables/t%242026");
    const UrlParam params[] = {{"a", "1&2"}, {"left_out", NULL}, {"b", ""}, {NULL, NULL}};
    assert_string_equal(url_join(&arena, "http://h", "/p", params), "http://h/p?a=1%262&b=");
    assert_string_equal(url_join(&arena, "http://h?x=1", "", params), "http://h?x=1&a=1%262&b=");
    assert_string_equal(url_join(&arena, "http://h", "/p", NULL), "http://h/p");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(takes_apart),
        cmocka_unit_test(refuses),
        cmocka_unit_test(knows_this_machine),
        cmocka_unit_test(puts_together),
    };
    return cmocka_run_group_tests_name("net/url", tests, NULL, NULL);
}
