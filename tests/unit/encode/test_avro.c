/* SPDX-License-Identifier: Apache-2.0 */
/* Bytes written down by hand from the Avro 1.11 specification. */
#include "base/cleanup.h"
#include "support/encoded.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>

#include <cmocka.h>

/* A file's parts, found by reading it as the specification says. */
typedef struct Parts {
    const char *schema;
    size_t schema_size;
    const char *codec;
    size_t codec_size;
    const char *sync;
    const char *next; /* the first block */
    const char *end;
} Parts;

static int64_t read_long(const char **at)
{
    uint64_t bits = 0;
    for (int shift = 0;; shift += 7) {
        unsigned char byte = (unsigned char)*(*at)++;
        bits |= (uint64_t)(byte & 0x7f) << shift;
        if (byte < 0x80)
            return (int64_t)(bits >> 1) ^ -(int64_t)(bits & 1);
    }
}

static void read_header(const Encoded *encoded, Parts *parts)
{
    static const char begin[] = "Obj\x01\x04\x16"
                                "avro.schema";
    size_t size = sizeof begin - 1;
    assert_true(encoded->size > size);
    assert_memory_equal(encoded->bytes, begin, size);
    const char *at = encoded->bytes + size;
    parts->schema_size = (size_t)read_long(&at);
    parts->schema = at;
    at += parts->schema_size;
    assert_memory_equal(at,
                        "\x14"
                        "avro.codec",
                        11);
    at += 11;
    parts->codec_size = (size_t)read_long(&at);
    parts->codec = at;
    at += parts->codec_size;
    assert_int_equal(*at++, 0);
    parts->sync = at;
    parts->next = at + 16;
    parts->end = encoded->bytes + encoded->size;
}

/* Steps over one block; returns its rows and where its data lies. */
static int64_t read_block(Parts *parts, StrView *ret_data)
{
    int64_t rows = read_long(&parts->next);
    ret_data->length = (size_t)read_long(&parts->next);
    ret_data->data = parts->next;
    parts->next += ret_data->length;
    assert_true(parts->next + 16 <= parts->end);
    assert_memory_equal(parts->next, parts->sync, 16);
    parts->next += 16;
    return rows;
}

static void check_row(const Schema *schema, const Value *row, const char *bytes, size_t size)
{
    CLEANUP(encoded_done) Encoded encoded = {0};
    const EncoderOptions options = {.schema = schema};
    Error error = {0};
    Parts parts;
    StrView data;
    assert_true(encoded_rows("avro", &options, row, 1, &encoded, &error));
    read_header(&encoded, &parts);
    assert_int_equal(read_block(&parts, &data), 1);
    assert_int_equal(data.length, size);
    assert_memory_equal(data.data, bytes, size);
    assert_ptr_equal(parts.next, parts.end);
}

static void check_value(Field field, Value value, const char *bytes, size_t size)
{
    field.name = "f";
    const Schema schema = {.fields = &field, .field_count = 1};
    check_row(&schema, &value, bytes, size);
}

/* The value's initialiser comes last: it has commas. */
#define EXPECT(field_kind, bytes, ...)                                                             \
    do {                                                                                           \
        const Value value_ = __VA_ARGS__;                                                          \
        check_value((Field){.kind = (field_kind)}, value_, "\x02" bytes, sizeof(bytes));           \
        check_value((Field){.kind = (field_kind), .mode = MODE_REQUIRED}, value_, bytes,           \
                    sizeof(bytes) - 1);                                                            \
    } while (0)

static void writes_a_header_alone_without_rows(void **state)
{
    (void)state;
    static const Field field = {.name = "id", .kind = TYPE_INT64};
    static const Schema schema = {.fields = &field, .field_count = 1};
    const char *expected = "{\"type\":\"record\",\"name\":\"root\",\"fields\":[{\"name\":\"id\","
                           "\"type\":[\"null\",\"long\"],\"default\":null}]}";
    for (int compress = 0; compress < 2; compress++) {
        CLEANUP(encoded_done) Encoded encoded = {0};
        const EncoderOptions options = {.schema = &schema, .compress = compress};
        Error error = {0};
        Parts parts;
        assert_true(encoded_rows("avro", &options, NULL, 0, &encoded, &error));
        read_header(&encoded, &parts);
        const char *codec = compress ? "zstandard" : "null";
        assert_int_equal(parts.schema_size, strlen(expected));
        assert_memory_equal(parts.schema, expected, parts.schema_size);
        assert_int_equal(parts.codec_size, strlen(codec));
        assert_memory_equal(parts.codec, codec, parts.codec_size);
        assert_ptr_equal(parts.next, parts.end);
    }
}

static void writes_every_type(void **state)
{
    (void)state;
    static const Decimal huge = {{0, 0, 1, 0}}; /* 2^128 */
    static const Interval interval = {14, -3, 14706700000};
    EXPECT(TYPE_BOOL, "\x01", {.kind = VALUE_BOOL, .boolean = true});
    EXPECT(TYPE_BOOL, "\x00", {.kind = VALUE_BOOL, .boolean = false});
    EXPECT(TYPE_INT64, "\x81\x01", VALUE_OF_INT(-65));
    EXPECT(TYPE_INT64, "\xff\xff\xff\xff\xff\xff\xff\xff\xff\x01", VALUE_OF_INT(INT64_MIN));
    EXPECT(TYPE_FLOAT64, "\x00\x00\x00\x00\x00\x00\xf8\xbf", {.kind = VALUE_FLOAT64, .real = -1.5});
    EXPECT(TYPE_NUMERIC, "\x04\xff\x7f", VALUE_OF_DECIMAL(-129));
    EXPECT(TYPE_NUMERIC, "\x02\x00", VALUE_OF_DECIMAL(0));
    EXPECT(TYPE_BIGNUMERIC,
           "\x22\x01\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00",
           {.kind = VALUE_DECIMAL, .decimal = &huge});
    EXPECT(TYPE_STRING,
           "\x06"
           "foo",
           VALUE_OF_TEXT("foo"));
    EXPECT(TYPE_STRING, "\x00", VALUE_OF_TEXT(""));
    EXPECT(TYPE_BYTES, "\x06\xff\x00\x7f", VALUE_OF_TEXT("\xff\x00\x7f"));
    EXPECT(TYPE_JSON, "\x10{\"a\": 1}", VALUE_OF_TEXT("{\"a\": 1}"));
    EXPECT(TYPE_GEOGRAPHY, "\x14POINT(1 2)", VALUE_OF_TEXT("POINT(1 2)"));
    EXPECT(TYPE_DATE, "\xf3\xe4\x57", VALUE_OF_INT(-719162));
    EXPECT(TYPE_TIME, "\xfe\xff\xba\xdd\x83\x05", VALUE_OF_INT(86399999999));
    EXPECT(TYPE_DATETIME, "\x01", VALUE_OF_INT(-1));
    EXPECT(TYPE_TIMESTAMP, "\x80\x89\x81\x82\x83\x89\x85\x06", VALUE_OF_INT(1700000000123456));
    EXPECT(TYPE_INTERVAL,
           "\x1c"
           "1-2 -3 4:5:6.7",
           {.kind = VALUE_INTERVAL, .interval = &interval});
}

/* Texts of every length that the short ways of copying know, and one that needs a long length. */
static void copies_texts_of_every_length(void **state)
{
    (void)state;
    for (size_t size = 0; size <= 80; size++) {
        char expected[100];
        char *text = malloc(size + 1); /* a read past its end is seen */
        for (size_t i = 0; i < size; i++)
            text[i] = (char)('a' + i % 26);
        size_t head = size < 64 ? 1 : 2;
        expected[0] = (char)(size < 64 ? size << 1 : (size << 1 & 0x7f) | 0x80);
        expected[1] = 1;
        memcpy(expected + head, text, size);
        text = realloc(text, size ? size : 1);
        check_value((Field){.kind = TYPE_STRING, .mode = MODE_REQUIRED},
                    (Value){.kind = VALUE_BYTES, .length = (uint32_t)size, .bytes = text}, expected,
                    head + size);
        free(text);
    }
}

static void writes_nulls_arrays_and_records(void **state)
{
    (void)state;
    static const Field members[] = {
        {.name = "a", .kind = TYPE_INT64},
        {.name = "b", .kind = TYPE_STRING, .mode = MODE_REPEATED},
    };
    static const Field fields[] = {
        {.name = "n", .kind = TYPE_INT64},
        {.name = "r", .kind = TYPE_STRUCT, .fields = members, .field_count = 2},
        {.name = "i", .kind = TYPE_INT64, .mode = MODE_REPEATED},
        {.name = "l",
         .kind = TYPE_STRUCT,
         .mode = MODE_REPEATED,
         .fields = members,
         .field_count = 2},
        {.name = "q",
         .kind = TYPE_STRUCT,
         .mode = MODE_REQUIRED,
         .fields = members,
         .field_count = 2},
    };
    static const Schema schema = {.fields = fields, .field_count = 5};
    static const Value texts[] = {VALUE_OF_TEXT("x"), VALUE_OF_TEXT("yz")};
    static const Value integers[] = {VALUE_OF_INT(3),
                                     VALUE_OF_INT(27)}; /* as in the specification */
    static const Value full[] = {VALUE_OF_INT(-1), VALUE_OF_ITEMS(texts)};
    static const Value empty[] = {{.kind = VALUE_NULL},
                                  {.kind = VALUE_LIST, .length = 0, .items = NULL}};
    static const Value both[] = {VALUE_OF_ITEMS(full), VALUE_OF_ITEMS(empty)};
    static const Value row[] = {VALUE_OF_INT(1), VALUE_OF_ITEMS(full), VALUE_OF_ITEMS(integers),
                                VALUE_OF_ITEMS(both), VALUE_OF_ITEMS(empty)};
    static const char bytes[] = "\x02\x02"                        /* n */
                                "\x02\x02\x01\x04\x02x\x04yz\x00" /* r */
                                "\x04\x06\x36\x00"                /* i */
                                "\x04"                            /* l: two items */
                                "\x02\x01\x04\x02x\x04yz\x00"     /* the first */
                                "\x00\x00"                        /* the second */
                                "\x00"                            /* end of l */
                                "\x00\x00";                       /* q */
    check_row(&schema, row, bytes, sizeof bytes - 1);
    static const Value nulls[] = {{.kind = VALUE_NULL},
                                  {.kind = VALUE_NULL},
                                  {.kind = VALUE_NULL},
                                  {.kind = VALUE_NULL},
                                  VALUE_OF_ITEMS(empty)};
    check_row(&schema, nulls, "\x00\x00\x00\x00\x00\x00", 6);
}

static void refuses_null_where_a_value_is_required(void **state)
{
    (void)state;
    static const Field fields[] = {{.name = "id", .kind = TYPE_INT64},
                                   {.name = "total", .kind = TYPE_NUMERIC, .mode = MODE_REQUIRED}};
    static const Schema schema = {.fields = fields, .field_count = 2};
    static const Value row[] = {VALUE_OF_INT(1), {.kind = VALUE_NULL}};
    static const char *const formats[] = {"avro", "ndjson"};
    for (int i = 0; i < 2; i++) {
        CLEANUP(encoded_done) Encoded encoded = {0};
        const EncoderOptions options = {.schema = &schema};
        Error error = {0};
        assert_false(encoded_rows(formats[i], &options, row, 1, &encoded, &error));
        assert_int_equal(error.kind, ERROR_DATA);
        assert_string_equal(error.message, "column total: a NULL where a value is required");
    }
}

static void refuses_rows_over_the_limit(void **state)
{
    (void)state;
    static const Field fields[] = {
        {.name = "a", .kind = TYPE_STRING, .mode = MODE_REQUIRED},
        {.name = "b", .kind = TYPE_INT64, .mode = MODE_REPEATED},
    };
    static const Schema schema = {.fields = fields, .field_count = 2};
    static const Value none = {.kind = VALUE_LIST, .length = 0, .items = NULL};
    char text[1000];
    memset(text, 'x', sizeof text);
    for (uint32_t size = 90; size <= 900; size += 7) {
        CLEANUP(encoded_done) Encoded encoded = {0};
        const EncoderOptions options = {.schema = &schema, .row_limit = 100};
        Error error = {0};
        const Value row[] = {{.kind = VALUE_BYTES, .length = size, .bytes = text}, none};
        /* two bytes of length, the text, one byte that ends the array */
        assert_int_equal(encoded_rows("avro", &options, row, 1, &encoded, &error), size + 3 <= 100);
        if (size + 3 <= 100)
            continue;
        assert_int_equal(error.kind, ERROR_DATA);
        char expected[100];
        snprintf(expected, sizeof expected, "a row takes %u bytes in Avro; the limit is 100 bytes",
                 size + 3);
        assert_string_equal(error.message, expected);
        assert_string_not_equal(error.hint, "");
    }
}

/* The size in the message is that of the row as it would have been written. */
static void reckons_the_size_of_every_type(void **state)
{
    (void)state;
    static const Decimal huge = {{0, 0, 1, 0}};
    static const Interval span = {14, -3, 14706700000};
    static const Field members[] = {{.name = "a", .kind = TYPE_INT64},
                                    {.name = "b", .kind = TYPE_FLOAT64, .mode = MODE_REPEATED}};
    static const Field fields[] = {
        {.name = "bool", .kind = TYPE_BOOL},
        {.name = "int", .kind = TYPE_INT64, .mode = MODE_REQUIRED},
        {.name = "real", .kind = TYPE_FLOAT64},
        {.name = "small", .kind = TYPE_NUMERIC},
        {.name = "wide", .kind = TYPE_BIGNUMERIC},
        {.name = "span", .kind = TYPE_INTERVAL},
        {.name = "struct", .kind = TYPE_STRUCT, .fields = members, .field_count = 2},
        {.name = "none", .kind = TYPE_STRING},
        {.name = "text", .kind = TYPE_STRING},
    };
    static const Schema schema = {.fields = fields, .field_count = 9};
    static const Value reals[] = {{.kind = VALUE_FLOAT64, .real = 1}};
    static const Value items[] = {VALUE_OF_INT(1000000), VALUE_OF_ITEMS(reals)};
    char text[5000];
    memset(text, 'x', sizeof text);
    const Value row[] = {{.kind = VALUE_BOOL, .boolean = true},
                         VALUE_OF_INT(-1),
                         {.kind = VALUE_FLOAT64, .real = 1},
                         VALUE_OF_DECIMAL(300),
                         {.kind = VALUE_DECIMAL, .decimal = &huge},
                         {.kind = VALUE_INTERVAL, .interval = &span},
                         VALUE_OF_ITEMS(items),
                         {.kind = VALUE_NULL},
                         {.kind = VALUE_BYTES, .length = sizeof text, .bytes = text}};
    CLEANUP(encoded_done) Encoded encoded = {0};
    EncoderOptions options = {.schema = &schema, .row_limit = 1000};
    Error error = {0};
    assert_false(encoded_rows("avro", &options, row, 1, &encoded, &error));
    /* 2 + 1 + 9 + 4 + 19 + 16 + (1 + 4 + 10) + 1 + (1 + 2 + 5000) */
    assert_string_equal(error.message, "a row takes 5070 bytes in Avro; the limit is 1000 bytes");
    assert_non_null(strstr(error.hint, "its largest column is text:"));
    options.row_limit = 5070;
    assert_true(encoded_rows("avro", &options, row, 1, &encoded, &error));
}

static void a_row_of_16_megabytes_is_the_limit(void **state)
{
    (void)state;
    static const Field field = {.name = "a", .kind = TYPE_BYTES, .mode = MODE_REQUIRED};
    static const Schema schema = {.fields = &field, .field_count = 1};
    enum { LIMIT = 16 * 1024 * 1024, LENGTH = 4 }; /* of a length of that many bytes */
    CLEANUP(free_ptr) char *bytes = calloc(1, LIMIT);
    for (int over = 0; over < 2; over++) {
        CLEANUP(encoded_done) Encoded encoded = {0};
        const EncoderOptions options = {.schema = &schema, .compress = true};
        Error error = {0};
        const Value row = {
            .kind = VALUE_BYTES, .length = (uint32_t)(LIMIT - LENGTH + over), .bytes = bytes};
        assert_int_equal(encoded_rows("avro", &options, &row, 1, &encoded, &error), !over);
    }
}

/* Small rows around one that is larger than a block: nothing is lost, blocks stay in order. */
static void begins_blocks_as_they_fill(void **state)
{
    (void)state;
    static const Field field = {.name = "a", .kind = TYPE_STRING, .mode = MODE_REQUIRED};
    static const Schema schema = {.fields = &field, .field_count = 1};
    enum { ROWS = 20000, LARGE = 400000, LARGE_ROW = 7000 };
    CLEANUP(free_ptr) char *large = malloc(LARGE);
    CLEANUP(free_ptr) Value *rows = calloc(ROWS, sizeof *rows);
    memset(large, 'L', LARGE);
    for (size_t i = 0; i < ROWS; i++)
        rows[i] = (Value)VALUE_OF_TEXT("thirty-two bytes of a small text");
    rows[LARGE_ROW] = (Value){.kind = VALUE_BYTES, .length = LARGE, .bytes = large};
    CLEANUP(encoded_done) Encoded encoded = {0};
    const EncoderOptions options = {.schema = &schema};
    Error error = {0};
    Parts parts;
    assert_true(encoded_rows("avro", &options, rows, ROWS, &encoded, &error));
    read_header(&encoded, &parts);
    int64_t seen = 0;
    int blocks = 0;
    while (parts.next < parts.end) {
        StrView data;
        int64_t count = read_block(&parts, &data);
        assert_true(data.length <= LARGE + 3);
        for (int64_t i = 0; i < count; i++, seen++) {
            const char *before = data.data;
            int64_t size = read_long(&data.data);
            assert_int_equal(size, seen == LARGE_ROW ? LARGE : 32);
            assert_int_equal(*data.data, seen == LARGE_ROW ? 'L' : 't');
            data.data += size;
            data.length -= (size_t)(data.data - before);
        }
        assert_int_equal(data.length, 0);
        blocks++;
    }
    assert_int_equal(seen, ROWS);
    assert_in_range(blocks, 5, 12);
}

static void stops_when_the_output_fails(void **state)
{
    (void)state;
    static const Field field = {.name = "a", .kind = TYPE_INT64};
    static const Schema schema = {.fields = &field, .field_count = 1};
    static const Value row = VALUE_OF_INT(1);
    static const char *const formats[] = {"avro", "ndjson"};
    for (int i = 0; i < 4; i++) {
        CLEANUP(encoded_done) Encoded encoded = {.fail_after = 5};
        const EncoderOptions options = {.schema = &schema, .compress = i >= 2};
        Error error = {0};
        assert_false(encoded_rows(formats[i % 2], &options, &row, 1, &encoded, &error));
        assert_int_equal(error.kind, ERROR_TARGET);
        assert_string_equal(error.message, "the disk is full");
    }
}

static void knows_formats_and_levels(void **state)
{
    (void)state;
    static const Field field = {.name = "a", .kind = TYPE_INT64};
    static const Schema schema = {.fields = &field, .field_count = 1};
    CLEANUP(encoded_done) Encoded encoded = {0};
    Error error = {0};
    EncoderOptions options = {.schema = &schema};
    assert_false(encoded_rows("parquet", &options, NULL, 0, &encoded, &error));
    assert_int_equal(error.kind, ERROR_CONFIG);
    assert_string_equal(error.message, "unknown file format \"parquet\"");
    options.compress = true;
    options.compression_level = 50;
    assert_false(encoded_rows("avro", &options, NULL, 0, &encoded, &error));
    assert_int_equal(error.kind, ERROR_CONFIG);
    assert_false(encoded_rows("ndjson", &options, NULL, 0, &encoded, &error));
    assert_int_equal(error.kind, ERROR_CONFIG);
    options.compression_level = -5;
    assert_true(encoded_rows("avro", &options, NULL, 0, &encoded, &error));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(writes_a_header_alone_without_rows),
        cmocka_unit_test(writes_every_type),
        cmocka_unit_test(copies_texts_of_every_length),
        cmocka_unit_test(writes_nulls_arrays_and_records),
        cmocka_unit_test(refuses_null_where_a_value_is_required),
        cmocka_unit_test(refuses_rows_over_the_limit),
        cmocka_unit_test(reckons_the_size_of_every_type),
        cmocka_unit_test(a_row_of_16_megabytes_is_the_limit),
        cmocka_unit_test(begins_blocks_as_they_fill),
        cmocka_unit_test(stops_when_the_output_fails),
        cmocka_unit_test(knows_formats_and_levels),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
