/* SPDX-License-Identifier: Apache-2.0 */
#include "delivery/job_state.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>

#include <cmocka.h>

static const char whole[] =
    "{\"cursor\":{\"column\":\"updated_at\",\"key_column\":\"id\",\"kind\":\"instant\","
    "\"operator\":\">\",\"value\":\"2026-01-31 12:00:00.000001+00\",\"key\":\"7\","
    "\"source\":\"public.orders\",\"where\":\"total > 0\",\"destination\":\"duckdb x\",\"table\":\"main.orders\","
    "\"set_by\":\"run-1\",\"set_at\":\"2026-01-31T12:00:01.000000Z\"},"
    "\"backfill\":{\"kind\":\"date\",\"start\":\"2026-01-01\",\"end\":\"2026-02-01\",\"done\":null},"
    "\"compared_at\":\"2026-01-30T00:00:00.000000Z\",\"succeeded_at\":"
    "\"2026-01-31T12:00:02.000000Z\",\"columns\":[\"id\",\"total\"]}";

static bool parse(const char *text, Arena *arena, JobState *ret_state, Error *error)
{
    CLEANUP(json_free_ptr) Json *json = NULL;
    *error = (Error){0};
    assert_true(json_parse(text, strlen(text), "test", &json, error));
    return job_state_from_json(json, arena, ret_state, error);
}

static void test_it_comes_back_as_it_was(void **state)
{
    (void)state;
    Arena arena = {0};
    JobState read;
    Error error;
    if (!parse(whole, &arena, &read, &error))
        fail_msg("%s", error.message);
    CLEANUP(json_free_ptr) Json *json = job_state_to_json(&read);
    assert_string_equal(json_dump(json, &arena), whole);
    assert_int_equal(job_cursor_next(&read.cursor), INT64_C(1769860800000002));
    arena_done(&arena);
}

static void test_nothing_is_an_empty_state(void **state)
{
    (void)state;
    Arena arena = {0};
    JobState read = {.column_count = 7};
    Error error = {0};
    assert_true(job_state_from_json(NULL, &arena, &read, &error));
    assert_null(read.cursor.column);
    assert_int_equal(read.column_count, 0);
    assert_true(parse("{}", &arena, &read, &error));
    assert_null(read.backfill.start);
    arena_done(&arena);
}

/* A part of the whole is replaced by something else. */
typedef struct Damage {
    const char *part;
    const char *instead;
    const char *words;
} Damage;

static void test_damage_is_named(void **state)
{
    static const Damage damages[] = {
        {"\"column\":\"updated_at\",", "", "lacks a part"},
        {"\"table\":\"main.orders\",", "", "lacks a part"},
        {"\"kind\":\"instant\"", "\"kind\":\"moment\"", "none of its kind"},
        {"2026-01-31 12:00:00.000001+00", "yesterday", "\"yesterday\" is none of its kind"},
        {"\"operator\":\">\"", "\"operator\":\"<\"", "operator \"<\" is unknown"},
        {"\"start\":\"2026-01-01\"", "\"start\":\"42\"", "backfill's places"},
        {"[\"id\",\"total\"]", "[\"id\",7]", "name is no text"},
    };
    (void)state;
    for (size_t i = 0; i < sizeof damages / sizeof *damages; i++) {
        Arena arena = {0};
        JobState read;
        Error error;
        const char *place = strstr(whole, damages[i].part);
        assert_non_null(place);
        const char *text = arena_printf(&arena, "%.*s%s%s", (int)(place - whole), whole,
                                        damages[i].instead, place + strlen(damages[i].part));
        assert_false(parse(text, &arena, &read, &error));
        assert_int_equal(error.kind, ERROR_CONFIG);
        if (!strstr(error.message, damages[i].words))
            fail_msg("%s", error.message);
        arena_done(&arena);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_it_comes_back_as_it_was),
        cmocka_unit_test(test_nothing_is_an_empty_state),
        cmocka_unit_test(test_damage_is_named),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
