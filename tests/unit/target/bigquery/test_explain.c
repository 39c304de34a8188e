/* SPDX-License-Identifier: Apache-2.0 */
#include "target/bigquery/explain.h"

#include "base/cleanup.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>

#include <cmocka.h>

static void finds_the_permission(void **state)
{
    (void)state;
    CLEANUP(arena_done) Arena arena = {0};
    assert_string_equal(
        explain_permission("Access Denied: Table p:d.t: Permission bigquery.tables.updateData "
                           "denied on table p:d.t (or it may not exist).",
                           &arena),
        "bigquery.tables.updateData");
    assert_string_equal(
        explain_permission("loader@p.iam.gserviceaccount.com does not have "
                           "storage.objects.create access to the Google Cloud Storage object.",
                           &arena),
        "storage.objects.create");
    assert_string_equal(explain_permission("needs bigquery.jobs.create.", &arena),
                        "bigquery.jobs.create");
    assert_null(explain_permission("see https://cloud.google.com/bigquery.docs", &arena));
    assert_null(explain_permission("", &arena));
    assert_null(explain_permission(NULL, &arena));
}

/* Each hint names what to grant, and on what. */
static void says_what_to_do(void **state)
{
    (void)state;
    static const struct {
        const char *method, *reason, *message;
        const char *hint; /* part of it; NULL: there is none */
    } cases[] = {
        {NULL, "accessDenied", "Permission bigquery.tables.create denied on dataset p:d",
         "roles/bigquery.dataEditor on the dataset"},
        {"bigquery.jobs.insert", "accessDenied", "Access Denied: Project p",
         "bigquery.jobs.create"},
        {"storage.objects.insert", "forbidden", "no", "roles/storage.objectUser on the bucket"},
        {NULL, "accessDenied", "Access Denied", "bqferry check"},
        {NULL, "accessDenied", "Permission bigquery.models.get denied", "bigquery.models.get"},
        {NULL, "notFound", "Not found: Dataset p:d was not found in location EU",
         "destination.location"},
        {NULL, "notFound", "Not found: Project p", "destination.project"},
        {NULL, "notFound", "Not found: Table p:d.t", "removed meanwhile"},
        {NULL, "notFound", "Not found: URI gs://b/o", NULL},
        {NULL, "billingNotEnabled", "Billing has not been enabled", "billing account"},
        {NULL, "accessNotConfigured", "BigQuery API has not been used", "gcloud services enable"},
        {NULL, "quotaExceeded", "Quota exceeded", "resets"},
        {NULL, "invalid",
         "Cannot read and write in different locations: source: US, "
         "destination: EU",
         "a bucket must be where the dataset is"},
        {NULL, "invalid", "bad", NULL},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        Error error = {0};
        error_set(&error, ERROR_TARGET, "x");
        assert_false(explain(cases[i].method, cases[i].reason, cases[i].message, &error));
        if (cases[i].hint)
            assert_non_null(strstr(error.hint, cases[i].hint));
        else
            assert_string_equal(error.hint, "");
    }
}

static void keeps_a_better_hint(void **state)
{
    (void)state;
    Error error = {0};
    error_set(&error, ERROR_TARGET, "x");
    error_hint(&error, "the limit is: 1,500 a day");
    explain(NULL, "quotaExceeded", "Quota exceeded", &error);
    assert_string_equal(error.hint, "the limit is: 1,500 a day");
    assert_false(explain(NULL, "accessDenied", "x", NULL));
    assert_false(explain(NULL, NULL, "x", &error));
}

static void explains_errors_of_uploads(void **state)
{
    (void)state;
    Error error = {0};
    error_set(
        &error, ERROR_TARGET,
        "upload of shard 1: Access Denied: Project p: User does not have bigquery.jobs.create "
        "permission in project p. (HTTP 403, accessDenied)");
    assert_false(explain_upload(&error));
    assert_non_null(strstr(error.hint, "roles/bigquery.jobUser"));
    error_set(&error, ERROR_TARGET, "upload of shard 1: connection lost");
    assert_false(explain_upload(&error));
    assert_string_equal(error.hint, "");
    assert_false(explain_upload(NULL));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(finds_the_permission),
        cmocka_unit_test(says_what_to_do),
        cmocka_unit_test(keeps_a_better_hint),
        cmocka_unit_test(explains_errors_of_uploads),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
