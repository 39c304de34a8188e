/* SPDX-License-Identifier: Apache-2.0 */
#include "model/type_text.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

static Arena arena;
static Error error;

static int clean(void **state)
{
    (void)state;
    arena_done(&arena);
    error = (Error){0};
    return 0;
}

static void reads_and_writes_types(void **state)
{
    (void)state;
    static const char *const same[] = {"BOOL",
                                       "INT64",
                                       "FLOAT64",
                                       "NUMERIC",
                                       "NUMERIC(10, 2)",
                                       "NUMERIC(38, 9)",
                                       "NUMERIC(29)",
                                       "BIGNUMERIC(76, 38)",
                                       "STRING",
                                       "BYTES",
                                       "DATE",
                                       "TIME",
                                       "DATETIME",
                                       "TIMESTAMP",
                                       "INTERVAL",
                                       "JSON",
                                       "GEOGRAPHY",
                                       "ARRAY<INT64>",
                                       "ARRAY<NUMERIC(4, 1)>",
                                       "BIGNUMERIC(38)",
                                       "BIGNUMERIC(39, 1)"};
    for (size_t i = 0; i < sizeof same / sizeof *same; i++) {
        Field field = {.name = "kept"};
        assert_true(type_text_parse(same[i], &field, &error));
        assert_string_equal(type_text_of(&field, &arena), same[i]);
        assert_string_equal(field.name, "kept");
    }
    Field field = {0};
    assert_true(type_text_parse("  array < numeric ( 4 , 1 ) > ", &field, &error));
    assert_string_equal(type_text_of(&field, &arena), "ARRAY<NUMERIC(4, 1)>");
    assert_true(type_text_parse("bigdecimal(5)", &field, &error));
    assert_string_equal(type_text_of(&field, &arena), "BIGNUMERIC(5)");
}

static void writes_structs(void **state)
{
    (void)state;
    Field inner[] = {{.name = "x", .kind = TYPE_DATE, .mode = MODE_REPEATED}};
    Field members[] = {{.name = "a", .kind = TYPE_INT64},
                       {.name = "b", .kind = TYPE_STRUCT, .fields = inner, .field_count = 1}};
    Field field = {.kind = TYPE_STRUCT, .mode = MODE_REPEATED, .fields = members, .field_count = 2};
    assert_string_equal(type_text_of(&field, &arena),
                        "ARRAY<STRUCT<a INT64, b STRUCT<x ARRAY<DATE>>>>");
}

static void refuses_types_that_are_none(void **state)
{
    (void)state;
    static const char *const bad[] = {"",
                                      "INT",
                                      "VARCHAR(10)",
                                      "NUMERIC(",
                                      "NUMERIC()",
                                      "NUMERIC(0,0)",
                                      "NUMERIC(10,",
                                      "NUMERIC(10,10)",
                                      "NUMERIC(99999999999999999999)",
                                      "ARRAY",
                                      "ARRAY<INT64",
                                      "ARRAY<>",
                                      "ARRAY<ARRAY<INT64>>",
                                      "INT64 x",
                                      "INT64(3)",
                                      "NUMERIC(-1)",
                                      "STRUCT<a INT64>",
                                      "BIGNUMERIC(77,38)",
                                      "BIGNUMERIC(38,39)",
                                      "averyveryveryveryveryveryveryveryverylongword"};
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        Field field = {.name = "kept", .kind = TYPE_DATE};
        error = (Error){0};
        if (type_text_parse(bad[i], &field, &error))
            fail_msg("\"%s\" was taken", bad[i]);
        assert_int_equal(error.kind, ERROR_CONFIG);
        assert_int_equal(field.kind, TYPE_DATE);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(reads_and_writes_types, clean, clean),
        cmocka_unit_test_setup_teardown(writes_structs, clean, clean),
        cmocka_unit_test_setup_teardown(refuses_types_that_are_none, clean, clean),
    };
    return cmocka_run_group_tests_name("model/type_text", tests, NULL, NULL);
}
