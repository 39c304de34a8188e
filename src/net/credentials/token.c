/* SPDX-License-Identifier: Apache-2.0 */
#include "net/credentials/token.h"

#include "base/clock.h"
#include "base/memory.h"
#include "net/retry.h"
#include "net/url.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { FORM_MAX = 64 * 1024, ANSWER_MAX = 256 * 1024, TOTAL_MS = 30000 };

char *secret_copy(const char *text)
{
    return memory_strdup(text);
}

void secret_free(char *text)
{
    if (text)
        explicit_bzero(text, strlen(text));
    free(text);
}

void secret_wipe_member(Json *object, const char *key)
{
    char *text = (char *)(uintptr_t)json_get_text(object, key);
    if (text)
        explicit_bzero(text, strlen(text));
}

void token_form_add(Buffer *form, const char *name, const char *value)
{
    CLEANUP(arena_done) Arena arena = {0};
    if (form->max == 0)
        buffer_init(form, FORM_MAX);
    char *escaped = url_escape(&arena, value);
    (void)(buffer_printf(form, NULL, "%s%s=", form->length ? "&" : "", name) &&
           buffer_append(form, escaped, strlen(escaped), NULL));
    explicit_bzero(escaped, strlen(escaped));
}

void token_form_done(Buffer *form)
{
    if (form->data)
        explicit_bzero(form->data, form->capacity);
    buffer_done(form);
}

bool token_check_url(const char *url, const char *field, const char *place, Error *error)
{
    CLEANUP(arena_done) Arena arena = {0};
    Url parts;
    if (!url_parse(url, &arena, &parts, error))
        return error_prefix(error, "%s: \"%s\"", place, field);
    if (strcmp(parts.scheme, "https") == 0 || url_is_loopback(&parts))
        return true;
    return error_set(error, ERROR_CONFIG,
                     "%s: \"%s\" must be an https URL: secrets are not sent over plain http to "
                     "another machine (%s)",
                     place, field, parts.host);
}

static void host_of(const char *text, char *host, size_t size)
{
    CLEANUP(arena_done) Arena arena = {0};
    Url url;
    snprintf(host, size, "%s", url_parse(text, &arena, &url, NULL) ? url.host : "the server");
}

static bool is_temporary(const char *code)
{
    return strcmp(code, "internal_failure") == 0 || strcmp(code, "server_error") == 0 ||
           strcmp(code, "temporarily_unavailable") == 0;
}

/* `text`: the server's own words, "" for none. */
static const char *hint_of(const TokenRequest *request, const char *code, const char *text)
{
    static const char *const rows[][2] = {
        {"invalid_grant", "what was handed in is not valid any more: the account or key is deleted "
                          "or disabled, or the login has ended. For a person: gcloud auth "
                          "application-default login. For a service account: make a new key"},
        {"invalid_client", "the client in the file is unknown or deleted: log in again"},
        {"unauthorized_client", "the client in the file may not do this: log in again"},
        {"invalid_scope", "the scope is not granted to this client"},
        {"invalid_request", "the file does not fit its type: fetch it again"},
    };
    if (strcasestr(text, "timeframe"))
        return "the clock of this machine is off: set it (timedatectl), and let NTP keep it";
    if (strcmp(code, "invalid_grant") == 0 && strcmp(request->id, "sts.token") == 0)
        return "the token that the file's credential_source gives has ended, or is of another "
               "audience or issuer than the workload identity provider takes: whoever makes it "
               "must renew it";
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        if (strcmp(rows[i][0], code) == 0)
            return rows[i][1];
    }
    return NULL;
}

/* "Invalid JWT: Token must be … in a reasonable timeframe. Check your iat and exp values …" */
static bool speaks_of_time(const char *text)
{
    return strstr(text, "iat") || strstr(text, "exp") || strcasestr(text, "timeframe");
}

/* OAuth's {"error": "word", "error_description": "…"}, IAM's {"error": {"status", "message"}}. */
static bool refuse(const TokenContext *context, const TokenRequest *request,
                   const HttpResponse *response, TokenRefusal *refusal, Error *error)
{
    CLEANUP(json_free_ptr) Json *json = NULL;
    char host[256];
    host_of(request->url, host, sizeof host);
    if (response->body.length > 0)
        (void)json_parse(response->body.data, response->body.length, "answer", &json, NULL);
    const Json *body = json_get(json, "error");
    bool nested = json_is_object(body);
    const char *code = nested ? json_get_text(body, "status") : json_text_of(body);
    const char *text =
        nested ? json_get_text(body, "message") : json_get_text(json, "error_description");
    int64_t date = http_date(response);
    refusal->status = response->status;
    snprintf(refusal->code, sizeof refusal->code, "%s", code ? code : "");
    refusal->skew_s = date ? date - clock_wall_us() / 1000000 : 0;
    refusal->about_time = text && speaks_of_time(text);
    bool again = retry_status(response->status) || is_temporary(refusal->code);
    (again ? error_set_retryable : error_set)(
        error, ERROR_TARGET, "%s: %s gives no token: %s (HTTP %d%s%s)", context->place, host,
        text ? text : "no reason given", response->status, code ? ", " : "", code ? code : "");
    const char *hint = hint_of(request, refusal->code, text ? text : "");
    return hint ? error_hint(error, "%s", hint) : false;
}

static bool flavor_is_google(const HttpResponse *response)
{
    return view_equals(http_header(response, "Metadata-Flavor"), view_of("Google"));
}

static HttpRequest http_request_of(const TokenContext *context, const TokenRequest *request,
                                   HttpHeader *headers)
{
    const StrView *body = request->form ? request->form : request->json;
    HttpRequest http = {
        .id = request->id,
        .method = body ? "POST" : "GET",
        .url = request->url,
        .headers = headers,
        .body = body,
        .body_count = body ? 1 : 0,
        .response_max = ANSWER_MAX,
        .total_ms = request->total_ms ? request->total_ms : TOTAL_MS,
        .no_proxy = request->metadata,
        .stop = context->stop,
    };
    if (body)
        headers[http.header_count++] =
            (HttpHeader){"Content-Type",
                         request->form ? "application/x-www-form-urlencoded" : "application/json"};
    if (request->authorization)
        headers[http.header_count++] = (HttpHeader){"Authorization", request->authorization};
    if (request->metadata)
        headers[http.header_count++] = (HttpHeader){"Metadata-Flavor", "Google"};
    return http;
}

/* One try; a 404 is an answer for those who take one. */
static bool exchange(const TokenContext *context, const TokenRequest *request, bool take_404,
                     HttpResponse *response, TokenRefusal *refusal, Error *error)
{
    HttpHeader headers[3];
    HttpRequest http = http_request_of(context, request, headers);
    if (!http_send(context->http, &http, response, error))
        return error->kind == ERROR_TARGET ? error_prefix(error, "%s", context->place) : false;
    if (request->metadata && !flavor_is_google(response))
        return error_set(error, ERROR_TARGET,
                         "%s: what answers there is no metadata server (no Metadata-Flavor)",
                         context->place);
    if ((response->status >= 200 && response->status < 300) ||
        (take_404 && response->status == 404))
        return true;
    return refuse(context, request, response, refusal, error);
}

static bool request_until(const TokenContext *context, const TokenRequest *request, bool take_404,
                          HttpResponse *response, TokenRefusal *refusal, Error *error)
{
    RetryOptions options = {
        .budget_ms = context->retry_budget_ms,
        .id = request->id,
        .stop = context->stop,
        .counts = context->http,
    };
    TokenRefusal ignored_refusal;
    Error ignored_error = {0};
    Retry retry;
    retry_init(&retry, &options);
    refusal = refusal ? refusal : &ignored_refusal;
    error = error ? error : &ignored_error;
    for (;;) {
        *refusal = (TokenRefusal){0};
        if (exchange(context, request, take_404, response, refusal, error))
            return true;
        if (!retry_again(&retry, http_retry_after_ms(response), error))
            return false;
    }
}

static void wipe_response(HttpResponse *response)
{
    if (response->body.data)
        explicit_bzero(response->body.data, response->body.capacity);
    http_response_done(response);
}

bool token_request(const TokenContext *context, const TokenRequest *request, Json **ret_json,
                   TokenRefusal *ret_refusal, Error *error)
{
    CLEANUP(wipe_response) HttpResponse response = {0};
    *ret_json = NULL;
    if (!request_until(context, request, false, &response, ret_refusal, error))
        return false;
    if (response.body.length > 0 &&
        json_parse(response.body.data, response.body.length, "answer", ret_json, NULL) &&
        json_is_object(*ret_json))
        return true;
    json_free(*ret_json);
    *ret_json = NULL;
    char host[256];
    host_of(request->url, host, sizeof host);
    return error_set(error, ERROR_TARGET, "%s: the answer of %s is no JSON object", context->place,
                     host);
}

bool token_request_text(const TokenContext *context, const TokenRequest *request, Arena *arena,
                        const char **ret_text, Error *error)
{
    CLEANUP(wipe_response) HttpResponse response = {0};
    *ret_text = NULL;
    if (!request_until(context, request, true, &response, NULL, error))
        return false;
    if (response.status == 404)
        return true;
    char *text =
        arena_strndup(arena, response.body.length ? response.body.data : "", response.body.length);
    text[strcspn(text, "\r\n")] = '\0';
    *ret_text = text;
    return true;
}

/* A header is made of it: visible ASCII only (RFC 6750 §2.1), and not without end. */
static bool usable(const char *text)
{
    enum { TOKEN_MAX = 12 * 1024 };
    size_t length = strlen(text);
    for (size_t i = 0; i < length; i++) {
        if (text[i] <= ' ' || text[i] >= 0x7f)
            return false;
    }
    return length > 0 && length <= TOKEN_MAX;
}

bool token_read(Json *json, const char *what, Token *ret_token, Error *error)
{
    enum { DEFAULT_LIFE_S = 3600, LONGEST_S = 24 * 3600 };
    const char *text = json_get_text(json, "access_token");
    if (!text || !usable(text))
        return error_set(error, ERROR_TARGET, "%s: the answer holds no usable access_token", what);
    int64_t life_s = json_get_int(json, "expires_in", DEFAULT_LIFE_S);
    if (json_get_text(json, "expires_in"))
        life_s = strtoll(json_get_text(json, "expires_in"), NULL, 10);
    if (life_s < 0)
        life_s = 0;
    ret_token->lives_ms = (life_s < LONGEST_S ? life_s : LONGEST_S) * 1000;
    ret_token->text = secret_copy(text);
    secret_wipe_member(json, "access_token");
    return true;
}
