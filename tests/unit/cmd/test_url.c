/* SPDX-License-Identifier: Apache-2.0 */
#include "cmd/url.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

static Arena arena;
static Error error;

typedef struct Case {
    const char *text;
    const char *shown;
} Case;

static void hides_passwords(void **state)
{
    (void)state;
    static const Case cases[] = {
        {"postgresql://me:secret@host:5432/db", "postgresql://me:***@host:5432/db"},
        {"postgresql://me:s@host/db", "postgresql://me:*@host/db"},
        {"postgresql://me:p@ss/w:rd@host/db", "postgresql://me:***@host/db"},
        {"postgresql://:secret@/db", "postgresql://:***@/db"},
        {"postgresql:///db?host=h&password=secret&user=me",
         "postgresql:///db?host=h&password=***&user=me"},
        {"postgresql://me:one@h/db?PASSWORD=two", "postgresql://me:***@h/db?PASSWORD=***"},
        {"host=h password=secret dbname=d", "host=h password=*** dbname=d"},
        {"host=h password='a b\\'c' dbname=d", "host=h password=*** dbname=d"},
        {"sslpassword=secret", "sslpassword=***"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        char text[128];
        snprintf(text, sizeof text, "%s", cases[i].text);
        assert_true(url_hide_passwords(text));
        assert_string_equal(text, cases[i].shown);
        assert_string_equal(url_shown(cases[i].text, &arena), cases[i].shown);
    }
}

static void leaves_what_holds_none(void **state)
{
    (void)state;
    static const char *const texts[] = {
        "postgresql://me@host:5432/db",
        "postgresql://host:5432/db",
        "postgresql:///db",
        "postgresql://me:@host/db",
        "public.orders",
        "duckdb:w.duckdb",
        "--where",
        "a = 'x@y'",
        "password=",
    };
    for (size_t i = 0; i < sizeof texts / sizeof *texts; i++) {
        char text[128];
        snprintf(text, sizeof text, "%s", texts[i]);
        assert_false(url_hide_passwords(text));
        assert_string_equal(text, texts[i]);
    }
}

/* What ps reads is the memory of argv: nothing of the password may stay behind the new end. */
static void overwrites_every_byte(void **state)
{
    (void)state;
    char text[] = "postgresql://me:a-very-long-password@h/d";
    size_t size = sizeof text;
    assert_true(url_hide_passwords(text));
    assert_null(memmem(text, size, "long", 4));
    assert_null(memmem(text, size, "word", 4));
    for (size_t i = strlen(text); i < size; i++)
        assert_int_equal(text[i], '\0');
}

static void reads_targets(void **state)
{
    (void)state;
    TargetUrl url;
    assert_true(url_parse_target("duckdb:data/w.duckdb", &arena, &url, &error));
    assert_string_equal(url.type, "duckdb");
    assert_string_equal(url.path, "data/w.duckdb");
    assert_int_equal(url.parameter_count, 0);
    assert_true(url_parse_target("files:///out?format=ndjson&dataset=raw", &arena, &url, &error));
    assert_string_equal(url.path, "/out");
    assert_int_equal(url.parameter_count, 2);
    assert_string_equal(url.parameters[0].key, "format");
    assert_string_equal(url.parameters[0].value, "ndjson");
    assert_string_equal(url.parameters[1].key, "dataset");
    assert_string_equal(url.parameters[1].value, "raw");
    assert_true(url_parse_target("files:gs://exports/shop", &arena, &url, &error));
    assert_string_equal(url.path, "gs://exports/shop");
}

static void reads_bigquery_targets(void **state)
{
    (void)state;
    TargetUrl url;
    assert_true(url_parse_target("bigquery://my-project/raw?location=EU", &arena, &url, &error));
    assert_string_equal(url.type, "bigquery");
    assert_null(url.path);
    assert_int_equal(url.parameter_count, 3);
    assert_string_equal(url.parameters[0].key, "project");
    assert_string_equal(url.parameters[0].value, "my-project");
    assert_string_equal(url.parameters[1].key, "dataset");
    assert_string_equal(url.parameters[1].value, "raw");
    assert_string_equal(url.parameters[2].value, "EU");
    assert_true(url_parse_target("bigquery:///raw/", &arena, &url, &error));
    assert_int_equal(url.parameter_count, 1);
    assert_string_equal(url.parameters[0].key, "dataset");
    assert_string_equal(url.parameters[0].value, "raw");
}

static void refuses_what_is_no_target(void **state)
{
    (void)state;
    static const char *const texts[] = {
        "w.duckdb",      "duckdb:",      ":x",           "duckdb:?dataset=a", "duckdb:x?",
        "duckdb:x?a",    "duckdb:x?=b",  "duckdb:x?a=",  "duckdb:x?a=b&",     "",
        "public.orders", "bigquery:raw", "bigquery://p", "bigquery://p/",     "bigquery://p/d/t",
        "bigquery://"};
    for (size_t i = 0; i < sizeof texts / sizeof *texts; i++) {
        TargetUrl url;
        error = (Error){0};
        assert_false(url_parse_target(texts[i], &arena, &url, &error));
        assert_int_equal(error.kind, ERROR_USAGE);
    }
}

static int free_arena(void **state)
{
    (void)state;
    arena_done(&arena);
    return 0;
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(hides_passwords),        cmocka_unit_test(leaves_what_holds_none),
        cmocka_unit_test(overwrites_every_byte),  cmocka_unit_test(reads_targets),
        cmocka_unit_test(reads_bigquery_targets), cmocka_unit_test(refuses_what_is_no_target),
    };
    return cmocka_run_group_tests_name("cmd/url", tests, NULL, free_arena);
}
