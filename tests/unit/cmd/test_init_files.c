/* SPDX-License-Identifier: Apache-2.0 */
#include "cmd/init_files.h"

#include "base/cleanup.h"
#include "config/config.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

static Arena arena;

static void the_configuration_is_valid(void **state)
{
    (void)state;
    static const char *tables[] = {"public.orders", "sales.orders", "sales.Orders", "public.*"};
    static const TargetParameter parameter = {"dataset", "raw"};
    InitChoices choices = {.source_type = "postgresql",
                           .url_variable = "SHOP_URL",
                           .tables = {tables, 4},
                           .target = {"duckdb", "a b.duckdb", &parameter, 1}};
    const char *text = init_config_text(&choices, &arena);
    setenv("SHOP_URL", "postgresql://me@host/shop", 1);
    CLEANUP(config_done) Config config = {0};
    ConfigErrors errors = {0};
    Error error = {0};
    if (!config_parse(text, "bqferry.yaml", "/data", &config, &errors, &error))
        fail_msg("%s", error.message);
    assert_string_equal(config.connections[0].url, "postgresql://me@host/shop");
    assert_string_equal(config.destination.path, "/data/a b.duckdb");
    assert_string_equal(config.destination.dataset, "raw");
    static const char *const names[] = {"orders", "sales-orders", "sales-Orders-2", "public"};
    static const char *const targets[] = {NULL, "sales_orders", "sales_Orders_2", NULL};
    assert_int_equal(config.job_count, 4);
    for (size_t i = 0; i < 4; i++) {
        assert_string_equal(config.jobs[i].name, names[i]);
        assert_string_equal(config.jobs[i].tables.items[0], tables[i]);
        if (targets[i])
            assert_string_equal(config.jobs[i].target_table, targets[i]);
        else
            assert_null(config.jobs[i].target_table);
    }
}

/* What is commented out is an example that must work once its # is taken away. */
static void the_commented_examples_are_valid_too(void **state)
{
    (void)state;
    static const char *tables[] = {"public.orders"};
    InitChoices choices = {.source_type = "postgresql",
                           .source_url = "postgresql://me@host/shop",
                           .tables = {tables, 1},
                           .target = {.type = "duckdb", .path = "w.duckdb"}};
    char *text = arena_strdup(&arena, init_config_text(&choices, &arena));
    static const char *const examples[] = {
        "# naive_timestamps:", "# dataset:", "# table_prefix:", "# workers:",
        "# columns: [",        "# where:",   "# tags:",         "# target:",
        "# columns: {"};
    for (size_t i = 0; i < sizeof examples / sizeof *examples; i++) {
        char *at = strstr(text, examples[i]);
        assert_non_null(at);
        memmove(at, at + 2, strlen(at + 2) + 1);
    }
    CLEANUP(config_done) Config config = {0};
    ConfigErrors errors = {0};
    Error error = {0};
    if (!config_parse(text, "bqferry.yaml", "/data", &config, &errors, &error))
        fail_msg("%s\n%s", error.message, text);
    assert_string_equal(config.jobs[0].where, "total > 0");
    assert_string_equal(config.jobs[0].target_table, "other_name");
    assert_string_equal(config.destination.table_prefix, "shop_");
}

static void bigquery_is_written_and_explained(void **state)
{
    (void)state;
    static const char *tables[] = {"public.orders"};
    static const TargetParameter parameters[] = {{"project", "my-project"}, {"dataset", "raw"}};
    InitChoices choices = {
        .source_type = "postgresql",
        .source_url = "postgresql://me@host/shop",
        .tables = {tables, 1},
        .target = {.type = "bigquery", .parameters = parameters, .parameter_count = 2}};
    char *text = arena_strdup(&arena, init_config_text(&choices, &arena));
    assert_null(strstr(text, "# project:"));
    static const char *const examples[] = {
        "# location:", "# bucket:", "# credentials:", "# labels:", "# target: { part"};
    for (size_t i = 0; i < sizeof examples / sizeof *examples; i++) {
        char *at = strstr(text, examples[i]);
        assert_non_null(at);
        memmove(at, at + 2, strlen(at + 2) + 1);
    }
    CLEANUP(config_done) Config config = {0};
    ConfigErrors errors = {0};
    Error error = {0};
    if (!config_parse(text, "bqferry.yaml", "/data", &config, &errors, &error))
        fail_msg("%s\n%s", error.message, text);
    assert_string_equal(config.destination.bigquery.project, "my-project");
    assert_string_equal(config.destination.bigquery.location, "EU");
    assert_string_equal(config.destination.dataset, "raw");
    assert_int_equal(config.jobs[0].target.partition_by.kind, PARTITION_DAY);
    assert_non_null(strstr(init_example_text(&choices, &arena), "GOOGLE_APPLICATION_CREDENTIALS="));
}

static void the_example_names_the_variable(void **state)
{
    (void)state;
    InitChoices choices = {.source_type = "postgresql",
                           .source_url = "postgresql://me:secret@h/d",
                           .url_variable = "SHOP_URL"};
    const char *text = init_example_text(&choices, &arena);
    assert_non_null(strstr(text, "\nSHOP_URL=postgresql://USER:PASSWORD@HOST:5432/DATABASE\n"));
    assert_null(strstr(text, "secret"));
}

static void env_keeps_what_is_not_ours(void **state)
{
    (void)state;
    bool replaces;
    assert_string_equal(init_env_text(NULL, "A", "x", &arena, &replaces), "A=\"x\"\n");
    assert_false(replaces);
    assert_string_equal(init_env_text("# c\nB=1\n\nAA=2", "A", "x", &arena, &replaces),
                        "# c\nB=1\n\nAA=2\nA=\"x\"\n");
    assert_false(replaces);
    assert_string_equal(
        init_env_text("B=1\n export A = old\nC=2\n", "A", "$\"\\ #", &arena, &replaces),
        "B=1\nC=2\nA=\"\\$\\\"\\\\ #\"\n");
    assert_true(replaces);
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
        cmocka_unit_test(the_configuration_is_valid),
        cmocka_unit_test(the_commented_examples_are_valid_too),
        cmocka_unit_test(bigquery_is_written_and_explained),
        cmocka_unit_test(the_example_names_the_variable),
        cmocka_unit_test(env_keeps_what_is_not_ours),
    };
    return cmocka_run_group_tests_name("cmd/init_files", tests, NULL, free_arena);
}
