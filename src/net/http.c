/* SPDX-License-Identifier: Apache-2.0 */
#include "net/http.h"

#include "base/clock.h"
#include "base/log.h"
#include "base/memory.h"
#include "net/http_slot.h"
#include "net/url.h"

#include <pthread.h>
#include <strings.h>

enum { ORIGIN_MAX = 300, COUNTS_MAX = 64 };

typedef struct IdleSlot {
    HttpSlot *slot;
    char origin[ORIGIN_MAX]; /* that it spoke to last */
} IdleSlot;

struct HttpClient {
    HttpLimits limits;
    size_t idle_max;
    pthread_mutex_t lock; /* of all below */
    IdleSlot *idle;       /* longest unused first */
    size_t idle_count;
    HttpCount counts[COUNTS_MAX];
    size_t count_count;
    Arena arena; /* ids */
};

HttpClient *http_client_new(const HttpOptions *options)
{
    static const HttpOptions defaults;
    if (!options)
        options = &defaults;
    HttpClient *client = memory_zalloc(1, sizeof *client);
    client->limits.connect_ms = options->connect_ms ? options->connect_ms : 15000;
    client->limits.silence_ms = options->silence_ms ? options->silence_ms : 60000;
    client->idle_max = options->idle_max ? options->idle_max : 16;
    client->idle = memory_zalloc(client->idle_max, sizeof *client->idle);
    pthread_mutex_init(&client->lock, NULL);
    return client;
}

/* Prefers a slot with a connection to the same origin, else the one that was unused longest. */
static HttpSlot *take_slot(HttpClient *client, const char *origin)
{
    HttpSlot *slot = NULL;
    pthread_mutex_lock(&client->lock);
    size_t chosen = client->idle_count;
    while (chosen > 0 && strcmp(client->idle[chosen - 1].origin, origin) != 0)
        chosen--;
    if (client->idle_count > 0) {
        chosen = chosen > 0 ? chosen - 1 : 0;
        slot = client->idle[chosen].slot;
        client->idle_count--;
        memmove(&client->idle[chosen], &client->idle[chosen + 1],
                (client->idle_count - chosen) * sizeof *client->idle);
    }
    pthread_mutex_unlock(&client->lock);
    return slot ? slot : http_slot_new();
}

static void give_back(HttpClient *client, HttpSlot *slot, const char *origin)
{
    HttpSlot *spare = NULL;
    pthread_mutex_lock(&client->lock);
    if (client->idle_count == client->idle_max) {
        spare = client->idle[0].slot;
        client->idle_count--;
        memmove(client->idle, client->idle + 1, client->idle_count * sizeof *client->idle);
    }
    IdleSlot *idle = &client->idle[client->idle_count++];
    idle->slot = slot;
    snprintf(idle->origin, sizeof idle->origin, "%s", origin);
    pthread_mutex_unlock(&client->lock);
    if (spare)
        http_slot_free(spare);
}

/* The lock is held. Ids are few: what does not fit any more is counted under "other". */
static HttpCount *count_of(HttpClient *client, const char *id)
{
    for (size_t i = 0; i < client->count_count; i++) {
        if (strcmp(client->counts[i].id, id) == 0)
            return &client->counts[i];
    }
    if (client->count_count == COUNTS_MAX)
        return &client->counts[COUNTS_MAX - 1];
    HttpCount *count = &client->counts[client->count_count++];
    count->id = client->count_count == COUNTS_MAX ? "other" : arena_strdup(&client->arena, id);
    return count;
}

void http_counts(HttpClient *client, Arena *arena, const HttpCount **ret_counts, size_t *ret_count)
{
    pthread_mutex_lock(&client->lock);
    HttpCount *counts = ARENA_ARRAY(arena, HttpCount, client->count_count);
    for (size_t i = 0; i < client->count_count; i++) {
        counts[i] = client->counts[i];
        counts[i].id = arena_strdup(arena, counts[i].id);
    }
    *ret_counts = counts;
    *ret_count = client->count_count;
    pthread_mutex_unlock(&client->lock);
}

void http_count_retry(HttpClient *client, const char *id, int64_t waited_ms)
{
    pthread_mutex_lock(&client->lock);
    HttpCount *count = count_of(client, id);
    count->retries++;
    count->waited_ms += (uint64_t)waited_ms;
    pthread_mutex_unlock(&client->lock);
}

static void log_counts(HttpClient *client)
{
    CLEANUP(arena_done) Arena arena = {0};
    const HttpCount *counts;
    size_t count;
    http_counts(client, &arena, &counts, &count);
    for (size_t i = 0; i < count; i++)
        log_debug(NULL,
                  "%s: %llu calls, %llu of them failed, %llu retries, %llu bytes out, %llu in",
                  counts[i].id, (unsigned long long)counts[i].calls,
                  (unsigned long long)counts[i].failures, (unsigned long long)counts[i].retries,
                  (unsigned long long)counts[i].sent, (unsigned long long)counts[i].received);
}

void http_client_free(HttpClient *client)
{
    if (!client)
        return;
    if (log_enabled(LOG_DEBUG))
        log_counts(client);
    for (size_t i = 0; i < client->idle_count; i++)
        http_slot_free(client->idle[i].slot);
    free(client->idle);
    arena_done(&client->arena);
    pthread_mutex_destroy(&client->lock);
    free(client);
}

static void record(HttpClient *client, const HttpRequest *request, const Url *url,
                   const HttpSlot *slot, const HttpResponse *response, int64_t took_ns)
{
    uint64_t sent, received;
    http_slot_bytes(slot, &sent, &received);
    pthread_mutex_lock(&client->lock);
    HttpCount *count = count_of(client, request->id);
    count->calls += response->resent ? 2 : 1;
    count->failures += response->outcome != HTTP_ANSWERED || response->status >= 400;
    count->sent += sent;
    count->received += received;
    pthread_mutex_unlock(&client->lock);
    if (log_enabled(LOG_DEBUG))
        log_debug(request->job, "%s: %s %s%s: status %d, %lld ms, %llu bytes out, %llu in",
                  request->id, request->method, url->host, url->path, response->status,
                  (long long)(took_ns / 1000000), (unsigned long long)sent,
                  (unsigned long long)received);
}

static void clear(HttpResponse *response)
{
    http_response_done(response);
    *response = (HttpResponse){0};
}

void http_response_done(HttpResponse *response)
{
    buffer_done(&response->headers);
    buffer_done(&response->body);
}

bool http_send(HttpClient *client, const HttpRequest *request, HttpResponse *ret_response,
               Error *error)
{
    CLEANUP(arena_done) Arena arena = {0};
    Url url;
    clear(ret_response);
    if (!url_parse(request->url, &arena, &url, error)) {
        ret_response->outcome = HTTP_INVALID;
        return false;
    }
    char origin[ORIGIN_MAX];
    snprintf(origin, sizeof origin, "%s://%s:%d", url.scheme, url.host, url.port);
    HttpSlot *slot = take_slot(client, origin);
    int64_t started_ns = clock_monotonic_ns();
    bool answered = http_slot_send(slot, request, &url, &client->limits, ret_response, error);
    record(client, request, &url, slot, ret_response, clock_monotonic_ns() - started_ns);
    give_back(client, slot, origin);
    return answered;
}

static StrView trimmed(StrView text)
{
    while (text.length > 0 && strchr(" \t\r", text.data[text.length - 1]))
        text.length--;
    while (text.length > 0 && strchr(" \t", text.data[0]))
        text = (StrView){text.data + 1, text.length - 1};
    return text;
}

StrView http_header(const HttpResponse *response, const char *name)
{
    StrView found = {NULL, 0};
    size_t name_length = strlen(name);
    const char *line = response->headers.data;
    const char *end = line ? line + response->headers.length : NULL;
    while (line < end) {
        const char *line_end = memchr(line, '\n', (size_t)(end - line));
        size_t length = (size_t)((line_end ? line_end : end) - line);
        if (length > name_length && line[name_length] == ':' &&
            strncasecmp(line, name, name_length) == 0)
            found = trimmed((StrView){line + name_length + 1, length - name_length - 1});
        line += length + 1;
    }
    return found;
}

/* Header values as C strings, cut where no valid one ends. */
static bool header_text(const HttpResponse *response, const char *name, char *text, size_t size)
{
    StrView value = http_header(response, name);
    if (!value.data || value.length == 0 || value.length >= size)
        return false;
    memcpy(text, value.data, value.length);
    text[value.length] = '\0';
    return true;
}

int64_t http_retry_after_ms(const HttpResponse *response)
{
    enum { LONGEST_S = 3600 };
    char text[64];
    if (!header_text(response, "Retry-After", text, sizeof text))
        return 0;
    char *end;
    long long seconds = strtoll(text, &end, 10);
    if (*end != '\0') {
        int64_t date = http_parse_date(text), now = http_date(response);
        seconds = date ? date - (now ? now : clock_wall_us() / 1000000) : 0;
    }
    if (seconds <= 0)
        return 0;
    return (seconds < LONGEST_S ? seconds : LONGEST_S) * 1000;
}

int64_t http_date(const HttpResponse *response)
{
    char text[64];
    return header_text(response, "Date", text, sizeof text) ? http_parse_date(text) : 0;
}
