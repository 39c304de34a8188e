/* SPDX-License-Identifier: Apache-2.0 */
#include "source/postgres/keyset.h"

#include <setjmp.h>
#include <stdarg.h>

#include <cmocka.h>

static void picks_evenly(void **state)
{
    (void)state;
    static const char *const sorted[] = {"0", "1", "2", "3", "4", "5", "6", "7", "8"};
    const char *picked[8];
    assert_int_equal(keyset_pick(sorted, 9, 4, picked), 3);
    assert_string_equal(picked[0], "2");
    assert_string_equal(picked[1], "4");
    assert_string_equal(picked[2], "6");
    assert_int_equal(keyset_pick(sorted, 9, 1, picked), 0);
    assert_int_equal(keyset_pick(sorted, 0, 4, picked), 0);
    assert_int_equal(keyset_pick(sorted, 1, 4, picked), 1);
    assert_string_equal(picked[0], "0");
}

static void picks_no_bound_twice(void **state)
{
    (void)state;
    static const char *const sorted[] = {"7", "7", "7", "7", "9"};
    const char *picked[8];
    assert_int_equal(keyset_pick(sorted, 5, 5, picked), 1);
    assert_string_equal(picked[0], "7");
}

static const SourceColumn columns[] = {
    {.name = "id", .type = {.base = "int8", .schema = "pg_catalog"}},
    {.name = "code", .type = {.base = "text", .schema = "pg_catalog"}},
    {.name = "mine", .type = {.base = "uuid", .schema = "public"}},
    {.name = "list", .type = {.class = SOURCE_TYPE_ARRAY, .base = "_int8", .schema = "pg_catalog"}},
};

static const SourceColumn *column_for(const char *first, const char *second)
{
    const char *const key[] = {first, second};
    const SourceTable table = {.columns = columns,
                               .column_count = sizeof columns / sizeof *columns,
                               .key = key,
                               .key_count = second  ? 2
                                            : first ? 1
                                                    : 0};
    return keyset_column(&table);
}

static void only_keys_of_one_divisible_column(void **state)
{
    (void)state;
    assert_ptr_equal(column_for("id", NULL), &columns[0]);
    assert_null(column_for("code", NULL));
    assert_null(column_for("mine", NULL));
    assert_null(column_for("list", NULL));
    assert_null(column_for("id", "code"));
    assert_null(column_for(NULL, NULL));
    assert_null(column_for("gone", NULL));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(picks_evenly),
        cmocka_unit_test(picks_no_bound_twice),
        cmocka_unit_test(only_keys_of_one_divisible_column),
    };
    return cmocka_run_group_tests_name("source/postgres/keyset", tests, NULL, NULL);
}
