/* SPDX-License-Identifier: Apache-2.0 */
/* support/http_script.h: an HTTP/1.1 server in the test's own process that answers from a table.
 *
 *     static const ScriptStep steps[] = {
 *         {"GET /a", "200\nX-Name: value\n\nbody"},       status, headers, empty line, body
 *         {"PUT /b", "RESET"},                             reads the request, then resets
 *         {"PUT /b", "CUT 100"},                           resets after 100 bytes of the body
 *         {"GET /c", "SILENCE"},                           never answers
 *         {"GET /d", "RAW HTTP/1.1 200 OK\r\n…"},          these bytes, then closes
 *     };
 *
 * The first unused step whose beginning fits the request line answers; "$URL" in it is the server's
 * own. Content-Length is added where the step has none. Connections stay open. Each request is kept
 * for the test to look at: "METHOD path\nheader lines\n\nbody". What no step fits is answered with
 * 599 and counted. */
#pragma once

#include "base/memory.h"

#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <pthread.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/socket.h>
#include <unistd.h>

enum { SCRIPT_STEPS = 64, SCRIPT_REQUESTS = 128, SCRIPT_HEAD = 64 * 1024 };

typedef struct ScriptStep {
    const char *request; /* beginning of the request line; NULL: any */
    const char *answer;
} ScriptStep;

typedef struct ScriptRequest {
    char *text; /* NUL-ended */
    const char *body;
    size_t body_size;
} ScriptRequest;

typedef struct Script {
    const ScriptStep *steps;
    size_t step_count;
    bool used[SCRIPT_STEPS];
    ScriptRequest requests[SCRIPT_REQUESTS];
    size_t request_count;
    size_t connections;
    size_t unexpected;
    int listener;
    int stop[2]; /* a pipe: closed when the server ends */
    char url[64];
    pthread_t thread;
    pthread_t workers[SCRIPT_REQUESTS];
    size_t worker_count;
    pthread_mutex_t lock;
} Script;

typedef struct ScriptConnection {
    Script *script;
    int socket;
} ScriptConnection;

static inline bool script_readable(Script *script, int socket)
{
    struct pollfd ends[] = {{socket, POLLIN, 0}, {script->stop[0], POLLIN, 0}};
    while (poll(ends, 2, -1) < 0)
        continue;
    return !ends[1].revents;
}

static inline void script_reset(int socket)
{
    struct linger now = {1, 0};
    setsockopt(socket, SOL_SOCKET, SO_LINGER, &now, sizeof now);
}

static inline bool script_send(int socket, const char *bytes, size_t size)
{
    while (size > 0) {
        ssize_t sent = send(socket, bytes, size, MSG_NOSIGNAL);
        if (sent <= 0)
            return false;
        bytes += sent;
        size -= (size_t)sent;
    }
    return true;
}

static inline size_t script_content_length(const char *head)
{
    for (const char *line = head; line; line = strchr(line, '\n')) {
        line += *line == '\n';
        if (strncasecmp(line, "Content-Length:", 15) == 0)
            return strtoull(line + 15, NULL, 10);
    }
    return 0;
}

/* Takes the step for a request line; NULL when none fits. */
static inline const char *script_take(Script *script, const char *head)
{
    const char *answer = NULL;
    pthread_mutex_lock(&script->lock);
    for (size_t i = 0; i < script->step_count && !answer; i++) {
        const char *wanted = script->steps[i].request;
        if (script->used[i] || (wanted && strncmp(head, wanted, strlen(wanted)) != 0))
            continue;
        script->used[i] = true;
        answer = script->steps[i].answer;
    }
    script->unexpected += !answer;
    pthread_mutex_unlock(&script->lock);
    return answer;
}

static inline void script_keep(Script *script, char *head, const char *body, size_t size)
{
    char *text = memory_alloc(strlen(head) + size + 2), *end = text;
    for (const char *c = head; *c; c++) {
        if (*c != '\r')
            *end++ = *c;
    }
    if (size > 0)
        memcpy(end, body, size);
    end[size] = '\0';
    pthread_mutex_lock(&script->lock);
    if (script->request_count < SCRIPT_REQUESTS)
        script->requests[script->request_count++] = (ScriptRequest){text, end, size};
    else
        free(text);
    pthread_mutex_unlock(&script->lock);
}

/* "200\nName: value\n\nbody" → the bytes of an answer. */
static inline bool script_answer(Script *script, int socket, const char *answer)
{
    char head[SCRIPT_HEAD + 256];
    size_t used = 0;
    if (strncmp(answer, "RAW ", 4) == 0) {
        script_send(socket, answer + 4, strlen(answer + 4));
        return false;
    }
    const char *body = strstr(answer, "\n\n");
    const char *end = body ? body : answer + strlen(answer);
    body = body ? body + 2 : "";
    used += (size_t)snprintf(head, sizeof head, "HTTP/1.1 %.3s Scripted\r\n", answer);
    for (const char *c = answer + 3; c < end && used < SCRIPT_HEAD; c++) {
        if (*c == '\n' && c == answer + 3)
            continue;
        if (strncmp(c, "$URL", 4) == 0) {
            used += (size_t)snprintf(head + used, sizeof head - used, "%s", script->url);
            c += 3;
        } else if (*c == '\n') {
            head[used++] = '\r';
            head[used++] = '\n';
        } else {
            head[used++] = *c;
        }
    }
    bool any = end > answer + 4;
    used += (size_t)snprintf(head + used, sizeof head - used, "%s", any ? "\r\n" : "");
    if (!strcasestr(answer, "content-length:") && strncmp(answer, "204", 3) != 0)
        used += (size_t)snprintf(head + used, sizeof head - used, "Content-Length: %zu\r\n",
                                 strlen(body));
    used += (size_t)snprintf(head + used, sizeof head - used, "\r\n");
    return script_send(socket, head, used) && script_send(socket, body, strlen(body));
}

/* One request and its answer; false when the connection is over. */
static inline bool script_serve(Script *script, int socket, char *head)
{
    size_t used = 0;
    char *after = NULL;
    while (!after) {
        if (used == SCRIPT_HEAD || !script_readable(script, socket))
            return false;
        ssize_t got = recv(socket, head + used, SCRIPT_HEAD - used, 0);
        if (got <= 0)
            return false;
        used += (size_t)got;
        head[used] = '\0';
        after = strstr(head, "\r\n\r\n");
    }
    after += 4;
    size_t size = script_content_length(head), have = used - (size_t)(after - head);
    const char *answer = script_take(script, head);
    size_t cut = answer && strncmp(answer, "CUT ", 4) == 0 ? strtoull(answer + 4, NULL, 10) : size;
    char *body = memory_alloc(size + have + 1);
    memcpy(body, after, have);
    while (have < size && have < cut && script_readable(script, socket)) {
        ssize_t got = recv(socket, body + have, (cut < size ? cut : size) - have, 0);
        if (got <= 0)
            break;
        have += (size_t)got;
    }
    *after = '\0';
    script_keep(script, head, body, have < size ? have : size);
    free(body);
    if (answer && strcmp(answer, "SILENCE") == 0) {
        struct pollfd end = {script->stop[0], POLLIN, 0};
        while (poll(&end, 1, -1) < 0)
            continue;
        return false;
    }
    if (answer && (strcmp(answer, "RESET") == 0 || strncmp(answer, "CUT ", 4) == 0)) {
        script_reset(socket);
        return false;
    }
    if (answer && strcmp(answer, "CLOSE") == 0)
        return false;
    return script_answer(script, socket, answer ? answer : "599\n\nno step fits this request");
}

static inline void *script_connection(void *argument)
{
    ScriptConnection *connection = argument;
    char *head = memory_alloc(SCRIPT_HEAD + 1);
    while (script_serve(connection->script, connection->socket, head))
        continue;
    free(head);
    close(connection->socket);
    free(connection);
    return NULL;
}

static inline void *script_accept(void *argument)
{
    Script *script = argument;
    while (script_readable(script, script->listener)) {
        int socket = accept(script->listener, NULL, NULL);
        if (socket < 0)
            break;
        int on = 1;
        setsockopt(socket, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
        ScriptConnection *connection = memory_alloc(sizeof *connection);
        *connection = (ScriptConnection){script, socket};
        pthread_mutex_lock(&script->lock);
        size_t worker = script->worker_count++;
        script->connections++;
        pthread_mutex_unlock(&script->lock);
        if (worker >= SCRIPT_REQUESTS ||
            pthread_create(&script->workers[worker], NULL, script_connection, connection) != 0)
            abort();
    }
    return NULL;
}

/* Starts on a free port of 127.0.0.1; script->url is "http://127.0.0.1:PORT". */
static inline void script_start(Script *script, const ScriptStep *steps, size_t count)
{
    *script = (Script){.steps = steps, .step_count = count, .lock = PTHREAD_MUTEX_INITIALIZER};
    struct sockaddr_in address = {.sin_family = AF_INET, .sin_addr = {htonl(INADDR_LOOPBACK)}};
    socklen_t size = sizeof address;
    script->listener = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    if (count > SCRIPT_STEPS || bind(script->listener, (struct sockaddr *)&address, size) != 0 ||
        listen(script->listener, 64) != 0 || pipe(script->stop) != 0 ||
        getsockname(script->listener, (struct sockaddr *)&address, &size) != 0)
        abort();
    snprintf(script->url, sizeof script->url, "http://127.0.0.1:%d", ntohs(address.sin_port));
    if (pthread_create(&script->thread, NULL, script_accept, script) != 0)
        abort();
}

#define SCRIPT_START(script, steps) script_start((script), (steps), sizeof(steps) / sizeof *(steps))

/* The text of request `index`; "" when there was none. */
static inline const char *script_request(Script *script, size_t index)
{
    pthread_mutex_lock(&script->lock);
    const char *text = index < script->request_count ? script->requests[index].text : "";
    pthread_mutex_unlock(&script->lock);
    return text;
}

static inline size_t script_request_count(Script *script)
{
    pthread_mutex_lock(&script->lock);
    size_t count = script->request_count;
    pthread_mutex_unlock(&script->lock);
    return count;
}

/* Its body alone, NUL-ended. */
static inline const char *script_body(Script *script, size_t index)
{
    pthread_mutex_lock(&script->lock);
    const char *body = index < script->request_count ? script->requests[index].body : "";
    pthread_mutex_unlock(&script->lock);
    return body;
}

static inline size_t script_connections(Script *script)
{
    pthread_mutex_lock(&script->lock);
    size_t count = script->connections;
    pthread_mutex_unlock(&script->lock);
    return count;
}

/* Whether every step was used and nothing else came. */
static inline bool script_done(Script *script)
{
    bool done = true;
    pthread_mutex_lock(&script->lock);
    for (size_t i = 0; i < script->step_count; i++)
        done &= script->used[i];
    done &= script->unexpected == 0;
    pthread_mutex_unlock(&script->lock);
    return done;
}

static inline void script_stop(Script *script)
{
    close(script->stop[1]);
    pthread_join(script->thread, NULL);
    for (size_t i = 0; i < script->worker_count; i++)
        pthread_join(script->workers[i], NULL);
    for (size_t i = 0; i < script->request_count; i++)
        free(script->requests[i].text);
    close(script->listener);
    close(script->stop[0]);
}
