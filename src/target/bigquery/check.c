/* SPDX-License-Identifier: Apache-2.0 */
#include "target/bigquery/check.h"

#include "target/bigquery/calls.h"
#include "target/bigquery/explain.h"
#include "target/bigquery/sql.h"

#include <string.h>
#include <strings.h>

typedef struct Checks {
    BqScope scope;
    CheckReport *report;
    const char *location; /* of the dataset, or where it will be; NULL: not known */
    bool has_dataset;
} Checks;

static void add_ok(const Checks *checks, const char *what, const char *text)
{
    check_add(checks->report, CHECK_OK, what, text, NULL);
}

static void add_failure(const Checks *checks, const char *what, const Error *error)
{
    check_add(checks->report, CHECK_FAILED, what, error->message,
              error->hint[0] ? error->hint : NULL);
}

static void check_identity(const Checks *checks)
{
    BigQuery *bq = checks->scope.bq;
    Error error = {0};
    const char *identity = NULL;
    Arena *arena = checks->scope.arena;
    if (credentials_none(bq->credentials)) {
        add_ok(checks, "identity", "no credentials: the endpoint is an emulator's");
        return;
    }
    if (!credentials_identity(bq->credentials, arena, &identity, &error)) {
        add_failure(checks, "identity", &error);
        return;
    }
    add_ok(checks, "identity",
           arena_printf(arena, "%s (%s, %s)", identity ? identity : "unnamed",
                        credentials_kind(bq->credentials), credentials_place(bq->credentials)));
}

static void check_project(const Checks *checks)
{
    BigQuery *bq = checks->scope.bq;
    Arena *arena = checks->scope.arena;
    const char *quota = credentials_quota_project(bq->credentials);
    add_ok(checks, "project",
           arena_printf(arena, "%s (%s)%s%s%s%s", bq->project, bq->project_place,
                        strcmp(bq->project, bq->job_project) != 0 ? ", jobs in " : "",
                        strcmp(bq->project, bq->job_project) != 0 ? bq->job_project : "",
                        quota ? ", quota of " : "", quota ? quota : ""));
    add_ok(checks, "endpoint", google_api_url(bq->api));
}

static void check_dataset(Checks *checks)
{
    BigQuery *bq = checks->scope.bq;
    CLEANUP(json_free_ptr) Json *json = NULL;
    Arena *arena = checks->scope.arena;
    Error error = {0};
    const char *wanted = bq->config.location;
    if (!bq_dataset_get(&checks->scope, bq->dataset, &json, &error)) {
        add_failure(checks, "dataset", &error);
        return;
    }
    const char *location = json_get_text(json, "location");
    checks->has_dataset = json != NULL;
    checks->location = arena_strdup(arena, location ? location : wanted ? wanted : "US");
    if (!json)
        check_add(checks->report, CHECK_WARNING, "dataset",
                  arena_printf(arena, "%s is not there; it will be made in %s", bq->dataset,
                               checks->location),
                  "that needs the permission bigquery.datasets.create (roles/bigquery.user on the "
                  "project); or make it yourself");
    else if (wanted && location && strcasecmp(wanted, location) != 0)
        check_add(checks->report, CHECK_FAILED, "dataset",
                  arena_printf(arena, "%s is in %s, and destination.location says %s", bq->dataset,
                               location, wanted),
                  "set destination.location to the dataset's, which can never change");
    else
        add_ok(checks, "dataset", arena_printf(arena, "%s in %s", bq->dataset, checks->location));
}

/* A query that is only analysed; permissions are looked at all the same. */
static bool dry_run(const Checks *checks, const char *sql, GoogleFailure *failure, Error *error)
{
    BigQuery *bq = checks->scope.bq;
    CLEANUP(json_free_ptr) Json *job = json_object_new();
    Json *reference = json_object_new(), *configuration = json_object_new();
    Json *query = json_object_new();
    json_set_text(reference, "projectId", bq->job_project);
    json_set_text(reference, "location", checks->location ? checks->location : "US");
    json_set(job, "jobReference", reference);
    json_set_text(query, "query", sql);
    json_set_bool(query, "useLegacySql", false);
    json_set(configuration, "query", query);
    json_set_bool(configuration, "dryRun", true);
    json_set(job, "configuration", configuration);
    const GoogleCall call = {
        .id = "bigquery.jobs.insert",
        .method = "POST",
        .path = url_path(checks->scope.arena, "/projects/%s/jobs", bq->job_project),
        .body = job,
    };
    CLEANUP(json_free_ptr) Json *answer = NULL;
    if (!google_call(bq->api, &call, &answer, failure, error))
        return explain(call.id, failure->reason, failure->message, error);
    const Json *result = json_get(json_get(answer, "status"), "errorResult");
    if (!json_is_object(result))
        return true;
    ReasonEntry entry = reason_entry(result, checks->scope.arena);
    reason_error("a dry run", &entry, NULL, 0, error);
    return explain(call.id, entry.reason, entry.message, error);
}

static void check_dry_run(const Checks *checks, const char *what, const char *permission,
                          const char *sql)
{
    CLEANUP(google_failure_done) GoogleFailure failure = {0};
    Error error = {0};
    if (dry_run(checks, sql, &failure, &error))
        add_ok(checks, what, permission);
    else if (failure.status == 501)
        check_add(checks->report, CHECK_WARNING, what,
                  arena_printf(checks->scope.arena, "%s could not be asked for", permission), NULL);
    else
        add_failure(checks, what, &error);
}

static void check_create(const Checks *checks)
{
    BigQuery *bq = checks->scope.bq;
    CLEANUP(buffer_done) Buffer sql;
    const BqTableName name = {bq->project, bq->dataset, "bqferry_check"};
    buffer_init(&sql, BQ_SQL_TEXT_MAX);
    if (!buffer_printf(&sql, NULL, "CREATE TABLE ") || !bq_sql_table(&sql, &name, NULL) ||
        !buffer_printf(&sql, NULL, " (x INT64)"))
        return;
    check_dry_run(checks, "make tables", "bigquery.tables.create",
                  arena_strndup(checks->scope.arena, sql.data, sql.length));
}

/* tables.testIamPermissions answers for one table; those of a dataset have most in common. */
static const char *any_table(const Checks *checks, Error *error)
{
    BigQuery *bq = checks->scope.bq;
    Arena *arena = checks->scope.arena;
    CLEANUP(google_failure_done) GoogleFailure failure = {0};
    CLEANUP(json_free_ptr) Json *page = NULL;
    const UrlParam query[] = {{"maxResults", "1"}, {NULL, NULL}};
    const GoogleCall call = {
        .id = "bigquery.tables.list",
        .method = "GET",
        .path = url_path(arena, "/projects/%s/datasets/%s/tables", bq->project, bq->dataset),
        .query = query,
    };
    if (!google_call(bq->api, &call, &page, &failure, error)) {
        explain(call.id, failure.reason, failure.message, error);
        return NULL;
    }
    const Json *table = json_get(json_at(json_get(page, "tables"), 0), "tableReference");
    return arena_strdup(arena, json_get_text(table, "tableId"));
}

static bool is_granted(const Json *answer, const char *permission)
{
    const Json *granted = json_get(answer, "permissions");
    for (size_t i = 0; i < json_count(granted); i++) {
        const char *text = json_text_of(json_at(granted, i));
        if (text && strcmp(text, permission) == 0)
            return true;
    }
    return false;
}

static void add_permission(const Checks *checks, const char *permission, bool granted)
{
    const char *on = NULL;
    Arena *arena = checks->scope.arena;
    const char *role = explain_role(permission, &on);
    if (granted)
        add_ok(checks, "permission", permission);
    else
        check_add(checks->report, CHECK_FAILED, "permission",
                  arena_printf(arena, "%s is missing", permission),
                  role ? arena_printf(arena, "grant %s on %s", role, on) : NULL);
}

static void check_tables(const Checks *checks)
{
    static const char *const wanted[] = {"bigquery.tables.get", "bigquery.tables.getData",
                                         "bigquery.tables.updateData", "bigquery.tables.update",
                                         "bigquery.tables.delete"};
    BigQuery *bq = checks->scope.bq;
    Error error = {0};
    const char *table = any_table(checks, &error);
    if (!table && error.kind != ERROR_NONE)
        add_failure(checks, "tables", &error);
    if (!table)
        return;
    CLEANUP(google_failure_done) GoogleFailure failure = {0};
    CLEANUP(json_free_ptr) Json *answer = NULL;
    CLEANUP(json_free_ptr) Json *body = json_object_new();
    Json *permissions = json_array_new();
    for (size_t i = 0; i < sizeof wanted / sizeof *wanted; i++)
        json_append_text(permissions, wanted[i]);
    json_set(body, "permissions", permissions);
    const GoogleCall call = {
        .id = "bigquery.tables.testIamPermissions",
        .method = "POST",
        .path = arena_printf(checks->scope.arena, "%s:testIamPermissions",
                             url_path(checks->scope.arena, "/projects/%s/datasets/%s/tables/%s",
                                      bq->project, bq->dataset, table)),
        .body = body,
    };
    if (!google_call(bq->api, &call, &answer, &failure, &error)) {
        check_add(checks->report, CHECK_WARNING, "permission", error.message, NULL);
        return;
    }
    for (size_t i = 0; i < sizeof wanted / sizeof *wanted; i++)
        add_permission(checks, wanted[i], is_granted(answer, wanted[i]));
}

/* docs/locations: the dataset's own place, or one inside of it that is close. */
static bool is_colocated(const char *bucket, const char *dataset)
{
    return strcasecmp(bucket, dataset) == 0 ||
           (strcasecmp(dataset, "US") == 0 &&
            (strcasecmp(bucket, "US-CENTRAL1") == 0 || strcasecmp(bucket, "NAM4") == 0)) ||
           (strcasecmp(dataset, "EU") == 0 &&
            (strcasecmp(bucket, "EUROPE-WEST4") == 0 || strcasecmp(bucket, "EUR4") == 0));
}

/* False: there is no such bucket. */
static bool check_bucket_place(const Checks *checks, const GcsScope *gcs)
{
    Arena *arena = checks->scope.arena;
    GcsBucket bucket;
    bool found = true;
    Error error = {0};
    if (!gcs_bucket(gcs, arena, &bucket, &found, &error)) {
        /* Runs do not need to know, and roles for objects do not let anybody. */
        check_add(checks->report, CHECK_WARNING, "bucket",
                  arena_printf(arena, "its location cannot be looked at: %s", error.message),
                  "see that it is the dataset's, or grant storage.buckets.get "
                  "(roles/storage.bucketViewer on the bucket)");
        return true;
    }
    if (!found)
        check_add(checks->report, CHECK_FAILED, "bucket",
                  arena_printf(arena, "gs://%s is not there", gcs->bucket),
                  "make it, in the dataset's location: gcloud storage buckets create");
    else if (checks->location && !is_colocated(bucket.location, checks->location))
        check_add(checks->report, CHECK_WARNING, "bucket",
                  arena_printf(arena, "gs://%s is in %s, the dataset in %s", gcs->bucket,
                               bucket.location, checks->location),
                  "loads from another location are charged as transfer, and may be refused: use a "
                  "bucket in the dataset's location");
    else
        add_ok(checks, "bucket",
               arena_printf(arena, "gs://%s in %s", gcs->bucket, bucket.location));
    return found;
}

static void check_bucket(const Checks *checks)
{
    static const char *const wanted[] = {"storage.objects.create", "storage.objects.get",
                                         "storage.objects.list", "storage.objects.delete"};
    enum { WANTED = sizeof wanted / sizeof *wanted };
    GcsScope gcs = bq_gcs(&checks->scope, checks->scope.bq->config.bucket);
    bool granted[WANTED];
    Error error = {0};
    if (!check_bucket_place(checks, &gcs))
        return;
    if (!gcs_permissions(&gcs, wanted, WANTED, granted, &error)) {
        check_add(checks->report, CHECK_WARNING, "permission", error.message, NULL);
        return;
    }
    for (size_t i = 0; i < WANTED; i++)
        add_permission(checks, wanted[i], granted[i]);
}

bool bq_check(Target *target, CheckReport *report, Error *error)
{
    (void)error;
    Checks checks = {
        .scope = {.bq = (BigQuery *)target, .arena = report->arena},
        .report = report,
    };
    check_identity(&checks);
    check_project(&checks);
    if (checks.scope.bq->dataset)
        check_dataset(&checks);
    check_dry_run(&checks, "run jobs", "bigquery.jobs.create", "SELECT 1");
    if (checks.has_dataset) {
        check_create(&checks);
        check_tables(&checks);
    }
    if (checks.scope.bq->config.bucket)
        check_bucket(&checks);
    return true;
}
