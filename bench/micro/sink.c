/* SPDX-License-Identifier: Apache-2.0 */
/* bench_sink ROWS: as much of BigQuery and Cloud Storage as a run of bench.py needs, which reads
 * uploads as fast as it can and keeps nothing of them. It prints its port, and ends when its
 * standard input does. ROWS is what every load job says to have loaded. Not a stand-in: that is
 * tests/standin. */
#include "base/cleanup.h"
#include "base/memory.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

enum { HEAD_MAX = 32 * 1024, BODY_KEPT = 64 * 1024, PIECE = 1024 * 1024, NAME_MAX_BYTES = 512 };

static const char *rows;
static atomic_long sessions;

/* One connection: what was read beyond the request at hand stays in `bytes`. */
typedef struct Connection {
    int socket;
    char bytes[HEAD_MAX];
    size_t count;
    char *piece;
} Connection;

typedef struct Request {
    char method[8];
    char path[NAME_MAX_BYTES];
    char range[64]; /* of Content-Range, without "bytes " */
    size_t length;
    char body[BODY_KEPT]; /* its beginning */
} Request;

static bool read_more(Connection *connection)
{
    ssize_t got = read(connection->socket, connection->bytes + connection->count,
                       HEAD_MAX - 1 - connection->count);
    if (got <= 0)
        return false;
    connection->count += (size_t)got;
    connection->bytes[connection->count] = '\0';
    return true;
}

static void copy_header(const char *head, const char *name, char *value, size_t size)
{
    const char *at = strcasestr(head, name);
    *value = '\0';
    if (at)
        snprintf(value, size, "%.*s", (int)strcspn(at + strlen(name), "\r"), at + strlen(name));
}

/* Keeps the beginning of the body, and drops the rest. */
static bool read_body(Connection *connection, Request *request, size_t head)
{
    size_t have = connection->count - head;
    if (have > request->length)
        have = request->length;
    size_t kept = have < BODY_KEPT - 1 ? have : BODY_KEPT - 1;
    memcpy(request->body, connection->bytes + head, kept);
    request->body[kept] = '\0';
    memmove(connection->bytes, connection->bytes + head + have, connection->count - head - have);
    connection->count -= head + have;
    for (size_t left = request->length - have; left;) {
        ssize_t got = read(connection->socket, connection->piece, left < PIECE ? left : PIECE);
        if (got <= 0)
            return false;
        size_t more = BODY_KEPT - 1 - kept < (size_t)got ? BODY_KEPT - 1 - kept : (size_t)got;
        memcpy(request->body + kept, connection->piece, more);
        kept += more;
        request->body[kept] = '\0';
        left -= (size_t)got;
    }
    return true;
}

static bool read_request(Connection *connection, Request *request)
{
    char *end;
    char length[32];
    connection->bytes[connection->count] = '\0';
    while (!(end = strstr(connection->bytes, "\r\n\r\n"))) {
        if (connection->count == HEAD_MAX - 1 || !read_more(connection))
            return false;
    }
    *end = '\0';
    if (sscanf(connection->bytes, "%7s %511s", request->method, request->path) != 2)
        return false;
    copy_header(connection->bytes, "\ncontent-length: ", length, sizeof length);
    copy_header(connection->bytes, "\ncontent-range: bytes ", request->range,
                sizeof request->range);
    request->length = strtoul(length, NULL, 10);
    return read_body(connection, request, (size_t)(end + 4 - connection->bytes));
}

static bool answer(const Connection *connection, const char *status, const char *headers,
                   const char *body)
{
    char text[HEAD_MAX];
    int size = snprintf(text, sizeof text,
                        "HTTP/1.1 %s\r\nContent-Type: application/json\r\nContent-Length: %zu\r\n"
                        "%s\r\n%s",
                        status, strlen(body), headers, body);
    return write(connection->socket, text, (size_t)size) == size;
}

/* The text behind "KEY": " in JSON; "" when it is not there. */
static void copy_text(const char *json, const char *key, char *value, size_t size)
{
    const char *at = strstr(json, key);
    const char *quote = at ? strchr(at + strlen(key) + 1, '"') : NULL;
    *value = '\0';
    if (quote)
        snprintf(value, size, "%.*s", (int)strcspn(quote + 1, "\""), quote + 1);
}

static bool answer_job(const Connection *connection, const char *id)
{
    char body[2048];
    snprintf(body, sizeof body,
             "{\"kind\":\"bigquery#job\",\"jobReference\":{\"projectId\":\"p\",\"jobId\":\"%s\","
             "\"location\":\"US\"},\"status\":{\"state\":\"DONE\"},\"statistics\":{\"load\":"
             "{\"outputRows\":\"%s\"}}}",
             id, rows);
    return answer(connection, "200 OK", "", body);
}

/* The session's address carries what its end has to tell: the job's id, or the object's name. */
static bool open_session(const Connection *connection, const Request *request)
{
    char name[NAME_MAX_BYTES], header[NAME_MAX_BYTES + 128];
    bool object = strstr(request->path, "/b/") != NULL;
    struct sockaddr_in own = {0};
    socklen_t size = sizeof own;
    getsockname(connection->socket, (struct sockaddr *)&own, &size);
    copy_text(request->body, object ? "\"name\"" : "\"jobId\"", name, sizeof name);
    snprintf(header, sizeof header, "Location: http://127.0.0.1:%d/session/%s/%ld/%s\r\n",
             ntohs(own.sin_port), object ? "object" : "job", atomic_fetch_add(&sessions, 1), name);
    return answer(connection, "200 OK", header, "");
}

/* A total of "*": more is to come. A number: that was all. */
static bool take_chunk(const Connection *connection, const Request *request)
{
    char header[64], body[1024];
    const char *total = strchr(request->range, '/');
    if (total && strcmp(total, "/*") == 0) {
        snprintf(header, sizeof header, "Range: bytes=0-%ld\r\n",
                 strtol(strchr(request->range, '-') + 1, NULL, 10));
        return answer(connection, "308 Resume Incomplete", header, "");
    }
    const char *name = strrchr(request->path, '/') + 1;
    if (strstr(request->path, "/session/job/"))
        return answer_job(connection, name);
    snprintf(body, sizeof body, "{\"name\":\"x\",\"generation\":\"1\",\"size\":\"%s\"}",
             total ? total + 1 : "0");
    return answer(connection, "200 OK", "", body);
}

static bool answer_missing(const Connection *connection)
{
    return answer(connection, "404 Not Found", "",
                  "{\"error\":{\"code\":404,\"message\":\"Not found\",\"errors\":[{\"reason\":"
                  "\"notFound\",\"message\":\"Not found\"}]}}");
}

static bool serve(Connection *connection, const Request *request)
{
    char id[NAME_MAX_BYTES];
    const char *path = request->path;
    if (strcmp(request->method, "PUT") == 0)
        return take_chunk(connection, request);
    if (strstr(path, "uploadType=resumable"))
        return open_session(connection, request);
    if (strcmp(request->method, "DELETE") == 0)
        return answer(connection, "204 No Content", "", "");
    if (strstr(path, "/jobs")) {
        copy_text(request->body, "\"jobId\"", id, sizeof id);
        return answer_job(connection, *id ? id : "job");
    }
    if (strcmp(request->method, "GET") == 0 && strstr(path, "/tables/"))
        return answer_missing(connection);
    if (strcmp(request->method, "GET") == 0)
        return answer(connection, "200 OK", "",
                      "{\"datasetReference\":{\"projectId\":\"p\",\"datasetId\":\"d\"},"
                      "\"location\":\"US\"}");
    return answer(connection, "200 OK", "", request->body);
}

static void *run_connection(void *context)
{
    Connection *connection = context;
    Request *request = memory_zalloc(1, sizeof *request);
    while (read_request(connection, request) && serve(connection, request))
        ;
    close(connection->socket);
    free(request);
    free(connection->piece);
    free(connection);
    return NULL;
}

static void *accept_all(void *context)
{
    const int *listener = context;
    for (;;) {
        pthread_t thread;
        Connection *connection = memory_zalloc(1, sizeof *connection);
        connection->piece = memory_alloc(PIECE);
        connection->socket = accept(*listener, NULL, NULL);
        if (connection->socket < 0 ||
            pthread_create(&thread, NULL, run_connection, connection) != 0)
            return NULL;
        pthread_detach(thread);
    }
}

int main(int argc, char **argv)
{
    struct sockaddr_in address = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    socklen_t size = sizeof address;
    pthread_t thread;
    char byte;
    if (argc != 2)
        return 2;
    rows = argv[1];
    int listener = socket(AF_INET, SOCK_STREAM, 0);
    if (listener < 0 || bind(listener, (struct sockaddr *)&address, size) < 0 ||
        listen(listener, 64) < 0 || getsockname(listener, (struct sockaddr *)&address, &size) < 0 ||
        pthread_create(&thread, NULL, accept_all, &listener) != 0)
        return 1;
    printf("%d\n", ntohs(address.sin_port));
    fflush(stdout);
    while (read(STDIN_FILENO, &byte, 1) > 0)
        ;
    return 0;
}
