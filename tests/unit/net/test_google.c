/* SPDX-License-Identifier: Apache-2.0 */
#include "net/google.h"

#include "support/google_scene.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#define TOKEN(name)                                                                                \
    "200\nContent-Type: application/json\n\n{\"access_token\":\"" name                             \
    "\",\"expires_in\":3600,\"token_type\":\"Bearer\"}"
#define REFUSED(status, reason, message)                                                           \
    status "\nContent-Type: application/json\n\n{\"error\":{\"code\":" status                      \
           ",\"message\":\"" message "\",\"errors\":[{\"reason\":\"" reason                        \
           "\",\"message\":\"" message "\"}]}}"

static const GoogleCall get_table = {
    .id = "bigquery.tables.get",
    .method = "GET",
    .path = "/projects/p/datasets/d/tables/t",
};

static void sends_what_google_wants(void **state)
{
    (void)state;
    static const ScriptStep steps[] = {
        {"POST /token", TOKEN("one")},
        {"PATCH /bigquery/v2/projects/p/datasets/d/tables/t?prettyPrint=false&view=FULL HTTP",
         "200\n\n{\"numRows\":\"12\",\"kind\":\"bigquery#table\"}"},
        {"DELETE /bigquery/v2/projects/p?prettyPrint=false HTTP", "204\n\n"},
    };
    GoogleScene scene;
    GOOGLE_SCENE(&scene, &google_bigquery, steps, true);
    CLEANUP(json_free_ptr) Json *body = json_object_new();
    json_set_text(body, "description", "x");
    const UrlParam query[] = {{"view", "FULL"}, {"selectedFields", NULL}, {NULL, NULL}};
    GoogleCall call = get_table;
    call.method = "PATCH";
    call.query = query;
    call.body = body;
    call.if_match = "\"etag\"";
    assert_true(google_scene_call(&scene, &call));
    assert_int_equal(google_int(scene.json, "numRows", -1), 12);
    assert_int_equal(google_int(scene.json, "kind", -1), -1);
    const char *text = script_request(&scene.script, 1);
    assert_non_null(strstr(text, "\nAuthorization: Bearer one\n"));
    assert_non_null(strstr(text, "\nx-goog-user-project: payer\n"));
    assert_non_null(strstr(text, "\nIf-Match: \"etag\"\n"));
    assert_non_null(strstr(text, "\nContent-Type: application/json\n"));
    assert_string_equal(script_body(&scene.script, 1), "{\"description\":\"x\"}");

    call = (GoogleCall){.id = "x", .method = "DELETE", .path = "/projects/p"};
    assert_true(google_scene_call(&scene, &call));
    assert_true(json_is_object(scene.json));
    assert_true(script_done(&scene.script)); /* one token for both */
    google_scene_close(&scene);
}

static void a_401_renews_the_token_once(void **state)
{
    (void)state;
    static const ScriptStep steps[] = {
        {"POST /token", TOKEN("one")},
        {"GET ", REFUSED("401", "authError", "Invalid Credentials")},
        {"POST /token", TOKEN("two")},
        {"GET ", "200\n\n{}"},
        {"GET ", REFUSED("401", "authError", "no")},
        {"POST /token", TOKEN("three")},
        {"GET ", REFUSED("401", "authError", "still no")},
    };
    GoogleScene scene;
    GOOGLE_SCENE(&scene, &google_bigquery, steps, true);
    assert_true(google_scene_call(&scene, &get_table));
    assert_non_null(strstr(script_request(&scene.script, 3), "Bearer two"));
    assert_false(google_scene_call(&scene, &get_table));
    assert_int_equal(scene.failure.status, 401);
    assert_non_null(strstr(scene.error.message, "still no"));
    assert_non_null(strstr(scene.error.hint, "gcloud user"));
    assert_true(script_done(&scene.script));
    google_scene_close(&scene);
}

static void repeats_what_may_pass(void **state)
{
    (void)state;
    static const ScriptStep steps[] = {
        {"GET ", REFUSED("503", "backendError", "try again")},
        {"GET ", REFUSED("403", "rateLimitExceeded", "slow down")},
        {"GET ", "502\nContent-Type: text/html\n\n<html>Bad Gateway</html>"},
        {"GET ", "RESET"},
        {"GET ", "200\n\n{}"},
    };
    GoogleScene scene;
    GOOGLE_SCENE(&scene, &google_bigquery, steps, false);
    GoogleCall call = get_table;
    call.retry_budget_ms = 60000;
    assert_true(google_scene_call(&scene, &call));
    assert_true(scene.failure.repeated);
    assert_true(script_done(&scene.script));
    CLEANUP(arena_done) Arena arena = {0};
    const HttpCount *counts;
    size_t count;
    http_counts(scene.http, &arena, &counts, &count);
    assert_int_equal(count, 1);
    assert_string_equal(counts[0].id, "bigquery.tables.get");
    assert_int_equal(counts[0].calls, 5);
    assert_int_equal(counts[0].retries, 3); /* a kept connection's reset is repeated at once */
    assert_int_equal(counts[0].failures, 3);
    google_scene_close(&scene);
}

static void once_is_repeated_only_without_effect(void **state)
{
    (void)state;
    static const ScriptStep steps[] = {
        {"POST ", REFUSED("429", "rateLimitExceeded", "slow down")},
        {"POST ", REFUSED("503", "backendError", "who knows")},
    };
    GoogleScene scene;
    GOOGLE_SCENE(&scene, &google_bigquery, steps, false);
    GoogleCall call = {.id = "x.y", .method = "POST", .path = "/z", .once = true};
    assert_false(google_scene_call(&scene, &call));
    assert_int_equal(scene.failure.status, 503);
    assert_false(scene.failure.repeated);
    assert_true(script_done(&scene.script));
    google_scene_close(&scene);
}

static void refusals_are_told_whole(void **state)
{
    (void)state;
    static const ScriptStep steps[] = {
        {"GET ", REFUSED("404", "notFound", "Not found: Table p:d.t")},
        {"GET ",
         REFUSED("403", "quotaExceeded",
                 "Quota exceeded: Your table exceeded quota for imports or query appends per "
                 "table")},
        {"GET ",
         "403\n\n{\"error\":{\"code\":403,\"message\":\"no\",\"status\":\"PERMISSION_DENIED\"}}"},
        {"GET ", "400\n\n{\"error\":\"invalid_grant\",\"error_description\":\"why\"}"},
        {"GET ", "400\n\n<h1>\nodd</h1>"},
        {"GET ", "302\nLocation: /login\n\n"},
        {"GET ", "400\n\n"},
        {"GET ", "200\n\nno json"},
    };
    static const struct {
        int status;
        const char *reason, *message, *hint;
        ReasonAction action;
    } rows[] = {
        {404, "notFound", "BigQuery tables.get: Not found: Table p:d.t (HTTP 404, notFound)", "",
         REASON_FATAL},
        {403, "quotaExceeded", "BigQuery tables.get: Quota exceeded", "1,500", REASON_WAIT_QUOTA},
        {403, "accessDenied", "no (HTTP 403, accessDenied)", "", REASON_FATAL},
        {400, "invalid_grant", "why (HTTP 400, invalid_grant)", "", REASON_FATAL},
        {400, "", "<h1> odd</h1> (HTTP 400)", "", REASON_FATAL},
        {302, "", "(HTTP 302)", "redirects", REASON_FATAL},
        {400, "", "the answer has no body (HTTP 400)", "", REASON_FATAL},
        {0, "", "is no JSON", "", REASON_FATAL},
    };
    GoogleScene scene;
    GOOGLE_SCENE(&scene, &google_bigquery, steps, false);
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        assert_false(google_scene_call(&scene, &get_table));
        assert_int_equal(scene.error.kind, ERROR_TARGET);
        assert_int_equal(scene.failure.status, rows[i].status);
        assert_string_equal(scene.failure.reason, rows[i].reason);
        assert_non_null(strstr(scene.error.message, rows[i].message));
        assert_non_null(strstr(scene.error.hint, rows[i].hint));
        assert_int_equal(scene.failure.action, rows[i].action);
        assert_false(scene.error.retryable);
    }
    assert_true(script_done(&scene.script));
    google_scene_close(&scene);
}

static void a_budget_ends(void **state)
{
    (void)state;
    static const ScriptStep steps[] = {
        {"GET ", "503\nRetry-After: 3000\n\n"},
        {"GET ", "503\n\n"},
    };
    GoogleScene scene;
    GOOGLE_SCENE(&scene, &google_bigquery, steps, false);
    assert_false(google_scene_call(&scene, &get_table)); /* no wait that the budget does not hold */
    assert_true(scene.error.retryable);
    GoogleCall call = get_table;
    call.retry_budget_ms = -1;
    assert_false(google_scene_call(&scene, &call));
    assert_true(script_done(&scene.script));
    google_scene_close(&scene);
}

static bool count_page(void *context, const Json *page, Error *error)
{
    size_t *left = context;
    (void)error;
    assert_int_equal(json_count(json_get(page, "items")), 2);
    return --*left > 0;
}

static void pages_follow_their_tokens(void **state)
{
    (void)state;
    static const ScriptStep steps[] = {
        {"GET /bigquery/v2/projects/p/datasets?prettyPrint=false&all=true HTTP",
         "200\n\n{\"items\":[1,2],\"nextPageToken\":\"a/b\"}"},
        {"GET /bigquery/v2/projects/p/datasets?prettyPrint=false&all=true&pageToken=a%2Fb HTTP",
         "200\n\n{\"items\":[3,4]}"},
        {"GET ", "200\n\n{\"items\":[1,2],\"nextPageToken\":\"a\"}"},
        {"GET ", "200\n\n{\"items\":[1,2],\"nextPageToken\":\"a\"}"},
        {"GET ", "200\n\n{\"items\":[1,2],\"nextPageToken\":\"a\"}"},
    };
    GoogleScene scene;
    GOOGLE_SCENE(&scene, &google_bigquery, steps, false);
    const UrlParam query[] = {{"all", "true"}, {NULL, NULL}};
    GoogleCall call = {.id = "bigquery.datasets.list",
                       .method = "GET",
                       .path = "/projects/p/datasets",
                       .query = query};
    size_t left = 100;
    assert_true(google_pages(scene.api, &call, count_page, &left, NULL, &scene.error));
    assert_int_equal(left, 98);
    left = 1; /* stops by itself */
    assert_true(google_pages(scene.api, &call, count_page, &left, NULL, &scene.error));
    left = 100; /* a server that turns in circles */
    assert_false(google_pages(scene.api, &call, count_page, &left, NULL, &scene.error));
    assert_true(script_done(&scene.script));
    google_scene_close(&scene);
}

static void finds_endpoints(void **state)
{
    (void)state;
    scene_clear_environment();
    CLEANUP(arena_done) Arena arena = {0};
    GoogleEndpoint endpoint;
    Error error = {0};
    assert_true(google_endpoint(&google_bigquery, NULL, "x", &arena, &endpoint, &error));
    assert_null(endpoint.url);
    setenv("BIGQUERY_EMULATOR_HOST", "localhost:9050", 1);
    assert_true(google_endpoint(&google_bigquery, NULL, "x", &arena, &endpoint, &error));
    assert_string_equal(endpoint.url, "http://localhost:9050");
    assert_true(endpoint.plain);
    assert_true(google_endpoint(&google_bigquery, "https://private.example/bigquery/v2//", "x",
                                &arena, &endpoint, &error));
    assert_string_equal(endpoint.url, "https://private.example/bigquery/v2");
    assert_false(endpoint.plain);
    assert_false(google_endpoint(&google_bigquery, "ftp://x", "destination.endpoints.bigquery",
                                 &arena, &endpoint, &error));
    assert_int_equal(error.kind, ERROR_CONFIG);
    assert_non_null(strstr(error.message, "destination.endpoints.bigquery"));
    unsetenv("BIGQUERY_EMULATOR_HOST");
}

static void keeps_tokens_off_plain_http(void **state)
{
    (void)state;
    static const ScriptStep steps[] = {{"NOTHING", ""}};
    GoogleScene scene;
    GoogleApi *api;
    GOOGLE_SCENE(&scene, &google_bigquery, steps, true);
    GoogleApiOptions options = {
        .service = &google_storage,
        .endpoint = "http://storage.example",
        .http = scene.http,
        .credentials = scene.credentials,
    };
    assert_false(google_api_new(&options, &api, &scene.error));
    assert_int_equal(scene.error.kind, ERROR_CONFIG);
    options.endpoint = "https://storage.example/storage/v1";
    assert_true(google_api_new(&options, &api, &scene.error));
    assert_string_equal(google_api_url(api), "https://storage.example/storage/v1");
    assert_string_equal(google_api_upload_url(api), "https://storage.example/upload/storage/v1");
    google_api_free(api);
    options.endpoint = NULL;
    assert_true(google_api_new(&options, &api, &scene.error));
    assert_string_equal(google_api_url(api), "https://storage.googleapis.com/storage/v1");
    google_api_free(api);
    google_scene_close(&scene);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(sends_what_google_wants),
        cmocka_unit_test(a_401_renews_the_token_once),
        cmocka_unit_test(repeats_what_may_pass),
        cmocka_unit_test(once_is_repeated_only_without_effect),
        cmocka_unit_test(refusals_are_told_whole),
        cmocka_unit_test(a_budget_ends),
        cmocka_unit_test(pages_follow_their_tokens),
        cmocka_unit_test(finds_endpoints),
        cmocka_unit_test(keeps_tokens_off_plain_http),
    };
    return cmocka_run_group_tests_name("net/google", tests, NULL, NULL);
}
