/* SPDX-License-Identifier: Apache-2.0 */
/* Runs tests/data/config/mistakes.txt: what is said about bad configurations, line by line. */
#include "base/cleanup.h"
#include "config/config.h"
#include "config/mistakes.h"
#include "format/file.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>
#include <stdio.h>
#include <string.h>

static char *join(const ConfigErrors *errors, Arena *arena)
{
    char *text = arena_strdup(arena, "");
    for (size_t i = 0; i < errors->count; i++)
        text = arena_printf(arena, "%s%s\n", text, errors->messages[i]);
    return text;
}

static bool run_case(char *text, Arena *arena)
{
    static const char divider[] = "\n--- expected\n";
    char *yaml = strchr(text, '\n') + 1, *end = strstr(text, divider);
    assert_non_null(end);
    end[1] = '\0';
    yaml[-1] = '\0';
    char *expected = end + sizeof divider - 1, *rest = strstr(expected, "\n\n");
    if (rest)
        rest[1] = '\0';

    Config config;
    ConfigErrors errors;
    Error error = {0};
    bool parsed = config_parse(yaml, "bqferry.yaml", "/nonexistent", &config, &errors, &error);
    const char *found = join(&errors, arena);
    config_done(&config);
    bool same = strcmp(found, expected) == 0;
    if (!same)
        fprintf(stderr, "=== %s\n-- expected\n%s-- found\n%s\n", text, expected, found);
    return same && !parsed && error.kind == ERROR_CONFIG && !strstr(found, "hunter2") &&
           !strstr(error.message, "hunter2");
}

static void says_what_is_wrong(void **state)
{
    (void)state;
    CLEANUP(arena_done) Arena arena = {0};
    Error error = {0};
    StrView text;
    setenv("SHOP_URL", "postgresql://root:hunter2@db/shop", 1);
    setenv("HALF", "0.5", 1);
    unsetenv("NOWHERE");
    unsetenv("STORAGE_EMULATOR_HOST"); /* an emulator takes any project */
    assert_true(file_read(TEST_DATA "/config/mistakes.txt", 1000 * 1000, &arena, &text, &error));
    char *next = strstr(arena_strdup(&arena, text.data), "\n=== ");
    int cases = 0, failed = 0;
    while (next) {
        char *start = next + 5;
        next = strstr(start, "\n=== ");
        if (next)
            *next = '\0';
        failed += !run_case(start, &arena);
        cases++;
    }
    assert_int_equal(failed, 0);
    assert_int_equal(cases, 40);
}

static void names_their_number_and_the_first(void **state)
{
    (void)state;
    Config config;
    ConfigErrors errors;
    Error error = {0};
    const char *text = "version: 1\ndestination: {type: duckdb, path: x}\nb: 1\na: 1\n";
    assert_false(config_parse(text, "conf/a.yaml", "/nonexistent", &config, &errors, &error));
    const char *expected =
        "2 mistakes in the configuration: conf/a.yaml:3:1: b: unknown key (known";
    assert_memory_equal(error.message, expected, strlen(expected));
    config_done(&config);
    text = "version: 1\ndestination: {type: duckdb, path: x}\nb: 1\n";
    assert_false(config_parse(text, "a.yaml", "/nonexistent", &config, &errors, &error));
    expected = "1 mistake in the configuration: a.yaml:3:1: b: unknown key (known";
    assert_memory_equal(error.message, expected, strlen(expected));
    config_done(&config);
}

static void has_a_limit(void **state)
{
    (void)state;
    CLEANUP(arena_done) Arena arena = {0};
    Config config;
    ConfigErrors errors;
    Error error = {0};
    char *text = arena_strdup(&arena, "version: 1\ndestination: {type: duckdb, path: x}\n");
    for (int i = 0; i < MISTAKES_MAX + 5; i++)
        text = arena_printf(&arena, "%sunknown_%03d: 1\n", text, i);
    assert_false(config_parse(text, "a.yaml", "/nonexistent", &config, &errors, &error));
    assert_int_equal(errors.count, MISTAKES_MAX + 1);
    assert_string_equal(errors.messages[MISTAKES_MAX], "and 5 more mistakes");
    assert_memory_equal(error.message, "205 mistakes", 12);
    config_done(&config);
}

static void sorts_the_main_file_first(void **state)
{
    (void)state;
    CLEANUP(arena_done) Arena arena = {0};
    Mistakes mistakes;
    mistakes_init(&mistakes, &arena, "main.yaml");
    mistakes_add(&mistakes, (ConfigPlace){"b.yaml", 1, 1}, "5");
    mistakes_add(&mistakes, (ConfigPlace){"a.yaml", 2, 1}, "4");
    mistakes_add(&mistakes, (ConfigPlace){"main.yaml", 10, 2}, "3");
    mistakes_add(&mistakes, (ConfigPlace){"main.yaml", 10, 1}, "2");
    mistakes_add(&mistakes, (ConfigPlace){"main.yaml", 9, 5}, "1");
    ConfigErrors errors = mistakes_sorted(&mistakes);
    assert_string_equal(join(&errors, &arena),
                        "main.yaml:9:5: 1\nmain.yaml:10:1: 2\nmain.yaml:10:2: 3\n"
                        "a.yaml:2:1: 4\nb.yaml:1:1: 5\n");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(says_what_is_wrong),
        cmocka_unit_test(names_their_number_and_the_first),
        cmocka_unit_test(has_a_limit),
        cmocka_unit_test(sorts_the_main_file_first),
    };
    return cmocka_run_group_tests_name("config/mistakes", tests, NULL, NULL);
}
