/* SPDX-License-Identifier: Apache-2.0 */
#include "base/nearest.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

static const char *const words[] = {"table", "target", "columns", "where", "on_invalid"};

static const char *nearest(const char *word)
{
    return nearest_word(word, words, sizeof words / sizeof *words);
}

static void finds_what_was_meant(void **state)
{
    (void)state;
    assert_string_equal(nearest("tabel"), "table");
    assert_string_equal(nearest("tables"), "table");
    assert_string_equal(nearest("TARGET"), "target");
    assert_string_equal(nearest("colunms"), "columns");
    assert_string_equal(nearest("on_inavlid"), "on_invalid");
    assert_string_equal(nearest("wher"), "where");
}

static void says_nothing_when_nothing_is_near(void **state)
{
    (void)state;
    assert_null(nearest("schedule"));
    assert_null(nearest(""));
    assert_null(nearest("x"));
    assert_null(
        nearest("a word that is far longer than any word which a configuration could hold"));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(finds_what_was_meant),
        cmocka_unit_test(says_nothing_when_nothing_is_near),
    };
    return cmocka_run_group_tests_name("base/nearest", tests, NULL, NULL);
}
