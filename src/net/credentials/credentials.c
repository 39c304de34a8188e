/* SPDX-License-Identifier: Apache-2.0 */
#include "net/credentials.h"

#include "base/clock.h"
#include "base/log.h"
#include "base/memory.h"
#include "format/file.h"
#include "net/credentials/gcloud.h"
#include "net/credentials/metadata.h"
#include "net/credentials/sources.h"

#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

enum {
    KEY_FILE_MAX = 1024 * 1024,
    AHEAD_MS =
        225000, /* new tokens are asked for this long before the end, as Python's client does */
    LOOK_MS = 100,
    METADATA_BUDGET_MS = 3000, /* to find out whether a named server is there */
};

struct Credentials {
    Arena arena;
    HttpClient *http;
    int64_t retry_budget_ms;
    TokenSource *source; /* NULL: no credentials are needed */
    const char *place;
    const char *scope;
    const char *universe;
    const char *quota_project;
    const char *file_project;
    const char *metadata_host; /* when that is where they come from */
    pthread_mutex_t lock;      /* of the source and all below */
    pthread_cond_t changed;
    bool fetching;
    char *header; /* "Bearer …"; NULL: none yet */
    int64_t renew_ns, end_ns;
};

static const char *set_variable(const char *name)
{
    const char *value = getenv(name);
    return value && *value ? value : NULL;
}

static bool read_key_file(Credentials *credentials, const char *path, const char *named_by,
                          bool *ret_missing, Error *error)
{
    CLEANUP(arena_done) Arena arena = {0};
    CLEANUP(json_free_ptr) Json *file = NULL;
    StrView text;
    credentials->place = arena_printf(&credentials->arena, "file %s (%s)", path, named_by);
    *ret_missing = false;
    if (!file_read(path, KEY_FILE_MAX, &arena, &text, error)) {
        if (error)
            error->kind = ERROR_CONFIG;
        return error_prefix(error, "credentials (%s)", named_by);
    }
    if (!text.data) {
        *ret_missing = true;
        return true;
    }
    Error problem = {0};
    bool parsed = json_parse(text.data, text.length, path, &file, &problem);
    explicit_bzero((char *)(uintptr_t)text.data, text.length);
    if (!parsed || !json_is_object(file)) {
        /* The parser's message could quote what is in there. */
        error_set(error, ERROR_CONFIG, "credentials: %s is no JSON object", credentials->place);
        return error_hint(error, "a key file is what Google's console or gcloud wrote, unchanged");
    }
    Arena *own = &credentials->arena;
    const char *universe = json_get_text(file, "universe_domain");
    credentials->universe = universe && *universe ? arena_strdup(own, universe) : GOOGLE_UNIVERSE;
    credentials->quota_project = arena_strdup(own, json_get_text(file, "quota_project_id"));
    credentials->file_project = arena_strdup(own, json_get_text(file, "project_id"));
    return source_of_file(file, credentials->place, &credentials->source, error) ||
           error_prefix(error, "credentials");
}

static bool no_such_file(const Credentials *credentials, Error *error)
{
    error_set(error, ERROR_CONFIG, "credentials: %s does not exist", credentials->place);
    return error_hint(error, "correct the path, or remove it to have credentials looked for");
}

static TokenContext context_of(const Credentials *credentials, const StopFlag *stop)
{
    return (TokenContext){
        .http = credentials->http,
        .stop = stop,
        .retry_budget_ms = credentials->retry_budget_ms,
        .place = credentials->place,
    };
}

static bool use_metadata(Credentials *credentials, Error *error)
{
    const char *host = credentials->metadata_host, *universe;
    credentials->place = arena_printf(&credentials->arena, "metadata server %s", host);
    TokenContext context = context_of(credentials, NULL);
    if (context.retry_budget_ms > METADATA_BUDGET_MS)
        context.retry_budget_ms = METADATA_BUDGET_MS;
    if (!metadata_get(&context, host, "universe/universe-domain", &credentials->arena, &universe,
                      error))
        return false;
    credentials->universe = universe && *universe ? universe : GOOGLE_UNIVERSE;
    credentials->source = source_metadata(host);
    return true;
}

static bool nothing_found(const char *gcloud_file, Error *error)
{
    error_set(error, ERROR_CONFIG,
              "no Google credentials: no `credentials:` in the configuration, "
              "GOOGLE_APPLICATION_CREDENTIALS is not set, %s does not exist, and no metadata "
              "server answers",
              gcloud_file ? gcloud_file : "there is no home folder and gcloud's file");
    return error_hint(error, "run gcloud auth application-default login, or name a key file with "
                             "GOOGLE_APPLICATION_CREDENTIALS");
}

/* Whoever names a file wants that one. */
static bool read_named_file(Credentials *credentials, const char *path, const char *named_by,
                            Error *error)
{
    bool missing;
    return read_key_file(credentials, path, named_by, &missing, error) &&
           (!missing || no_such_file(credentials, error));
}

static bool look_around(Credentials *credentials, const CredentialsOptions *options, Error *error)
{
    bool missing = true;
    const char *folder = options->emulator ? NULL : gcloud_folder(&credentials->arena);
    const char *file = folder ? arena_printf(&credentials->arena,
                                             "%s/application_default_credentials.json", folder)
                              : NULL;
    if (file && !read_key_file(credentials, file, "gcloud", &missing, error))
        return false;
    if (!missing)
        return true;
    if (!options->emulator || set_variable("GCE_METADATA_HOST")) {
        if (!metadata_find(options->http, &credentials->arena, &credentials->metadata_host, error))
            return false;
        if (credentials->metadata_host)
            return use_metadata(credentials, error);
    }
    if (!options->emulator)
        return nothing_found(file, error);
    credentials->place = "none needed: an emulator over plain http";
    return true;
}

static bool find(Credentials *credentials, const CredentialsOptions *options, Error *error)
{
    const char *variable = "GOOGLE_APPLICATION_CREDENTIALS";
    if (options->path && *options->path)
        return read_named_file(credentials, options->path, "credentials", error);
    if (set_variable(variable))
        return read_named_file(credentials, set_variable(variable), variable, error);
    return look_around(credentials, options, error);
}

static bool check_universe(const Credentials *credentials, Error *error)
{
    const char *wanted = set_variable("GOOGLE_CLOUD_UNIVERSE_DOMAIN");
    if (!wanted || !credentials->source || strcmp(wanted, credentials->universe) == 0)
        return true;
    error_set(
        error, ERROR_CONFIG,
        "credentials: GOOGLE_CLOUD_UNIVERSE_DOMAIN is %s, but the credentials (%s) are for %s",
        wanted, credentials->place, credentials->universe);
    return error_hint(error, "use credentials of that universe, or unset the variable");
}

bool credentials_find(const CredentialsOptions *options, Credentials **ret_credentials,
                      Error *error)
{
    *ret_credentials = NULL;
    CLEANUP(credentials_free_ptr) Credentials *credentials = memory_zalloc(1, sizeof *credentials);
    pthread_mutex_init(&credentials->lock, NULL);
    pthread_cond_init(&credentials->changed, NULL);
    credentials->http = options->http;
    credentials->retry_budget_ms = options->retry_budget_ms;
    credentials->universe = GOOGLE_UNIVERSE;
    credentials->scope =
        arena_strdup(&credentials->arena, options->scope ? options->scope : CLOUD_PLATFORM_SCOPE);
    if (!find(credentials, options, error) || !check_universe(credentials, error))
        return false;
    const char *quota = options->quota_project && *options->quota_project
                            ? options->quota_project
                            : set_variable("GOOGLE_CLOUD_QUOTA_PROJECT");
    if (quota)
        credentials->quota_project = arena_strdup(&credentials->arena, quota);
    *ret_credentials = TAKE_PTR(credentials);
    return true;
}

void credentials_free(Credentials *credentials)
{
    if (!credentials)
        return;
    token_source_free_ptr(&credentials->source);
    secret_free(credentials->header);
    pthread_cond_destroy(&credentials->changed);
    pthread_mutex_destroy(&credentials->lock);
    arena_done(&credentials->arena);
    free(credentials);
}

bool credentials_none(const Credentials *credentials)
{
    return !credentials->source;
}

const char *credentials_kind(const Credentials *credentials)
{
    return credentials->source ? credentials->source->ops->kind : "none";
}

const char *credentials_place(const Credentials *credentials)
{
    return credentials->place;
}

const char *credentials_universe(const Credentials *credentials)
{
    return credentials->universe;
}

const char *credentials_quota_project(const Credentials *credentials)
{
    return credentials->quota_project;
}

/* The lock is held. Waits for the turn to use the source; false when stopped. */
static bool begin_use(Credentials *credentials, const StopFlag *stop)
{
    while (credentials->fetching) {
        struct timespec until;
        clock_gettime(CLOCK_REALTIME, &until);
        until.tv_nsec += LOOK_MS * 1000000L;
        until.tv_sec += until.tv_nsec / 1000000000;
        until.tv_nsec %= 1000000000;
        pthread_cond_timedwait(&credentials->changed, &credentials->lock, &until);
        if (stop_requested(stop))
            return false;
    }
    credentials->fetching = true;
    return true;
}

static void end_use(Credentials *credentials)
{
    credentials->fetching = false;
    pthread_cond_broadcast(&credentials->changed);
}

/* The lock is held, and held again afterwards; the request itself goes without it. */
static bool fetch(Credentials *credentials, const StopFlag *stop, Error *error)
{
    Token token = {0};
    TokenContext context = context_of(credentials, stop);
    pthread_mutex_unlock(&credentials->lock);
    bool fetched = credentials->source->ops->fetch(credentials->source, &context,
                                                   credentials->scope, &token, error);
    pthread_mutex_lock(&credentials->lock);
    if (!fetched)
        return false;
    size_t size = strlen(token.text) + sizeof "Bearer ";
    secret_free(credentials->header);
    credentials->header = memory_alloc(size);
    snprintf(credentials->header, size, "Bearer %s", token.text);
    secret_free(token.text);
    int64_t now_ns = clock_monotonic_ns();
    int64_t ahead_ms = token.lives_ms > 2 * AHEAD_MS ? AHEAD_MS : token.lives_ms / 2;
    credentials->end_ns = now_ns + token.lives_ms * 1000000;
    credentials->renew_ns = now_ns + (token.lives_ms - ahead_ms) * 1000000;
    return true;
}

static bool is_good(const Credentials *credentials, int64_t until_ns)
{
    return credentials->header && clock_monotonic_ns() < until_ns;
}

/* The lock is held. A token that is still good outlives a failure to renew it early. */
static bool have_token(Credentials *credentials, const StopFlag *stop, Error *error)
{
    if (is_good(credentials, credentials->renew_ns) ||
        (credentials->fetching && is_good(credentials, credentials->end_ns)))
        return true;
    if (!begin_use(credentials, stop))
        return error_set(error, ERROR_CANCELLED, "stopped while waiting for a token");
    Error problem = {0};
    bool fetched =
        is_good(credentials, credentials->renew_ns) || fetch(credentials, stop, &problem);
    end_use(credentials);
    if (fetched)
        return true;
    if (is_good(credentials, credentials->end_ns)) {
        log_warning(NULL, "the token could not be renewed and is used on: %s", problem.message);
        return true;
    }
    if (error)
        *error = problem;
    return false;
}

bool credentials_header(Credentials *credentials, const StopFlag *stop, char *header, Error *error)
{
    header[0] = '\0';
    if (!credentials->source)
        return true;
    pthread_mutex_lock(&credentials->lock);
    bool done = have_token(credentials, stop, error);
    if (done)
        snprintf(header, CREDENTIALS_HEADER_MAX, "%s", credentials->header);
    pthread_mutex_unlock(&credentials->lock);
    return done;
}

void credentials_refused(Credentials *credentials, const char *header)
{
    pthread_mutex_lock(&credentials->lock);
    /* Another thread may have a new one already. */
    if (credentials->header && strcmp(credentials->header, header) == 0)
        credentials->renew_ns = credentials->end_ns = 0;
    pthread_mutex_unlock(&credentials->lock);
}

bool credentials_identity(Credentials *credentials, Arena *arena, const char **ret_identity,
                          Error *error)
{
    TokenSource *source = credentials->source;
    *ret_identity = NULL;
    if (!source || !source->ops->identity)
        return true;
    TokenContext context = context_of(credentials, NULL);
    pthread_mutex_lock(&credentials->lock);
    bool begun = begin_use(credentials, NULL);
    pthread_mutex_unlock(&credentials->lock);
    if (!begun)
        return error_set(error, ERROR_CANCELLED, "stopped while waiting for a token");
    bool done = source->ops->identity(source, &context, arena, ret_identity, error);
    pthread_mutex_lock(&credentials->lock);
    end_use(credentials);
    pthread_mutex_unlock(&credentials->lock);
    return done;
}

static bool project_is(const char *project, const char *place, Arena *arena,
                       const char **ret_project, const char **ret_place)
{
    if (!project || !*project)
        return false;
    *ret_project = arena_strdup(arena, project);
    *ret_place = arena_strdup(arena, place);
    return true;
}

bool credentials_project(Credentials *credentials, Arena *arena, const char **ret_project,
                         const char **ret_place, Error *error)
{
    static const char *const variables[] = {"GOOGLE_CLOUD_PROJECT", "GCLOUD_PROJECT"};
    *ret_project = *ret_place = NULL;
    for (size_t i = 0; i < sizeof variables / sizeof *variables; i++) {
        if (project_is(getenv(variables[i]), variables[i], arena, ret_project, ret_place))
            return true;
    }
    if (project_is(credentials->file_project, credentials->place, arena, ret_project, ret_place) ||
        project_is(gcloud_project(arena), "gcloud's configuration", arena, ret_project, ret_place))
        return true;
    if (!credentials->metadata_host)
        return true;
    const char *project;
    TokenContext context = context_of(credentials, NULL);
    if (!metadata_get(&context, credentials->metadata_host, "project/project-id", arena, &project,
                      error))
        return false;
    (void)project_is(project, credentials->place, arena, ret_project, ret_place);
    return true;
}
