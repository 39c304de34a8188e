/* SPDX-License-Identifier: Apache-2.0 */
#include "base/clock.h"
#include "base/memory.h"
#include "net/credentials/sources.h"

#include <stdlib.h>
#include <string.h>
#include <time.h>

typedef struct Impersonated {
    TokenSource base;
    TokenSource *inner;
    const char *url;
    const char *email; /* NULL: the URL does not name one */
    Json *delegates;   /* an array */
    int64_t lifetime_s;
} Impersonated;

const char *impersonated_email(const char *url, Arena *arena)
{
    const char *start = strstr(url, "/serviceAccounts/");
    if (!start)
        return NULL;
    start += strlen("/serviceAccounts/");
    size_t length = strcspn(start, ":/?");
    return length > 0 ? arena_strndup(arena, start, length) : NULL;
}

static char *request_text(const Impersonated *account, const char *scope, Arena *arena)
{
    CLEANUP(json_free_ptr) Json *body = json_object_new();
    Json *scopes = json_array_new();
    char *copy = arena_strdup(arena, scope);
    for (char *next = copy; next;) {
        char *one = strsep(&next, " ");
        if (*one)
            json_append_text(scopes, one);
    }
    json_set(body, "delegates", json_clone(account->delegates));
    json_set(body, "scope", scopes);
    json_set_text(body, "lifetime", arena_printf(arena, "%llds", (long long)account->lifetime_s));
    return json_dump(body, arena);
}

/* "2026-01-31T12:34:56Z" from now, in milliseconds; what cannot be read lives as long as asked for.
 */
static int64_t lives_ms(const char *expire_time, int64_t lifetime_s)
{
    struct tm parts = {0};
    const char *rest = expire_time ? strptime(expire_time, "%Y-%m-%dT%H:%M:%S", &parts) : NULL;
    if (!rest)
        return lifetime_s * 1000;
    int64_t left_s = (int64_t)timegm(&parts) - clock_wall_us() / 1000000;
    /* A clock that is wrong must not make the token old at once, or last too long. */
    return (left_s > 0 && left_s < lifetime_s ? left_s : lifetime_s) * 1000;
}

static bool fetch(TokenSource *source, const TokenContext *context, const char *scope,
                  Token *ret_token, Error *error)
{
    enum { HEADER_SPACE = 8 };
    Impersonated *account = (Impersonated *)source;
    CLEANUP(arena_done) Arena arena = {0};
    CLEANUP(json_free_ptr) Json *json = NULL;
    Token inner = {0};
    if (!account->inner->ops->fetch(account->inner, context, CLOUD_PLATFORM_SCOPE, &inner, error))
        return false;
    size_t size = strlen(inner.text) + HEADER_SPACE;
    CLEANUP(secret_free_ptr) char *authorization = memory_alloc(size);
    snprintf(authorization, size, "Bearer %s", inner.text);
    secret_free(inner.text);
    StrView body = view_of(request_text(account, scope, &arena));
    TokenRequest request = {
        .id = "iam.generateAccessToken",
        .url = account->url,
        .json = &body,
        .authorization = authorization,
    };
    TokenRefusal refusal;
    if (!token_request(context, &request, &json, &refusal, error)) {
        if (refusal.status == 403)
            error_hint(error,
                       "the account that signs in needs the role Service Account Token "
                       "Creator (roles/iam.serviceAccountTokenCreator) on %s",
                       account->email ? account->email : "the account it stands for");
        return false;
    }
    const char *text = json_get_text(json, "accessToken");
    if (!text)
        return error_set(error, ERROR_TARGET, "%s: the answer of impersonation holds no token",
                         context->place);
    json_set_text(json, "access_token", text);
    secret_wipe_member(json, "accessToken");
    if (!token_read(json, context->place, ret_token, error))
        return false;
    ret_token->lives_ms = lives_ms(json_get_text(json, "expireTime"), account->lifetime_s);
    return true;
}

static bool identity(TokenSource *source, const TokenContext *context, Arena *arena,
                     const char **ret_identity, Error *error)
{
    (void)context, (void)error;
    *ret_identity = arena_strdup(arena, ((Impersonated *)source)->email);
    return true;
}

static void free_impersonated(TokenSource *source)
{
    Impersonated *account = (Impersonated *)source;
    token_source_free_ptr(&account->inner);
    json_free(account->delegates);
    arena_done(&account->base.arena);
    free(account);
}

static const TokenSourceOps impersonated_ops = {
    .kind = "impersonated service account",
    .fetch = fetch,
    .identity = identity,
    .free = free_impersonated,
};

bool source_impersonated(const ImpersonationOptions *options, TokenSource *inner, const char *place,
                         TokenSource **ret_source, Error *error)
{
    Impersonated *account = memory_zalloc(1, sizeof *account);
    CLEANUP(token_source_free_ptr) TokenSource *source = &account->base;
    source->ops = &impersonated_ops;
    account->inner = inner;
    account->url = arena_strdup(&source->arena, options->url);
    account->email = impersonated_email(options->url, &source->arena);
    account->delegates =
        json_count(options->delegates) > 0 ? json_clone(options->delegates) : json_array_new();
    account->lifetime_s = options->lifetime_s;
    if (!token_check_url(options->url, "service_account_impersonation_url", place, error))
        return false;
    *ret_source = TAKE_PTR(source);
    return true;
}
