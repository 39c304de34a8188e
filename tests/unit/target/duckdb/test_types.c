/* SPDX-License-Identifier: Apache-2.0 */
/* Every type goes through the driver and is read back as DuckDB prints it. */
#include "support/duckdb_scene.h"

#include <math.h>

#define TEXT(literal)                                                                              \
    {                                                                                              \
        .kind = VALUE_BYTES, .length = sizeof(literal) - 1, .bytes = (literal)                     \
    }
#define INTEGER(number)                                                                            \
    {                                                                                              \
        .kind = VALUE_INT64, .integer = (number)                                                   \
    }
#define REAL(number)                                                                               \
    {                                                                                              \
        .kind = VALUE_FLOAT64, .real = (number)                                                    \
    }
#define DECIMAL64(number)                                                                          \
    {                                                                                              \
        .kind = VALUE_DECIMAL64, .integer = (number)                                               \
    }
#define WIDE(name)                                                                                 \
    {                                                                                              \
        .kind = VALUE_DECIMAL, .decimal = &(name)                                                  \
    }
#define ITEMS(array)                                                                               \
    {                                                                                              \
        .kind = VALUE_LIST, .length = COUNT_OF(array), .items = (array)                            \
    }

/* 10^38 − 1 and its negative; 2^64 + 1; 10^75. */
static const Decimal NINES_38 = {{0x098a223fffffffff, 0x4b3b4ca85a86c47a, 0, 0}};
static const Decimal MINUS_NINES_38 = {
    {0xf675ddc000000001, 0xb4c4b357a5793b85, UINT64_MAX, UINT64_MAX}};
static const Decimal ABOVE_64_BITS = {{1, 1, 0, 0}};

static const Interval INTERVAL_MIXED = {.months = 14, .days = -3, .microseconds = 4000005};
static const Interval INTERVAL_NEGATIVE = {.months = -1, .days = 0, .microseconds = -1};
static const Interval INTERVAL_ZERO = {0};

static const Value ONE_TO_THREE[] = {INTEGER(1), INTEGER(2), INTEGER(3)};
static const Value TWO_TEXTS[] = {TEXT("a"), TEXT("longer than twelve bytes")};
static const Value MEMBERS[] = {INTEGER(7), TEXT("seven"), {.kind = VALUE_NULL}};
static const Value NULL_MEMBERS[] = {{.kind = VALUE_NULL}, {.kind = VALUE_NULL}, ITEMS(TWO_TEXTS)};
static const Value STRUCTS[] = {ITEMS(MEMBERS), ITEMS(NULL_MEMBERS)};
static const Value INNER[] = {ITEMS(STRUCTS)};

static const Field POINT[] = {
    {.name = "x", .kind = TYPE_INT64},
    {.name = "a name", .kind = TYPE_STRING},
    {.name = "list", .kind = TYPE_STRING, .mode = MODE_REPEATED},
};
static const Field POINTS[] = {
    {.name = "points",
     .kind = TYPE_STRUCT,
     .mode = MODE_REPEATED,
     .fields = POINT,
     .field_count = 3},
};

#define NUMERIC_OF(digits, digits_after)                                                           \
    {                                                                                              \
        .kind = TYPE_NUMERIC, .precision = (digits), .scale = (digits_after)                       \
    }
#define BIGNUMERIC_OF(digits, digits_after)                                                        \
    {                                                                                              \
        .kind = TYPE_BIGNUMERIC, .precision = (digits), .scale = (digits_after)                    \
    }
#define STRUCT_OF(members, the_mode)                                                               \
    {                                                                                              \
        .kind = TYPE_STRUCT, .mode = (the_mode), .fields = (members),                              \
        .field_count = COUNT_OF(members)                                                           \
    }

static const struct {
    Field field;
    Value value;
    const char *type; /* DuckDB's name for the column */
    const char *text; /* as it prints the value */
} CASES[] = {
    {{.kind = TYPE_BOOL}, {.kind = VALUE_BOOL, .boolean = true}, "BOOLEAN", "true"},
    {{.kind = TYPE_BOOL}, {.kind = VALUE_BOOL, .boolean = false}, "BOOLEAN", "false"},
    {{.kind = TYPE_INT64}, INTEGER(INT64_MAX), "BIGINT", "9223372036854775807"},
    {{.kind = TYPE_INT64}, INTEGER(INT64_MIN), "BIGINT", "-9223372036854775808"},
    {{.kind = TYPE_FLOAT64}, REAL(0.1), "DOUBLE", "0.1"},
    {{.kind = TYPE_FLOAT64}, REAL(-0.0), "DOUBLE", "-0.0"},
    {{.kind = TYPE_FLOAT64}, REAL((double)NAN), "DOUBLE", "nan"},
    {{.kind = TYPE_FLOAT64}, REAL(-(double)INFINITY), "DOUBLE", "-inf"},
    {{.kind = TYPE_FLOAT64}, REAL(1.7976931348623157e308), "DOUBLE", "1.7976931348623157e+308"},
    {NUMERIC_OF(4, 2), DECIMAL64(-9999), "DECIMAL(4,2)", "-99.99"},
    {NUMERIC_OF(9, 0), DECIMAL64(999999999), "DECIMAL(9,0)", "999999999"},
    {NUMERIC_OF(15, 2), DECIMAL64(123456), "DECIMAL(15,2)", "1234.56"},
    {NUMERIC_OF(18, 9), DECIMAL64(-999999999999999999), "DECIMAL(18,9)", "-999999999.999999999"},
    {NUMERIC_OF(19, 0), DECIMAL64(INT64_MIN), "DECIMAL(19,0)", "-9223372036854775808"},
    {NUMERIC_OF(20, 0), WIDE(ABOVE_64_BITS), "DECIMAL(20,0)", "18446744073709551617"},
    {{.kind = TYPE_NUMERIC}, DECIMAL64(-1), "DECIMAL(38,9)", "-0.000000001"},
    {{.kind = TYPE_NUMERIC},
     WIDE(NINES_38),
     "DECIMAL(38,9)",
     "99999999999999999999999999999.999999999"},
    {{.kind = TYPE_NUMERIC},
     WIDE(MINUS_NINES_38),
     "DECIMAL(38,9)",
     "-99999999999999999999999999999.999999999"},
    {BIGNUMERIC_OF(38, 38), WIDE(NINES_38), "DECIMAL(38,38)",
     ".99999999999999999999999999999999999999"},
    {BIGNUMERIC_OF(30, 20), DECIMAL64(5), "DECIMAL(30,20)", "0.00000000000000000005"},
    {BIGNUMERIC_OF(40, 2), WIDE(ABOVE_64_BITS), "VARCHAR", "184467440737095516.17"},
    {BIGNUMERIC_OF(40, 2), DECIMAL64(100), "VARCHAR", "1.00"},
    {{.kind = TYPE_BIGNUMERIC},
     WIDE(NINES_38),
     "VARCHAR",
     "0.99999999999999999999999999999999999999"},
    {{.kind = TYPE_BIGNUMERIC}, DECIMAL64(0), "VARCHAR", "0"},
    {{.kind = TYPE_BIGNUMERIC},
     DECIMAL64(-50),
     "VARCHAR",
     "-0.0000000000000000000000000000000000005"},
    {{.kind = TYPE_STRING}, TEXT(""), "VARCHAR", ""},
    {{.kind = TYPE_STRING}, TEXT("twelve bytes"), "VARCHAR", "twelve bytes"},
    {{.kind = TYPE_STRING}, TEXT("thirteen byte"), "VARCHAR", "thirteen byte"},
    {{.kind = TYPE_STRING},
     TEXT("Zoë \xf0\x9f\x9a\xa2 läuft"),
     "VARCHAR",
     "Zoë \xf0\x9f\x9a\xa2 läuft"},
    {{.kind = TYPE_BYTES}, TEXT("\x00\xff\x7f\\"), "BLOB", "\\x00\\xFF\\x7F\\x5C"},
    {{.kind = TYPE_BYTES},
     TEXT("\xfe is not UTF-8 and long"),
     "BLOB",
     "\\xFE is not UTF-8 and long"},
    {{.kind = TYPE_DATE}, INTEGER(0), "DATE", "1970-01-01"},
    {{.kind = TYPE_DATE}, INTEGER(-719162), "DATE", "0001-01-01"},
    {{.kind = TYPE_DATE}, INTEGER(2932896), "DATE", "9999-12-31"},
    {{.kind = TYPE_TIME}, INTEGER(0), "TIME", "00:00:00"},
    {{.kind = TYPE_TIME}, INTEGER(86399999999), "TIME", "23:59:59.999999"},
    {{.kind = TYPE_DATETIME},
     INTEGER(253402300799999999),
     "TIMESTAMP",
     "9999-12-31 23:59:59.999999"},
    {{.kind = TYPE_DATETIME}, INTEGER(-62135596800000000), "TIMESTAMP", "0001-01-01 00:00:00"},
    {{.kind = TYPE_TIMESTAMP},
     INTEGER(-1),
     "TIMESTAMP WITH TIME ZONE",
     "1969-12-31 23:59:59.999999+00"},
    {{.kind = TYPE_TIMESTAMP},
     INTEGER(1704067200000000),
     "TIMESTAMP WITH TIME ZONE",
     "2024-01-01 00:00:00+00"},
    {{.kind = TYPE_INTERVAL},
     {.kind = VALUE_INTERVAL, .interval = &INTERVAL_MIXED},
     "INTERVAL",
     "1 year 2 months -3 days 00:00:04.000005"},
    {{.kind = TYPE_INTERVAL},
     {.kind = VALUE_INTERVAL, .interval = &INTERVAL_NEGATIVE},
     "INTERVAL",
     "-1 month -00:00:00.000001"},
    {{.kind = TYPE_INTERVAL},
     {.kind = VALUE_INTERVAL, .interval = &INTERVAL_ZERO},
     "INTERVAL",
     "00:00:00"},
    {{.kind = TYPE_JSON}, TEXT("{\"a\": [1, null, \"x\"]}"), "JSON", "{\"a\": [1, null, \"x\"]}"},
    {{.kind = TYPE_GEOGRAPHY}, TEXT("POINT(13.4 52.5)"), "VARCHAR", "POINT(13.4 52.5)"},
    {{.kind = TYPE_INT64, .mode = MODE_REPEATED}, ITEMS(ONE_TO_THREE), "BIGINT[]", "[1, 2, 3]"},
    {{.kind = TYPE_STRING, .mode = MODE_REPEATED},
     ITEMS(TWO_TEXTS),
     "VARCHAR[]",
     "[a, longer than twelve bytes]"},
    {{.kind = TYPE_INT64, .mode = MODE_REPEATED}, {.kind = VALUE_LIST}, "BIGINT[]", "[]"},
    {STRUCT_OF(POINT, MODE_NULLABLE), ITEMS(MEMBERS),
     "STRUCT(x BIGINT, \"a name\" VARCHAR, list VARCHAR[])",
     "{'x': 7, 'a name': seven, 'list': []}"},
    {STRUCT_OF(POINT, MODE_REPEATED), ITEMS(STRUCTS),
     "STRUCT(x BIGINT, \"a name\" VARCHAR, list VARCHAR[])[]",
     "[{'x': 7, 'a name': seven, 'list': []}, {'x': NULL, 'a name': NULL, 'list': [a, longer "
     "than twelve bytes]}]"},
    {STRUCT_OF(POINTS, MODE_NULLABLE), ITEMS(INNER),
     "STRUCT(points STRUCT(x BIGINT, \"a name\" VARCHAR, list VARCHAR[])[])",
     "{'points': [{'x': 7, 'a name': seven, 'list': []}, {'x': NULL, 'a name': NULL, 'list': [a, "
     "longer than twelve bytes]}]}"},
};

enum { CASE_COUNT = COUNT_OF(CASES), ROWS = 3 };

static Delivery delivery_of(const Field *fields, size_t count)
{
    return (Delivery){.job = "types",
                      .run_id = "20260101t000000-0123456789ab",
                      .attempt = 1,
                      .load = LOAD_REPLACE,
                      .table = {"main", "t"},
                      .schema = {.fields = fields, .field_count = count},
                      .shard_count = 1};
}

static void test_each_type(void **state)
{
    Scene *scene = *state;
    Field fields[CASE_COUNT];
    Value values[ROWS * CASE_COUNT];
    for (size_t i = 0; i < CASE_COUNT; i++) {
        fields[i] = CASES[i].field;
        fields[i].name = arena_printf(&scene->arena, "c%zu", i);
        values[i] = values[2 * CASE_COUNT + i] = CASES[i].value;
        values[CASE_COUNT + i] = value_null();
    }
    Delivery delivery = delivery_of(fields, CASE_COUNT);
    assert_int_equal(scene_deliver(scene, &delivery, values, ROWS), ROWS);

    for (size_t i = 0; i < CASE_COUNT; i++) {
        const char *type =
            scene_text(scene, arena_printf(&scene->arena, "SELECT typeof(c%zu) FROM t LIMIT 1", i));
        if (strcmp(type, CASES[i].type) != 0)
            fail_msg("case %zu: type %s, wanted %s", i, type, CASES[i].type);
        const char *got =
            scene_text(scene, arena_printf(&scene->arena, "SELECT c%zu::VARCHAR FROM t", i));
        const char *null = CASES[i].field.mode == MODE_REPEATED ? "[]" : "NULL";
        const char *wanted =
            arena_printf(&scene->arena, "%s;%s;%s", CASES[i].text, null, CASES[i].text);
        if (strcmp(got, wanted) != 0)
            fail_msg("case %zu (%s): got %s, wanted %s", i, CASES[i].type, got, wanted);
    }
}

/* What describe says of those columns is what was delivered, as far as DuckDB can know. */
static void test_described_as_delivered(void **state)
{
    Scene *scene = *state;
    static const Field fields[] = {
        {.name = "id", .kind = TYPE_INT64, .mode = MODE_REQUIRED, .description = "the key"},
        {.name = "select", .kind = TYPE_NUMERIC},
        {.name = "we\"ird", .kind = TYPE_NUMERIC, .precision = 15, .scale = 2},
        {.name = "big", .kind = TYPE_BIGNUMERIC, .precision = 38, .scale = 20},
        {.name = "d", .kind = TYPE_DATETIME},
        {.name = "ts", .kind = TYPE_TIMESTAMP},
        {.name = "j", .kind = TYPE_JSON, .description = "it's ; -- \"quoted\""},
        {.name = "b", .kind = TYPE_BYTES},
        {.name = "i", .kind = TYPE_INTERVAL},
        {.name = "days", .kind = TYPE_DATE, .mode = MODE_REPEATED},
        {.name = "p",
         .kind = TYPE_STRUCT,
         .mode = MODE_REPEATED,
         .fields = POINT,
         .field_count = 3},
    };
    Delivery delivery = delivery_of(fields, COUNT_OF(fields));
    delivery.schema.description = "Zoë's table";
    delivery.table = (TableRef){"My data", "odd \"name\""};
    Value row[COUNT_OF(fields)] = {[0] = INTEGER(1)};
    TargetTable table;
    scene_deliver(scene, &delivery, row, 1);
    assert_ok(scene, scene->target->ops->describe(scene->target, &delivery.table, &scene->arena,
                                                  &table, &scene->error));
    assert_true(table.exists);
    assert_int_equal(table.row_count, 1);
    assert_string_equal(table.schema.description, "Zoë's table");
    assert_int_equal(table.schema.field_count, COUNT_OF(fields));
    for (size_t i = 0; i < COUNT_OF(fields); i++) {
        const Field *got = &table.schema.fields[i];
        assert_string_equal(got->name, fields[i].name);
        assert_true(field_same_type(got, &fields[i]));
        assert_true(!fields[i].description == !got->description);
        if (fields[i].description)
            assert_string_equal(got->description, fields[i].description);
    }
}

/* Types that no delivery makes, in a table that somebody else made. */
static void test_described_foreign_types(void **state)
{
    Scene *scene = *state;
    static const struct {
        const char *type;
        TypeKind kind;
        FieldMode mode;
    } cases[] = {
        {"TINYINT", TYPE_INT64, MODE_NULLABLE},
        {"UINTEGER", TYPE_INT64, MODE_NULLABLE},
        {"UBIGINT", TYPE_NUMERIC, MODE_NULLABLE},
        {"HUGEINT", TYPE_STRING, MODE_NULLABLE},
        {"FLOAT", TYPE_FLOAT64, MODE_NULLABLE},
        {"UUID", TYPE_STRING, MODE_NULLABLE},
        {"ENUM('a', 'b')", TYPE_STRING, MODE_NULLABLE},
        {"TIMESTAMP_NS", TYPE_DATETIME, MODE_NULLABLE},
        {"INTEGER[3]", TYPE_INT64, MODE_REPEATED},
        {"INTEGER[][]", TYPE_JSON, MODE_NULLABLE},
        {"MAP(VARCHAR, INTEGER)", TYPE_STRUCT, MODE_REPEATED},
        {"BIT", TYPE_STRING, MODE_NULLABLE},
    };
    TableRef table = {"main", "foreign_types"};
    TargetTable described;
    const char *sql = "CREATE TABLE foreign_types (";
    for (size_t i = 0; i < COUNT_OF(cases); i++)
        sql = arena_printf(&scene->arena, "%s%sc%zu %s", sql, i ? ", " : "", i, cases[i].type);
    scene_run(scene, arena_printf(&scene->arena, "%s)", sql));
    assert_ok(scene, scene->target->ops->describe(scene->target, &table, &scene->arena, &described,
                                                  &scene->error));
    for (size_t i = 0; i < COUNT_OF(cases); i++) {
        if (described.schema.fields[i].kind != cases[i].kind ||
            described.schema.fields[i].mode != cases[i].mode)
            fail_msg("%s: %s %s", cases[i].type, type_kind_name(described.schema.fields[i].kind),
                     field_mode_name(described.schema.fields[i].mode));
    }
}

/* Row i: i, a text of i % 40 bytes, i % 7 numbers, i % 3 structs; each 11th of them NULL. */
static void fill_nested_row(Arena *arena, int64_t i, Value *row)
{
    char *text = arena_alloc(arena, 40);
    memset(text, 'a' + (int)(i % 26), 40);
    Value *numbers = ARENA_ARRAY(arena, Value, 7), *structs = ARENA_ARRAY(arena, Value, 3);
    for (int64_t k = 0; k < 7; k++)
        numbers[k] = value_integer(i * 10 + k);
    for (int64_t k = 0; k < 3; k++) {
        Value *members = ARENA_ARRAY(arena, Value, 3);
        members[0] = (i + k) % 11 == 0 ? value_null() : value_integer(i + k);
        members[1] = (Value){.kind = VALUE_BYTES, .length = (uint32_t)(i % 40), .bytes = text};
        members[2] = (Value){.kind = VALUE_LIST};
        structs[k] = (Value){.kind = VALUE_LIST, .length = 3, .items = members};
    }
    row[0] = i % 11 == 0 ? value_null() : value_integer(i);
    row[1] = (Value){.kind = VALUE_BYTES, .length = (uint32_t)(i % 40), .bytes = text};
    row[2] = (Value){.kind = VALUE_LIST, .length = (uint32_t)(i % 7), .items = numbers};
    row[3] = (Value){.kind = VALUE_LIST, .length = (uint32_t)(i % 3), .items = structs};
}

/* Across chunks, growing lists and flushes; DuckDB computes what should be there. */
static void test_many_nested_rows(void **state)
{
    enum { MANY = 50000, COLUMNS = 4 };
    Scene *scene = *state;
    static const Field fields[COLUMNS] = {
        {.name = "i", .kind = TYPE_INT64},
        {.name = "s", .kind = TYPE_STRING},
        {.name = "l", .kind = TYPE_INT64, .mode = MODE_REPEATED},
        {.name = "p",
         .kind = TYPE_STRUCT,
         .mode = MODE_REPEATED,
         .fields = POINT,
         .field_count = 3},
    };
    Delivery delivery = delivery_of(fields, COLUMNS);
    Value *values = ARENA_ARRAY(&scene->arena, Value, MANY * COLUMNS);
    for (int64_t i = 0; i < MANY; i++)
        fill_nested_row(&scene->arena, i, values + i * COLUMNS);
    assert_int_equal(scene_deliver(scene, &delivery, values, MANY), MANY);
    assert_string_equal(
        scene_text(
            scene,
            "WITH w AS (SELECT r, nullif(r, CASE WHEN r % 11 = 0 THEN r END) AS i, "
            "repeat(chr((97 + r % 26)::INT), r % 40) AS s, "
            "list_transform(range(0, r % 7), lambda k: r * 10 + k) AS l, "
            "list_transform(range(0, r % 3), lambda k: {'x': nullif(r + k, "
            "CASE WHEN (r + k) % 11 = 0 THEN r + k END), 'a name': repeat(chr((97 + r % 26)::INT), "
            "r % 40), 'list': []::VARCHAR[]}) AS p FROM range(0, 50000) AS range(r)), "
            "g AS (SELECT rowid AS r, * FROM t) "
            "SELECT count(*)::VARCHAR, count(*) FILTER (g.i IS NOT DISTINCT FROM w.i)::VARCHAR, "
            "count(*) FILTER (g.s IS NOT DISTINCT FROM w.s)::VARCHAR, "
            "count(*) FILTER (g.l IS NOT DISTINCT FROM w.l)::VARCHAR, "
            "count(*) FILTER (g.p::VARCHAR IS NOT DISTINCT FROM w.p::VARCHAR)::VARCHAR "
            "FROM g JOIN w USING (r)"),
        "50000,50000,50000,50000,50000");
}

/* An array of 100,000 elements, and texts that fill several chunks' memory. */
static void test_long_values(void **state)
{
    enum { LONG = 100000, TEXT_BYTES = 3 << 20 };
    Scene *scene = *state;
    static const Field fields[] = {
        {.name = "l", .kind = TYPE_INT64, .mode = MODE_REPEATED},
        {.name = "s", .kind = TYPE_STRING},
    };
    Delivery delivery = delivery_of(fields, COUNT_OF(fields));
    Value *numbers = ARENA_ARRAY(&scene->arena, Value, LONG);
    char *text = arena_alloc(&scene->arena, TEXT_BYTES);
    memset(text, 'x', TEXT_BYTES);
    for (int64_t i = 0; i < LONG; i++)
        numbers[i] = value_integer(i);
    Value row[] = {{.kind = VALUE_LIST, .length = LONG, .items = numbers},
                   {.kind = VALUE_BYTES, .length = TEXT_BYTES, .bytes = text}};
    Value rows[] = {row[0], row[1], row[0], row[1], row[0], row[1]};
    scene_deliver(scene, &delivery, rows, 3);
    assert_string_equal(scene_text(scene, "SELECT sum(list_sum(l))::VARCHAR, "
                                          "sum(length(s))::VARCHAR, min(rtrim(s, 'x')) FROM t"),
                        "14999850000,9437184,");
}

static void expect_refused(Scene *scene, const Field *field, const Value *value, ErrorKind kind)
{
    CLEANUP(sink_close_ptr) Sink *sink = NULL;
    Delivery delivery = delivery_of(field, 1);
    Batch batch = {.row_count = 1, .column_count = 1, .values = value};
    ShardResult result;
    assert_ok(scene, scene->target->ops->prepare(scene->target, &delivery, &scene->error));
    assert_ok(scene,
              scene->target->ops->sink_open(scene->target, &delivery, 0, &sink, &scene->error));
    assert_false(sink->ops->write(sink, &batch, &scene->error));
    assert_int_equal(scene->error.kind, kind);
    assert_non_null(strstr(scene->error.message, field->name));
    assert_false(sink->ops->finish(sink, &scene->arena, &result, &scene->error));
    sink_close_ptr(&sink);
    sink = NULL;
    const char *count = scene_text(scene, "SELECT count(*)::VARCHAR FROM "
                                          "_bqferry_stage_20260101t000000_0123456789ab_1");
    assert_string_equal(count, "0");
}

static void test_values_that_do_not_fit(void **state)
{
    Scene *scene = *state;
    static const Field small = {.name = "small", .kind = TYPE_NUMERIC, .precision = 3, .scale = 1};
    static const Field wide = {.name = "wide", .kind = TYPE_NUMERIC, .precision = 30, .scale = 0};
    static const Field text = {.name = "text", .kind = TYPE_STRING};
    expect_refused(scene, &small, &(Value)DECIMAL64(1000), ERROR_DATA);
    expect_refused(scene, &small, &(Value)DECIMAL64(-1000), ERROR_DATA);
    expect_refused(scene, &small, &(Value)WIDE(ABOVE_64_BITS), ERROR_DATA);
    expect_refused(scene, &wide, &(Value)WIDE(NINES_38), ERROR_DATA);
    expect_refused(scene, &text, &(Value)INTEGER(1), ERROR_INTERNAL);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        SCENE_TEST(test_each_type),
        SCENE_TEST(test_described_as_delivered),
        SCENE_TEST(test_described_foreign_types),
        SCENE_TEST(test_many_nested_rows),
        SCENE_TEST(test_long_values),
        SCENE_TEST(test_values_that_do_not_fit),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
