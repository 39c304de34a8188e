/* SPDX-License-Identifier: Apache-2.0 */
#include "source/mysql/candidates.h"
#include "source/mysql/column_type.h"
#include "source/mysql/ranges.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

static const char *const letters[] = {"a", "b", "c", "d", "e", "f", "g"};
static const char *picked[8];

static void picks_even_weights(void **state)
{
    (void)state;
    const double even[] = {1, 1, 1, 1, 1, 1, 1, 1};
    assert_int_equal(ranges_pick(letters, even, 7, 2, picked), 1);
    assert_string_equal(picked[0], "d");
    assert_int_equal(ranges_pick(letters, even, 7, 4, picked), 3);
    assert_string_equal(picked[0], "b");
    assert_string_equal(picked[1], "d");
    assert_string_equal(picked[2], "f");
    assert_int_equal(ranges_pick(letters, even, 7, 8, picked), 7);
    assert_int_equal(ranges_pick(letters, even, 7, 1, picked), 0);
}

static void picks_nothing_from_nothing(void **state)
{
    (void)state;
    const double none[8] = {0};
    assert_int_equal(ranges_pick(letters, none, 7, 4, picked), 0);
    assert_int_equal(ranges_pick(letters, none, 0, 4, picked), 0);
}

/* All rows in one range: no cut makes that better, and no shard may be empty. */
static void leaves_heavy_ranges_whole(void **state)
{
    (void)state;
    const double last[] = {0, 0, 0, 0, 0, 0, 0, 100}, first[] = {100, 0, 0, 0, 0, 0, 0, 0};
    assert_int_equal(ranges_pick(letters, last, 7, 4, picked), 0);
    assert_int_equal(ranges_pick(letters, first, 7, 4, picked), 0);
    const double two[] = {50, 0, 0, 0, 0, 0, 0, 50};
    assert_int_equal(ranges_pick(letters, two, 7, 2, picked), 1);
}

static void keeps_the_order(void **state)
{
    (void)state;
    const double skewed[] = {1, 50, 2, 3, 40, 1, 1, 2};
    size_t count = ranges_pick(letters, skewed, 7, 3, picked);
    assert_int_equal(count, 2);
    assert_true(picked[0][0] < picked[1][0]);
}

static void numbers_between(void **state)
{
    (void)state;
    Arena arena = {0};
    const char *found[CANDIDATES_MAX];
    assert_int_equal(candidates_between("1", "1", &arena, found), 0);
    assert_int_equal(candidates_between("1", "4", &arena, found), 2);
    assert_string_equal(found[0], "2");
    assert_string_equal(found[1], "3");
    size_t count =
        candidates_between("-9223372036854775808", "18446744073709551615", &arena, found);
    assert_int_equal(count, CANDIDATES_MAX - 1);
    assert_string_equal(found[0], "-8791026472627208193");
    assert_string_equal(found[count - 1], "18014398509481983999");
    arena_done(&arena);
}

static void texts_that_begin_alike(void **state)
{
    (void)state;
    Arena arena = {0};
    const char *found[CANDIDATES_MAX];
    assert_int_equal(candidates_prefixes("order-1", "order-9", &arena, found), 62);
    assert_string_equal(found[0], "order-0");
    assert_string_equal(found[61], "order-z");
    /* é and è share their first byte */
    candidates_prefixes("x\303\250", "x\303\251", &arena, found);
    assert_string_equal(found[0], "x0");
    arena_done(&arena);
}

static void reads_labels(void **state)
{
    (void)state;
    Arena arena = {0};
    size_t count;
    const char *const *labels = mysql_labels("enum('a','b,c','it''s','')", &arena, &count);
    assert_int_equal(count, 4);
    assert_string_equal(labels[0], "a");
    assert_string_equal(labels[1], "b,c");
    assert_string_equal(labels[2], "it's");
    assert_string_equal(labels[3], "");
    arena_done(&arena);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(picks_even_weights),
        cmocka_unit_test(picks_nothing_from_nothing),
        cmocka_unit_test(leaves_heavy_ranges_whole),
        cmocka_unit_test(keeps_the_order),
        cmocka_unit_test(numbers_between),
        cmocka_unit_test(texts_that_begin_alike),
        cmocka_unit_test(reads_labels),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
