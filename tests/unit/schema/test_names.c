/* SPDX-License-Identifier: Apache-2.0 */
#include "schema/names.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

static void takes_plain_names(void **state)
{
    (void)state;
    static const char *const good[] = {"id",     "Id",     "_",     "_a1",
                                       "select", "TABLE_", "_FILE", "__ROOT"};
    for (size_t i = 0; i < sizeof good / sizeof *good; i++)
        assert_null(name_problem(good[i], false));
}

static void says_what_is_wrong(void **state)
{
    (void)state;
    assert_string_equal(name_problem("", false), "is empty");
    assert_string_equal(name_problem("2nd", false), "begins with a digit");
    const char *characters = "has characters other than letters, digits and _";
    assert_string_equal(name_problem("order-id", false), characters);
    assert_string_equal(name_problem("gr\303\266\303\237e", false), characters);
    assert_string_equal(name_problem("a b", false), characters);
    char name[302];
    memset(name, 'x', sizeof name);
    name[300] = '\0';
    assert_null(name_problem(name, false));
    name[300] = 'x';
    name[301] = '\0';
    assert_string_equal(name_problem(name, false), "is longer than 300 characters");
}

static void keeps_bigquerys_own_prefixes_free(void **state)
{
    (void)state;
    static const char *const reserved[] = {
        "_TABLE_x",       "_FILE_NAME",   "_partitiontime",          "_row_timestamp",   "__ROOT__",
        "_COLIDENTIFIER", "_CHANGE_TYPE", "_CHANGE_SEQUENCE_NUMBER", "_Change_Timestamp"};
    for (size_t i = 0; i < sizeof reserved / sizeof *reserved; i++) {
        assert_non_null(name_problem(reserved[i], false));
        assert_null(name_problem(reserved[i], true));
    }
}

static void suggests_the_nearest_name(void **state)
{
    (void)state;
    static const char *const pairs[][2] = {
        {"order-id", "order_id"},
        {"2nd", "_2nd"},
        {"", "_"},
        {"gr\303\266\303\237e", "gr__e"},
        {"a b.c", "a_b_c"},
        {"_PARTITIONTIME", "PARTITIONTIME"},
        {"__ROOT__x", "_ROOT__x"},
        {"\360\237\232\200", "_"},
    };
    Arena arena = {0};
    for (size_t i = 0; i < sizeof pairs / sizeof *pairs; i++) {
        const char *suggestion = name_suggest(pairs[i][0], &arena);
        assert_string_equal(suggestion, pairs[i][1]);
        assert_null(name_problem(suggestion, false));
    }
    char name[400];
    memset(name, '-', sizeof name);
    name[399] = '\0';
    assert_int_equal(strlen(name_suggest(name, &arena)), 300);
    arena_done(&arena);
}

static void keys_are_quoted_where_yaml_needs_it(void **state)
{
    (void)state;
    static const char *const pairs[][2] = {
        {"total", "total"},
        {"_x9", "_x9"},
        {"order-id", "\"order-id\""},
        {"9", "\"9\""},
        {"", "\"\""},
        {"a: b", "\"a: b\""},
        {"o\"k", "\"o\\\"k\""},
        {"back\\slash\n", "\"back\\\\slash\\n\""},
    };
    Arena arena = {0};
    for (size_t i = 0; i < sizeof pairs / sizeof *pairs; i++)
        assert_string_equal(name_as_key(pairs[i][0], &arena), pairs[i][1]);
    arena_done(&arena);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(takes_plain_names),
        cmocka_unit_test(says_what_is_wrong),
        cmocka_unit_test(keeps_bigquerys_own_prefixes_free),
        cmocka_unit_test(suggests_the_nearest_name),
        cmocka_unit_test(keys_are_quoted_where_yaml_needs_it),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
