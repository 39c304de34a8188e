/* SPDX-License-Identifier: Apache-2.0 */
#include "target/bigquery/calls.h"

#include "base/cancel.h"
#include "base/clock.h"
#include "target/bigquery/explain.h"
#include "target/bigquery/table_json.h"

#include <string.h>

/* Calls, and gives a failure its hint. */
static bool call(const BqScope *scope, GoogleCall *wanted, Json **ret_json, GoogleFailure *failure,
                 Error *error)
{
    wanted->job = scope->job;
    wanted->stop = scope->stop;
    if (google_call(scope->bq->api, wanted, ret_json, failure, error))
        return true;
    bool no_place = failure->status == 404 && strcmp(wanted->method, "POST") == 0;
    bool invalid = failure->status == 400 && (strcmp(failure->reason, "invalid") == 0 ||
                                              strcmp(failure->reason, "invalidQuery") == 0);
    if (scope->refused && (no_place || invalid))
        *scope->refused = true;
    return explain(wanted->id, failure->reason, failure->message, error);
}

static bool is_missing(const GoogleFailure *failure, Error *error)
{
    if (failure->status != 404)
        return false;
    if (error)
        *error = (Error){0};
    return true;
}

static char *table_path(const BqScope *scope, const TableRef *table)
{
    return url_path(scope->arena, "/projects/%s/datasets/%s/tables/%s", scope->bq->project,
                    table->dataset, table->table);
}

bool bq_table_get(const BqScope *scope, const TableRef *table, Json **ret_table, Error *error)
{
    CLEANUP(google_failure_done) GoogleFailure failure = {0};
    GoogleCall get = {
        .id = "bigquery.tables.get", .method = "GET", .path = table_path(scope, table)};
    return call(scope, &get, ret_table, &failure, error) || is_missing(&failure, error);
}

bool bq_table_insert(const BqScope *scope, const TableRef *table, const Json *body, bool *ret_made,
                     Error *error)
{
    CLEANUP(google_failure_done) GoogleFailure failure = {0};
    CLEANUP(json_free_ptr) Json *whole = json_clone(body);
    json_set(whole, "tableReference",
             table_json_reference(scope->bq->project, table->dataset, table->table));
    GoogleCall insert = {
        .id = "bigquery.tables.insert",
        .method = "POST",
        .path = url_path(scope->arena, "/projects/%s/datasets/%s/tables", scope->bq->project,
                         table->dataset),
        .body = whole,
    };
    bool made = call(scope, &insert, NULL, &failure, error);
    if (ret_made)
        *ret_made = made;
    if (made || failure.status != 409)
        return made;
    *error = (Error){0};
    return true;
}

bool bq_table_patch(const BqScope *scope, const TableRef *table, const Json *patch, Error *error)
{
    CLEANUP(google_failure_done) GoogleFailure failure = {0};
    GoogleCall change = {
        .id = "bigquery.tables.patch",
        .method = "PATCH",
        .path = table_path(scope, table),
        .body = patch,
    };
    return call(scope, &change, NULL, &failure, error);
}

bool bq_table_delete(const BqScope *scope, const TableRef *table, Error *error)
{
    CLEANUP(google_failure_done) GoogleFailure failure = {0};
    GoogleCall delete = {
        .id = "bigquery.tables.delete",
        .method = "DELETE",
        .path = table_path(scope, table),
        .last_words = cancel_requested(),
    };
    return call(scope, &delete, NULL, &failure, error) || is_missing(&failure, error);
}

bool bq_table_patch_if(const BqScope *scope, const TableRef *table, const Json *body,
                       const char *etag, bool *ret_changed, Error *error)
{
    CLEANUP(google_failure_done) GoogleFailure failure = {0};
    GoogleCall patch = {
        .id = "bigquery.tables.patch",
        .method = "PATCH",
        .path = table_path(scope, table),
        .body = body,
        .if_match = etag,
    };
    *ret_changed = call(scope, &patch, NULL, &failure, error);
    if (*ret_changed || failure.status != 412)
        return *ret_changed;
    *error = (Error){0};
    return true;
}

typedef struct NameList {
    Arena *arena;
    const char *prefix;
    const char **names;
    size_t count, room;
} NameList;

static void add_name(NameList *list, const char *name)
{
    if (!name || strncmp(name, list->prefix, strlen(list->prefix)) != 0)
        return;
    if (list->count == list->room) {
        list->room = list->room ? list->room * 2 : 16;
        const char **grown = ARENA_ARRAY(list->arena, const char *, list->room);
        if (list->count)
            memcpy(grown, list->names, list->count * sizeof *grown);
        list->names = grown;
    }
    list->names[list->count++] = arena_strdup(list->arena, name);
}

static bool take_names(void *context, const Json *page, Error *error)
{
    const Json *tables = json_get(page, "tables");
    (void)error;
    for (size_t i = 0; i < json_count(tables); i++)
        add_name(context, json_get_text(json_get(json_at(tables, i), "tableReference"), "tableId"));
    return true;
}

bool bq_table_names(const BqScope *scope, const char *dataset, const char *prefix,
                    const char *const **ret_names, size_t *ret_count, Error *error)
{
    CLEANUP(google_failure_done) GoogleFailure failure = {0};
    NameList list = {.arena = scope->arena, .prefix = prefix};
    const UrlParam query[] = {{"maxResults", "1000"}, {NULL, NULL}};
    const GoogleCall get = {
        .id = "bigquery.tables.list",
        .method = "GET",
        .path =
            url_path(scope->arena, "/projects/%s/datasets/%s/tables", scope->bq->project, dataset),
        .query = query,
        .job = scope->job,
    };
    Error problem = {0};
    bool listed = google_pages(scope->bq->api, &get, take_names, &list, &failure, &problem);
    *ret_names = list.names;
    *ret_count = list.count;
    if (listed || failure.status == 404)
        return true;
    *error = problem;
    return explain(get.id, failure.reason, failure.message, error);
}

bool bq_dataset_get(const BqScope *scope, const char *dataset, Json **ret_dataset, Error *error)
{
    CLEANUP(google_failure_done) GoogleFailure failure = {0};
    GoogleCall get = {
        .id = "bigquery.datasets.get",
        .method = "GET",
        .path = url_path(scope->arena, "/projects/%s/datasets/%s", scope->bq->project, dataset),
    };
    return call(scope, &get, ret_dataset, &failure, error) || is_missing(&failure, error);
}

bool bq_dataset_insert(const BqScope *scope, const Json *body, bool *ret_made, Error *error)
{
    CLEANUP(google_failure_done) GoogleFailure failure = {0};
    GoogleCall insert = {
        .id = "bigquery.datasets.insert",
        .method = "POST",
        .path = url_path(scope->arena, "/projects/%s/datasets", scope->bq->project),
        .body = body,
    };
    *ret_made = call(scope, &insert, NULL, &failure, error);
    if (*ret_made || failure.status != 409)
        return *ret_made;
    *error = (Error){0};
    return true;
}

bool bq_job_insert(const BqScope *scope, const Json *body, Json **ret_job, Error *error)
{
    CLEANUP(google_failure_done) GoogleFailure failure = {0};
    GoogleCall insert = {
        .id = "bigquery.jobs.insert",
        .method = "POST",
        .path = url_path(scope->arena, "/projects/%s/jobs",
                         json_get_text(json_get(body, "jobReference"), "projectId")),
        .body = body,
    };
    *ret_job = NULL;
    if (call(scope, &insert, ret_job, &failure, error))
        return true;
    if (failure.status != 409)
        return false;
    *error = (Error){0};
    return true;
}

bool bq_job_get(const BqScope *scope, const BqJobKey *key, Json **ret_job, Error *error)
{
    CLEANUP(google_failure_done) GoogleFailure failure = {0};
    const UrlParam query[] = {{"location", key->location}, {NULL, NULL}};
    GoogleCall get = {
        .id = "bigquery.jobs.get",
        .method = "GET",
        .path = url_path(scope->arena, "/projects/%s/jobs/%s", key->project, key->id),
        .query = query,
        .last_words = key->last_words,
    };
    *ret_job = NULL;
    return call(scope, &get, ret_job, &failure, error) || is_missing(&failure, error);
}

bool bq_job_cancel(const BqScope *scope, const BqJobKey *key, Error *error)
{
    CLEANUP(google_failure_done) GoogleFailure failure = {0};
    const UrlParam query[] = {{"location", key->location}, {NULL, NULL}};
    GoogleCall cancel = {
        .id = "bigquery.jobs.cancel",
        .method = "POST",
        .path = url_path(scope->arena, "/projects/%s/jobs/%s/cancel", key->project, key->id),
        .query = query,
        .last_words = key->last_words,
    };
    return call(scope, &cancel, NULL, &failure, error) || is_missing(&failure, error);
}

enum { QUERY_WAIT_MS = 10000 }; /* of one call; the service holds it open */

/* One more look at a query that has not ended. */
static bool query_results(const BqScope *scope, Json **answer, Error *error)
{
    CLEANUP(google_failure_done) GoogleFailure failure = {0};
    CLEANUP(json_free_ptr) Json *before = TAKE_PTR(*answer);
    const Json *job = json_get(before, "jobReference");
    const char *id = json_get_text(job, "jobId"), *location = json_get_text(job, "location");
    const UrlParam query[] = {
        {"timeoutMs", arena_printf(scope->arena, "%d", QUERY_WAIT_MS)},
        {location ? "location" : NULL, location},
        {NULL, NULL},
    };
    GoogleCall get = {
        .id = "bigquery.jobs.getQueryResults",
        .method = "GET",
        .path =
            url_path(scope->arena, "/projects/%s/queries/%s", scope->bq->job_project, id ? id : ""),
        .query = query,
        /* of a query that has failed it would tell the same for ever: ask anew instead */
        .retry_budget_ms = -1,
    };
    return call(scope, &get, answer, &failure, error);
}

bool bq_query(const BqScope *scope, Json *body, Json **ret_answer, Error *error)
{
    CLEANUP(google_failure_done) GoogleFailure failure = {0};
    CLEANUP(json_free_ptr) Json *answer = NULL;
    int64_t begin = clock_monotonic_ns();
    json_set_int(body, "timeoutMs", QUERY_WAIT_MS);
    GoogleCall post = {
        .id = "bigquery.jobs.query",
        .method = "POST",
        .path = url_path(scope->arena, "/projects/%s/queries", scope->bq->job_project),
        .body = body,
    };
    if (!call(scope, &post, &answer, &failure, error))
        return false;
    while (!json_get_bool(answer, "jobComplete")) {
        if ((clock_monotonic_ns() - begin) / 1000000 > scope->bq->job_timeout_ms)
            return error_set_retryable(error, ERROR_TARGET,
                                       "a query is still running after %lld "
                                       "minutes (destination.job_timeout)",
                                       (long long)(scope->bq->job_timeout_ms / 60000));
        if (!cancel_check(error) || !query_results(scope, &answer, error))
            return false;
    }
    *ret_answer = TAKE_PTR(answer);
    return true;
}

bool bq_has_row_policies(const BqScope *scope, const TableRef *table, bool *ret_has, Error *error)
{
    CLEANUP(google_failure_done) GoogleFailure failure = {0};
    CLEANUP(json_free_ptr) Json *answer = NULL;
    const UrlParam query[] = {{"pageSize", "1"}, {NULL, NULL}};
    GoogleCall list = {
        .id = "bigquery.rowAccessPolicies.list",
        .method = "GET",
        .path = arena_printf(scope->arena, "%s/rowAccessPolicies", table_path(scope, table)),
        .query = query,
    };
    *ret_has = false;
    if (call(scope, &list, &answer, &failure, error)) {
        *ret_has = json_count(json_get(answer, "rowAccessPolicies")) > 0;
        return true;
    }
    if (failure.status != 403 && failure.status != 404 && failure.status != 501)
        return false;
    *error = (Error){0};
    return true;
}

GcsScope bq_gcs(const BqScope *scope, const char *bucket)
{
    return (GcsScope){
        .api = scope->bq->storage,
        .bucket = bucket,
        .job = scope->job,
        .stop = scope->stop,
        .last_words = cancel_requested(),
    };
}
