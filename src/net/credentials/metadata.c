/* SPDX-License-Identifier: Apache-2.0 */
#include "net/credentials/metadata.h"

#include "base/memory.h"
#include "net/credentials/sources.h"
#include "net/url.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { PING_S = 3, PING_S_MAX = 60 };

typedef struct Metadata {
    TokenSource base;
    const char *host;
} Metadata;

static bool says(const char *variable, const char *word)
{
    const char *value = getenv(variable);
    return value && strcasecmp(value, word) == 0;
}

static int64_t ping_ms(void)
{
    const char *text = getenv("GCE_METADATA_TIMEOUT");
    long seconds = text ? strtol(text, NULL, 10) : PING_S;
    return (seconds >= 1 && seconds <= PING_S_MAX ? seconds : PING_S) * 1000;
}

static char *url_of(const char *host, const char *key, Arena *arena)
{
    return arena_printf(arena, "http://%s/computeMetadata/v1/%s", host, key);
}

bool metadata_find(HttpClient *http, Arena *arena, const char **ret_host, Error *error)
{
    const char *host = getenv("GCE_METADATA_HOST"), *address = getenv("GCE_METADATA_IP");
    if (!host || !*host)
        host = getenv("GCE_METADATA_ROOT");
    *ret_host = NULL;
    if (says("NO_GCE_CHECK", "true") || says("METADATA_SERVER_DETECTION", "none"))
        return true;
    if (host && *host) {
        Url url;
        *ret_host = arena_strdup(arena, host);
        return url_parse(url_of(host, "", arena), arena, &url, error) ||
               error_prefix(error, "GCE_METADATA_HOST");
    }
    /* By number: a name server that does not know the name may take its time. */
    host = address && *address ? address : "169.254.169.254";
    CLEANUP(http_response_done) HttpResponse response = {0};
    HttpHeader header = {"Metadata-Flavor", "Google"};
    HttpRequest request = {
        .id = "metadata.find",
        .method = "GET",
        .url = arena_printf(arena, "http://%s/", host),
        .headers = &header,
        .header_count = 1,
        .total_ms = ping_ms(),
        .no_proxy = true,
    };
    bool answered = http_send(http, &request, &response, NULL);
    if (answered && view_equals(http_header(&response, "Metadata-Flavor"), view_of("Google")))
        *ret_host = arena_strdup(arena, host);
    return true;
}

bool metadata_get(const TokenContext *context, const char *host, const char *key, Arena *arena,
                  const char **ret_text, Error *error)
{
    TokenRequest request = {
        .id = "metadata.get",
        .url = url_of(host, key, arena),
        .metadata = true,
        .total_ms = ping_ms(),
    };
    return token_request_text(context, &request, arena, ret_text, error);
}

static bool fetch(TokenSource *source, const TokenContext *context, const char *scope,
                  Token *ret_token, Error *error)
{
    CLEANUP(arena_done) Arena arena = {0};
    CLEANUP(json_free_ptr) Json *json = NULL;
    char *scopes = url_escape(&arena, scope);
    /* Several scopes come with spaces and go with commas. */
    for (char *space = strstr(scopes, "%20"); space; space = strstr(space, "%20"))
        memcpy(space, "%2C", 3);
    const char *key =
        arena_printf(&arena, "instance/service-accounts/default/token?scopes=%s", scopes);
    TokenRequest request = {
        .id = "metadata.token",
        .url = url_of(((Metadata *)source)->host, key, &arena),
        .metadata = true,
    };
    TokenRefusal refusal;
    if (token_request(context, &request, &json, &refusal, error))
        return token_read(json, context->place, ret_token, error);
    if (refusal.status == 404)
        error_hint(error, "no service account is attached to this machine or service: attach one "
                          "with access to cloud-platform, or name a key file");
    return false;
}

static bool identity(TokenSource *source, const TokenContext *context, Arena *arena,
                     const char **ret_identity, Error *error)
{
    return metadata_get(context, ((Metadata *)source)->host,
                        "instance/service-accounts/default/email", arena, ret_identity, error);
}

static void free_metadata(TokenSource *source)
{
    arena_done(&source->arena);
    free(source);
}

static const TokenSourceOps metadata_ops = {
    .kind = "metadata server",
    .fetch = fetch,
    .identity = identity,
    .free = free_metadata,
};

TokenSource *source_metadata(const char *host)
{
    Metadata *source = memory_zalloc(1, sizeof *source);
    source->base.ops = &metadata_ops;
    source->host = arena_strdup(&source->base.arena, host);
    return &source->base;
}
