/* SPDX-License-Identifier: Apache-2.0 */
#include "format/json.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#include "support/json_given.h"
#include <string.h>

static void prints_what_was_set_in_order(void **state)
{
    (void)state;
    CLEANUP(arena_done) Arena arena = {0};
    CLEANUP(json_free_ptr) Json *json = json_object_new();
    json_set_text(json, "z", "quote \" slash / back \\ line\n tab\t bell\x07 ö 🚢");
    json_set_text(json, "nothing", NULL);
    json_set(json, "none", NULL);
    json_set_int(json, "least", INT64_MIN);
    json_set_int(json, "most", INT64_MAX);
    json_set_bool(json, "yes", true);
    json_set_bool(json, "no", false);
    Json *list = json_array_new();
    json_append_text(list, "a");
    json_append(list, NULL);
    json_append(list, json_object_new());
    json_set(json, "list", list);
    json_set_int(json, "z2", 1);
    json_set_int(json, "z2", 2);
    assert_string_equal(json_dump(json, &arena),
                        "{\"z\":\"quote \\\" slash / back \\\\ line\\n tab\\t bell\\u0007 ö 🚢\","
                        "\"nothing\":null,\"none\":null,\"least\":-9223372036854775808,"
                        "\"most\":9223372036854775807,"
                        "\"yes\":true,\"no\":false,\"list\":[\"a\",null,{}],\"z2\":2}");
}

static void repairs_what_is_not_utf8(void **state)
{
    (void)state;
    CLEANUP(arena_done) Arena arena = {0};
    CLEANUP(json_free_ptr) Json *json = json_object_new();
    json_set_text(json, "k\xff",
                  "a\xc3(\xed\xa0\x80"
                  "ö\xe2\x82");
    assert_string_equal(json_dump(json, &arena),
                        "{\"k\xef\xbf\xbd\":\"a\xef\xbf\xbd(\xef\xbf\xbd\xef\xbf\xbd\xef\xbf\xbd"
                        "ö\xef\xbf\xbd\xef\xbf\xbd\"}");
}

static void lends_what_is_there(void **state)
{
    (void)state;
    CLEANUP(json_free_ptr)
    Json *json =
        json_given("{\"text\":\"x\",\"int\":-7,\"real\":1.5,\"yes\":true,\"list\":[\"a\",2]}");
    assert_true(json_is_object(json));
    assert_false(json_is_object(json_get(json, "list")));
    assert_false(json_is_object(NULL));
    assert_string_equal(json_get_text(json, "text"), "x");
    assert_null(json_get_text(json, "int"));
    assert_null(json_get_text(json, "missing"));
    assert_int_equal(json_get_int(json, "int", 5), -7);
    assert_int_equal(json_get_int(json, "real", 5), 5);
    assert_int_equal(json_get_int(json, "missing", 5), 5);
    const char *first = json_next_key(json, NULL);
    assert_string_equal(first, "text");
    assert_null(json_next_key(json_get(json, "text"), NULL)); /* no object */
    size_t keys = 0;
    for (const char *key = first; key; key = json_next_key(json, key))
        keys++;
    assert_int_equal(keys, 5);
    assert_true(json_get_bool(json, "yes"));
    assert_false(json_get_bool(json, "text"));
    assert_int_equal(json_count(json_get(json, "list")), 2);
    assert_int_equal(json_count(json), 0);
    assert_int_equal(json_count(NULL), 0);
    assert_string_equal(json_text_of(json_at(json_get(json, "list"), 0)), "a");
    assert_null(json_text_of(json_at(json_get(json, "list"), 1)));
    assert_null(json_at(json_get(json, "list"), 2));
    assert_null(json_text_of(NULL));
}

static void clones_deeply(void **state)
{
    (void)state;
    CLEANUP(arena_done) Arena arena = {0};
    CLEANUP(json_free_ptr) Json *json = json_given("{\"b\":{\"c\":[1]},\"a\":2}");
    CLEANUP(json_free_ptr) Json *clone = json_clone(json);
    json_append_text(json_get(json_get(json, "b"), "c"), "more");
    assert_string_equal(json_dump(clone, &arena), "{\"b\":{\"c\":[1]},\"a\":2}");
}

static void round_trips(void **state)
{
    (void)state;
    static const char *const texts[] = {
        "{}",
        "[]",
        "[[],{},\"\",0,-1,true,false,null,1.5,1e300]",
        "{\"a\":{\"b\":[{\"c\":\"\\u0001\\\"\\\\\"}]},\"\":\"empty key\",\"ключ\":\"値\"}",
        "[9223372036854775807,-9223372036854775808]",
    };
    for (size_t i = 0; i < sizeof texts / sizeof *texts; i++) {
        CLEANUP(arena_done) Arena arena = {0};
        CLEANUP(json_free_ptr) Json *json = json_given(texts[i]);
        const char *once = json_dump(json, &arena);
        CLEANUP(json_free_ptr) Json *again = json_given(once);
        assert_string_equal(once, json_dump(again, &arena));
        if (!strstr(texts[i], "e300")) /* the exponent is spelled in another way */
            assert_string_equal(once, texts[i]);
    }
}

static void prints_pretty_and_on_one_line(void **state)
{
    (void)state;
    CLEANUP(free_ptr) char *text = NULL;
    size_t size = 0;
    CLEANUP(json_free_ptr) Json *json = json_given("{\"a\":[1,{}]}");
    FILE *out = open_memstream(&text, &size);
    json_print(out, json, true);
    json_print(out, json, false);
    fclose(out);
    assert_string_equal(text, "{\n  \"a\": [\n    1,\n    {}\n  ]\n}\n{\"a\":[1,{}]}\n");
}

typedef struct BadCase {
    const char *text;
    const char *message; /* how the message begins */
} BadCase;

static void refuses_what_is_not_json(void **state)
{
    (void)state;
    static const BadCase cases[] = {
        {"", "state.json:1:1: '[' or '{' expected near end of file"},
        {"{\"a\":1,\n \"a\":2}", "state.json:2:4: duplicate object key"},
        {"{\"a\":1", "state.json:1:6: '}' expected near end of file"},
        {"{} x", "state.json:1:4: end of file expected near 'x'"},
        {"\"text\"", "state.json:1:6: '[' or '{' expected"},
        {"[\"\xff\"]", "state.json:1:2: unable to decode byte 0xff"},
        {"[\"\\u0000\"]", "state.json:1:9: \\u0000 is not allowed without JSON_ALLOW_NUL"},
        {"[9223372036854775808]", "state.json:1:20: too big integer"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        Error error = {0};
        Json *json;
        assert_false(json_parse(cases[i].text, strlen(cases[i].text), "state.json", &json, &error));
        assert_null(json);
        assert_int_equal(error.kind, ERROR_CONFIG);
        assert_memory_equal(error.message, cases[i].message, strlen(cases[i].message));
    }
}

static void survives_deep_nesting(void **state)
{
    (void)state;
    enum { DEPTH = 1000 * 1000 };
    static char text[DEPTH];
    memset(text, '[', DEPTH);
    Json *json;
    Error error = {0};
    assert_false(json_parse(text, DEPTH, "deep", &json, &error));
    assert_non_null(strstr(error.message, "maximum parsing depth reached"));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(prints_what_was_set_in_order),
        cmocka_unit_test(repairs_what_is_not_utf8),
        cmocka_unit_test(lends_what_is_there),
        cmocka_unit_test(clones_deeply),
        cmocka_unit_test(round_trips),
        cmocka_unit_test(prints_pretty_and_on_one_line),
        cmocka_unit_test(refuses_what_is_not_json),
        cmocka_unit_test(survives_deep_nesting),
    };
    return cmocka_run_group_tests_name("format/json", tests, NULL, NULL);
}
