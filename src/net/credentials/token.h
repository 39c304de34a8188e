/* SPDX-License-Identifier: Apache-2.0 */
/* net/credentials/token.h: where tokens come from: one kind of credentials is one file beside this
 * one. Sources are used by one thread at a time (net/credentials/credentials.c sees to that). */
#pragma once

#include "base/arena.h"
#include "base/buffer.h"
#include "base/error.h"
#include "base/parallel.h"
#include "format/json.h"
#include "net/http.h"

#define GOOGLE_UNIVERSE "googleapis.com"
#define CLOUD_PLATFORM_SCOPE "https://www.googleapis.com/auth/cloud-platform"

/* A heap copy that secret_free wipes. */
char *secret_copy(const char *text);
void secret_free(char *text); /* accepts NULL */
static inline void secret_free_ptr(char **text)
{
    secret_free(*text);
}

/* Overwrites the text of a member in place, once it was copied. */
void secret_wipe_member(Json *object, const char *key);

typedef struct Token {
    char *text;       /* secret_free; NULL: there is none */
    int64_t lives_ms; /* from now */
} Token;

/* What a request for a token needs to know. */
typedef struct TokenContext {
    HttpClient *http;
    const StopFlag *stop;
    int64_t retry_budget_ms;
    const char *place; /* for messages: "file /x/key.json" */
} TokenContext;

typedef struct TokenSource TokenSource;

typedef struct TokenSourceOps {
    const char *kind; /* credentials_kind */
    bool (*fetch)(TokenSource *source, const TokenContext *context, const char *scope,
                  Token *ret_token, Error *error);
    /* NULL member, or *ret_identity = NULL: nobody says. */
    bool (*identity)(TokenSource *source, const TokenContext *context, Arena *arena,
                     const char **ret_identity, Error *error);
    void (*free)(TokenSource *source); /* accepts half-built sources */
} TokenSourceOps;

struct TokenSource {
    const TokenSourceOps *ops;
    Arena arena; /* of what is no secret */
};

static inline void token_source_free_ptr(TokenSource **source)
{
    if (*source)
        (*source)->ops->free(*source);
}

/* One parameter of a form (application/x-www-form-urlencoded). */
void token_form_add(Buffer *form, const char *name, const char *value);
void token_form_done(Buffer *form); /* wipes */

typedef struct TokenRequest {
    const char *id; /* "oauth.token", "sts.token", "iam.generateAccessToken", "metadata.token" */
    const char *url;
    const StrView *form;       /* POST of a form, or */
    const StrView *json;       /* POST of JSON; neither: GET */
    const char *authorization; /* header's value; may be NULL */
    bool metadata;             /* Metadata-Flavor is sent and must come back; no proxy */
    int64_t total_ms;          /* 0: 30 s */
} TokenRequest;

/* How the token's server refused, for those who know more. */
typedef struct TokenRefusal {
    int status;
    char code[64];   /* "invalid_grant"; "" when there is none */
    int64_t skew_s;  /* its clock minus ours, from its Date header; 0: not said */
    bool about_time; /* it names iat, exp or the time */
} TokenRefusal;

/* Sends, repeats what may pass (facts: 408, 429, 500, 503, 504, internal_failure, server_error,
 * temporarily_unavailable), and gives the JSON of a 2xx answer. ret_refusal may be NULL. */
bool token_request(const TokenContext *context, const TokenRequest *request, Json **ret_json,
                   TokenRefusal *ret_refusal, Error *error);

/* The same for an answer that is one line of text; *ret_text is NULL for a 404. */
bool token_request_text(const TokenContext *context, const TokenRequest *request, Arena *arena,
                        const char **ret_text, Error *error);

/* {"access_token", "expires_in"} of an answer; wipes it there. `what` names the server. */
bool token_read(Json *json, const char *what, Token *ret_token, Error *error);

/* ERROR_CONFIG unless the URL is https, or http to this machine: `field` and `place` name it. */
bool token_check_url(const char *url, const char *field, const char *place, Error *error);
