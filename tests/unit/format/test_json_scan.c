/* SPDX-License-Identifier: Apache-2.0 */
#include "format/json_scan.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

static Arena arena;

static int forget(void **state)
{
    (void)state;
    arena_done(&arena);
    return 0;
}

/* In a block of exactly its size, so that the sanitizer sees a read past its end. */
static JsonScan scan(StrView text)
{
    char *copy = malloc(text.length ? text.length : 1);
    memcpy(copy, text.data, text.length);
    JsonScan found = json_scan((StrView){copy, text.length}, &arena);
    free(copy);
    return found;
}

static void all_are(JsonScan wanted, const char *const *texts, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        if (scan(view_of(texts[i])) != wanted)
            fail_msg("%s is %d", texts[i], scan(view_of(texts[i])));
    }
}

#define ALL_ARE(wanted, texts) all_are((wanted), (texts), sizeof(texts) / sizeof *(texts))

static void takes_json(void **state)
{
    (void)state;
    static const char *const good[] = {
        "{}",
        "[]",
        " [ ] ",
        "{ }",
        "null",
        "true",
        "false",
        "0",
        "-0",
        "-12.5e+10",
        "1E5",
        "1e-5",
        "0.5",
        "\"\"",
        "\"a\\\"\\\\\\/\\b\\f\\n\\r\\t\\u00e9\\uD83D\\uDE00\"",
        "[1,2,3]",
        "[[],[[]],{}]",
        "\t{\r\n\"a\" : 1 , \"b\" : [ { \"a\" : null } ] }\n",
        "\"\x7f \xc3\xa9\"",
        "[\"\",\"\"]",
        "\"a long text of more than one machine word, with a \\\" in it\"",
        "{\"a\":{\"a\":{\"a\":1}}}",
        "[{\"a\":1},{\"a\":1}]",
        "{\"a\":[1,{\"b\":2}],\"b\":1}",
        "{\"a\":1,\"A\":2}",
        "{\"\":1,\" \":2}",
        "{\"ab\":1,\"a\":2}",
        "[1e400, 123456789012345678901]",
    };
    ALL_ARE(JSON_SCAN_GOOD, good);
}

static void refuses_what_is_not(void **state)
{
    (void)state;
    static const char *const bad[] = {
        "",
        " ",
        "{",
        "}",
        "[",
        "]",
        "[1",
        "[1,",
        "[1,]",
        "[,1]",
        "{\"a\"}",
        "{\"a\":}",
        "{\"a\":1,}",
        "{a:1}",
        "{\"a\" 1}",
        "{1:2}",
        "{\"a\":1]",
        "[1}",
        "nul",
        "nulll",
        "True",
        "tru",
        "fals",
        "01",
        "-",
        "+1",
        "1.",
        ".5",
        "1e",
        "1e+",
        "0x1",
        "- 1",
        "1 2",
        "[] []",
        "\"",
        "\"a",
        "\"\\\"",
        "\"\\x\"",
        "\"\\u12\"",
        "\"\\u12g4\"",
        "\"\\",
        "\"\n\"",
        "\"\x1f\"",
        "'a'",
        "NaN",
        "Infinity",
        "-Infinity",
        "[1 2]",
        "{\"a\":1 \"b\":2}",
        "\"a long text of more than one machine word\n and a newline\"",
        "{\"\\u00\":1}",
        "/**/1",
        "[1]x",
    };
    ALL_ARE(JSON_SCAN_INVALID, bad);
    assert_int_equal(scan((StrView){"1\0", 2}), JSON_SCAN_INVALID);
    assert_int_equal(scan((StrView){"\0", 1}), JSON_SCAN_INVALID);
    assert_int_equal(scan((StrView){"\"\\\0\"", 4}), JSON_SCAN_INVALID);
    assert_int_equal(scan((StrView){"\"a\0b\"", 5}), JSON_SCAN_INVALID);
}

static void finds_repeated_keys(void **state)
{
    (void)state;
    static const char *const repeated[] = {
        "{\"a\":1,\"a\":1}",
        "{\"a\":1,\"b\":{\"c\":1},\"a\":2}",
        "[[{\"x\":[{\"a\":1,\"b\":2,\"a\":3}]}]]",
        "{\"a\":1,\"\\u0061\":2}",
        "{\"\\u20ac\":1,\"\xe2\x82\xac\":2}",
        "{\"\\uD83D\\uDE00\":1,\"\xf0\x9f\x98\x80\":2}",
        "{\"\\ud83d\":1,\"\\uD83D\":2}",
        "{\"\\n\":1,\"\\u000a\":2}",
        "{\"\\/\":1,\"/\":2}",
        "{\"\":1,\"\":2}",
        "{\"b\":{\"a\":1,\"a\":2},\"c\":{}}",
        "{\"\\\"\\\\\\b\\f\\r\\t\":1,\"\\u0022\\u005c\\u0008\\u000c\\u000d\\u0009\":2}",
        "{\"\\u00e9\":1,\"\xc3\xa9\":2}",
    };
    ALL_ARE(JSON_SCAN_REPEATED_KEY, repeated);
    assert_int_equal(scan(view_of("{\"a\":1,\"a\":1")), JSON_SCAN_INVALID);
    static const char *const different[] = {
        "{\"\\ud83d\":1,\"\\ud83e\":2}",
        "{\"\\ud83d\\u0041\":1,\"\\ud83dB\":2}",
        "{\"\\u0000\":1,\"\":2}",
    };
    ALL_ARE(JSON_SCAN_GOOD, different);
}

static void scales_to_many_keys(void **state)
{
    (void)state;
    enum { KEYS = 100000 };
    char *text = malloc(KEYS * 16), *end = stpcpy(text, "{");
    for (int i = 0; i < KEYS; i++)
        end += snprintf(end, 16, "\"k%d\":1,", i);
    char *last = stpcpy(end, "\"last\":1}");
    assert_int_equal(scan((StrView){text, (size_t)(last - text)}), JSON_SCAN_GOOD);
    last = stpcpy(end, "\"k77\":1}");
    assert_int_equal(scan((StrView){text, (size_t)(last - text)}), JSON_SCAN_REPEATED_KEY);
    free(text);
}

static void scales_to_deep_nesting(void **state)
{
    (void)state;
    enum { LEVELS = 1000000 };
    char *text = malloc(2 * LEVELS);
    memset(text, '[', LEVELS);
    memset(text + LEVELS, ']', LEVELS);
    assert_int_equal(scan((StrView){text, 2 * LEVELS}), JSON_SCAN_GOOD);
    assert_int_equal(scan((StrView){text, 2 * LEVELS - 1}), JSON_SCAN_INVALID);
    free(text);
}

#define TEST(function) cmocka_unit_test_teardown(function, forget)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(takes_json),          TEST(refuses_what_is_not),    TEST(finds_repeated_keys),
        TEST(scales_to_many_keys), TEST(scales_to_deep_nesting),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
