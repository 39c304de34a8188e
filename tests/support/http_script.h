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

#include "support/http_script_serve.h"

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
