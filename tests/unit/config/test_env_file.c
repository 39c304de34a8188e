/* SPDX-License-Identifier: Apache-2.0 */
#include "config/env_file.h"

#include "base/cleanup.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>
#include <string.h>

static const char good_file[] =
    "# a comment\n"
    "\n"
    "PLAIN=value\n"
    "  INDENTED = spaced value  \n"
    "export EXPORTED=1\n"
    "export\tTABBED=2\r\n"
    "EMPTY=\n"
    "EMPTY_QUOTED=\"\"\n"
    "COMMENTED=a#b # comment\n"
    "ONLY_COMMENT= # nothing\n"
    "SINGLE='a \"b\" \\n $X # not a comment'\n"
    "DOUBLE=\"a 'b' \\n\\t\\\"\\\\\\$ \\q # not a comment\" # a comment\n"
    "LINES=\"one\n"
    "two\"\n"
    "URL=postgresql://u:p%40@h/db?sslmode=require&x='y'\n"
    "_under_SCORE9=x\n"
    "exported=no keyword\n"
    "TWICE=first\n"
    "TWICE=second\n"
    "LAST=no line break";

static const char *const good_values[][2] = {
    {"PLAIN", "value"},
    {"INDENTED", "spaced value"},
    {"EXPORTED", "1"},
    {"TABBED", "2"},
    {"EMPTY", ""},
    {"EMPTY_QUOTED", ""},
    {"COMMENTED", "a#b"},
    {"ONLY_COMMENT", ""},
    {"SINGLE", "a \"b\" \\n $X # not a comment"},
    {"DOUBLE", "a 'b' \n\t\"\\$ \\q # not a comment"},
    {"LINES", "one\ntwo"},
    {"URL", "postgresql://u:p%40@h/db?sslmode=require&x='y'"},
    {"_under_SCORE9", "x"},
    {"exported", "no keyword"},
    {"TWICE", "second"},
    {"LAST", "no line break"},
    {"MISSING", NULL},
    {"", NULL},
};

static void parse(StrView text, Arena *arena, Mistakes *mistakes, EnvFile *env)
{
    mistakes_init(mistakes, arena, "bqferry.yaml");
    env_file_parse(text, ".env", mistakes, env);
}

static void reads_what_shells_and_tools_write(void **state)
{
    (void)state;
    CLEANUP(arena_done) Arena arena = {0};
    Mistakes mistakes;
    EnvFile env;
    parse(view_of(good_file), &arena, &mistakes, &env);
    assert_int_equal(mistakes.total, 0);
    for (size_t i = 0; i < sizeof good_values / sizeof *good_values; i++) {
        const char *value = env_file_get(&env, good_values[i][0]), *expected = good_values[i][1];
        if (!expected)
            assert_null(value);
        else
            assert_string_equal(value, expected);
    }
}

static void names_the_line_but_no_value(void **state)
{
    static const char bad_file[] = "GOOD=1\n"
                                   "no equals hunter2\n"
                                   "1DIGIT=hunter2\n"
                                   "=hunter2\n"
                                   "AFTER=\"x\" hunter2\n"
                                   "BETWEEN='a\nb'\n"
                                   "KE-Y=hunter2\n"
                                   "OPEN='hunter2\n"
                                   "GOOD2=2\n";
    static const char *const expected[] = {
        ".env:2:1: expected NAME=VALUE (letters, digits and _ in the name), or # and a comment",
        ".env:3:1: expected NAME=VALUE (letters, digits and _ in the name), or # and a comment",
        ".env:4:1: expected NAME=VALUE (letters, digits and _ in the name), or # and a comment",
        ".env:5:1: only a comment may follow the closing quote",
        ".env:8:1: expected NAME=VALUE (letters, digits and _ in the name), or # and a comment",
        ".env:9:1: the quote that begins here is never closed",
    };
    (void)state;
    CLEANUP(arena_done) Arena arena = {0};
    Mistakes mistakes;
    EnvFile env;
    parse(view_of(bad_file), &arena, &mistakes, &env);
    ConfigErrors errors = mistakes_sorted(&mistakes);
    assert_int_equal(errors.count, 6);
    for (size_t i = 0; i < errors.count; i++)
        assert_string_equal(errors.messages[i], expected[i]);
    assert_string_equal(env_file_get(&env, "GOOD"), "1");
    assert_string_equal(env_file_get(&env, "BETWEEN"), "a\nb");
    assert_null(env_file_get(&env, "AFTER"));
}

static void refuses_binary_files(void **state)
{
    (void)state;
    CLEANUP(arena_done) Arena arena = {0};
    Mistakes mistakes;
    EnvFile env;
    parse((StrView){"A=1\0B=2", 7}, &arena, &mistakes, &env);
    assert_int_equal(mistakes.total, 1);
    assert_string_equal(mistakes.items[0].message,
                        ".env: the file holds NUL bytes: it is not a text");
    assert_null(env_file_get(&env, "A"));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(reads_what_shells_and_tools_write),
        cmocka_unit_test(names_the_line_but_no_value),
        cmocka_unit_test(refuses_binary_files),
    };
    return cmocka_run_group_tests_name("config/env_file", tests, NULL, NULL);
}
