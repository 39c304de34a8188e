/* SPDX-License-Identifier: Apache-2.0 */
#include "net/reason.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

/* docs.cloud.google.com/bigquery/docs/error-messages, column "troubleshooting". */
static void knows_what_to_do(void **state)
{
    (void)state;
    static const struct {
        const char *reason;
        int status;
        ReasonAction action;
    } rows[] = {
        {"backendError", 503, REASON_RETRY},
        {"internalError", 500, REASON_RETRY},
        {"rateLimitExceeded", 403, REASON_RETRY},
        {"rateLimitExceeded", 429, REASON_RETRY},
        {"quotaExceeded", 403, REASON_WAIT_QUOTA},
        {"quotaExceeded", 429, REASON_WAIT_QUOTA},
        {"jobBackendError", 400, REASON_NEW_JOB},
        {"jobInternalError", 400, REASON_NEW_JOB},
        {"jobRateLimitExceeded", 400, REASON_NEW_JOB},
        {"accessDenied", 403, REASON_FATAL},
        {"notFound", 404, REASON_FATAL},
        {"duplicate", 409, REASON_FATAL},
        {"invalidQuery", 400, REASON_FATAL},
        {"notImplemented", 501, REASON_FATAL},
        {"blocked", 403, REASON_FATAL},
        {NULL, 429, REASON_RETRY},
        {NULL, 502, REASON_RETRY},
        {"", 503, REASON_RETRY},
        {"somethingNew", 400, REASON_FATAL},
        {"somethingNew", 503, REASON_RETRY},
        /* ended jobs */
        {"backendError", 0, REASON_NEW_JOB},
        {"rateLimitExceeded", 0, REASON_NEW_JOB},
        {"quotaExceeded", 0, REASON_WAIT_QUOTA},
        {"invalid", 0, REASON_FATAL},
        {"stopped", 0, REASON_FATAL},
        {NULL, 0, REASON_FATAL},
    };
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++)
        assert_int_equal(reason_action(rows[i].reason, rows[i].status), rows[i].action);
}

/* Messages as docs.cloud.google.com/bigquery/docs/troubleshoot-quotas prints them. */
static void names_limits(void **state)
{
    (void)state;
    static const char *const rows[][2] = {
        {"Quota exceeded: Your table exceeded quota for imports or query appends per table. For more "
         "information, see x",
         "1,500"},
        {"Exceeded rate limits: too many table update operations for this table.",
         "5 in 10 seconds"},
        {"Quota exceeded: Your project exceeded quota for copies per project", "100,000"},
        {"Quota exceeded: Your user_method exceeded quota for concurrent api requests per user per "
         "method.",
         "100 a second"},
        {"Quota exceeded: Your project and region exceeded quota for max number of jobs that can be "
         "queued per project.",
         "1,000"},
    };
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        assert_non_null(reason_limit(rows[i][0]));
        assert_non_null(strstr(reason_limit(rows[i][0]), rows[i][1]));
    }
    assert_null(reason_limit("Something else"));
    assert_null(reason_limit(NULL));
}

static void tells_every_entry_of_a_job(void **state)
{
    (void)state;
    static const char text[] =
        "[{\"reason\":\"invalid\",\"message\":\"too many errors\",\"location\":\"gs://b/o\"},"
        "{\"reason\":\"invalid\",\"message\":\"row 3 is bad\",\"location\":\"gs://b/p\"},"
        "{\"reason\":\"stopped\"}, 7, null]";
    CLEANUP(arena_done) Arena arena = {0};
    CLEANUP(json_free_ptr) Json *json = NULL;
    Error error = {0};
    const ReasonEntry *entries;
    size_t count;
    assert_true(json_parse(text, strlen(text), "test", &json, &error));
    reason_entries(json, &arena, &entries, &count);
    assert_int_equal(count, 5);
    assert_false(reason_error("load job j", &entries[0], entries, 3, &error));
    assert_string_equal(error.message,
                        "load job j: too many errors (invalid, at gs://b/o); row 3 is "
                        "bad (invalid, at gs://b/p); no message (stopped)");
    assert_int_equal(error.kind, ERROR_TARGET);
    assert_false(error.retryable);

    ReasonEntry many[15] = {0};
    char messages[15][16];
    for (int i = 0; i < 15; i++) {
        snprintf(messages[i], sizeof messages[i], "error %d", i);
        many[i] = (ReasonEntry){.reason = "backendError", .message = messages[i]};
    }
    assert_false(reason_error("job", &many[0], many, 15, &error));
    assert_non_null(strstr(error.message, "error 10 (backendError); and 4 more"));
    assert_true(error.retryable);
    reason_entries(NULL, &arena, &entries, &count);
    assert_int_equal(count, 0);

    ReasonEntry quota = {.reason = "quotaExceeded",
                         .message =
                             "Your table exceeded quota for imports or query appends per table"};
    error = (Error){0};
    assert_false(reason_error("job", &quota, &quota, 1, &error));
    assert_false(error.retryable);
    assert_non_null(strstr(error.hint, "1,500"));
    assert_non_null(strstr(error.hint, "over 24 hours"));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(knows_what_to_do),
        cmocka_unit_test(names_limits),
        cmocka_unit_test(tells_every_entry_of_a_job),
    };
    return cmocka_run_group_tests_name("net/reason", tests, NULL, NULL);
}
