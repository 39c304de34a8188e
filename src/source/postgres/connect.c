/* SPDX-License-Identifier: Apache-2.0 */
#include "source/postgres/connection.h"

#include "base/arena.h"
#include "base/cancel.h"
#include "base/clock.h"
#include "base/log.h"
#include "source/postgres/endpoints.h"

#include <errno.h>
#include <poll.h>
#include <string.h>

enum { KEYWORDS_MAX = 32, DEFAULT_TIMEOUT_MS = 10000, NS_PER_MS = 1000000 };

/* Keywords and values for PQconnectStartParams; later ones win. */
typedef struct Keywords {
    const char *names[KEYWORDS_MAX + 1];
    const char *values[KEYWORDS_MAX + 1];
    size_t count;
    size_t base_count; /* those before the lists of servers that are left to try */
} Keywords;

/* What one attempt to connect ended with. */
typedef enum Attempt { ATTEMPT_DONE, ATTEMPT_FAILED, ATTEMPT_TIMED_OUT, ATTEMPT_AGAIN } Attempt;

typedef struct Connecting {
    const ConnectionConfig *config;
    Keywords keywords;
    Arena arena; /* of the lists of servers */
    int64_t patience_ms;
} Connecting;

static void add(Keywords *keywords, const char *name, const char *value)
{
    if (!value || keywords->count == KEYWORDS_MAX)
        return;
    keywords->names[keywords->count] = name;
    keywords->values[keywords->count++] = value;
}

static void add_config(Keywords *keywords, const ConnectionConfig *config)
{
    add(keywords, "fallback_application_name", "bqferry");
    add(keywords, "keepalives_idle", "30");
    add(keywords, "keepalives_interval", "10");
    add(keywords, "keepalives_count", "3");
    add(keywords, "dbname", config->url);
    add(keywords, "service", config->service);
    add(keywords, "host", config->host);
    add(keywords, "port", config->port);
    add(keywords, "user", config->user);
    add(keywords, "password", config->password);
    add(keywords, "dbname", config->database);
    add(keywords, "sslmode", config->sslmode);
    add(keywords, "sslrootcert", config->sslrootcert);
    add(keywords, "sslcert", config->sslcert);
    add(keywords, "sslkey", config->sslkey);
    add(keywords, "application_name", config->application_name);
    add(keywords, "client_encoding", "UTF8");
}

static void add_server(Keywords *keywords, const PGconn *beside)
{
    const char *address = PQhostaddr(beside);
    add(keywords, "host", PQhost(beside));
    add(keywords, "hostaddr", address && address[0] ? address : NULL);
    add(keywords, "port", PQport(beside));
}

static bool url_is_sound(const char *url, Error *error)
{
    bool is_uri = strncmp(url, "postgresql://", 13) == 0 || strncmp(url, "postgres://", 11) == 0;
    if (is_uri) {
        const char *authority = strstr(url, "://") + 3;
        size_t length = strcspn(authority, "/?#");
        const char *at = memchr(authority, '@', length);
        if (at && memchr(at + 1, '@', length - (size_t)(at + 1 - authority)))
            return error_set(error, ERROR_CONFIG,
                             "url: more than one @ before the host: write the one in user or "
                             "password as %%40");
    }
    if (!is_uri && !strchr(url, '='))
        return true; /* a plain database name */
    char *said = NULL;
    PQconninfoOption *options = PQconninfoParse(url, &said);
    if (!options) {
        char clean[512];
        postgres_redact(said ? said : "", clean, sizeof clean);
        error_set(error, ERROR_CONFIG, "url: %s", clean);
        error_hint(error, "as in postgresql://user:password@host:5432/database?sslmode=require; "
                          "special characters as %%40 for @, %%2F for /, %%3A for :");
    }
    PQfreemem(said);
    PQconninfoFree(options);
    return options != NULL;
}

static void log_notice(void *context, const char *message)
{
    const char *name = context;
    log_debug(NULL, "%s: %.*s", name ? name : "postgresql", (int)strcspn(message, "\n"), message);
}

/* The option that libpq arrived at from all its sources; NULL when there is none. */
static const char *effective(const PQconninfoOption *options, const char *keyword)
{
    for (; options && options->keyword; options++) {
        if (strcmp(options->keyword, keyword) == 0)
            return options->val && options->val[0] ? options->val : NULL;
    }
    return NULL;
}

static int64_t timeout_ms(const ConnectionConfig *config, const PQconninfoOption *options)
{
    if (config->connect_timeout_ms > 0)
        return config->connect_timeout_ms;
    const char *seconds = effective(options, "connect_timeout");
    if (!seconds)
        return DEFAULT_TIMEOUT_MS;
    long given = strtol(seconds, NULL, 10);
    return given > 0 ? given * 1000 : INT32_MAX;
}

/* Drives one PQconnectStart to its end. False only for a cancelled run. */
static bool drive(PGconn *connection, int64_t patience_ms, Attempt *ret_attempt, Error *error)
{
    int64_t deadline = clock_monotonic_ns() + patience_ms * NS_PER_MS;
    char host[256] = "";
    PostgresPollingStatusType wanted = PGRES_POLLING_WRITING;
    while (wanted != PGRES_POLLING_OK && wanted != PGRES_POLLING_FAILED) {
        const char *trying = PQhost(connection);
        if (trying && strncmp(trying, host, sizeof host - 1) != 0) {
            snprintf(host, sizeof host, "%s", trying); /* each host has the whole time */
            deadline = clock_monotonic_ns() + patience_ms * NS_PER_MS;
        }
        struct pollfd ready = {
            .fd = PQsocket(connection),
            .events = wanted == PGRES_POLLING_READING ? POLLIN : POLLOUT,
        };
        int count = poll(&ready, 1, POSTGRES_WAIT_MS);
        if (!cancel_check(error))
            return false;
        if (count <= 0 && clock_monotonic_ns() > deadline) {
            *ret_attempt = ATTEMPT_TIMED_OUT;
            return true;
        }
        if (count > 0 || (count < 0 && errno != EINTR))
            wanted = PQconnectPoll(connection);
    }
    *ret_attempt = wanted == PGRES_POLLING_OK ? ATTEMPT_DONE : ATTEMPT_FAILED;
    return true;
}

static bool check_server(PGconn *connection, Error *error)
{
    int version = PQserverVersion(connection);
    if (version >= POSTGRES_OLDEST_VERSION)
        return true;
    return error_set(error, ERROR_SOURCE,
                     "the server is PostgreSQL %d.%d: version 12 or later is needed",
                     version / 10000, version >= 100000 ? version % 10000 : version / 100 % 100);
}

/* After a timeout: takes the host that did not answer off the lists. False when it was the last. */
static bool next_endpoint(const PGconn *connection, const PQconninfoOption *options,
                          Keywords *keywords, Arena *arena)
{
    const char *hosts = effective(options, "host"), *addresses = effective(options, "hostaddr");
    const char *ports = effective(options, "port");
    const char *names = hosts ? hosts : addresses;
    size_t count = endpoint_count(names);
    size_t index = endpoint_find(names, ports, PQhost(connection), PQport(connection));
    if (count < 2 || index == count)
        return false;
    /* The options go with the attempt's connection, the lists do not. */
    keywords->count = keywords->base_count;
    add(keywords, "host", arena_strdup(arena, endpoint_without(hosts, count, index, arena)));
    add(keywords, "hostaddr",
        arena_strdup(arena, endpoint_without(addresses, count, index, arena)));
    add(keywords, "port", arena_strdup(arena, endpoint_without(ports, count, index, arena)));
    return true;
}

static bool fail_attempt(const PGconn *connection, Attempt attempt, int64_t patience, Error *error)
{
    if (attempt == ATTEMPT_TIMED_OUT) {
        error_set_retryable(error, ERROR_SOURCE, "no answer from host \"%s\", port %s, within %g s",
                            PQhost(connection), PQport(connection), (double)patience / 1000);
        return error_hint(error, "check host, port and firewalls, or raise connect_timeout");
    }
    const char *said = PQerrorMessage(connection);
    char clean[512];
    if (strncmp(said, "invalid ", 8) != 0) {
        postgres_fail_connect(said, error);
        if (error && strncmp(said, "definition of service ", 22) == 0)
            error->kind = ERROR_CONFIG;
        return false;
    }
    postgres_redact(said, clean, sizeof clean); /* an option that libpq does not take */
    postgres_fail_connect(clean, error);
    if (error)
        error->kind = ERROR_CONFIG;
    return false;
}

/* One attempt, to whichever server answers first. False only for a cancelled run. */
static bool attempt(Connecting *connecting, PGconn *connection, Attempt *ret_attempt, Error *error)
{
    PQsetErrorVerbosity(connection, PQERRORS_VERBOSE); /* with SQLSTATEs, to tell errors apart */
    PQsetNoticeProcessor(connection, log_notice, (void *)connecting->config->name);
    PQconninfoOption *options = PQconninfo(connection);
    connecting->patience_ms = timeout_ms(connecting->config, options);
    *ret_attempt = ATTEMPT_FAILED;
    bool going = PQstatus(connection) == CONNECTION_BAD ||
                 drive(connection, connecting->patience_ms, ret_attempt, error);
    if (going && *ret_attempt == ATTEMPT_TIMED_OUT &&
        next_endpoint(connection, options, &connecting->keywords, &connecting->arena))
        *ret_attempt = ATTEMPT_AGAIN;
    PQconninfoFree(options);
    return going;
}

static bool connect_any(Connecting *connecting, PGconn **ret_connection, Error *error)
{
    Attempt result = ATTEMPT_AGAIN;
    CLEANUP(PQfinish_ptr) PGconn *connection = NULL;
    while (result == ATTEMPT_AGAIN) {
        Keywords *keywords = &connecting->keywords;
        keywords->names[keywords->count] = NULL;
        PQfinish(connection);
        connection = PQconnectStartParams(keywords->names, keywords->values, 1);
        if (!connection)
            return error_set(error, ERROR_INTERNAL, "libpq: out of memory");
        if (!attempt(connecting, connection, &result, error))
            return false;
    }
    if (result != ATTEMPT_DONE)
        return fail_attempt(connection, result, connecting->patience_ms, error);
    PQsetErrorVerbosity(connection, PQERRORS_DEFAULT);
    *ret_connection = TAKE_PTR(connection);
    return check_server(*ret_connection, error);
}

bool postgres_connect(const ConnectionConfig *config, const PGconn *beside, PGconn **ret_connection,
                      Error *error)
{
    if (config->url && !url_is_sound(config->url, error))
        return false;
    Connecting connecting = {.config = config};
    add_config(&connecting.keywords, config);
    if (beside)
        add_server(&connecting.keywords, beside);
    connecting.keywords.base_count = connecting.keywords.count;
    CLEANUP(PQfinish_ptr) PGconn *connection = NULL;
    bool connected = connect_any(&connecting, &connection, error);
    arena_done(&connecting.arena);
    if (connected)
        *ret_connection = TAKE_PTR(connection);
    return connected;
}
