/* SPDX-License-Identifier: Apache-2.0 */
/* support/http_script_serve.h: the connections of support/http_script.h. */
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

/* Reads up to the empty line; NULL when the connection is over first. `*ret_used`: bytes read. */
static inline char *script_read_head(Script *script, int socket, char *head, size_t *ret_used)
{
    for (size_t used = 0; used < SCRIPT_HEAD && script_readable(script, socket);) {
        ssize_t got = recv(socket, head + used, SCRIPT_HEAD - used, 0);
        if (got <= 0)
            return NULL;
        used += (size_t)got;
        head[used] = '\0';
        *ret_used = used;
        char *empty = strstr(head, "\r\n\r\n");
        if (empty)
            return empty + 4;
    }
    return NULL;
}

/* The body, or its first `wanted` bytes; what came with the head is already there. */
static inline size_t script_read_body(Script *script, int socket, char *body, size_t have,
                                      size_t wanted)
{
    while (have < wanted && script_readable(script, socket)) {
        ssize_t got = recv(socket, body + have, wanted - have, 0);
        if (got <= 0)
            break;
        have += (size_t)got;
    }
    return have;
}

/* Does what the step says; false when the connection is over. */
static inline bool script_act(Script *script, int socket, const char *answer)
{
    if (!answer)
        return script_answer(script, socket, "599\n\nno step fits this request");
    if (strcmp(answer, "SILENCE") == 0) {
        struct pollfd end = {script->stop[0], POLLIN, 0};
        while (poll(&end, 1, -1) < 0)
            continue;
        return false;
    }
    if (strcmp(answer, "RESET") == 0 || strncmp(answer, "CUT ", 4) == 0) {
        script_reset(socket);
        return false;
    }
    return strcmp(answer, "CLOSE") != 0 && script_answer(script, socket, answer);
}

/* One request and its answer; false when the connection is over. */
static inline bool script_serve(Script *script, int socket, char *head)
{
    size_t used;
    char *after = script_read_head(script, socket, head, &used);
    if (!after)
        return false;
    size_t size = script_content_length(head), have = used - (size_t)(after - head);
    const char *answer = script_take(script, head);
    bool cut = answer && strncmp(answer, "CUT ", 4) == 0;
    char *body = memory_alloc(size + have + 1);
    memcpy(body, after, have);
    have =
        script_read_body(script, socket, body, have, cut ? strtoull(answer + 4, NULL, 10) : size);
    *after = '\0';
    script_keep(script, head, body, have < size ? have : size);
    free(body);
    return script_act(script, socket, answer);
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
