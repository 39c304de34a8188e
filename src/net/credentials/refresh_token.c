/* SPDX-License-Identifier: Apache-2.0 */
#include "base/base64.h"
#include "base/memory.h"
#include "net/credentials/sources.h"
#include "net/url.h"

#include <stdlib.h>
#include <string.h>

typedef struct RefreshToken {
    TokenSource base;
    char *client_secret;
    char *token;
    const char *client_id;
    const char *url;
    const char *account; /* NULL: the file does not say */
    bool basic;          /* the client's secret goes into a header (external accounts) */
} RefreshToken;

/* "Basic ID:SECRET" (RFC 6749 §2.3.1) */
static char *basic_header(const RefreshToken *user)
{
    size_t size = strlen(user->client_id) + strlen(user->client_secret) + 2;
    CLEANUP(secret_free_ptr) char *pair = memory_alloc(size);
    snprintf(pair, size, "%s:%s", user->client_id, user->client_secret);
    char *header = memory_zalloc(1, BASE64_LENGTH(size) + 8);
    base64_write(stpcpy(header, "Basic "), pair, size - 1);
    return header;
}

static bool fetch(TokenSource *source, const TokenContext *context, const char *scope,
                  Token *ret_token, Error *error)
{
    RefreshToken *user = (RefreshToken *)source;
    CLEANUP(token_form_done) Buffer form = {0};
    CLEANUP(json_free_ptr) Json *json = NULL;
    CLEANUP(secret_free_ptr) char *authorization = NULL;
    (void)scope; /* the login's own: asking for one that was not granted would fail */
    token_form_add(&form, "grant_type", "refresh_token");
    token_form_add(&form, "refresh_token", user->token);
    if (user->basic) {
        authorization = basic_header(user);
    } else {
        token_form_add(&form, "client_id", user->client_id);
        token_form_add(&form, "client_secret", user->client_secret);
    }
    StrView body = buffer_view(&form);
    TokenRequest request = {
        .id = "oauth.token",
        .url = user->url,
        .form = &body,
        .authorization = authorization,
    };
    if (!token_request(context, &request, &json, NULL, error) ||
        !token_read(json, context->place, ret_token, error))
        return false;
    /* Federated logins get a new refresh token with each access token. */
    const char *next = json_get_text(json, "refresh_token");
    if (next && *next) {
        secret_free(user->token);
        user->token = secret_copy(next);
        secret_wipe_member(json, "refresh_token");
    }
    return true;
}

/* The token's own server knows whose it is: …/token → …/tokeninfo. */
static bool identity(TokenSource *source, const TokenContext *context, Arena *arena,
                     const char **ret_identity, Error *error)
{
    RefreshToken *user = (RefreshToken *)source;
    CLEANUP(json_free_ptr) Json *json = NULL;
    Token token = {0};
    *ret_identity = arena_strdup(arena, user->account);
    if (user->account || user->basic)
        return true;
    if (!fetch(source, context, NULL, &token, error))
        return false;
    const UrlParam query[] = {{"access_token", token.text}, {NULL, NULL}};
    char *url = url_join(arena, user->url, "info", query);
    secret_free(token.text);
    TokenRequest request = {.id = "oauth.tokeninfo", .url = url};
    if (token_request(context, &request, &json, NULL, NULL))
        *ret_identity = arena_strdup(arena, json_get_text(json, "email"));
    explicit_bzero(url, strlen(url));
    return true;
}

static void free_user(TokenSource *source)
{
    RefreshToken *user = (RefreshToken *)source;
    secret_free(user->client_secret);
    secret_free(user->token);
    arena_done(&user->base.arena);
    free(user);
}

static const TokenSourceOps refresh_token_ops = {
    .kind = "gcloud user",
    .fetch = fetch,
    .identity = identity,
    .free = free_user,
};

bool source_refresh_token(Json *file, const char *place, TokenSource **ret_source, Error *error)
{
    RefreshToken *user = memory_zalloc(1, sizeof *user);
    CLEANUP(token_source_free_ptr) TokenSource *source = &user->base;
    source->ops = &refresh_token_ops;
    Arena *arena = &source->arena;
    const char *type = json_get_text(file, "type");
    const char *account = json_get_text(file, "account");
    const char *id = file_text(file, "client_id", place, error);
    const char *secret = id ? file_text(file, "client_secret", place, error) : NULL;
    const char *token = secret ? file_text(file, "refresh_token", place, error) : NULL;
    if (!token)
        return false;
    user->basic = type && strcmp(type, "external_account_authorized_user") == 0;
    const char *field = user->basic ? "token_url" : "token_uri";
    const char *url = json_get_text(file, field);
    if (!url && user->basic)
        url = "https://sts.googleapis.com/v1/oauthtoken";
    user->url = arena_strdup(arena, url ? url : "https://oauth2.googleapis.com/token");
    user->client_id = arena_strdup(arena, id);
    user->client_secret = secret_copy(secret);
    user->token = secret_copy(token);
    user->account = account && *account ? arena_strdup(arena, account) : NULL;
    secret_wipe_member(file, "client_secret");
    secret_wipe_member(file, "refresh_token");
    if (!token_check_url(user->url, field, place, error))
        return false;
    *ret_source = TAKE_PTR(source);
    return true;
}
