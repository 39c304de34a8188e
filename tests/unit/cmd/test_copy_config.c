/* SPDX-License-Identifier: Apache-2.0 */
#include "cmd/copy_config.h"

#include "base/cleanup.h"
#include "config/config.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

static Arena arena;

static const char url[] = "postgresql://me:secret@host:5432/shop";

static CopyRequest orders(void)
{
    return (CopyRequest){.source_type = "postgresql",
                         .source_url = url,
                         .table = "public.orders",
                         .target = {.type = "duckdb", .path = "w.duckdb"},
                         .load = "replace",
                         .state = ".bqferry/"};
}

static void parse(const char *text, Config *config)
{
    ConfigErrors errors = {0};
    Error error = {0};
    bool fine = config_parse(text, "copy", "/data", config, &errors, &error);
    if (!fine)
        print_error("%s\n%s\n", error.message, text);
    assert_true(fine);
}

static void is_read_back_as_it_was_asked(void **state)
{
    (void)state;
    static const TargetParameter parameters[] = {{"dataset", "raw"}, {"memory_limit", "512MB"}};
    static const char *columns[] = {"id", "Odd \"name\"", "null"};
    CopyRequest request = orders();
    request.table = "public.\"odd: table\"";
    request.target.parameters = parameters;
    request.target.parameter_count = 2;
    request.target_table = "o";
    request.columns = (TextList){columns, 3};
    request.where = "note LIKE '${x}%' -- # \\ \"\n";
    request.load = "append";
    request.on_invalid = "null";
    request.workers = 3;
    setenv(COPY_URL_VARIABLE, url, 1);
    CLEANUP(config_done) Config config = {0};
    parse(copy_config_text(&request, "job", false, &arena), &config);
    assert_int_equal(config.connection_count, 1);
    assert_string_equal(config.connections[0].type, "postgresql");
    assert_string_equal(config.connections[0].url, url);
    assert_string_equal(config.destination.type, "duckdb");
    assert_string_equal(config.destination.path, "/data/w.duckdb");
    assert_string_equal(config.destination.dataset, "raw");
    assert_int_equal(config.destination.memory_limit, 512000000);
    assert_string_equal(config.state_path, "/data/.bqferry");
    assert_int_equal(config.job_count, 1);
    const JobConfig *job = &config.jobs[0];
    assert_string_equal(job->name, "job");
    assert_int_equal(job->tables.count, 1);
    assert_string_equal(job->tables.items[0], request.table);
    assert_int_equal(job->columns_wanted.count, 3);
    for (size_t i = 0; i < 3; i++)
        assert_string_equal(job->columns_wanted.items[i], columns[i]);
    assert_string_equal(job->where, request.where);
    assert_string_equal(job->target_table, "o");
    assert_int_equal(job->load, LOAD_APPEND);
    assert_string_equal(job->options.on_invalid, "null");
    assert_int_equal(job->workers, 3);
    assert_int_equal(job->retry_budget_ms, 10000);
}

static void a_query_too(void **state)
{
    (void)state;
    CopyRequest request = orders();
    request.table = NULL;
    request.query = "SELECT '$', \"a\"\n\tFROM t WHERE x = '${y}'";
    request.target_table = "totals";
    request.target = (TargetUrl){.type = "files", .path = "/out dir"};
    request.format = "ndjson";
    setenv(COPY_URL_VARIABLE, url, 1);
    CLEANUP(config_done) Config config = {0};
    parse(copy_config_text(&request, "q", false, &arena), &config);
    assert_string_equal(config.jobs[0].query, request.query);
    assert_string_equal(config.jobs[0].target_table, "totals");
    assert_string_equal(config.destination.path, "/out dir");
    assert_string_equal(config.destination.format, "ndjson");
}

static void the_password_is_in_neither_form(void **state)
{
    (void)state;
    CopyRequest request = orders();
    assert_null(strstr(copy_config_text(&request, "j", false, &arena), "secret"));
    const char *text = copy_config_text(&request, "j", true, &arena);
    assert_null(strstr(text, "secret"));
    assert_non_null(strstr(text, "SOURCE_URL=postgresql://me:***@host:5432/shop"));
    request.source_url = "postgresql://me@host/shop";
    assert_non_null(strstr(copy_config_text(&request, "j", true, &arena),
                           "url: \"postgresql://me@host/shop\"\n"));
}

static void names_come_from_the_table(void **state)
{
    (void)state;
    static const char *const cases[][2] = {
        {"public.orders", "orders"},
        {"orders", "orders"},
        {"public.*", "public"},
        {"public.o*", "public"},
        {"*", "tables"},
        {"s.\"Odd table!\"", "Odd-table"},
        {"*.*", "tables"},
        {"sales.2024-q1", "2024-q1"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        CopyRequest request = {.table = cases[i][0]};
        assert_string_equal(copy_table_name(&request, &arena), cases[i][1]);
    }
    CopyRequest query = {.query = "SELECT 1"};
    assert_string_equal(copy_table_name(&query, &arena), "query");
}

static void the_job_is_the_same_for_the_same_words(void **state)
{
    (void)state;
    CopyRequest request = orders();
    const char *name = copy_job_name(&request, "/home", &arena);
    assert_int_equal(strncmp(name, "copy-orders-", 12), 0);
    assert_int_equal(strlen(name), 12 + 8);
    assert_string_equal(copy_job_name(&request, "/home", &arena), name);
    request.source_url = "postgresql://me:other@host:5432/shop"; /* the password was changed */
    assert_string_equal(copy_job_name(&request, "/home", &arena), name);
    request.workers = 8;
    assert_string_equal(copy_job_name(&request, "/home", &arena), name);
}

/* A killed copy must not be settled by one that asks for something else. */
static void another_request_is_another_job(void **state)
{
    (void)state;
    CopyRequest changed[12];
    for (size_t i = 0; i < 12; i++)
        changed[i] = orders();
    static const char *columns[] = {"id"};
    static const TargetParameter parameter = {"dataset", "raw"};
    changed[0].source_url = "postgresql://me:secret@host:5432/other";
    changed[1].table = "sales.orders";
    changed[2].target.path = "v.duckdb";
    changed[3].target.type = "files";
    changed[4].load = "append";
    changed[5].where = "id > 1";
    changed[6].columns = (TextList){columns, 1};
    changed[7].limit = 10;
    changed[8].on_invalid = "null";
    changed[9].format = "avro";
    changed[10].target.parameters = &parameter;
    changed[10].target.parameter_count = 1;
    changed[11].target_table = "o";
    CopyRequest request = orders();
    const char *names[14] = {copy_job_name(&request, "/home", &arena),
                             copy_job_name(&request, "/tmp", &arena)};
    for (size_t i = 0; i < 12; i++)
        names[i + 2] = copy_job_name(&changed[i], "/home", &arena);
    for (size_t i = 0; i < 14; i++) {
        for (size_t j = 0; j < i; j++)
            assert_string_not_equal(names[i], names[j]);
    }
    request.target.path = "/abs/w.duckdb";
    const char *here = copy_job_name(&request, "/home", &arena);
    assert_string_equal(copy_job_name(&request, "/tmp", &arena), here);
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
        cmocka_unit_test(is_read_back_as_it_was_asked),
        cmocka_unit_test(a_query_too),
        cmocka_unit_test(the_password_is_in_neither_form),
        cmocka_unit_test(names_come_from_the_table),
        cmocka_unit_test(the_job_is_the_same_for_the_same_words),
        cmocka_unit_test(another_request_is_another_job),
    };
    return cmocka_run_group_tests_name("cmd/copy_config", tests, NULL, free_arena);
}
