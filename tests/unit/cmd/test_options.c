/* SPDX-License-Identifier: Apache-2.0 */
#include "cmd/options.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

typedef struct Settings {
    bool force;
    const char *mode;
    int64_t limit;
    TextList tables;
    const char *source, *table, *target;
    TextList rest;
} Settings;

typedef struct Shared {
    bool quiet;
    const char *config;
} Shared;

static const char *const modes[] = {"replace", "append", NULL};

static const Option own_options[] = {
    {OPTION_ARGUMENT, 0, "SOURCE", NULL, NULL, NULL, "", offsetof(Settings, source)},
    {OPTION_OPTIONAL, 0, "TABLE", NULL, NULL, NULL, "", offsetof(Settings, table)},
    {OPTION_ARGUMENT, 0, "TARGET", NULL, NULL, NULL, "", offsetof(Settings, target)},
    {OPTION_FLAG, 'f', "force", NULL, NULL, NULL, "", offsetof(Settings, force)},
    {OPTION_TEXT, 'm', "mode", NULL, "replace", modes, "", offsetof(Settings, mode)},
    {OPTION_COUNT, 0, "limit", "N", NULL, NULL, "", offsetof(Settings, limit)},
    {OPTION_LIST, 0, "tables", "T", NULL, NULL, "", offsetof(Settings, tables)},
    {0},
};

static const Option rest_options[] = {
    {OPTION_REST, 0, "JOB", NULL, NULL, NULL, "", offsetof(Settings, rest)},
    {OPTION_FLAG, 0, "force", NULL, NULL, NULL, "", offsetof(Settings, force)},
    {0},
};

static const Option shared_options[] = {
    {OPTION_FLAG, 'q', "quiet", NULL, NULL, NULL, "", offsetof(Shared, quiet)},
    {OPTION_TEXT, 0, "config", "FILE", "default.yaml", NULL, "", offsetof(Shared, config)},
    {0},
};

static Arena arena;
static Settings settings;
static Shared shared;
static Error error;

static bool parse(const Option *options, const char *const *items, size_t count)
{
    settings = (Settings){0};
    shared = (Shared){0};
    error = (Error){0};
    OptionGroup groups[] = {{options, &settings}, {shared_options, &shared}};
    Words words = {items, items, count};
    return options_parse(groups, 2, &words, &arena, &error);
}

#define PARSE(options, ...)                                                                        \
    parse(options, (const char *const[]){__VA_ARGS__},                                             \
          sizeof((const char *const[]){__VA_ARGS__}) / sizeof(char *))

static void reads_every_kind(void **state)
{
    (void)state;
    assert_true(PARSE(own_options, "--limit=12", "src", "--mode", "append", "-fq", "tab",
                      "--tables", "a", "tgt", "--tables=b=c", "--config", "x.yaml"));
    assert_true(settings.force);
    assert_true(shared.quiet);
    assert_int_equal(settings.limit, 12);
    assert_string_equal(settings.mode, "append");
    assert_string_equal(settings.source, "src");
    assert_string_equal(settings.table, "tab");
    assert_string_equal(settings.target, "tgt");
    assert_int_equal(settings.tables.count, 2);
    assert_string_equal(settings.tables.items[0], "a");
    assert_string_equal(settings.tables.items[1], "b=c");
    assert_string_equal(shared.config, "x.yaml");
}

static void a_short_command_line_leaves_the_optional_word_out(void **state)
{
    (void)state;
    assert_true(PARSE(own_options, "src", "tgt"));
    assert_string_equal(settings.source, "src");
    assert_null(settings.table);
    assert_string_equal(settings.target, "tgt");
    assert_string_equal(settings.mode, "replace");
    assert_null(shared.config); /* set before, with the words before the command */
}

static void a_missing_word_is_found_when_asked_for(void **state)
{
    (void)state;
    OptionGroup group = {own_options, &settings};
    assert_true(PARSE(own_options, "src"));
    assert_false(options_complete(&group, &error));
    assert_string_equal(error.message, "TARGET is missing");
    assert_int_equal(error.kind, ERROR_USAGE);
    assert_true(PARSE(own_options, "src", "tgt"));
    assert_true(options_complete(&group, &error));
}

static void takes_the_rest(void **state)
{
    (void)state;
    assert_true(PARSE(rest_options, "a", "--force", "b", "--", "--c"));
    assert_int_equal(settings.rest.count, 3);
    assert_string_equal(settings.rest.items[0], "a");
    assert_string_equal(settings.rest.items[2], "--c");
    assert_true(settings.force);
}

static void names_what_was_meant(void **state)
{
    (void)state;
    assert_false(PARSE(own_options, "--limt", "3"));
    assert_string_equal(error.message, "unknown option --limt");
    assert_string_equal(error.hint, "did you mean --limit?");
    assert_false(PARSE(own_options, "--quite"));
    assert_string_equal(error.hint, "did you mean --quiet?");
    assert_false(PARSE(own_options, "-x"));
    assert_string_equal(error.message, "unknown option -x");
    assert_false(PARSE(own_options, "--mode", "apend"));
    assert_string_equal(error.message, "--mode: \"apend\" is none of replace|append");
    assert_string_equal(error.hint, "did you mean append?");
}

static void refuses_values_that_are_none(void **state)
{
    (void)state;
    static const char *const numbers[] = {"", "x", "1x", "-1", "1.5", "99999999999999999999"};
    for (size_t i = 0; i < sizeof numbers / sizeof *numbers; i++) {
        assert_false(PARSE(own_options, "--limit", numbers[i]));
        assert_int_equal(error.kind, ERROR_USAGE);
    }
    assert_true(PARSE(own_options, "--limit", "9223372036854775807"));
    assert_false(PARSE(own_options, "--limit"));
    assert_string_equal(error.message, "--limit needs a value: N");
    assert_false(PARSE(own_options, "--force=yes"));
    assert_string_equal(error.message, "--force takes no value");
    assert_false(PARSE(own_options, "a", "b", "c", "d"));
    assert_string_equal(error.message, "one word too many: d");
}

static void messages_show_the_words_made_for_it(void **state)
{
    (void)state;
    const char *const items[] = {"a", "b", "c", "secret"};
    const char *const shown[] = {"a", "b", "c", "***"};
    settings = (Settings){0};
    OptionGroup groups[] = {{own_options, &settings}};
    Words words = {items, shown, 4};
    assert_false(options_parse(groups, 1, &words, &arena, &error));
    assert_string_equal(error.message, "one word too many: ***");
}

static void leading_options_end_at_the_first_word(void **state)
{
    (void)state;
    const char *const items[] = {"-q", "--config", "x", "run", "--force"};
    OptionGroup group = {shared_options, &shared};
    Words words = {items, items, 5};
    size_t used;
    shared = (Shared){0};
    assert_true(options_parse_leading(&group, &words, &arena, &used, &error));
    assert_int_equal(used, 3);
    assert_true(shared.quiet);
    assert_string_equal(shared.config, "x");
    words.count = 1;
    shared = (Shared){0};
    assert_true(options_parse_leading(&group, &words, &arena, &used, &error));
    assert_string_equal(shared.config, "default.yaml");
}

static void cuts_lists_at_commas(void **state)
{
    (void)state;
    TextList list = text_list_split(" a, b c ,,d", &arena);
    assert_int_equal(list.count, 3);
    assert_string_equal(list.items[0], "a");
    assert_string_equal(list.items[1], "b c");
    assert_string_equal(list.items[2], "d");
    assert_int_equal(text_list_split(NULL, &arena).count, 0);
    assert_int_equal(text_list_split("", &arena).count, 0);
}

static int free_arena(void **state)
{
    (void)state;
    arena_done(&arena);
    return 0;
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(reads_every_kind),
        cmocka_unit_test(a_short_command_line_leaves_the_optional_word_out),
        cmocka_unit_test(a_missing_word_is_found_when_asked_for),
        cmocka_unit_test(takes_the_rest),
        cmocka_unit_test(names_what_was_meant),
        cmocka_unit_test(refuses_values_that_are_none),
        cmocka_unit_test(messages_show_the_words_made_for_it),
        cmocka_unit_test(leading_options_end_at_the_first_word),
        cmocka_unit_test(cuts_lists_at_commas),
    };
    return cmocka_run_group_tests_name("cmd/options", tests, NULL, free_arena);
}
