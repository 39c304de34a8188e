/* SPDX-License-Identifier: Apache-2.0 */
#include "schema/field_json.h"

#include <setjmp.h>
#include <stdarg.h>
#include <string.h>

#include <cmocka.h>

static void writes_bigquerys_form(void **state)
{
    (void)state;
    static const Field members[] = {
        {.name = "street", .kind = TYPE_STRING},
        {.name = "tags", .kind = TYPE_STRING, .mode = MODE_REPEATED},
    };
    static const Field fields[] = {
        {.name = "id", .kind = TYPE_INT64, .mode = MODE_REQUIRED, .description = "the \"key\""},
        {.name = "total", .kind = TYPE_NUMERIC, .precision = 15, .scale = 2},
        {.name = "address", .kind = TYPE_STRUCT, .fields = members, .field_count = 2},
    };
    static const Schema schema = {fields, 3, "orders"};
    CLEANUP(arena_done) Arena arena = {0};
    CLEANUP(json_free_ptr) Json *json = field_json_from_schema(&schema);
    assert_string_equal(
        json_dump(json, &arena),
        "{\"description\":\"orders\",\"fields\":["
        "{\"name\":\"id\",\"type\":\"INT64\",\"mode\":\"REQUIRED\","
        "\"description\":\"the \\\"key\\\"\"},"
        "{\"name\":\"total\",\"type\":\"NUMERIC\",\"mode\":\"NULLABLE\",\"precision\":\"15\","
        "\"scale\":\"2\"},"
        "{\"name\":\"address\",\"type\":\"STRUCT\",\"mode\":\"NULLABLE\",\"fields\":["
        "{\"name\":\"street\",\"type\":\"STRING\",\"mode\":\"NULLABLE\"},"
        "{\"name\":\"tags\",\"type\":\"STRING\",\"mode\":\"REPEATED\"}]}]}");
}

static bool parse(const char *text, Arena *arena, Schema *schema, Error *error)
{
    CLEANUP(json_free_ptr) Json *json = NULL;
    assert_true(json_parse(text, strlen(text), "test", &json, error));
    return field_json_to_schema(json, arena, schema, error);
}

static void reads_what_bigquery_answers(void **state)
{
    (void)state;
    CLEANUP(arena_done) Arena arena = {0};
    Error error = {0};
    Schema schema = {0};
    assert_true(parse("{\"fields\":[{\"name\":\"a\",\"type\":\"INTEGER\"},"
                      "{\"name\":\"b\",\"type\":\"BIGNUMERIC\",\"mode\":\"REPEATED\","
                      "\"precision\":\"50\",\"scale\":\"38\",\"description\":\"d\"},"
                      "{\"name\":\"c\",\"type\":\"RECORD\",\"mode\":\"required\","
                      "\"fields\":[{\"name\":\"e\",\"type\":\"FLOAT\"}]}]}",
                      &arena, &schema, &error));
    assert_int_equal(schema.field_count, 3);
    assert_null(schema.description);
    const Field *field = schema.fields;
    assert_string_equal(field[0].name, "a");
    assert_int_equal(field[0].kind, TYPE_INT64);
    assert_int_equal(field[0].mode, MODE_NULLABLE);
    assert_int_equal(field[1].kind, TYPE_BIGNUMERIC);
    assert_int_equal(field[1].mode, MODE_REPEATED);
    assert_int_equal(field[1].precision, 50);
    assert_int_equal(field[1].scale, 38);
    assert_string_equal(field[1].description, "d");
    assert_int_equal(field[2].kind, TYPE_STRUCT);
    assert_int_equal(field[2].mode, MODE_REQUIRED);
    assert_int_equal(field[2].field_count, 1);
    assert_string_equal(field[2].fields[0].name, "e");
    assert_int_equal(field[2].fields[0].kind, TYPE_FLOAT64);
}

static void names_the_field_that_is_wrong(void **state)
{
    (void)state;
    static const struct {
        const char *text;
        const char *message;
    } cases[] = {
        {"{}", "there are no fields"},
        {"{\"fields\":[]}", "there are no fields"},
        {"{\"fields\":[{\"type\":\"STRING\"}]}", "a field has no name"},
        {"{\"fields\":[{\"name\":\"\",\"type\":\"STRING\"}]}", "a field has no name"},
        {"{\"fields\":[{\"name\":\"a\"}]}", "a: unknown type \"\""},
        {"{\"fields\":[{\"name\":\"a\",\"type\":\"TEXT\"}]}", "a: unknown type \"TEXT\""},
        {"{\"fields\":[{\"name\":\"a\",\"type\":\"STRING\",\"mode\":\"MAYBE\"}]}",
         "a: unknown mode \"MAYBE\""},
        {"{\"fields\":[{\"name\":\"a\",\"type\":\"NUMERIC\",\"precision\":\"-1\"}]}",
         "a: precision and scale are numbers, as text"},
        {"{\"fields\":[{\"name\":\"a\",\"type\":\"NUMERIC\",\"precision\":10}]}",
         "a: precision and scale are numbers, as text"},
        {"{\"fields\":[{\"name\":\"a\",\"type\":\"NUMERIC\",\"precision\":\"77\"}]}",
         "a: NUMERIC(77, 0) is not a type"},
        {"{\"fields\":[{\"name\":\"a\",\"type\":\"NUMERIC\",\"precision\":\"4\","
         "\"scale\":\"5\"}]}",
         "a: NUMERIC(4, 5) is not a type"},
        {"{\"fields\":[{\"name\":\"a\",\"type\":\"INT64\",\"precision\":\"5\"}]}",
         "a: a INT64 has neither precision nor scale"},
        {"{\"fields\":[{\"name\":\"a\",\"type\":\"STRUCT\"}]}", "a: there are no fields"},
        {"{\"fields\":[{\"name\":\"a\",\"type\":\"STRUCT\",\"fields\":[{\"name\":\"b\"}]}]}",
         "a: b: unknown type \"\""},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        CLEANUP(arena_done) Arena arena = {0};
        Schema schema = {0};
        Error error = {0};
        assert_false(parse(cases[i].text, &arena, &schema, &error));
        assert_int_equal(error.kind, ERROR_CONFIG);
        assert_string_equal(error.message, cases[i].message);
        assert_null(schema.fields);
    }
}

static void refuses_endless_nesting(void **state)
{
    (void)state;
    CLEANUP(arena_done) Arena arena = {0};
    Error error = {0};
    Schema schema = {0};
    char *text = arena_strdup(&arena, "{\"name\":\"x\",\"type\":\"INT64\"}");
    for (int depth = 2; depth <= 15; depth++)
        text = arena_printf(&arena, "{\"name\":\"x\",\"type\":\"STRUCT\",\"fields\":[%s]}", text);
    assert_true(parse(arena_printf(&arena, "{\"fields\":[%s]}", text), &arena, &schema, &error));
    text = arena_printf(&arena, "{\"name\":\"x\",\"type\":\"STRUCT\",\"fields\":[%s]}", text);
    assert_false(parse(arena_printf(&arena, "{\"fields\":[%s]}", text), &arena, &schema, &error));
    assert_non_null(strstr(error.message, "nested deeper than 15 levels"));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(writes_bigquerys_form),
        cmocka_unit_test(reads_what_bigquery_answers),
        cmocka_unit_test(names_the_field_that_is_wrong),
        cmocka_unit_test(refuses_endless_nesting),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
