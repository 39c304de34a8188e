/* SPDX-License-Identifier: Apache-2.0 */
#include "net/google.h"

#include "base/cancel.h"
#include "base/log.h"
#include "base/memory.h"
#include "net/retry.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

const GoogleService google_bigquery = {
    .title = "BigQuery",
    .host = "bigquery",
    .path = "/bigquery/v2",
    .upload_path = "/upload/bigquery/v2",
    .variable = "BIGQUERY_EMULATOR_HOST",
};

const GoogleService google_storage = {
    .title = "Cloud Storage",
    .host = "storage",
    .path = "/storage/v1",
    .upload_path = "/upload/storage/v1",
    .variable = "STORAGE_EMULATOR_HOST",
};

struct GoogleApi {
    GoogleApiOptions options;
    Arena arena;
    const char *url;
    const char *upload_url;
    Url base;          /* of url, for comparing hosts */
    bool plain_remote; /* http to another machine: tokens stay here */
};

bool google_endpoint(const GoogleService *service, const char *configured,
                     const char *configured_name, Arena *arena, GoogleEndpoint *ret_endpoint,
                     Error *error)
{
    const char *from = configured && *configured ? configured_name : service->variable;
    const char *text = configured && *configured ? configured : getenv(service->variable);
    *ret_endpoint = (GoogleEndpoint){0};
    if (!text || !*text)
        return true;
    if (!strstr(text, "://"))
        text = arena_printf(arena, "http://%s", text);
    Url url;
    if (!url_parse(text, arena, &url, error))
        return error_prefix(error, "%s", from);
    if (*url.query)
        return error_set(error, ERROR_CONFIG, "%s: an endpoint has no \"?\" in it", from);
    char *endpoint = arena_strdup(arena, text);
    for (size_t length = strlen(endpoint); endpoint[length - 1] == '/'; length--)
        endpoint[length - 1] = '\0';
    *ret_endpoint = (GoogleEndpoint){endpoint, strcmp(url.scheme, "http") == 0};
    return true;
}

static void set_urls(GoogleApi *api)
{
    const GoogleService *service = api->options.service;
    const char *endpoint = api->options.endpoint;
    const char *path = service->path, *upload_path = service->upload_path;
    if (!endpoint) {
        endpoint = arena_printf(&api->arena, "https://%s.%s", service->host,
                                credentials_universe(api->options.credentials));
    } else {
        const char *slash = strchr(strstr(endpoint, "://") + 3, '/');
        if (slash) {
            path = slash;
            upload_path = arena_printf(&api->arena, "/upload%s", slash);
            endpoint = arena_strndup(&api->arena, endpoint, (size_t)(slash - endpoint));
        }
    }
    api->url = arena_printf(&api->arena, "%s%s", endpoint, path);
    api->upload_url = arena_printf(&api->arena, "%s%s", endpoint, upload_path);
}

bool google_api_new(const GoogleApiOptions *options, GoogleApi **ret_api, Error *error)
{
    *ret_api = NULL;
    CLEANUP(google_api_free_ptr) GoogleApi *api = memory_zalloc(1, sizeof *api);
    api->options = *options;
    api->options.endpoint = arena_strdup(&api->arena, options->endpoint);
    set_urls(api);
    if (!url_parse(api->url, &api->arena, &api->base, error))
        return false;
    api->plain_remote = strcmp(api->base.scheme, "http") == 0 && !url_is_loopback(&api->base);
    if (api->plain_remote && !credentials_none(options->credentials)) {
        error_set(error, ERROR_CONFIG,
                  "%s is reached over plain http on another machine (%s): a token would be sent in "
                  "the clear",
                  options->service->title, api->base.host);
        return error_hint(error, "use https, or for an emulator leave out credentials and "
                                 "GOOGLE_APPLICATION_CREDENTIALS");
    }
    *ret_api = TAKE_PTR(api);
    return true;
}

void google_api_free(GoogleApi *api)
{
    if (!api)
        return;
    arena_done(&api->arena);
    free(api);
}

HttpClient *google_api_http(const GoogleApi *api)
{
    return api->options.http;
}

const char *google_api_url(const GoogleApi *api)
{
    return api->url;
}

const char *google_api_upload_url(const GoogleApi *api)
{
    return api->upload_url;
}

int64_t google_api_retry_budget_ms(const GoogleApi *api)
{
    return api->options.retry_budget_ms;
}

/* Upload sessions come with URLs of the server's choice: a token goes to the api's own host, or to
 * one of Google's over TLS. */
static bool takes_token(const GoogleApi *api, const char *text)
{
    CLEANUP(arena_done) Arena arena = {0};
    Url url;
    if (credentials_none(api->options.credentials) || !url_parse(text, &arena, &url, NULL))
        return false;
    if (strcmp(url.scheme, api->base.scheme) == 0 && strcmp(url.host, api->base.host) == 0 &&
        url.port == api->base.port)
        return true;
    const char *universe = credentials_universe(api->options.credentials);
    size_t length = strlen(url.host), tail = strlen(universe);
    return strcmp(url.scheme, "https") == 0 && length > tail + 1 &&
           url.host[length - tail - 1] == '.' && strcmp(url.host + length - tail, universe) == 0;
}

static bool send_once(GoogleApi *api, const HttpRequest *request, const char *token,
                      HttpResponse *response, Error *error)
{
    enum { HEADERS_MAX = 16 };
    HttpHeader headers[HEADERS_MAX];
    HttpRequest whole = *request;
    size_t count = 0;
    for (; count < request->header_count && count < HEADERS_MAX - 2; count++)
        headers[count] = request->headers[count];
    const char *project = credentials_quota_project(api->options.credentials);
    if (*token)
        headers[count++] = (HttpHeader){"Authorization", token};
    if (*token && project)
        headers[count++] = (HttpHeader){"x-goog-user-project", project};
    whole.headers = headers;
    whole.header_count = count;
    return http_send(api->options.http, &whole, response, error);
}

static void wipe_token(char (*token)[CREDENTIALS_HEADER_MAX])
{
    explicit_bzero(*token, sizeof *token);
}

bool google_send(GoogleApi *api, const HttpRequest *request, HttpResponse *ret_response,
                 Error *error)
{
    CLEANUP(wipe_token) char token[CREDENTIALS_HEADER_MAX] = "";
    Credentials *credentials = api->options.credentials;
    bool with_token = takes_token(api, request->url);
    const StopFlag *stop = request->last_words ? NULL : request->stop;
    for (int tries = 1;; tries++) {
        if (with_token && !credentials_header(credentials, stop, token, error))
            return false;
        if (!send_once(api, request, token, ret_response, error))
            return false;
        if (ret_response->status != 401 || !*token || tries == 2)
            return true;
        credentials_refused(credentials, token);
    }
}

void google_failure_done(GoogleFailure *failure)
{
    arena_done(&failure->arena);
}

/* error.status of newer services, in the words of error.errors[].reason. */
static const char *reason_of_status(const char *status)
{
    static const char *const rows[][2] = {
        {"NOT_FOUND", "notFound"},
        {"ALREADY_EXISTS", "duplicate"},
        {"PERMISSION_DENIED", "accessDenied"},
        {"UNAUTHENTICATED", "authError"},
        {"RESOURCE_EXHAUSTED", "rateLimitExceeded"},
        {"UNAVAILABLE", "backendError"},
        {"INTERNAL", "internalError"},
        {"INVALID_ARGUMENT", "invalid"},
        {"UNIMPLEMENTED", "notImplemented"},
    };
    for (size_t i = 0; status && i < sizeof rows / sizeof *rows; i++) {
        if (strcmp(rows[i][0], status) == 0)
            return rows[i][1];
    }
    return "";
}

/* A body that is no error of Google's comes from something in between: its beginning on one line.
 */
static const char *body_beginning(const HttpResponse *response, Arena *arena)
{
    enum { SHOWN = 200 };
    size_t length = response->body.length < SHOWN ? response->body.length : SHOWN;
    if (length == 0)
        return "the answer has no body";
    char *text = arena_strndup(arena, response->body.data, length);
    for (char *c = text; *c; c++) {
        if ((unsigned char)*c < ' ' || *c == 0x7f)
            *c = ' ';
    }
    return text;
}

/* {"error": {…}}, or OAuth's {"error": "word", "error_description": "…"} */
static void read_failure(const HttpResponse *response, GoogleFailure *failure)
{
    CLEANUP(json_free_ptr) Json *json = NULL;
    Arena *arena = &failure->arena;
    const char *message = NULL, *reason = NULL;
    failure->status = response->status;
    if (response->body.length > 0)
        (void)json_parse(response->body.data, response->body.length, "answer", &json, NULL);
    const Json *body = json_get(json, "error");
    if (json_is_object(body)) {
        reason_entries(json_get(body, "errors"), arena, &failure->entries, &failure->entry_count);
        message = arena_strdup(arena, json_get_text(body, "message"));
        reason = reason_of_status(json_get_text(body, "status"));
    } else if (json_text_of(body)) {
        reason = arena_strdup(arena, json_text_of(body));
        message = arena_strdup(arena, json_get_text(json, "error_description"));
    }
    if (failure->entry_count > 0 && failure->entries[0].reason)
        reason = failure->entries[0].reason;
    failure->reason = reason ? reason : "";
    failure->message = message ? message : body_beginning(response, arena);
    failure->action = reason_action(failure->reason, response->status);
}

/* Cloud Storage names the permission, but no role; a bucket that is not there is mostly a typing
 * error. */
static bool storage_hint(const GoogleFailure *failure, Error *error)
{
    if (failure->status == 403 && strstr(failure->message, "storage."))
        return error_hint(error, "grant roles/storage.objectUser on the bucket; `bqferry check` "
                                 "names what is missing, and to whom");
    if (failure->status == 404 && strcasestr(failure->message, "bucket"))
        return error_hint(error, "correct the bucket's name in the configuration, or make the "
                                 "bucket: gcloud storage buckets create");
    if (failure->status == 400 && strcasestr(failure->message, "requester pays"))
        return error_hint(error, "requests for this bucket are paid by whoever makes them: set "
                                 "destination.quota_project to the project that pays");
    return false;
}

/* A permission is missing, or a rule keeps what is there (retention). */
static bool is_denied(const GoogleFailure *failure)
{
    static const char *const reasons[] = {"accessDenied", "forbidden", "insufficientPermissions",
                                          "retentionPolicyNotMet", "objectUnderActiveHold"};
    for (size_t i = 0; failure->status == 403 && i < sizeof reasons / sizeof *reasons; i++) {
        if (strcmp(failure->reason, reasons[i]) == 0)
            return true;
    }
    return false;
}

static bool refused_error(const GoogleApi *api, const char *what, const GoogleFailure *failure,
                          Error *error)
{
    bool again = failure->action == REASON_RETRY || failure->action == REASON_NEW_JOB;
    (again ? error_set_retryable : error_set)(error, ERROR_TARGET, "%s: %s (HTTP %d%s%s)", what,
                                              failure->message, failure->status,
                                              *failure->reason ? ", " : "", failure->reason);
    if (error)
        error->denied = is_denied(failure);
    const char *limit = reason_limit(failure->message);
    if (limit)
        return error_hint(error, "the limit is: %s", limit);
    if (failure->status == 401 && credentials_none(api->options.credentials))
        return error_hint(error, "no credentials were found to be needed: name a file with "
                                 "`credentials:` or GOOGLE_APPLICATION_CREDENTIALS");
    if (failure->status == 401)
        return error_hint(error,
                          "the token of the %s (%s) is not accepted; `bqferry check` shows "
                          "who it belongs to",
                          credentials_kind(api->options.credentials),
                          credentials_place(api->options.credentials));
    if (api->options.service == &google_storage)
        storage_hint(failure, error);
    if (failure->status >= 300 && failure->status < 400)
        return error_hint(error, "redirects are not followed: check the endpoint and the proxy");
    return false;
}

static void clear_failure(GoogleFailure *failure)
{
    google_failure_done(failure);
    *failure = (GoogleFailure){.reason = "", .message = ""};
}

bool google_refused(GoogleApi *api, const char *what, const HttpResponse *response,
                    GoogleFailure *ret_failure, Error *error)
{
    CLEANUP(google_failure_done) GoogleFailure own = {0};
    GoogleFailure *failure = ret_failure ? ret_failure : &own;
    clear_failure(failure);
    read_failure(response, failure);
    failure->may_count = true;
    return refused_error(api, what, failure, error);
}

/* Whether the request surely had no effect, so that even what must happen once may be repeated. */
static bool without_effect(const HttpResponse *response, const GoogleFailure *failure)
{
    if (response->outcome != HTTP_ANSWERED)
        return !response->may_count;
    return failure->status == 429 || strcmp(failure->reason, "rateLimitExceeded") == 0;
}

static bool read_answer(const char *what, const HttpResponse *response, Json **ret_json,
                        Error *error)
{
    if (!ret_json)
        return true;
    if (response->body.length == 0) {
        *ret_json = json_object_new();
        return true;
    }
    Error problem = {0};
    if (json_parse(response->body.data, response->body.length, "answer", ret_json, &problem))
        return true;
    return error_set(error, ERROR_TARGET, "%s: the answer (HTTP %d) is no JSON: %s", what,
                     response->status, problem.message);
}

/* One try. */
static bool exchange(GoogleApi *api, const GoogleCall *call, const HttpRequest *request,
                     HttpResponse *response, GoogleFailure *failure, Error *error)
{
    char what[160];
    const char *method = strchr(call->id, '.');
    snprintf(what, sizeof what, "%s %s", api->options.service->title,
             method ? method + 1 : call->id);
    bool repeated = failure->repeated;
    clear_failure(failure);
    failure->repeated = repeated;
    bool answered = google_send(api, request, response, error);
    failure->repeated |= response->resent;
    if (!answered) {
        failure->may_count = response->may_count;
        failure->action = error->retryable ? REASON_RETRY : REASON_FATAL;
        return error->kind == ERROR_TARGET ? error_prefix(error, "%s", what) : false;
    }
    if (response->status >= 200 && response->status < 300)
        return true;
    read_failure(response, failure);
    return refused_error(api, what, failure, error);
}

static bool call_until(GoogleApi *api, const GoogleCall *call, const HttpRequest *request,
                       HttpResponse *response, GoogleFailure *failure, Error *error)
{
    int64_t budget_ms =
        call->retry_budget_ms ? call->retry_budget_ms : api->options.retry_budget_ms;
    RetryOptions options = {
        .budget_ms = call->last_words || budget_ms < 0 ? 0 : budget_ms,
        .id = call->id,
        .job = call->job,
        .stop = call->stop,
        .counts = api->options.http,
    };
    Retry retry;
    retry_init(&retry, &options);
    for (;;) {
        if (exchange(api, call, request, response, failure, error))
            return true;
        /* A call is repeated as it is: another job id is the caller's to choose. */
        bool again = failure->action == REASON_RETRY && error->retryable &&
                     (!call->once || without_effect(response, failure));
        bool effect =
            !without_effect(response, failure) && (failure->status == 0 || failure->status >= 500);
        if (!again || !retry_again(&retry, http_retry_after_ms(response), error))
            return false;
        failure->repeated |= effect;
    }
}

int64_t google_last_words_ms(void)
{
    enum { ALL_MS = 10000, LEAST_MS = 1000 };
    int64_t left_ms = ALL_MS - cancel_age_ms();
    return left_ms > LEAST_MS ? left_ms : LEAST_MS;
}

bool google_call(GoogleApi *api, const GoogleCall *call, Json **ret_json,
                 GoogleFailure *ret_failure, Error *error)
{
    static const UrlParam plain[] = {{"prettyPrint", "false"}, {NULL, NULL}};
    CLEANUP(arena_done) Arena arena = {0};
    CLEANUP(http_response_done) HttpResponse response = {0};
    CLEANUP(google_failure_done) GoogleFailure own = {0};
    GoogleFailure *failure = ret_failure ? ret_failure : &own;
    Error ignored;
    clear_failure(failure);
    error = error ? error : &ignored;
    *error = (Error){0};
    if (ret_json)
        *ret_json = NULL;

    char *url = url_join(&arena, url_join(&arena, api->url, call->path, plain), "", call->query);
    StrView body = {NULL, 0};
    HttpHeader headers[2];
    HttpRequest request = {
        .id = call->id,
        .method = call->method,
        .url = url,
        .headers = headers,
        .silence_ms = call->silence_ms,
        .total_ms = call->last_words ? google_last_words_ms() : 0,
        .last_words = call->last_words,
        .once = call->once,
        .stop = call->stop,
        .job = call->job,
    };
    if (call->body) {
        body = view_of(json_dump(call->body, &arena));
        request.body = &body;
        request.body_count = 1;
        headers[request.header_count++] = (HttpHeader){"Content-Type", "application/json"};
    }
    if (call->if_match)
        headers[request.header_count++] = (HttpHeader){"If-Match", call->if_match};
    return call_until(api, call, &request, &response, failure, error) &&
           read_answer(call->id, &response, ret_json, error);
}

/* The call's parameters and room for pageToken, which ends them. */
static UrlParam *with_page_token(const UrlParam *query, Arena *arena, UrlParam **ret_token)
{
    size_t count = 0;
    while (query && query[count].name)
        count++;
    UrlParam *params = ARENA_ARRAY(arena, UrlParam, count + 2);
    if (count > 0)
        memcpy(params, query, count * sizeof *params);
    params[count].name = "pageToken";
    *ret_token = &params[count];
    return params;
}

bool google_pages(GoogleApi *api, const GoogleCall *call, GooglePage *take, void *context,
                  GoogleFailure *ret_failure, Error *error)
{
    CLEANUP(arena_done) Arena arena = {0};
    GoogleCall page_call = *call;
    UrlParam *token;
    page_call.query = with_page_token(call->query, &arena, &token);
    for (;;) {
        CLEANUP(json_free_ptr) Json *page = NULL;
        if (!google_call(api, &page_call, &page, ret_failure, error))
            return false;
        Error problem = {0};
        if (!take(context, page, &problem)) {
            if (problem.kind == ERROR_NONE)
                return true;
            if (error)
                *error = problem;
            return false;
        }
        const char *next = json_get_text(page, "nextPageToken");
        next = next ? next : json_get_text(page, "pageToken");
        if (!next || !*next)
            return true;
        if (token->value && strcmp(token->value, next) == 0)
            return error_set(error, ERROR_TARGET, "%s: the same page token came twice", call->id);
        token->value = arena_strdup(&arena, next);
    }
}

int64_t google_int(const Json *object, const char *key, int64_t otherwise)
{
    const char *text = json_get_text(object, key);
    if (!text)
        return json_get_int(object, key, otherwise);
    char *end;
    errno = 0;
    long long number = strtoll(text, &end, 10);
    bool whole = errno == 0 && end != text && *end == '\0' &&
                 (*text == '-' || (*text >= '0' && *text <= '9'));
    return whole ? number : otherwise;
}
