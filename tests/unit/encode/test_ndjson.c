/* SPDX-License-Identifier: Apache-2.0 */
#include "base/cleanup.h"
#include "support/encoded.h"

#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>

#include <cmocka.h>

static void check_row(const Schema *schema, const Value *row, const char *line)
{
    CLEANUP(encoded_done) Encoded encoded = {0};
    const EncoderOptions options = {.schema = schema};
    Error error = {0};
    assert_true(encoded_rows("ndjson", &options, row, 1, &encoded, &error));
    assert_string_equal(encoded.bytes, line);
}

/* The value's initialiser comes last: it has commas. */
#define EXPECT(field_kind, text, ...)                                                              \
    do {                                                                                           \
        const Field field_ = {.name = "f", .kind = (field_kind)};                                  \
        const Schema schema_ = {.fields = &field_, .field_count = 1};                              \
        const Value value_ = __VA_ARGS__;                                                          \
        check_row(&schema_, &value_, "{\"f\":" text "}\n");                                        \
    } while (0)

static void writes_every_type(void **state)
{
    (void)state;
    static const Decimal huge = {{0, 0, 1, 0}}; /* 2^128 */
    static const Interval interval = {14, -3, 14706700000};
    EXPECT(TYPE_BOOL, "true", {.kind = VALUE_BOOL, .boolean = true});
    EXPECT(TYPE_BOOL, "false", {.kind = VALUE_BOOL, .boolean = false});
    EXPECT(TYPE_INT64, "-65", VALUE_OF_INT(-65));
    EXPECT(TYPE_INT64, "9007199254740992", VALUE_OF_INT(9007199254740992));
    EXPECT(TYPE_INT64, "-9007199254740992", VALUE_OF_INT(-9007199254740992));
    EXPECT(TYPE_INT64, "\"9007199254740993\"", VALUE_OF_INT(9007199254740993));
    EXPECT(TYPE_INT64, "\"-9223372036854775808\"", VALUE_OF_INT(INT64_MIN));
    EXPECT(TYPE_FLOAT64, "-1.5", {.kind = VALUE_FLOAT64, .real = -1.5});
    EXPECT(TYPE_FLOAT64, "1e+300", {.kind = VALUE_FLOAT64, .real = 1e300});
    EXPECT(TYPE_FLOAT64, "\"NaN\"", {.kind = VALUE_FLOAT64, .real = NAN});
    EXPECT(TYPE_FLOAT64, "\"Infinity\"", {.kind = VALUE_FLOAT64, .real = INFINITY});
    EXPECT(TYPE_FLOAT64, "\"-Infinity\"", {.kind = VALUE_FLOAT64, .real = -INFINITY});
    EXPECT(TYPE_NUMERIC, "\"-0.000000129\"", VALUE_OF_DECIMAL(-129));
    EXPECT(TYPE_BIGNUMERIC, "\"3.40282366920938463463374607431768211456\"",
           {.kind = VALUE_DECIMAL, .decimal = &huge});
    EXPECT(TYPE_STRING, "\"line\\nbreak \\\"quoted\\\"\"", VALUE_OF_TEXT("line\nbreak \"quoted\""));
    EXPECT(TYPE_STRING, "\"\"", VALUE_OF_TEXT(""));
    EXPECT(TYPE_BYTES, "\"/wB/\"", VALUE_OF_TEXT("\xff\x00\x7f"));
    EXPECT(TYPE_JSON, "{  \"a\":[1,2]}", VALUE_OF_TEXT("{\n\t\"a\":[1,2]}"));
    EXPECT(TYPE_JSON, "\"a string\"", VALUE_OF_TEXT("\"a string\""));
    EXPECT(TYPE_GEOGRAPHY, "\"POINT(1 2)\"", VALUE_OF_TEXT("POINT(1 2)"));
    EXPECT(TYPE_DATE, "\"0001-01-01\"", VALUE_OF_INT(-719162));
    EXPECT(TYPE_TIME, "\"23:59:59.999999\"", VALUE_OF_INT(86399999999));
    EXPECT(TYPE_DATETIME, "\"1969-12-31T23:59:59.999999\"", VALUE_OF_INT(-1));
    EXPECT(TYPE_TIMESTAMP, "\"2023-11-14T22:13:20Z\"", VALUE_OF_INT(1700000000000000));
    EXPECT(TYPE_INTERVAL, "\"P1Y2M-3DT4H5M6.7S\"", {.kind = VALUE_INTERVAL, .interval = &interval});
    EXPECT(TYPE_STRING, "null", {.kind = VALUE_NULL});
}

static void writes_arrays_and_structs(void **state)
{
    (void)state;
    static const Field members[] = {
        {.name = "a", .kind = TYPE_INT64},
        {.name = "b", .kind = TYPE_STRING, .mode = MODE_REPEATED},
    };
    static const Field fields[] = {
        {.name = "s", .kind = TYPE_STRUCT, .fields = members, .field_count = 2},
        {.name = "l",
         .kind = TYPE_STRUCT,
         .mode = MODE_REPEATED,
         .fields = members,
         .field_count = 2},
        {.name = "j", .kind = TYPE_JSON, .mode = MODE_REPEATED},
    };
    static const Schema schema = {.fields = fields, .field_count = 3};
    static const Value texts[] = {VALUE_OF_TEXT("x"), VALUE_OF_TEXT("yz")};
    static const Value full[] = {VALUE_OF_INT(-1), VALUE_OF_ITEMS(texts)};
    static const Value empty[] = {{.kind = VALUE_NULL}, {.kind = VALUE_LIST, .length = 0}};
    static const Value both[] = {VALUE_OF_ITEMS(full), VALUE_OF_ITEMS(empty)};
    static const Value json[] = {VALUE_OF_TEXT("null"), VALUE_OF_TEXT("1")};
    static const Value row[] = {VALUE_OF_ITEMS(full), VALUE_OF_ITEMS(both), VALUE_OF_ITEMS(json)};
    check_row(&schema, row,
              "{\"s\":{\"a\":-1,\"b\":[\"x\",\"yz\"]},"
              "\"l\":[{\"a\":-1,\"b\":[\"x\",\"yz\"]},{\"a\":null,\"b\":[]}],"
              "\"j\":[null,1]}\n");
    static const Value nulls[] = {{.kind = VALUE_NULL}, {.kind = VALUE_NULL}, {.kind = VALUE_NULL}};
    check_row(&schema, nulls, "{\"s\":null,\"l\":[],\"j\":[]}\n");
}

/* Long values pass the buffer in pieces; what comes out must not show it. */
static void writes_values_longer_than_its_buffer(void **state)
{
    (void)state;
    static const Field fields[] = {{.name = "t", .kind = TYPE_STRING},
                                   {.name = "b", .kind = TYPE_BYTES},
                                   {.name = "j", .kind = TYPE_JSON}};
    static const Schema schema = {.fields = fields, .field_count = 3};
    enum { SIZE = 300001 };
    CLEANUP(free_ptr) char *text = malloc(SIZE);
    CLEANUP(free_ptr) char *zeros = calloc(1, SIZE);
    CLEANUP(free_ptr) char *json = malloc(SIZE);
    CLEANUP(free_ptr) char *expected = malloc(9 * SIZE);
    memset(text, '\x01', SIZE);
    memset(json, '\n', SIZE);
    json[SIZE - 1] = '1';
    char *end = stpcpy(expected, "{\"t\":\"");
    for (int i = 0; i < SIZE; i++)
        end = stpcpy(end, "\\u0001");
    end = stpcpy(end, "\",\"b\":\"");
    memset(end, 'A', SIZE / 3 * 4 + 2); /* one byte is left over */
    end = stpcpy(end + SIZE / 3 * 4 + 2, "==\",\"j\":");
    memset(end, ' ', SIZE - 1);
    stpcpy(end + SIZE - 1, "1}\n");
    const Value row[] = {{.kind = VALUE_BYTES, .length = SIZE, .bytes = text},
                         {.kind = VALUE_BYTES, .length = SIZE, .bytes = zeros},
                         {.kind = VALUE_BYTES, .length = SIZE, .bytes = json}};
    check_row(&schema, row, expected);
}

/* Lengths around a piece's, and around what needs no room of its own. */
static void writes_values_of_every_length(void **state)
{
    (void)state;
    static const Field field = {.name = "t", .kind = TYPE_STRING};
    static const Schema schema = {.fields = &field, .field_count = 1};
    for (size_t size = 0; size < 9000; size += size < 100 || size % 4095 > 4000 ? 1 : 97) {
        char *text = malloc(size ? size : 1);
        CLEANUP(free_ptr) char *expected = malloc(size + 16);
        memset(text, 'x', size);
        char *end = stpcpy(expected, "{\"t\":\"");
        memset(end, 'x', size);
        stpcpy(end + size, "\"}\n");
        const Value value = {.kind = VALUE_BYTES, .length = (uint32_t)size, .bytes = text};
        check_row(&schema, &value, expected);
        free(text);
    }
}

static void escapes_names(void **state)
{
    (void)state;
    static const Field field = {.name = "a \"b\"", .kind = TYPE_INT64};
    static const Schema schema = {.fields = &field, .field_count = 1};
    static const Value value = VALUE_OF_INT(1);
    check_row(&schema, &value, "{\"a \\\"b\\\"\":1}\n");
}

static void writes_rows_one_a_line(void **state)
{
    (void)state;
    static const Field field = {.name = "n", .kind = TYPE_INT64};
    static const Schema schema = {.fields = &field, .field_count = 1};
    enum { ROWS = 30000 };
    CLEANUP(free_ptr) Value *rows = calloc(ROWS, sizeof *rows);
    for (int i = 0; i < ROWS; i++)
        rows[i] = (Value)VALUE_OF_INT(i);
    CLEANUP(encoded_done) Encoded encoded = {0};
    const EncoderOptions options = {.schema = &schema};
    Error error = {0};
    assert_true(encoded_rows("ndjson", &options, rows, ROWS, &encoded, &error));
    const char *at = encoded.bytes;
    for (int i = 0; i < ROWS; i++) {
        char line[32];
        int length = snprintf(line, sizeof line, "{\"n\":%d}\n", i);
        assert_memory_equal(at, line, (size_t)length);
        at += length;
    }
    assert_ptr_equal(at, encoded.bytes + encoded.size);
}

static void refuses_rows_over_the_limit(void **state)
{
    (void)state;
    static const Field field = {.name = "t", .kind = TYPE_STRING};
    static const Schema schema = {.fields = &field, .field_count = 1};
    static const Value value = VALUE_OF_TEXT("\"\"\"\"\"");
    CLEANUP(encoded_done) Encoded encoded = {0};
    EncoderOptions options = {.schema = &schema,
                              .row_limit = 19}; /* {"t":"\"\"\"\"\""} and newline */
    Error error = {0};
    assert_true(encoded_rows("ndjson", &options, &value, 1, &encoded, &error));
    options.row_limit = 18;
    assert_false(encoded_rows("ndjson", &options, &value, 1, &encoded, &error));
    assert_int_equal(error.kind, ERROR_DATA);
    assert_string_equal(error.message, "a row takes 19 bytes in JSON; the limit is 18 bytes");
}

static void writes_nothing_without_rows(void **state)
{
    (void)state;
    static const Field field = {.name = "t", .kind = TYPE_STRING};
    static const Schema schema = {.fields = &field, .field_count = 1};
    CLEANUP(encoded_done) Encoded encoded = {0};
    EncoderOptions options = {.schema = &schema};
    Error error = {0};
    assert_true(encoded_rows("ndjson", &options, NULL, 0, &encoded, &error));
    assert_int_equal(encoded.size, 0);
    options.compress = true; /* an empty file is no gzip file: this one has a header and an end */
    assert_true(encoded_rows("ndjson", &options, NULL, 0, &encoded, &error));
    assert_in_range(encoded.size, 20, 30);
    assert_memory_equal(encoded.bytes, "\x1f\x8b\x08", 3);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(writes_every_type),
        cmocka_unit_test(writes_arrays_and_structs),
        cmocka_unit_test(writes_values_longer_than_its_buffer),
        cmocka_unit_test(writes_values_of_every_length),
        cmocka_unit_test(escapes_names),
        cmocka_unit_test(writes_rows_one_a_line),
        cmocka_unit_test(refuses_rows_over_the_limit),
        cmocka_unit_test(writes_nothing_without_rows),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
