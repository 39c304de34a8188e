/* SPDX-License-Identifier: Apache-2.0 */
#include "base/clock.h"
#include "base/log.h"
#include "base/memory.h"
#include "net/credentials/rs256.h"
#include "net/credentials/sources.h"

#include <stdlib.h>
#include <string.h>

enum { JWT_LIFE_S = 3600, SKEW_MIN_S = 30 };

typedef struct ServiceAccount {
    TokenSource base;
    Rs256Key *key;
    const char *email;
    const char *key_id; /* may be NULL */
    const char *token_uri;
    bool self_signed; /* another universe: nothing to exchange at */
    int64_t skew_s;   /* the server's clock minus ours, once it refused our time */
} ServiceAccount;

static char *header_text(const ServiceAccount *account, Arena *arena)
{
    CLEANUP(json_free_ptr) Json *header = json_object_new();
    json_set_text(header, "alg", "RS256");
    json_set_text(header, "typ", "JWT");
    if (account->key_id)
        json_set_text(header, "kid", account->key_id);
    return json_dump(header, arena);
}

static char *claims_text(const ServiceAccount *account, const char *scope, Arena *arena)
{
    CLEANUP(json_free_ptr) Json *claims = json_object_new();
    int64_t now_s = clock_wall_us() / 1000000 + account->skew_s;
    json_set_text(claims, "iss", account->email);
    if (account->self_signed)
        json_set_text(claims, "sub", account->email);
    else /* Google's clients keep the constant, wherever the file says to post it */
        json_set_text(claims, "aud", "https://oauth2.googleapis.com/token");
    json_set_text(claims, "scope", scope);
    json_set_int(claims, "iat", now_s);
    json_set_int(claims, "exp", now_s + JWT_LIFE_S);
    return json_dump(claims, arena);
}

static bool sign(const ServiceAccount *account, const char *scope, const char *place, Arena *arena,
                 char **ret_jwt, Error *error)
{
    const char *header = header_text(account, arena), *claims = claims_text(account, scope, arena);
    return rs256_sign_jwt(account->key, header, claims, arena, ret_jwt, error) ||
           error_prefix(error, "%s: \"private_key\"", place);
}

static bool exchange(const ServiceAccount *account, const TokenContext *context, const char *scope,
                     Token *ret_token, TokenRefusal *ret_refusal, Error *error)
{
    CLEANUP(arena_done) Arena arena = {0};
    CLEANUP(token_form_done) Buffer form = {0};
    CLEANUP(json_free_ptr) Json *json = NULL;
    char *jwt;
    if (!sign(account, scope, context->place, &arena, &jwt, error))
        return false;
    token_form_add(&form, "grant_type", "urn:ietf:params:oauth:grant-type:jwt-bearer");
    token_form_add(&form, "assertion", jwt);
    explicit_bzero(jwt, strlen(jwt));
    StrView body = buffer_view(&form);
    TokenRequest request = {.id = "oauth.token", .url = account->token_uri, .form = &body};
    return token_request(context, &request, &json, ret_refusal, error) &&
           token_read(json, context->place, ret_token, error);
}

static bool fetch(TokenSource *source, const TokenContext *context, const char *scope,
                  Token *ret_token, Error *error)
{
    ServiceAccount *account = (ServiceAccount *)source;
    TokenRefusal refusal = {0};
    if (account->self_signed) {
        CLEANUP(arena_done) Arena arena = {0};
        char *jwt;
        if (!sign(account, scope, context->place, &arena, &jwt, error))
            return false;
        ret_token->text = secret_copy(jwt);
        ret_token->lives_ms = JWT_LIFE_S * 1000;
        explicit_bzero(jwt, strlen(jwt));
        return true;
    }
    if (exchange(account, context, scope, ret_token, &refusal, error))
        return true;
    if (!refusal.about_time || llabs(refusal.skew_s - account->skew_s) < SKEW_MIN_S)
        return false;
    log_warning(NULL,
                "this machine's clock is %lld s %s that of Google: its time is used for tokens",
                llabs(refusal.skew_s), refusal.skew_s > 0 ? "behind" : "ahead of");
    account->skew_s = refusal.skew_s;
    *error = (Error){0};
    return exchange(account, context, scope, ret_token, &refusal, error);
}

static bool identity(TokenSource *source, const TokenContext *context, Arena *arena,
                     const char **ret_identity, Error *error)
{
    (void)context, (void)error;
    *ret_identity = arena_strdup(arena, ((ServiceAccount *)source)->email);
    return true;
}

static void free_account(TokenSource *source)
{
    ServiceAccount *account = (ServiceAccount *)source;
    rs256_key_free(account->key);
    arena_done(&account->base.arena);
    free(account);
}

static const TokenSourceOps service_account_ops = {
    .kind = "service account key",
    .fetch = fetch,
    .identity = identity,
    .free = free_account,
};

bool source_service_account(Json *file, const char *place, TokenSource **ret_source, Error *error)
{
    ServiceAccount *account = memory_zalloc(1, sizeof *account);
    CLEANUP(token_source_free_ptr) TokenSource *source = &account->base;
    source->ops = &service_account_ops;
    Arena *arena = &source->arena;
    const char *email = file_text(file, "client_email", place, error);
    const char *pem = email ? file_text(file, "private_key", place, error) : NULL;
    if (!pem)
        return false;
    bool read = rs256_key_new(pem, &account->key, error);
    secret_wipe_member(file, "private_key");
    if (!read) {
        error_prefix(error, "%s: \"private_key\"", place);
        return error_hint(error, "download the key again: IAM & Admin, Service Accounts, Keys");
    }
    const char *universe = json_get_text(file, "universe_domain");
    const char *uri = json_get_text(file, "token_uri");
    account->email = arena_strdup(arena, email);
    account->key_id = arena_strdup(arena, json_get_text(file, "private_key_id"));
    account->token_uri = arena_strdup(arena, uri ? uri : "https://oauth2.googleapis.com/token");
    account->self_signed = universe && strcmp(universe, GOOGLE_UNIVERSE) != 0;
    if (!token_check_url(account->token_uri, "token_uri", place, error))
        return false;
    *ret_source = TAKE_PTR(source);
    return true;
}
