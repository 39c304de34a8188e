/* SPDX-License-Identifier: Apache-2.0 */
/* Sizes by the table "Data type sizes" of BigQuery's documents, reckoned by hand. */
#include "target/bigquery/forecast.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

static int64_t row_bytes(const Field *fields, size_t count, int64_t source_row_bytes)
{
    const Schema schema = {.fields = fields, .field_count = count};
    return forecast_row_bytes(&schema, source_row_bytes);
}

static void fixed_sizes_do_not_depend_on_the_source(void **state)
{
    (void)state;
    static const Field fields[] = {
        {.name = "a", .kind = TYPE_INT64},   {.name = "b", .kind = TYPE_BOOL},
        {.name = "c", .kind = TYPE_NUMERIC}, {.name = "d", .kind = TYPE_BIGNUMERIC},
        {.name = "e", .kind = TYPE_DATE},    {.name = "f", .kind = TYPE_FLOAT64},
    };
    assert_int_equal(row_bytes(fields, 6, 60), 8 + 1 + 16 + 32 + 8 + 8);
    assert_int_equal(row_bytes(fields, 6, 6000), 8 + 1 + 16 + 32 + 8 + 8);
}

static void texts_take_what_the_source_has(void **state)
{
    (void)state;
    static const Field fields[] = {{.name = "a", .kind = TYPE_INT64},
                                   {.name = "b", .kind = TYPE_STRING}};
    static const Field list = {.name = "l", .kind = TYPE_INT64, .mode = MODE_REPEATED};
    assert_int_equal(row_bytes(fields, 2, 0), 8 + 2);
    assert_int_equal(row_bytes(fields, 2, 124), 100);
    assert_int_equal(row_bytes(&list, 1, 124), 100);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(fixed_sizes_do_not_depend_on_the_source),
        cmocka_unit_test(texts_take_what_the_source_has),
    };
    return cmocka_run_group_tests_name("target/bigquery/forecast", tests, NULL, NULL);
}
