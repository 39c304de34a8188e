/* SPDX-License-Identifier: Apache-2.0 */
#include "source/postgres/endpoints.h"

#include <setjmp.h>
#include <stdarg.h>

#include <cmocka.h>

static void counts(void **state)
{
    (void)state;
    assert_int_equal(endpoint_count(NULL), 1);
    assert_int_equal(endpoint_count(""), 1);
    assert_int_equal(endpoint_count("a"), 1);
    assert_int_equal(endpoint_count("a,b,c"), 3);
    assert_int_equal(endpoint_count("a,,c"), 3);
}

static void finds_the_host(void **state)
{
    (void)state;
    assert_int_equal(endpoint_find("a,b,c", NULL, "b", "5432"), 1);
    assert_int_equal(endpoint_find("a,ab,b", NULL, "ab", NULL), 1);
    assert_int_equal(endpoint_find("a,b", NULL, "x", NULL), 2);
    assert_int_equal(endpoint_find("a,a", "1,2", "a", "2"), 1);
    assert_int_equal(endpoint_find("a,a", "1", "a", "2"), 0);
    assert_int_equal(endpoint_find(NULL, NULL, "a", NULL), 1);
    assert_int_equal(endpoint_find("a", NULL, NULL, NULL), 1);
}

static void takes_one_off(void **state)
{
    (void)state;
    Arena arena = {0};
    assert_string_equal(endpoint_without("a,b,c", 3, 0, &arena), "b,c");
    assert_string_equal(endpoint_without("a,b,c", 3, 1, &arena), "a,c");
    assert_string_equal(endpoint_without("a,b,c", 3, 2, &arena), "a,b");
    assert_string_equal(endpoint_without("a,b", 2, 0, &arena), "b");
    assert_string_equal(endpoint_without("5432", 3, 1, &arena), "5432");
    assert_string_equal(endpoint_without("a", 1, 0, &arena), "a");
    assert_null(endpoint_without(NULL, 3, 1, &arena));
    arena_done(&arena);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(counts),
        cmocka_unit_test(finds_the_host),
        cmocka_unit_test(takes_one_off),
    };
    return cmocka_run_group_tests_name("source/postgres/endpoints", tests, NULL, NULL);
}
