/* SPDX-License-Identifier: Apache-2.0 */
#include "source/postgres/decode.h"

#include "source/postgres/decode_step.h"

#include "support/mapping_options.h"
#include "support/pg_type.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

enum { COLUMNS_MAX = 8 };

static Arena arena;
static Error error;
static ColumnPlan plans[COLUMNS_MAX];
static TablePlan plan;
static Decoder *decoder;
static Value values[COLUMNS_MAX];

static int set_up(void **state)
{
    (void)state;
    error = (Error){0};
    plan = (TablePlan){0};
    memset(plans, 0, sizeof plans);
    return 0;
}

static int tear_down(void **state)
{
    (void)state;
    decoder_free(decoder);
    decoder = NULL;
    arena_done(&arena);
    return 0;
}

static void add_column(const char *name, const char *type, const char *options)
{
    SourceColumn *column = ARENA_NEW(&arena, SourceColumn);
    ColumnPlan *added = &plans[plan.column_count++];
    ColumnOptions read = mapping_options_parse(options, &arena);
    column->name = name;
    column->type = pg_type_parse(&type, &arena);
    added->source = column;
    added->field.name = name;
    added->on_invalid = read.on_invalid;
    assert_true(mapping_postgres(column, &read, &arena, added, &error));
}

static bool start(void)
{
    plan.columns = plans;
    return decoder_new(&plan, &decoder, &error);
}

#define DECODE(bytes)                                                                              \
    decoder_tuple(decoder, (StrView){(bytes), sizeof(bytes) - 1}, values, &arena, &error)

static void decodes_columns_in_order(void **state)
{
    (void)state;
    add_column("id", "int8", "");
    add_column("name", "text", "");
    add_column("total", "numeric(10,2)", "");
    assert_true(start());
    assert_true(DECODE("\0\3"
                       "\0\0\0\10\0\0\0\0\0\0\0\7"
                       "\0\0\0\2ab"
                       "\377\377\377\377"));
    assert_int_equal(values[0].integer, 7);
    assert_memory_equal(values[1].bytes, "ab", 2);
    assert_int_equal(values[1].length, 2);
    assert_int_equal(values[2].kind, VALUE_NULL);
    assert_true(DECODE("\0\3"
                       "\377\377\377\377"
                       "\0\0\0\0"
                       "\0\0\0\12\0\1\0\0\0\0\0\2\0\5"));
    assert_int_equal(values[0].kind, VALUE_NULL);
    assert_int_equal(values[1].kind, VALUE_BYTES);
    assert_int_equal(values[1].length, 0);
    assert_int_equal(values[2].kind, VALUE_DECIMAL64);
    assert_int_equal(values[2].integer, 500);
}

static void refuses_tuples_of_another_shape(void **state)
{
    (void)state;
    add_column("a", "int4", "on_invalid=null");
    add_column("b", "int4", "on_invalid=null");
    assert_true(start());
    const struct {
        const char *bytes;
        size_t size;
        const char *message;
    } cases[] = {
        {"", 0, "a row has 0 fields instead of 2"},
        {"\0", 1, "a row has 0 fields instead of 2"},
        {"\0\1\0\0\0\4\0\0\0\1", 10, "a row has 1 fields instead of 2"},
        {"\377\377", 2, "a row has 65535 fields instead of 2"},
        {"\0\2", 2, "column \"a\": the row ends inside the value"},
        {"\0\2\0\0", 4, "column \"a\": the row ends inside the value"},
        {"\0\2\0\0\0\4\0\0\0\1", 10, "column \"b\": the row ends inside the value"},
        {"\0\2\0\0\0\4\0\0\0\1\0\0\0\4\0\0", 16, "column \"b\": the row ends inside the value"},
        {"\0\2\0\0\0\4\0\0\0\1\377\377\377\376", 14, "column \"b\": the row ends inside the value"},
        {"\0\2\0\0\0\4\0\0\0\1\177\377\377\377", 14, "column \"b\": the row ends inside the value"},
        {"\0\2\377\377\377\377\377\377\377\377\0", 11, "a row has 1 bytes after its last field"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        /* a block of exactly this size shows reads past its end */
        CLEANUP(free_ptr) char *bytes = malloc(cases[i].size + !cases[i].size);
        memcpy(bytes, cases[i].bytes, cases[i].size);
        error = (Error){0};
        assert_false(
            decoder_tuple(decoder, (StrView){bytes, cases[i].size}, values, &arena, &error));
        assert_int_equal(error.kind, ERROR_SOURCE);
        assert_memory_equal(error.message, cases[i].message, strlen(cases[i].message));
    }
}

static void counts_per_column(void **state)
{
    (void)state;
    add_column("a", "date", "on_invalid=null");
    add_column("b", "date", "on_invalid=clamp");
    add_column("c", "int4[]", "");
    assert_true(start());
    for (int i = 0; i < 3; i++)
        assert_true(DECODE("\0\3"
                           "\0\0\0\4\177\377\377\377"
                           "\0\0\0\4\177\377\377\377"
                           "\377\377\377\377"));
    const InvalidCounts *invalid = decoder_invalid(decoder);
    for (size_t i = 0; i < 3; i++) {
        assert_int_equal(invalid[i].counts[INVALID_INFINITY], i < 2 ? 3 : 0);
        assert_int_equal(invalid[i].counts[INVALID_NULL_ARRAY], i < 2 ? 0 : 3);
    }
    assert_int_equal(values[0].kind, VALUE_NULL);
    assert_int_equal(values[1].integer, 2932896);
    assert_int_equal(values[2].kind, VALUE_LIST);
    assert_int_equal(values[2].length, 0);
}

static void names_the_column_of_a_refused_value(void **state)
{
    (void)state;
    add_column("a", "date", "");
    add_column("born on", "date", "");
    assert_true(start());
    assert_false(DECODE("\0\2\377\377\377\377\0\0\0\4\200\0\0\0"));
    assert_int_equal(error.kind, ERROR_DATA);
    assert_string_equal(error.message,
                        "column \"born on\": -infinity is infinite, and the type has no infinity "
                        "(DATE, reason infinity, on_invalid: fail)");
    assert_string_equal(
        error.hint, "to let such a value become NULL, write: columns: {\"born on\": {on_invalid: "
                    "null}}, or clamp for the nearest value that fits, or string for a STRING "
                    "column that holds all");
}

static void keeps_trailing_blanks_of_varchar_only(void **state)
{
    (void)state;
    add_column("a", "varchar(9)", "");
    add_column("b", "bpchar(4)", "");
    assert_true(start());
    assert_true(DECODE("\0\2\0\0\0\4ab  \0\0\0\4ab  "));
    assert_int_equal(values[0].length, 4);
    assert_int_equal(values[1].length, 2);
}

/* A value of 64 bits has the small kind, and only that. */
static void gives_large_decimals_their_own_kind(void **state)
{
    (void)state;
    add_column("a", "numeric(38,0)", "");
    assert_true(start());
    assert_true(DECODE("\0\1\0\0\0\22\0\5\0\4\0\0\0\0\3\232\15\54\1\160\25\145\26\257"));
    assert_int_equal(values[0].kind, VALUE_DECIMAL64);
    assert_true(values[0].integer == INT64_MAX);
    assert_true(DECODE("\0\1\0\0\0\22\0\5\0\4\0\0\0\0\3\232\15\54\1\160\25\145\26\260"));
    assert_int_equal(values[0].kind, VALUE_DECIMAL);
    assert_true(values[0].decimal->limbs[0] == UINT64_C(1) << 63);
    assert_true(DECODE("\0\1\0\0\0\22\0\5\0\4\100\0\0\0\3\232\15\54\1\160\25\145\26\260"));
    assert_int_equal(values[0].kind, VALUE_DECIMAL64);
    assert_true(values[0].integer == INT64_MIN);
}

static void refuses_plans_without_a_decoder(void **state)
{
    (void)state;
    add_column("a", "int4", "");
    plans[0].field.kind = TYPE_GEOGRAPHY;
    assert_false(start());
    assert_int_equal(error.kind, ERROR_INTERNAL);
    assert_string_equal(error.message, "column \"a\": there is no decoder from int4 to GEOGRAPHY");

    plans[0].field = (Field){.name = "a", .kind = TYPE_INT64, .mode = MODE_REPEATED};
    assert_false(start());
    plans[0].field = (Field){.name = "a", .kind = TYPE_STRUCT};
    assert_false(start());
    plan.column_count = 0;
    add_column("b", "range:int4range", "");
    plans[0].select = SELECT_PLAIN;
    assert_false(start());
    plan.column_count = 0;
    add_column("c", "(a int4)", "");
    plans[0].field.field_count = 0;
    assert_false(start());
    plan.column_count = 0;
    add_column("d", "(a int4)[]", "");
    plans[0].select = SELECT_TEXT;
    assert_false(start());
    plan.column_count = 0;
    add_column("e", "(a int4)", "");
    plans[0].field.fields = &(Field){.name = "a", .kind = TYPE_GEOGRAPHY};
    assert_false(start());
    assert_null(decoder);
}

/* The mapping offers a conversion exactly where there is a function for it. */
static void has_a_function_for_every_accepted_pair(void **state)
{
    (void)state;
    for (PostgresWire wire = 0; wire < WIRE_COUNT_; wire++) {
        bool is_array = wire == WIRE_INT2_ARRAY || wire == WIRE_OID_ARRAY;
        for (TypeKind kind = 0; kind < TYPE_COUNT_ && !is_array; kind++)
            assert_int_equal(postgres_accepts(wire, kind), decode_function(wire, kind) != NULL);
    }
}

static void frees_nothing(void **state)
{
    (void)state;
    decoder_free(NULL);
}

#define TEST(function) cmocka_unit_test_setup_teardown(function, set_up, tear_down)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(decodes_columns_in_order),
        TEST(refuses_tuples_of_another_shape),
        TEST(counts_per_column),
        TEST(names_the_column_of_a_refused_value),
        TEST(keeps_trailing_blanks_of_varchar_only),
        TEST(gives_large_decimals_their_own_kind),
        TEST(refuses_plans_without_a_decoder),
        TEST(has_a_function_for_every_accepted_pair),
        TEST(frees_nothing),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
