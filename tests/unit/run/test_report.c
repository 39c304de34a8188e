/* SPDX-License-Identifier: Apache-2.0 */
#include "run/report.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>
#include <string.h>

static int exit_code(size_t count, JobReport *jobs)
{
    const RunReport report = {.jobs = jobs, .job_count = count};
    return run_report_exit_code(&report);
}

static JobReport failed(ErrorKind kind)
{
    return (JobReport){.status = JOB_FAILED, .error = {.kind = kind}};
}

static void the_exit_code_is_what_failed_jobs_agree_on(void **state)
{
    (void)state;
    const JobReport good = {.status = JOB_SUCCEEDED}, settled = {.status = JOB_SETTLED};
    const JobReport not_run = {.status = JOB_NOT_RUN, .error = {.kind = ERROR_CANCELLED}};
    assert_int_equal(exit_code(0, NULL), 0);
    assert_int_equal(exit_code(2, (JobReport[]){good, settled}), 0);
    assert_int_equal(exit_code(2, (JobReport[]){good, failed(ERROR_SOURCE)}), 3);
    assert_int_equal(exit_code(2, (JobReport[]){failed(ERROR_TARGET), failed(ERROR_TARGET)}), 4);
    assert_int_equal(exit_code(1, (JobReport[]){failed(ERROR_DATA)}), 5);
    assert_int_equal(exit_code(1, (JobReport[]){failed(ERROR_LOCKED)}), 7);
    assert_int_equal(exit_code(2, (JobReport[]){failed(ERROR_USAGE), failed(ERROR_CONFIG)}), 2);
    assert_int_equal(exit_code(2, (JobReport[]){failed(ERROR_SOURCE), failed(ERROR_TARGET)}), 1);
    assert_int_equal(exit_code(3, (JobReport[]){failed(ERROR_SOURCE), failed(ERROR_TARGET),
                                                failed(ERROR_TARGET)}),
                     1);
    assert_int_equal(exit_code(2, (JobReport[]){failed(ERROR_SOURCE), not_run}), 1);
    assert_int_equal(exit_code(2, (JobReport[]){good, not_run}), 1);
}

static void a_failure_is_never_exit_code_0(void **state)
{
    (void)state;
    assert_int_equal(exit_code(1, (JobReport[]){failed(ERROR_NONE)}), 1);
}

static char *printed(const RunReport *report, Arena *arena)
{
    CLEANUP(json_free_ptr) Json *json = run_report_json(report);
    return json_dump(json, arena);
}

static void a_report_says_what_a_job_did(void **state)
{
    (void)state;
    CLEANUP(arena_done) Arena arena = {0};
    const char *notes[] = {"one worker"};
    const TargetJob done = {"load", "bqferry-1", "https://console/1", 0, 1290};
    ColumnInvalid invalid = {.column = "at"};
    invalid.counts.counts[INVALID_INFINITY] = 12;
    JobReport job = {
        .job = "orders",
        .status = JOB_SUCCEEDED,
        .run_id = "run-1",
        .attempt = 2,
        .load = LOAD_REPLACE,
        .connection = "shop",
        .relation = "public.orders",
        .target = "main.orders",
        .workers = 2,
        .shards = 8,
        .rows_read = 10,
        .bytes_read = 91,
        .rows_staged = 10,
        .bytes_staged = 35,
        .rows_applied = 10,
        .invalid = &invalid,
        .invalid_count = 1,
        .retries = 1,
        .notes = notes,
        .note_count = 1,
        .target_jobs = {&done, 1},
    };
    job.phase_ns[PHASE_EXTRACT] = 41900 * 1000000LL;
    const RunReport report = {.id = "run-0",
                              .started_us = 1772366400000000,
                              .finished_us = 1772366442500000,
                              .jobs = &job,
                              .job_count = 1};
    assert_string_equal(
        printed(&report, &arena),
        "{\"version\":1,\"id\":\"run-0\",\"started_at\":\"2026-03-01T12:00:00.000000Z\","
        "\"finished_at\":\"2026-03-01T12:00:42.500000Z\",\"duration_ms\":42500,\"exit_code\":0,"
        "\"jobs\":[{\"job\":\"orders\",\"status\":\"succeeded\",\"run_id\":\"run-1\",\"attempt\":2,"
        "\"load\":\"replace\",\"source\":{\"connection\":\"shop\",\"relation\":\"public.orders\"},"
        "\"target\":\"main.orders\",\"workers\":2,\"shards\":8,\"rows_read\":10,\"bytes_read\":91,"
        "\"rows_staged\":10,\"bytes_staged\":35,\"rows_applied\":10,"
        "\"merged\":null,\"cursor\":null,\"invalid\":{\"at\":{\"infinity\":12}},"
        "\"phases\":{\"settle_ms\":0,\"plan_ms\":0,\"extract_ms\":41900,\"apply_ms\":0,"
        "\"commit_ms\":0},\"retries\":1,\"target_jobs\":[{\"kind\":\"load\",\"id\":\"bqferry-1\","
        "\"link\":\"https://console/1\",\"bytes_billed\":0,\"slot_ms\":1290}],"
        "\"notes\":[\"one worker\"],\"error\":null}]}");
}

static void a_report_says_why_a_job_failed(void **state)
{
    (void)state;
    CLEANUP(arena_done) Arena arena = {0};
    JobReport jobs[] = {
        {.job = "a",
         .status = JOB_FAILED,
         .error = {.kind = ERROR_SOURCE, .retryable = true, .message = "gone", .hint = "wait"}},
        {.job = "b",
         .status = JOB_NOT_RUN,
         .error = {.kind = ERROR_CANCELLED, .message = "stopped before its turn"}},
    };
    const RunReport report = {.jobs = jobs, .job_count = 2};
    const char *text = printed(&report, &arena);
    assert_non_null(strstr(text, "\"exit_code\":1"));
    assert_non_null(strstr(text, "\"status\":\"failed\",\"run_id\":null"));
    assert_non_null(strstr(text, "\"error\":{\"kind\":\"source\",\"message\":\"gone\","
                                 "\"hint\":\"wait\",\"retryable\":true}"));
    assert_non_null(strstr(text, "\"status\":\"not_run\""));
    assert_non_null(strstr(text, "\"error\":{\"kind\":\"cancelled\",\"message\":\"stopped before "
                                 "its turn\",\"hint\":null,\"retryable\":false}"));
}

static void a_place_that_cannot_be_written_is_an_error(void **state)
{
    (void)state;
    const RunReport report = {0};
    Error error = {0};
    assert_false(run_report_write(&report, "/proc/no/such/folder/report.json", &error));
    assert_non_null(strstr(error.message, "report.json"));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_exit_code_is_what_failed_jobs_agree_on),
        cmocka_unit_test(a_failure_is_never_exit_code_0),
        cmocka_unit_test(a_report_says_what_a_job_did),
        cmocka_unit_test(a_report_says_why_a_job_failed),
        cmocka_unit_test(a_place_that_cannot_be_written_is_an_error),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
