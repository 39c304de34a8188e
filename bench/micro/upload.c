/* SPDX-License-Identifier: Apache-2.0 */
/* bench/micro/upload.c: a resumable upload into a server that only reads it:
 *
 *     upload [MEGABYTES [CHUNK_KIB [WORK]]]
 *
 * WORK: rounds of work on each 64 KiB block before it is written, as an encoder would do. Prints
 * what the writer needs alone, what both need, this process's CPU time without the server's thread,
 * and the peak of memory. */
#include "base/memory.h"
#include "net/resumable.h"

#include <netinet/in.h>
#include <netinet/tcp.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

enum { BLOCK = 64 * 1024, HEAD = 16 * 1024 };

typedef struct Server {
    int listener;
    int port;
    uint64_t received; /* of the session */
    double cpu_s;
} Server;

static double clock_s(clockid_t id)
{
    struct timespec now;
    clock_gettime(id, &now);
    return (double)now.tv_sec + (double)now.tv_nsec / 1e9;
}

static size_t number_after(const char *head, const char *name)
{
    const char *found = strcasestr(head, name);
    return found ? strtoull(found + strlen(name), NULL, 10) : 0;
}

static bool answer(Server *server, int socket, const char *head)
{
    char text[256];
    const char *range = strcasestr(head, "Content-Range:");
    const char *total = range ? strchr(range, '/') : NULL;
    bool last = total && total[1] != '*';
    if (strncmp(head, "POST", 4) == 0)
        snprintf(text, sizeof text,
                 "HTTP/1.1 200 OK\r\nLocation: http://127.0.0.1:%d/s\r\nContent-Length: 0\r\n\r\n",
                 server->port);
    else if (last)
        snprintf(text, sizeof text, "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\n{}");
    else
        snprintf(text, sizeof text,
                 "HTTP/1.1 308 Resume\r\nRange: bytes=0-%llu\r\nContent-Length: 0\r\n\r\n",
                 (unsigned long long)server->received - 1);
    return send(socket, text, strlen(text), MSG_NOSIGNAL) > 0;
}

/* One request; the body is read and forgotten. */
static bool serve(Server *server, int socket, char *block)
{
    char head[HEAD];
    size_t used = 0;
    char *body = NULL;
    while (!body && used + 1 < sizeof head) {
        ssize_t got = recv(socket, head + used, sizeof head - used - 1, 0);
        if (got <= 0)
            return false;
        used += (size_t)got;
        head[used] = '\0';
        body = strstr(head, "\r\n\r\n");
    }
    if (!body)
        return false;
    size_t size = number_after(head, "Content-Length:"), have = used - (size_t)(body + 4 - head);
    while (have < size) {
        ssize_t got = recv(socket, block, size - have < BLOCK ? size - have : BLOCK, 0);
        if (got <= 0)
            return false;
        have += (size_t)got;
    }
    if (strncmp(head, "PUT", 3) == 0)
        server->received += size;
    return answer(server, socket, head);
}

static void *serve_all(void *argument)
{
    Server *server = argument;
    char *block = memory_alloc(BLOCK);
    int socket = accept(server->listener, NULL, NULL);
    int on = 1;
    setsockopt(socket, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
    while (serve(server, socket, block))
        continue;
    close(socket);
    free(block);
    server->cpu_s = clock_s(CLOCK_THREAD_CPUTIME_ID);
    return NULL;
}

static void start(Server *server, pthread_t *thread)
{
    struct sockaddr_in address = {.sin_family = AF_INET, .sin_addr = {htonl(INADDR_LOOPBACK)}};
    socklen_t size = sizeof address;
    server->listener = socket(AF_INET, SOCK_STREAM, 0);
    if (bind(server->listener, (struct sockaddr *)&address, size) != 0 ||
        listen(server->listener, 1) != 0 ||
        getsockname(server->listener, (struct sockaddr *)&address, &size) != 0 ||
        pthread_create(thread, NULL, serve_all, server) != 0)
        abort();
    server->port = ntohs(address.sin_port);
}

static void work_on(char *block, long rounds)
{
    for (long round = 0; round < rounds; round++) {
        for (size_t i = 0; i < BLOCK; i++)
            block[i] = (char)(block[i] * 31 + (char)i);
    }
}

static bool upload_all(GoogleApi *api, uint64_t size, size_t chunk, long rounds, Error *error)
{
    CLEANUP(resumable_close_ptr) Resumable *upload = NULL;
    CLEANUP(free_ptr) char *block = memory_zalloc(1, BLOCK);
    ResumableOptions options = {
        .api = api, .id = "upload", .what = "upload", .path = "/x", .chunk_size = chunk};
    if (!resumable_open(&options, &upload, error))
        return false;
    for (uint64_t done = 0; done < size; done += BLOCK) {
        work_on(block, rounds);
        if (!resumable_write(upload, block, BLOCK, error))
            return false;
    }
    return resumable_finish(upload, NULL, NULL, error);
}

static double work_alone(uint64_t size, long rounds)
{
    CLEANUP(free_ptr) char *block = memory_zalloc(1, BLOCK);
    double begun = clock_s(CLOCK_MONOTONIC);
    for (uint64_t done = 0; done < size; done += BLOCK)
        work_on(block, rounds);
    return clock_s(CLOCK_MONOTONIC) - begun;
}

int main(int count, char **words)
{
    uint64_t size = (count > 1 ? strtoull(words[1], NULL, 10) : 1024) << 20;
    size_t chunk = (count > 2 ? strtoull(words[2], NULL, 10) : 4096) << 10;
    long rounds = count > 3 ? strtol(words[3], NULL, 10) : 1;
    CLEANUP(http_client_free_ptr) HttpClient *http = http_client_new(NULL);
    CLEANUP(credentials_free_ptr) Credentials *credentials = NULL;
    CLEANUP(google_api_free_ptr) GoogleApi *api = NULL;
    Server server = {0};
    Error error = {0};
    pthread_t thread;
    char endpoint[64];
    unsetenv("GOOGLE_APPLICATION_CREDENTIALS");
    unsetenv("GCE_METADATA_HOST");
    start(&server, &thread);
    snprintf(endpoint, sizeof endpoint, "http://127.0.0.1:%d", server.port);
    CredentialsOptions found = {.http = http, .emulator = true};
    GoogleApiOptions options = {.service = &google_bigquery, .endpoint = endpoint, .http = http};
    double alone_s = work_alone(size, rounds);
    double cpu_s = clock_s(CLOCK_PROCESS_CPUTIME_ID), begun_s = clock_s(CLOCK_MONOTONIC);
    bool done = credentials_find(&found, &credentials, &error);
    options.credentials = credentials;
    done = done && google_api_new(&options, &api, &error) &&
           upload_all(api, size, chunk, rounds, &error);
    double took_s = clock_s(CLOCK_MONOTONIC) - begun_s;
    cpu_s = clock_s(CLOCK_PROCESS_CPUTIME_ID) - cpu_s;
    google_api_free(TAKE_PTR(api));
    http_client_free(TAKE_PTR(http));
    pthread_join(thread, NULL);
    if (!done) {
        fprintf(stderr, "%s\n", error.message);
        return 1;
    }
    struct rusage usage;
    getrusage(RUSAGE_SELF, &usage);
    printf(
        "%llu MiB, chunks of %zu KiB: work alone %.2f s, with upload %.2f s (%.0f MiB/s), CPU %.2f "
        "s, peak %ld KiB\n",
        (unsigned long long)(size >> 20), chunk >> 10, alone_s, took_s,
        (double)(size >> 20) / took_s, cpu_s - server.cpu_s, usage.ru_maxrss);
    return 0;
}
