/* SPDX-License-Identifier: Apache-2.0 */
/* net/http.h: HTTP requests. One client serves all threads of a target or state store: connections
 * stay open and are used again, HTTP/2 where the server offers it, gzip answers are unpacked.
 *
 * - Proxies are those of the environment, as curl reads it (https_proxy, no_proxy, …); never to
 * reach this machine itself.
 * - TLS is verified against the system's certificates, or those of SSL_CERT_FILE and SSL_CERT_DIR;
 *   nothing turns that off.
 * - Redirects are never followed: Google's APIs have none, and a 308 is an answer of uploads.
 * - A request on a kept connection that turns out closed, without one byte of an answer, is sent
 *   again on a new one, whatever its method (`resent`); not so when it says `once`.
 * - Each exchange is one debug line: id, method, host, path, status, time, sizes. Never headers,
 *   query strings or bodies: those hold tokens.
 *
 * The library behind it is seen only by http*.c. */
#pragma once

#include "base/arena.h"
#include "base/buffer.h"
#include "base/cleanup.h"
#include "base/error.h"
#include "base/parallel.h"
#include "base/view.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

typedef struct HttpClient HttpClient;

typedef struct HttpOptions {
    int64_t connect_ms; /* name, connection and TLS together; 0: 15 s */
    int64_t silence_ms; /* longest time without a byte either way; 0: 60 s */
    size_t idle_max;    /* connections kept while nobody uses them; 0: 16 */
} HttpOptions;

HttpClient *http_client_new(const HttpOptions *options); /* NULL: the defaults */
void http_client_free(HttpClient *client);               /* nobody uses it; accepts NULL */
DEFINE_CLEANUP(HttpClient, http_client_free)

typedef struct HttpHeader {
    const char *name;
    const char *value;
} HttpHeader;

/* Everything is borrowed until http_send returns. */
typedef struct HttpRequest {
    const char *id;     /* for counts and logs: "bigquery.jobs.get", "oauth.token" */
    const char *method; /* "GET", "POST", "PUT", "PATCH", "DELETE" */
    const char *url;    /* http or https: that http is wanted was decided by whoever made it */
    const HttpHeader *headers; /* besides Host, User-Agent, Accept-Encoding, Content-Length */
    size_t header_count;
    const StrView *body; /* parts, sent one after the other without being joined */
    size_t body_count;   /* 0: no body (POST, PUT and PATCH then say Content-Length: 0) */
    size_t response_max; /* bytes of the answer's body, unpacked; 0: 32 MiB */
    int64_t silence_ms;  /* 0: the client's; longer for calls that the server holds open */
    int64_t total_ms;    /* whole exchange; 0: no limit of its own */
    bool as_stored;      /* the answer is not unpacked: for objects */
    bool no_proxy;       /* metadata servers are never reached through one */
    bool once;           /* never sent again by itself */
    bool last_words;     /* goes out even after a stop was asked for (with total_ms set) */
    const StopFlag
        *stop;       /* may be NULL: only a signal stops it then; looked at 10 times a second */
    const char *job; /* label of log lines; may be NULL */
} HttpRequest;

/* How an exchange ended. */
typedef enum HttpOutcome {
    HTTP_ANSWERED, /* a whole answer came, of whatever status */
    HTTP_STOPPED,  /* a stop was asked for */
    HTTP_NO_HOST,  /* its name has no address */
    HTTP_NO_CONNECTION,
    HTTP_NO_PROXY, /* the proxy refused, or cannot be reached */
    HTTP_NO_TRUST, /* TLS failed: certificate, protocol; retrying does not help */
    HTTP_TIMEOUT,
    HTTP_LOST,      /* reset, or closed before the answer's end */
    HTTP_TOO_LARGE, /* the answer passes response_max, or its headers 64 KiB */
    HTTP_INVALID,   /* not HTTP, or a URL that cannot be used */
} HttpOutcome;

/* Zero-initialise; http_send clears it, so it can be used again. */
typedef struct HttpResponse {
    HttpOutcome outcome;
    int status;     /* 0 when none came */
    bool resent;    /* it was sent twice: the first one may have been carried out */
    bool may_count; /* the server may have carried the request out (always so when answered) */
    Buffer headers; /* "Name: value\n" lines of the last answer; read with http_header */
    Buffer body;
} HttpResponse;

void http_response_done(HttpResponse *response);

/* Sends and waits. False: no whole answer came; *error (ERROR_TARGET; ERROR_CANCELLED when stopped)
 * names method, host and cause, retryable where a new try may help. */
bool http_send(HttpClient *client, const HttpRequest *request, HttpResponse *ret_response,
               Error *error) __attribute__((warn_unused_result));

/* The last header of that name (case ignored), without spaces around it. data = NULL: none. */
StrView http_header(const HttpResponse *response, const char *name);

/* What Retry-After asks for, in milliseconds (RFC 9110 §10.2.3: seconds or a date); 0: nothing; at
 * most an hour. */
int64_t http_retry_after_ms(const HttpResponse *response);

/* The Date header in seconds since 1970; 0: none. */
int64_t http_date(const HttpResponse *response);

/* What was sent under one id. */
typedef struct HttpCount {
    const char *id;
    uint64_t calls;     /* exchanges begun, retries among them */
    uint64_t failures;  /* of those: no answer, or a status from 400 on */
    uint64_t retries;   /* calls that repeat an earlier one (net/retry.h) */
    uint64_t waited_ms; /* before retries */
    uint64_t sent;      /* bytes of bodies */
    uint64_t received;
} HttpCount;

/* A copy of the counts so far, in order of first use; ids live in the arena. */
void http_counts(HttpClient *client, Arena *arena, const HttpCount **ret_counts, size_t *ret_count);

/* Adds a retry to an id's counts; for net/retry.h. */
void http_count_retry(HttpClient *client, const char *id, int64_t waited_ms);
