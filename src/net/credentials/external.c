/* SPDX-License-Identifier: Apache-2.0 */
#include "base/base64.h"
#include "base/memory.h"
#include "format/file.h"
#include "net/credentials/executable.h"
#include "net/credentials/sources.h"

#include <stdlib.h>
#include <string.h>

enum { SUBJECT_MAX = 64 * 1024, SUBJECT_URL_MS = 10000 };

typedef struct External {
    TokenSource base;
    Json *supplier; /* credential_source */
    const char *audience;
    const char *subject_type;
    const char *token_url;
    const char *user_project;  /* of a workforce pool; may be NULL */
    const char *client_id;     /* may be NULL */
    const char *impersonation; /* URL; for programs that want to know; may be NULL */
    char *client_secret;
} External;

/* The whole text, or one member of JSON, as "format" says. Wipes `text`. */
static bool take_subject(const Json *supplier, char *text, const char *place, char **ret_subject,
                         Error *error)
{
    const Json *format = json_get(supplier, "format");
    const char *type = json_get_text(format, "type");
    bool wrong = false;
    if (type && strcmp(type, "json") == 0) {
        const char *field = json_get_text(format, "subject_token_field_name");
        CLEANUP(json_free_ptr) Json *json = NULL;
        (void)json_parse(text, strlen(text), "token", &json, NULL);
        const char *member = field ? json_get_text(json, field) : NULL;
        wrong = !member;
        *ret_subject = member ? secret_copy(member) : NULL;
        if (member)
            secret_wipe_member(json, field);
    } else {
        *ret_subject = secret_copy(text);
    }
    explicit_bzero(text, strlen(text));
    if (wrong || **ret_subject == '\0')
        return error_set(error, ERROR_CONFIG,
                         "%s: what its \"credential_source\" gives holds no token (see its "
                         "\"format\")",
                         place);
    return true;
}

static bool subject_from_file(const External *external, const TokenContext *context,
                              char **ret_subject, Error *error)
{
    CLEANUP(arena_done) Arena arena = {0};
    const char *path = json_get_text(external->supplier, "file");
    StrView text;
    if (!file_read(path, SUBJECT_MAX, &arena, &text, error))
        return error_prefix(error, "%s: \"credential_source\"", context->place);
    if (!text.data)
        return error_set(error, ERROR_CONFIG,
                         "%s: the token file %s of \"credential_source\" does "
                         "not exist",
                         context->place, path);
    char *copy = arena_strndup(&arena, text.data, text.length);
    explicit_bzero((char *)(uintptr_t)text.data, text.length);
    return take_subject(external->supplier, copy, context->place, ret_subject, error);
}

static bool subject_from_url(const External *external, const TokenContext *context,
                             char **ret_subject, Error *error)
{
    enum { HEADERS_MAX = 16 };
    CLEANUP(arena_done) Arena arena = {0};
    CLEANUP(http_response_done) HttpResponse response = {0};
    HttpHeader headers[HEADERS_MAX];
    size_t count = 0;
    const Json *wanted = json_get(external->supplier, "headers");
    for (const char *key = json_next_key(wanted, NULL); key && count < HEADERS_MAX;
         key = json_next_key(wanted, key)) {
        const char *value = json_get_text(wanted, key);
        if (value && !strpbrk(value, "\r\n") && !strpbrk(key, "\r\n:"))
            headers[count++] = (HttpHeader){key, value};
    }
    HttpRequest request = {
        .id = "external.subject",
        .method = "GET",
        .url = json_get_text(external->supplier, "url"),
        .headers = headers,
        .header_count = count,
        .response_max = SUBJECT_MAX,
        .total_ms = SUBJECT_URL_MS,
        .stop = context->stop,
    };
    if (!http_send(context->http, &request, &response, error))
        return error_prefix(error, "%s: \"credential_source\"", context->place);
    if (response.status != 200)
        return error_set_retryable(error, ERROR_TARGET,
                                   "%s: the URL of \"credential_source\" answered HTTP %d",
                                   context->place, response.status);
    char *text =
        arena_strndup(&arena, response.body.length ? response.body.data : "", response.body.length);
    if (response.body.length)
        explicit_bzero(response.body.data, response.body.length);
    return take_subject(external->supplier, text, context->place, ret_subject, error);
}

static bool subject_from_program(const External *external, const TokenContext *context,
                                 char **ret_subject, Error *error)
{
    CLEANUP(arena_done) Arena arena = {0};
    ExecutableOptions options = {
        .settings = json_get(external->supplier, "executable"),
        .audience = external->audience,
        .subject_type = external->subject_type,
        .email =
            external->impersonation ? impersonated_email(external->impersonation, &arena) : NULL,
        .place = context->place,
        .stop = context->stop,
    };
    return executable_subject(&options, ret_subject, error);
}

static bool subject_of(const External *external, const TokenContext *context, char **ret_subject,
                       Error *error)
{
    if (json_get_text(external->supplier, "file"))
        return subject_from_file(external, context, ret_subject, error);
    if (json_get_text(external->supplier, "url"))
        return subject_from_url(external, context, ret_subject, error);
    return subject_from_program(external, context, ret_subject, error);
}

static char *client_header(const External *external)
{
    size_t size = strlen(external->client_id) + strlen(external->client_secret) + 2;
    CLEANUP(secret_free_ptr) char *pair = memory_alloc(size);
    snprintf(pair, size, "%s:%s", external->client_id, external->client_secret);
    char *header = memory_zalloc(1, BASE64_LENGTH(size) + 8);
    base64_write(stpcpy(header, "Basic "), pair, size - 1);
    return header;
}

static void add_options(const External *external, Buffer *form)
{
    CLEANUP(arena_done) Arena arena = {0};
    if (!external->user_project || external->client_id)
        return;
    CLEANUP(json_free_ptr) Json *options = json_object_new();
    json_set_text(options, "userProject", external->user_project);
    token_form_add(form, "options", json_dump(options, &arena));
}

static bool fetch(TokenSource *source, const TokenContext *context, const char *scope,
                  Token *ret_token, Error *error)
{
    const External *external = (const External *)source;
    CLEANUP(token_form_done) Buffer form = {0};
    CLEANUP(json_free_ptr) Json *json = NULL;
    CLEANUP(secret_free_ptr) char *subject = NULL;
    CLEANUP(secret_free_ptr) char *authorization = NULL;
    if (!subject_of(external, context, &subject, error))
        return false;
    subject[strcspn(subject, "\r\n")] = '\0';
    token_form_add(&form, "grant_type", "urn:ietf:params:oauth:grant-type:token-exchange");
    token_form_add(&form, "audience", external->audience);
    token_form_add(&form, "scope", scope);
    token_form_add(&form, "requested_token_type", "urn:ietf:params:oauth:token-type:access_token");
    token_form_add(&form, "subject_token", subject);
    token_form_add(&form, "subject_token_type", external->subject_type);
    add_options(external, &form);
    if (external->client_id && external->client_secret)
        authorization = client_header(external);
    StrView body = buffer_view(&form);
    TokenRequest request = {
        .id = "sts.token",
        .url = external->token_url,
        .form = &body,
        .authorization = authorization,
    };
    return token_request(context, &request, &json, NULL, error) &&
           token_read(json, context->place, ret_token, error);
}

/* "//iam.googleapis.com/…/workloadIdentityPools/P/providers/X" without what goes without saying. */
static bool identity(TokenSource *source, const TokenContext *context, Arena *arena,
                     const char **ret_identity, Error *error)
{
    (void)context, (void)error;
    const char *audience = ((External *)source)->audience;
    const char *path = strstr(audience, "projects/");
    path = path ? path : strstr(audience, "locations/");
    *ret_identity = arena_printf(arena, "an identity of %s", path ? path : audience);
    return true;
}

static void free_external(TokenSource *source)
{
    External *external = (External *)source;
    json_free(external->supplier);
    secret_free(external->client_secret);
    arena_done(&external->base.arena);
    free(external);
}

static const TokenSourceOps external_ops = {
    .kind = "workload identity federation",
    .fetch = fetch,
    .identity = identity,
    .free = free_external,
};

/* Exactly one way that we know. */
static bool check_supplier(const Json *supplier, const char *place, Error *error)
{
    if (json_get_text(supplier, "file") || json_get_text(supplier, "url"))
        return true;
    if (json_is_object(json_get(supplier, "executable")))
        return executable_allowed(place, error);
    const char *what = json_get(supplier, "environment_id") ? "AWS (\"environment_id\")"
                       : json_get(supplier, "certificate")  ? "an X.509 certificate"
                                                            : "none of file, url and executable";
    error_set(error, ERROR_CONFIG, "%s: \"credential_source\" is %s, which is not supported", place,
              what);
    return error_hint(error, "let a file or URL provide the token, or use a service account");
}

bool source_external(Json *file, const char *place, TokenSource **ret_source, Error *error)
{
    External *external = memory_zalloc(1, sizeof *external);
    CLEANUP(token_source_free_ptr) TokenSource *source = &external->base;
    source->ops = &external_ops;
    Arena *arena = &source->arena;
    const char *audience = file_text(file, "audience", place, error);
    const char *type = audience ? file_text(file, "subject_token_type", place, error) : NULL;
    const char *url = type ? file_text(file, "token_url", place, error) : NULL;
    const Json *supplier = json_get(file, "credential_source");
    if (!url || !token_check_url(url, "token_url", place, error))
        return false;
    if (!json_is_object(supplier))
        return error_set(error, ERROR_CONFIG, "%s: \"credential_source\" is missing", place);
    if (!check_supplier(supplier, place, error))
        return false;
    const char *secret = json_get_text(file, "client_secret");
    external->supplier = json_clone(supplier);
    external->audience = arena_strdup(arena, audience);
    external->subject_type = arena_strdup(arena, type);
    external->token_url = arena_strdup(arena, url);
    external->user_project =
        arena_strdup(arena, json_get_text(file, "workforce_pool_user_project"));
    external->client_id = arena_strdup(arena, json_get_text(file, "client_id"));
    external->client_secret = secret ? secret_copy(secret) : NULL;
    const char *impersonation = json_get_text(file, "service_account_impersonation_url");
    external->impersonation = arena_strdup(arena, impersonation);
    secret_wipe_member(file, "client_secret");
    if (!impersonation) {
        *ret_source = TAKE_PTR(source);
        return true;
    }
    ImpersonationOptions options = {
        .url = impersonation,
        .lifetime_s = json_get_int(json_get(file, "service_account_impersonation"),
                                   "token_lifetime_seconds", 3600),
    };
    return source_impersonated(&options, TAKE_PTR(source), place, ret_source, error);
}
