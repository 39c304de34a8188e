/* SPDX-License-Identifier: Apache-2.0 */
#include "schema/mapping.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

static Arena arena;
static Error error;
static TablePlan plan;
static SourceTable table;
static ColumnOptions seen; /* what the mapping was asked with, last */

static int clean(void **state)
{
    (void)state;
    arena_done(&arena);
    error = (Error){0};
    plan = (TablePlan){0};
    seen = (ColumnOptions){0};
    return 0;
}

static bool map_to_string(const SourceColumn *column, const ColumnOptions *options, Arena *place,
                          ColumnPlan *column_plan, Error *ret_error)
{
    (void)place;
    seen = *options;
    if (strcmp(column->name, "refused") == 0)
        return error_set(ret_error, ERROR_CONFIG, "column \"refused\" is refused");
    column_plan->field.kind = TYPE_STRING;
    return true;
}

static bool plan_of(const char *const *names, size_t count, const MappingOptions *options)
{
    SourceColumn *columns = ARENA_ARRAY(&arena, SourceColumn, count);
    for (size_t i = 0; i < count; i++)
        columns[i] = (SourceColumn){.name = names[i], .comment = "a comment"};
    table = (SourceTable){.schema = "public",
                          .name = "t",
                          .comment = "all of it",
                          .columns = columns,
                          .column_count = count};
    return mapping_plan(&table, options, map_to_string, &arena, &plan, &error);
}

#define PLAN(options, ...)                                                                         \
    plan_of((const char *const[]){__VA_ARGS__},                                                    \
            sizeof(const char *const[]){__VA_ARGS__} / sizeof(char *), (options))

static void carries_all_columns_in_order(void **state)
{
    (void)state;
    assert_true(PLAN(&(MappingOptions){0}, "b", "a"));
    assert_int_equal(plan.column_count, 2);
    assert_int_equal(plan.schema.field_count, 2);
    assert_string_equal(plan.schema.fields[0].name, "b");
    assert_string_equal(plan.schema.fields[1].name, "a");
    assert_string_equal(plan.schema.fields[0].description, "a comment");
    assert_string_equal(plan.schema.description, "all of it");
    assert_ptr_equal(plan.columns[0].source, &table.columns[0]);
    assert_int_equal(plan.columns[0].on_invalid, INVALID_FAIL);
}

static void carries_what_is_selected(void **state)
{
    (void)state;
    const char *const select[] = {"c", "a"};
    MappingOptions options = {.select = select, .select_count = 2};
    assert_true(PLAN(&options, "a", "b", "c"));
    assert_int_equal(plan.column_count, 2);
    assert_string_equal(plan.schema.fields[0].name, "c");
    assert_ptr_equal(plan.columns[1].source, &table.columns[0]);
}

static void refuses_odd_selections(void **state)
{
    (void)state;
    const char *const unknown[] = {"custmer_id"}, *const twice[] = {"id", "id"};
    MappingOptions options = {.select = unknown, .select_count = 1};
    assert_false(PLAN(&options, "id", "customer_id"));
    assert_int_equal(error.kind, ERROR_CONFIG);
    assert_string_equal(error.message, "public.t has no column \"custmer_id\"");
    assert_string_equal(error.hint, "did you mean \"customer_id\"?");

    error = (Error){0};
    options = (MappingOptions){.select = twice, .select_count = 2};
    assert_false(PLAN(&options, "id", "customer_id"));
    assert_string_equal(error.message, "public.t: column \"id\" is asked for twice");

    options = (MappingOptions){.select = unknown, .select_count = 0};
    assert_false(PLAN(&options, "id"));
    assert_string_equal(error.message, "public.t: there is no column to carry");
    assert_false(plan_of(NULL, 0, &(MappingOptions){0}));
    assert_string_equal(error.message, "public.t: there is no column to carry");
}

static void refuses_options_of_unknown_columns(void **state)
{
    (void)state;
    ColumnOptions columns[] = {{.name = "totl", .type = "NUMERIC"}};
    MappingOptions options = {.columns = columns, .column_count = 1};
    assert_false(PLAN(&options, "id", "total"));
    assert_int_equal(error.kind, ERROR_CONFIG);
    assert_string_equal(error.message, "public.t has no column \"totl\"");
    assert_string_equal(error.hint, "did you mean \"total\"?");
}

static void lets_a_column_overrule_the_defaults(void **state)
{
    (void)state;
    ColumnOptions columns[] = {{
        .name = "a",
        .type = "NUMERIC",
        .target_name = "amount",
        .description = "in cents",
        .has_on_invalid = true,
        .on_invalid = INVALID_CLAMP,
        .has_required = true,
        .required = false,
        .naive_timestamp_type = "DATETIME",
        .arrays = "json",
    }};
    MappingOptions options = {
        .defaults = {.has_on_invalid = true,
                     .on_invalid = INVALID_NULL,
                     .has_required = true,
                     .required = true,
                     .naive_timestamp_type = "TIMESTAMP",
                     .naive_timestamp_zone = "Europe/Berlin",
                     .arrays = "repeated",
                     .composites = "json"},
        .columns = columns,
        .column_count = 1,
    };
    assert_true(PLAN(&options, "b", "a"));
    assert_string_equal(seen.name, "a");
    assert_string_equal(seen.type, "NUMERIC");
    assert_true(seen.has_required);
    assert_false(seen.required);
    assert_string_equal(seen.naive_timestamp_type, "DATETIME");
    assert_null(seen.naive_timestamp_zone);
    assert_string_equal(seen.arrays, "json");
    assert_string_equal(seen.composites, "json");
    assert_string_equal(plan.schema.fields[1].name, "amount");
    assert_string_equal(plan.schema.fields[1].description, "in cents");
    assert_int_equal(plan.columns[0].on_invalid, INVALID_NULL);
    assert_int_equal(plan.columns[1].on_invalid, INVALID_CLAMP);
}

static void takes_a_zone_of_its_own_with_the_type_of_all(void **state)
{
    (void)state;
    ColumnOptions columns[] = {{.name = "a", .naive_timestamp_zone = "Asia/Tokyo"}};
    MappingOptions options = {
        .defaults = {.naive_timestamp_type = "TIMESTAMP", .naive_timestamp_zone = "Europe/Berlin"},
        .columns = columns,
        .column_count = 1,
    };
    assert_true(PLAN(&options, "a"));
    assert_string_equal(seen.naive_timestamp_type, "TIMESTAMP");
    assert_string_equal(seen.naive_timestamp_zone, "Asia/Tokyo");
}

static void requires_what_is_never_null(void **state)
{
    (void)state;
    MappingOptions options = {.defaults = {.has_required = true, .required = true}};
    SourceColumn columns[] = {{.name = "id", .not_null = true}, {.name = "note"}};
    table = (SourceTable){.name = "t", .columns = columns, .column_count = 1};
    assert_true(mapping_plan(&table, &options, map_to_string, &arena, &plan, &error));
    assert_true(seen.required);
    table.column_count = 2;
    assert_true(mapping_plan(&table, &options, map_to_string, &arena, &plan, &error));
    assert_false(seen.required);

    ColumnOptions own = {.name = "note", .has_required = true, .required = true};
    options = (MappingOptions){.columns = &own, .column_count = 1};
    assert_true(mapping_plan(&table, &options, map_to_string, &arena, &plan, &error));
    assert_true(seen.required);
}

static void says_which_table_a_refused_column_is_of(void **state)
{
    (void)state;
    assert_false(PLAN(&(MappingOptions){0}, "id", "refused"));
    assert_string_equal(error.message, "public.t: column \"refused\" is refused");
}

static void names_all_names_that_cannot_be(void **state)
{
    (void)state;
    assert_false(PLAN(&(MappingOptions){0}, "id", "order-id", "order_id", "2nd"));
    assert_int_equal(error.kind, ERROR_CONFIG);
    assert_string_equal(
        error.message, "public.t: BigQuery takes no such column names: \"order-id\" has characters "
                       "other than letters, digits and _; \"2nd\" begins with a digit");
    assert_string_equal(error.hint,
                        "rename in the job: columns: {\"order-id\": {name: order_id_2}, "
                        "\"2nd\": {name: _2nd}}");
    ColumnOptions columns[] = {{.name = "order-id", .target_name = "order_ref"},
                               {.name = "2nd", .target_name = "second"}};
    MappingOptions options = {.columns = columns, .column_count = 2};
    error = (Error){0};
    assert_true(PLAN(&options, "id", "order-id", "order_id", "2nd"));
    assert_string_equal(plan.schema.fields[3].name, "second");
}

static void names_twins(void **state)
{
    (void)state;
    assert_false(PLAN(&(MappingOptions){0}, "Id", "name", "id"));
    assert_string_equal(error.message,
                        "public.t: columns \"Id\" and \"id\" would both be \"id\" in BigQuery, "
                        "where upper and lower case are one");
    assert_string_equal(error.hint, "rename one in the job: columns: {id: {name: id_2}}");
    ColumnOptions columns[] = {{.name = "id", .target_name = "id_lower"}};
    MappingOptions options = {.columns = columns, .column_count = 1};
    error = (Error){0};
    assert_true(PLAN(&options, "Id", "name", "id"));
}

static void names_a_query(void **state)
{
    (void)state;
    assert_true(PLAN(&(MappingOptions){0}, "a"));
    table.name = table.schema = NULL;
    table.column_count = 0;
    assert_false(mapping_plan(&table, &(MappingOptions){0}, map_to_string, &arena, &plan, &error));
    assert_string_equal(error.message, "the query: there is no column to carry");
}

static void names_confidence(void **state)
{
    (void)state;
    assert_string_equal(confidence_name(CONFIDENCE_HIGH), "high");
    assert_string_equal(confidence_name(CONFIDENCE_MEDIUM), "medium");
    assert_string_equal(confidence_name(CONFIDENCE_LOW), "low");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(carries_all_columns_in_order, clean, clean),
        cmocka_unit_test_setup_teardown(carries_what_is_selected, clean, clean),
        cmocka_unit_test_setup_teardown(refuses_odd_selections, clean, clean),
        cmocka_unit_test_setup_teardown(refuses_options_of_unknown_columns, clean, clean),
        cmocka_unit_test_setup_teardown(lets_a_column_overrule_the_defaults, clean, clean),
        cmocka_unit_test_setup_teardown(takes_a_zone_of_its_own_with_the_type_of_all, clean, clean),
        cmocka_unit_test_setup_teardown(requires_what_is_never_null, clean, clean),
        cmocka_unit_test_setup_teardown(says_which_table_a_refused_column_is_of, clean, clean),
        cmocka_unit_test_setup_teardown(names_all_names_that_cannot_be, clean, clean),
        cmocka_unit_test_setup_teardown(names_twins, clean, clean),
        cmocka_unit_test_setup_teardown(names_a_query, clean, clean),
        cmocka_unit_test_setup_teardown(names_confidence, clean, clean),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
