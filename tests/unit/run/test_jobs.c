/* SPDX-License-Identifier: Apache-2.0 */
#include "run/jobs.h"
#include "run/session.h"

#include "run/request.h"
#include "source/postgres/postgres.h"
#include "state/file/file.h"
#include "target/files/files.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>
#include <string.h>

/* No server answers there: lists of tables need none, and patterns say so. */
static const char head[] = "version: 1\n"
                           "connections:\n"
                           "  db: {type: postgresql, url: 'postgresql://u:s3cret@127.0.0.1:1/x'}\n"
                           "  other: {type: postgresql, url: 'postgresql://u@127.0.0.1:1/y'}\n"
                           "destination: {type: files, path: exports}\n"
                           "defaults: {load: append}\n"
                           "jobs:\n";

typedef struct Fixture {
    Config config;
    Arena arena;
    Session *session;
    RunOptions options;
    RunJobs jobs;
    Error error;
} Fixture;

static const SourceDriver *const sources[] = {&source_postgres_driver, NULL};
static const TargetDriver *const targets[] = {&target_files_driver, NULL};
static const StateDriver *const states[] = {&state_file_driver, NULL};
static const Drivers drivers = {sources, targets, states};

static bool select_jobs(Fixture *fixture, const char *jobs, const char *const *names,
                        const char *tag)
{
    ConfigErrors errors;
    const char *text = arena_printf(&fixture->arena, "%s%s", head, jobs);
    if (!config_parse(text, "bqferry.yaml", "/tmp", &fixture->config, &errors, &fixture->error))
        fail_msg("%s", fixture->error.message);
    fixture->options = (RunOptions){.config = &fixture->config, .drivers = &drivers, .tag = tag};
    fixture->options.names = names;
    while (names && names[fixture->options.name_count])
        fixture->options.name_count++;
    assert_true(session_open(&fixture->options, false, &fixture->session, &fixture->error));
    return run_jobs_select(fixture->session, &fixture->options, &fixture->arena, &fixture->jobs,
                           &fixture->error);
}

static void fixture_done(Fixture *fixture)
{
    session_close(fixture->session);
    config_done(&fixture->config);
    arena_done(&fixture->arena);
}

/* "name>target …" of the jobs, in order. */
static void assert_jobs(Fixture *fixture, bool selected, const char *expected)
{
    if (!selected)
        fail_msg("%s", fixture->error.message);
    const char *text = "";
    for (size_t i = 0; i < fixture->jobs.count; i++)
        text = arena_printf(&fixture->arena, "%s%s%s>%s", text, i ? " " : "",
                            fixture->jobs.jobs[i].name, fixture->jobs.jobs[i].target.table);
    assert_string_equal(text, expected);
}

static void assert_refused(const Fixture *fixture, bool selected, ErrorKind kind, const char *part)
{
    assert_false(selected);
    assert_int_equal(fixture->error.kind, kind);
    if (!strstr(fixture->error.message, part) && !strstr(fixture->error.hint, part))
        fail_msg("\"%s\" (%s) does not say \"%s\"", fixture->error.message, fixture->error.hint,
                 part);
}

static void parses_names_of_tables(void **state)
{
    (void)state;
    static const struct {
        const char *text, *schema, *name;
    } good[] = {
        {"orders", NULL, "orders"},
        {"public.orders", "public", "orders"},
        {"\"my.schema\".\"my table\"", "my.schema", "my table"},
        {"\"a\"\"b\".c", "a\"b", "c"},
        {"s.\"t.\"", "s", "t."},
        {"\"*\"", NULL, "*"},
        {"Mixed.Case", "Mixed", "Case"},
        {"gr\xC3\xBC\xC3\x9F"
         "e",
         NULL,
         "gr\xC3\xBC\xC3\x9F"
         "e"},
    };
    CLEANUP(arena_done) Arena arena = {0};
    for (size_t i = 0; i < sizeof good / sizeof *good; i++) {
        RelationRef relation;
        Error error = {0};
        if (!relation_ref_parse(good[i].text, &arena, &relation, &error))
            fail_msg("%s", error.message);
        assert_null(relation.query);
        assert_string_equal(relation.name, good[i].name);
        if (good[i].schema)
            assert_string_equal(relation.schema, good[i].schema);
        else
            assert_null(relation.schema);
    }
}

static void refuses_what_is_no_name_of_a_table(void **state)
{
    (void)state;
    static const char *const bad[] = {
        "",       ".",     "a.",     ".a",       "a..b",    "a.b.",  "a.b.c",    "\"a",      "\"\"",
        "\"\".a", "a.\"b", "\"a\"b", "a.\"b\"c", "\"a\"\"", "a.b..", "\"a\".b.", "\"a\" .b",
    };
    CLEANUP(arena_done) Arena arena = {0};
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        RelationRef relation;
        Error error = {0};
        if (relation_ref_parse(bad[i], &arena, &relation, &error))
            fail_msg("%s was taken for %s", bad[i], relation.name);
        assert_int_equal(error.kind, ERROR_CONFIG);
    }
}

static const char three[] =
    "- {name: a, tags: [x, y], source: {connection: db, table: s.one}}\n"
    "- {name: b, tags: [y], source: {connection: db, table: [two, s.three]}}\n"
    "- {name: c, target: four, source: {connection: db, query: SELECT 1}}\n";

static void chooses_by_name_and_tag(void **state)
{
    (void)state;
    static const struct {
        const char *names[3], *tag, *expected;
    } cases[] = {
        {{NULL}, NULL, "a>one b.two>two b.three>three c>four"},
        {{"b", NULL}, NULL, "b.two>two b.three>three"},
        {{"c", "a", NULL}, NULL, "a>one c>four"},
        {{"a", "a", NULL}, NULL, "a>one"},
        {{NULL}, "x", "a>one"},
        {{"b", "c", NULL}, "y", "b.two>two b.three>three"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        CLEANUP(fixture_done) Fixture fixture = {0};
        bool selected = select_jobs(&fixture, three, cases[i].names, cases[i].tag);
        assert_jobs(&fixture, selected, cases[i].expected);
    }
}

static void says_what_there_is_not(void **state)
{
    (void)state;
    static const char two[] =
        "- {name: orders, tags: [x], source: {connection: db, table: s.one}}\n";
    CLEANUP(fixture_done) Fixture unknown = {0}, untagged = {0};
    bool selected = select_jobs(&unknown, two, (const char *[]){"order", NULL}, NULL);
    assert_refused(&unknown, selected, ERROR_USAGE, "did you mean \"orders\"?");
    selected = select_jobs(&untagged, two, NULL, "z");
    assert_refused(&untagged, selected, ERROR_USAGE, "\"z\"");
}

/* Clashes of what the file itself says are for the configuration to find. */
static void one_name_in_two_datasets_is_no_clash(void **state)
{
    (void)state;
    CLEANUP(fixture_done) Fixture apart = {0};
    bool selected = select_jobs(&apart,
                                "- {name: a, source: {connection: db, table: s.t}}\n"
                                "- {name: b, target: {dataset: d, table: t},\n"
                                "   source: {connection: db, table: r.t}}\n",
                                NULL, NULL);
    assert_jobs(&apart, selected, "a>t b>t");
}

static void names_do_not_depend_on_what_is_selected(void **state)
{
    (void)state;
    static const char twins[] =
        "- {name: a, source: {connection: db, table: [s.b, s.c]}}\n"
        "- {name: a.b, target: other, source: {connection: db, table: s.b}}\n";
    CLEANUP(fixture_done) Fixture all = {0}, one = {0};
    bool selected = select_jobs(&all, twins, NULL, NULL);
    assert_jobs(&all, selected, "a.s.b>b a.c>c a.b>other");
    selected = select_jobs(&one, twins, (const char *[]){"a", NULL}, NULL);
    assert_jobs(&one, selected, "a.s.b>b a.c>c");
}

static void refuses_two_jobs_of_one_name(void **state)
{
    (void)state;
    CLEANUP(fixture_done) Fixture fixture = {0};
    bool selected = select_jobs(&fixture,
                                "- {name: a, source: {connection: db, table: ['\"b.c\"', x]}}\n"
                                "- {name: a.b, source: {connection: db, table: [c, d]}}\n",
                                NULL, NULL);
    assert_refused(&fixture, selected, ERROR_CONFIG, "would both be called a.b.c");
}

static void a_pattern_without_an_answer_stops_nobody(void **state)
{
    (void)state;
    CLEANUP(fixture_done) Fixture fixture = {0};
    bool selected = select_jobs(&fixture,
                                "- {name: a, source: {connection: db, table: public.*}}\n"
                                "- {name: b, source: {connection: other, table: public.*}}\n"
                                "- {name: c, source: {connection: db, table: s.t}}\n",
                                NULL, NULL);
    assert_jobs(&fixture, selected, "a>public.* b>public.* c>t");
    assert_int_equal(fixture.jobs.jobs[0].error->kind, ERROR_SOURCE);
    assert_int_equal(fixture.jobs.jobs[1].error->kind, ERROR_SOURCE);
    assert_null(fixture.jobs.jobs[2].error);
}

static const char *request_of(Fixture *fixture, const char *job, int64_t limit, bool full_refresh,
                              const char **ret_rows)
{
    Intent wanted;
    assert_jobs(fixture, select_jobs(fixture, job, NULL, NULL), "a>t");
    fixture->options.limit = limit;
    fixture->options.full_refresh = full_refresh;
    request_describe(&fixture->options, &fixture->jobs.jobs[0], &fixture->arena, &wanted);
    *ret_rows = wanted.rows;
    return wanted.request;
}

static void a_request_tells_runs_apart(void **state)
{
    (void)state;
    static const char plain[] = "- {name: a, source: {connection: db, table: t}}\n";
    static const struct {
        const char *job;
        int64_t limit;
        bool full_refresh, same_rows, same_request;
    } cases[] = {
        {plain, 0, false, true, true},
        {"- {name: a, tags: [new], workers: 3, source: {connection: db, table: t}}\n", 0, false,
         true, true},
        {plain, 10, false, true, false},
        {plain, 0, true, true, false},
        {"- {name: a, load: replace, source: {connection: db, table: t}}\n", 0, false, true, false},
        {"- {name: a, on_invalid: 'null', source: {connection: db, table: t}}\n", 0, false, true,
         false},
        {"- {name: a, columns: {c: {type: STRING}}, source: {connection: db, table: t}}\n", 0,
         false, true, false},
        {"- {name: a, source: {connection: db, table: t, columns: [c]}}\n", 0, false, true, false},
        {"- {name: a, target: {dataset: d, table: t}, source: {connection: db, table: t}}\n", 0,
         false, true, false},
        {"- {name: a, source: {connection: db, table: t, where: x > 1}}\n", 0, false, false, false},
        {"- {name: a, source: {connection: other, table: t}}\n", 0, false, false, false},
        {"- {name: a, target: t, source: {connection: db, query: SELECT 1}}\n", 0, false, false,
         false},
    };
    CLEANUP(fixture_done) Fixture first = {0};
    const char *rows, *request = request_of(&first, plain, 0, false, &rows);
    assert_null(strstr(request, "s3cret"));
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        CLEANUP(fixture_done) Fixture fixture = {0};
        const char *other_rows;
        const char *other =
            request_of(&fixture, cases[i].job, cases[i].limit, cases[i].full_refresh, &other_rows);
        assert_int_equal(strcmp(request, other) == 0, cases[i].same_request);
        assert_int_equal(strcmp(rows, other_rows) == 0, cases[i].same_rows);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(parses_names_of_tables),
        cmocka_unit_test(refuses_what_is_no_name_of_a_table),
        cmocka_unit_test(chooses_by_name_and_tag),
        cmocka_unit_test(says_what_there_is_not),
        cmocka_unit_test(one_name_in_two_datasets_is_no_clash),
        cmocka_unit_test(names_do_not_depend_on_what_is_selected),
        cmocka_unit_test(refuses_two_jobs_of_one_name),
        cmocka_unit_test(a_pattern_without_an_answer_stops_nobody),
        cmocka_unit_test(a_request_tells_runs_apart),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
