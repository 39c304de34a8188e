/* SPDX-License-Identifier: Apache-2.0 */
#include "encode/avro_schema.h"

#include "base/cleanup.h"

#include <setjmp.h>
#include <stdarg.h>
#include <string.h>

#include <cmocka.h>

static void expect_type(TypeKind kind, const char *type)
{
    CLEANUP(arena_done) Arena arena = {0};
    const Field field = {.name = "f", .kind = kind, .mode = MODE_REQUIRED};
    const Schema schema = {.fields = &field, .field_count = 1};
    assert_string_equal(avro_schema_text(&schema, &arena),
                        arena_printf(&arena,
                                     "{\"type\":\"record\",\"name\":\"root\",\"fields\":"
                                     "[{\"name\":\"f\",\"type\":%s}]}",
                                     type));
}

static void knows_every_type(void **state)
{
    (void)state;
    static const char *const types[TYPE_COUNT_] = {
        [TYPE_BOOL] = "\"boolean\"",
        [TYPE_INT64] = "\"long\"",
        [TYPE_FLOAT64] = "\"double\"",
        [TYPE_NUMERIC] = "{\"type\":\"bytes\",\"logicalType\":\"decimal\",\"precision\":38,"
                         "\"scale\":9}",
        [TYPE_BIGNUMERIC] = "{\"type\":\"bytes\",\"logicalType\":\"decimal\",\"precision\":76,"
                            "\"scale\":38}",
        [TYPE_STRING] = "\"string\"",
        [TYPE_BYTES] = "\"bytes\"",
        [TYPE_DATE] = "{\"type\":\"int\",\"logicalType\":\"date\"}",
        [TYPE_TIME] = "{\"type\":\"long\",\"logicalType\":\"time-micros\"}",
        [TYPE_DATETIME] = "{\"type\":\"long\",\"logicalType\":\"local-timestamp-micros\"}",
        [TYPE_TIMESTAMP] = "{\"type\":\"long\",\"logicalType\":\"timestamp-micros\"}",
        [TYPE_INTERVAL] = "\"string\"",
        [TYPE_JSON] = "{\"type\":\"string\",\"sqlType\":\"JSON\"}",
        [TYPE_GEOGRAPHY] = "\"string\"",
    };
    for (int kind = 0; kind < TYPE_COUNT_; kind++) {
        if (kind != TYPE_STRUCT)
            expect_type((TypeKind)kind, types[kind]);
    }
}

static void nests_and_names_records_once(void **state)
{
    (void)state;
    static const Field inner[] = {{.name = "x", .kind = TYPE_FLOAT64}};
    static const Field members[] = {
        {.name = "int", .kind = TYPE_STRUCT, .fields = inner, .field_count = 1},
        {.name = "price",
         .kind = TYPE_NUMERIC,
         .precision = 10,
         .scale = 2,
         .mode = MODE_REPEATED,
         .description = "a \"price\""},
    };
    static const Field fields[] = {
        {.name = "int", .kind = TYPE_STRUCT, .fields = inner, .field_count = 1},
        {.name = "list",
         .kind = TYPE_STRUCT,
         .mode = MODE_REPEATED,
         .fields = members,
         .field_count = 2},
    };
    static const Schema schema = {fields, 2, "all of it"};
    CLEANUP(arena_done) Arena arena = {0};
    assert_string_equal(
        avro_schema_text(&schema, &arena),
        "{\"type\":\"record\",\"name\":\"root\",\"doc\":\"all of it\",\"fields\":["
        "{\"name\":\"int\",\"type\":[\"null\",{\"type\":\"record\",\"name\":\"int_1\",\"fields\":"
        "[{\"name\":\"x\",\"type\":[\"null\",\"double\"],\"default\":null}]}],\"default\":null},"
        "{\"name\":\"list\",\"type\":{\"type\":\"array\",\"items\":"
        "{\"type\":\"record\",\"name\":\"list_2\",\"fields\":["
        "{\"name\":\"int\",\"type\":[\"null\",{\"type\":\"record\",\"name\":\"int_3\",\"fields\":"
        "[{\"name\":\"x\",\"type\":[\"null\",\"double\"],\"default\":null}]}],\"default\":null},"
        "{\"name\":\"price\",\"doc\":\"a \\\"price\\\"\",\"type\":{\"type\":\"array\",\"items\":"
        "{\"type\":\"bytes\",\"logicalType\":\"decimal\",\"precision\":10,\"scale\":2}}}]}}}]}");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(knows_every_type),
        cmocka_unit_test(nests_and_names_records_once),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
