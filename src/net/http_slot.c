/* SPDX-License-Identifier: Apache-2.0 */
#include "net/http_slot.h"

#include "base/clock.h"
#include "base/fault.h"
#include "base/memory.h"

#include <curl/curl.h>

enum {
    HEADERS_MAX = 64 * 1024,
    LOOK_MS = 100,              /* how soon a stop is seen */
    UPLOAD_BUFFER = 256 * 1024, /* of libcurl, between a body and its socket */
    BULK_BODY = 1024 * 1024,    /* from here on HTTP/1.1 */
    CONNECTIONS_PER_SLOT = 4,
};

struct HttpSlot {
    CURL *easy;
    CURLM *multi;
    char problem[CURL_ERROR_SIZE];
    const HttpRequest *request;
    HttpResponse *response;
    bool headers_whole; /* the empty line after them came */
    int sends;          /* of this request */
    size_t part;        /* of the body: the next byte to send */
    size_t offset;
    uint64_t sent;
    uint64_t received;
};

HttpSlot *http_slot_new(void)
{
    HttpSlot *slot = memory_zalloc(1, sizeof *slot);
    slot->easy = curl_easy_init();
    slot->multi = curl_multi_init();
    if (!slot->easy || !slot->multi)
        memory_exhausted(0);
    curl_multi_setopt(slot->multi, CURLMOPT_MAXCONNECTS, (long)CONNECTIONS_PER_SLOT);
    return slot;
}

void http_slot_free(HttpSlot *slot)
{
    curl_easy_cleanup(slot->easy);
    curl_multi_cleanup(slot->multi);
    free(slot);
}

static size_t on_header(char *line, size_t size, size_t count, void *context)
{
    HttpSlot *slot = context;
    Buffer *headers = &slot->response->headers;
    size_t length = size * count;
    if (length >= 5 && memcmp(line, "HTTP/", 5) == 0) { /* an answer begins, perhaps after a 100 */
        buffer_clear(headers);
        slot->headers_whole = false;
        return length;
    }
    size_t used = length;
    while (used > 0 && (line[used - 1] == '\n' || line[used - 1] == '\r'))
        used--;
    slot->headers_whole |= used == 0;
    bool fits = used == 0 ||
                (buffer_append(headers, line, used, NULL) && buffer_append(headers, "\n", 1, NULL));
    if (!fits)
        slot->response->outcome = HTTP_TOO_LARGE;
    return fits ? length : 0;
}

static size_t on_body(char *bytes, size_t size, size_t count, void *context)
{
    HttpSlot *slot = context;
    size_t length = size * count;
    if (buffer_append(&slot->response->body, bytes, length, NULL))
        return length;
    slot->response->outcome = HTTP_TOO_LARGE;
    return 0;
}

static size_t on_read(char *room, size_t size, size_t count, void *context)
{
    HttpSlot *slot = context;
    const HttpRequest *request = slot->request;
    size_t capacity = size * count, filled = 0;
    while (filled < capacity && slot->part < request->body_count) {
        StrView part = request->body[slot->part];
        size_t left = part.length - slot->offset;
        size_t piece = left < capacity - filled ? left : capacity - filled;
        if (piece > 0)
            memcpy(room + filled, part.data + slot->offset, piece);
        filled += piece;
        slot->offset += piece;
        if (slot->offset == part.length) {
            slot->part++;
            slot->offset = 0;
        }
    }
    return filled;
}

/* libcurl goes back to the start when a kept connection turns out closed. */
static int on_seek(void *context, curl_off_t offset, int origin)
{
    HttpSlot *slot = context;
    if (offset != 0 || origin != SEEK_SET)
        return CURL_SEEKFUNC_CANTSEEK;
    slot->part = slot->offset = 0;
    return CURL_SEEKFUNC_OK;
}

/* Called before each time the request is sent. */
static int on_send(void *context, char *to, char *from, int to_port, int from_port)
{
    HttpSlot *slot = context;
    (void)to, (void)from, (void)to_port, (void)from_port;
    if (++slot->sends == 1)
        return CURL_PREREQFUNC_OK;
    slot->response->resent = !slot->request->once;
    return slot->request->once ? CURL_PREREQFUNC_ABORT : CURL_PREREQFUNC_OK;
}

static uint64_t body_size(const HttpRequest *request)
{
    uint64_t size = 0;
    for (size_t i = 0; i < request->body_count; i++)
        size += request->body[i].length;
    return size;
}

static bool may_have_body(const char *method)
{
    return strcmp(method, "POST") == 0 || strcmp(method, "PUT") == 0 ||
           strcmp(method, "PATCH") == 0;
}

static void set_body(HttpSlot *slot)
{
    const HttpRequest *request = slot->request;
    CURL *easy = slot->easy;
    if (request->body_count == 0 && !may_have_body(request->method)) {
        curl_easy_setopt(easy, CURLOPT_HTTPGET, 1L);
        curl_easy_setopt(easy, CURLOPT_CUSTOMREQUEST, request->method);
        return;
    }
    curl_easy_setopt(easy, CURLOPT_POST, 1L);
    curl_easy_setopt(easy, CURLOPT_CUSTOMREQUEST, request->method);
    curl_easy_setopt(easy, CURLOPT_POSTFIELDSIZE_LARGE, (curl_off_t)body_size(request));
    if (request->body_count <= 1) {
        curl_easy_setopt(easy, CURLOPT_POSTFIELDS, request->body_count ? request->body->data : "");
        return;
    }
    curl_easy_setopt(easy, CURLOPT_READFUNCTION, on_read);
    curl_easy_setopt(easy, CURLOPT_READDATA, slot);
    curl_easy_setopt(easy, CURLOPT_SEEKFUNCTION, on_seek);
    curl_easy_setopt(easy, CURLOPT_SEEKDATA, slot);
}

static struct curl_slist *add_header(struct curl_slist *list, const char *line)
{
    struct curl_slist *longer = curl_slist_append(list, line);
    if (!longer)
        memory_exhausted(strlen(line));
    return longer;
}

/* One of them is a token: free_headers wipes them. */
static struct curl_slist *headers_of(const HttpRequest *request)
{
    bool typed = false;
    struct curl_slist *list = add_header(NULL, "Expect:"); /* no pause before a body */
    for (size_t i = 0; i < request->header_count; i++) {
        const HttpHeader *header = &request->headers[i];
        size_t size = strlen(header->name) + strlen(header->value) + 3;
        char *line = memory_alloc(size);
        snprintf(line, size, "%s: %s", header->name, header->value);
        list = add_header(list, line);
        explicit_bzero(line, size);
        free(line);
        typed |= strcasecmp(header->name, "Content-Type") == 0;
    }
    return typed ? list : add_header(list, "Content-Type:");
}

static void free_headers(struct curl_slist **list)
{
    for (struct curl_slist *item = *list; item; item = item->next)
        explicit_bzero(item->data, strlen(item->data));
    curl_slist_free_all(*list);
}

static void set_connection(HttpSlot *slot, const Url *url, const HttpLimits *limits)
{
    const HttpRequest *request = slot->request;
    CURL *easy = slot->easy;
    curl_easy_setopt(easy, CURLOPT_URL, request->url);
    curl_easy_setopt(easy, CURLOPT_PROTOCOLS_STR, "http,https");
    curl_easy_setopt(easy, CURLOPT_PATH_AS_IS, 1L);
    curl_easy_setopt(easy, CURLOPT_FOLLOWLOCATION, 0L);
    curl_easy_setopt(easy, CURLOPT_NOSIGNAL, 1L);
    curl_easy_setopt(easy, CURLOPT_TCP_KEEPALIVE, 1L);
    curl_easy_setopt(easy, CURLOPT_CONNECTTIMEOUT_MS, (long)limits->connect_ms);
    /* Nothing is multiplexed here: HTTP/2's flow control could only hold bulk back. */
    curl_easy_setopt(easy, CURLOPT_HTTP_VERSION,
                     body_size(request) >= BULK_BODY ? (long)CURL_HTTP_VERSION_1_1
                                                     : (long)CURL_HTTP_VERSION_2TLS);
    curl_easy_setopt(easy, CURLOPT_UPLOAD_BUFFERSIZE, (long)UPLOAD_BUFFER);
    curl_easy_setopt(easy, CURLOPT_SUPPRESS_CONNECT_HEADERS, 1L);
    if (request->no_proxy || url_is_loopback(url))
        curl_easy_setopt(easy, CURLOPT_NOPROXY, "*");
    /* The curl program reads these two; libcurl does not by itself. */
    const char *file = getenv("SSL_CERT_FILE"), *folder = getenv("SSL_CERT_DIR");
    if (file && *file)
        curl_easy_setopt(easy, CURLOPT_CAINFO, file);
    if (folder && *folder)
        curl_easy_setopt(easy, CURLOPT_CAPATH, folder);
    if (!request->as_stored)
        curl_easy_setopt(easy, CURLOPT_ACCEPT_ENCODING, "gzip");
}

static void set_callbacks(HttpSlot *slot)
{
    CURL *easy = slot->easy;
    curl_easy_setopt(easy, CURLOPT_ERRORBUFFER, slot->problem);
    curl_easy_setopt(easy, CURLOPT_HEADERFUNCTION, on_header);
    curl_easy_setopt(easy, CURLOPT_HEADERDATA, slot);
    curl_easy_setopt(easy, CURLOPT_WRITEFUNCTION, on_body);
    curl_easy_setopt(easy, CURLOPT_WRITEDATA, slot);
    curl_easy_setopt(easy, CURLOPT_PREREQFUNCTION, on_send);
    curl_easy_setopt(easy, CURLOPT_PREREQDATA, slot);
    /* Google packs answers only for user agents that say gzip. */
    curl_easy_setopt(easy, CURLOPT_USERAGENT, "bqferry/" BQFERRY_VERSION " (gzip)");
}

static curl_off_t moved_so_far(CURL *easy)
{
    curl_off_t up = 0, down = 0;
    long headers = 0;
    curl_easy_getinfo(easy, CURLINFO_SIZE_UPLOAD_T, &up);
    curl_easy_getinfo(easy, CURLINFO_SIZE_DOWNLOAD_T, &down);
    curl_easy_getinfo(easy, CURLINFO_HEADER_SIZE, &headers);
    return up + down + headers;
}

static bool stop_wanted(const HttpRequest *request)
{
    return !request->last_words && stop_requested(request->stop);
}

/* True while nothing ran out of time; connecting has a limit of its own in libcurl. */
static bool in_time(HttpSlot *slot, int64_t started_ns, int64_t silence_ms,
                    int64_t *silent_since_ns)
{
    static const int64_t NS_PER_MS = 1000000;
    int64_t now_ns = clock_monotonic_ns();
    const HttpRequest *request = slot->request;
    if (request->total_ms > 0 && now_ns - started_ns > request->total_ms * NS_PER_MS) {
        snprintf(slot->problem, sizeof slot->problem, "no whole answer within %lld ms",
                 (long long)request->total_ms);
        return false;
    }
    curl_off_t connected = 0;
    curl_easy_getinfo(slot->easy, CURLINFO_PRETRANSFER_TIME_T, &connected);
    if (connected == 0 || now_ns - *silent_since_ns <= silence_ms * NS_PER_MS)
        return true;
    snprintf(slot->problem, sizeof slot->problem, "not a byte moved for %lld ms",
             (long long)silence_ms);
    return false;
}

static int64_t silence_allowed(const HttpRequest *request, const HttpLimits *limits)
{
    int64_t allowed = request->silence_ms ? request->silence_ms : limits->silence_ms;
    return fault_limit("net.silence_ms", allowed);
}

/* CURLE_OK also when we broke it off: then response->outcome says why. */
static CURLcode perform(HttpSlot *slot, int64_t silence_ms)
{
    int64_t started_ns = clock_monotonic_ns(), silent_since_ns = started_ns;
    curl_off_t moved = 0;
    int running = 1;
    for (;;) {
        CURLMcode code = curl_multi_perform(slot->multi, &running);
        if (code != CURLM_OK)
            return code == CURLM_OUT_OF_MEMORY ? CURLE_OUT_OF_MEMORY : CURLE_FAILED_INIT;
        if (running == 0)
            break;
        curl_off_t now_moved = moved_so_far(slot->easy);
        if (now_moved != moved)
            silent_since_ns = clock_monotonic_ns();
        moved = now_moved;
        if (stop_wanted(slot->request)) {
            slot->response->outcome = HTTP_STOPPED;
            return CURLE_OK;
        }
        if (!in_time(slot, started_ns, silence_ms, &silent_since_ns)) {
            slot->response->outcome = HTTP_TIMEOUT;
            return CURLE_OK;
        }
        curl_multi_poll(slot->multi, NULL, 0, LOOK_MS, NULL);
    }
    int left;
    const CURLMsg *message = curl_multi_info_read(slot->multi, &left);
    return message ? message->data.result : CURLE_FAILED_INIT;
}

/* A handshake that was cut off is a lost connection, not a server that is not to be trusted. */
static bool handshake_cut(const char *problem)
{
    return strstr(problem, "SSL_ERROR_SYSCALL") || strstr(problem, "eset by peer") ||
           strstr(problem, "unexpected eof");
}

static HttpOutcome outcome_of(const HttpSlot *slot, CURLcode code)
{
    long proxy_status = 0;
    curl_easy_getinfo(slot->easy, CURLINFO_HTTP_CONNECTCODE, &proxy_status);
    if (proxy_status >= 300)
        return HTTP_NO_PROXY;
    switch (code) {
    case CURLE_OK: /* libcurl takes headers that break off for an answer */
        return slot->headers_whole ? HTTP_ANSWERED : HTTP_LOST;
    case CURLE_COULDNT_RESOLVE_HOST:
        return HTTP_NO_HOST;
    case CURLE_COULDNT_RESOLVE_PROXY:
    case CURLE_PROXY:
        return HTTP_NO_PROXY;
    case CURLE_COULDNT_CONNECT:
        return HTTP_NO_CONNECTION;
    case CURLE_SSL_CONNECT_ERROR:
        return handshake_cut(slot->problem) ? HTTP_NO_CONNECTION : HTTP_NO_TRUST;
    case CURLE_PEER_FAILED_VERIFICATION:
    case CURLE_SSL_CACERT_BADFILE:
    case CURLE_SSL_CERTPROBLEM:
    case CURLE_SSL_CIPHER:
    case CURLE_SSL_ISSUER_ERROR:
    case CURLE_SSL_INVALIDCERTSTATUS:
    case CURLE_USE_SSL_FAILED:
        return HTTP_NO_TRUST;
    case CURLE_OPERATION_TIMEDOUT:
        return HTTP_TIMEOUT;
    case CURLE_URL_MALFORMAT:
    case CURLE_UNSUPPORTED_PROTOCOL:
    case CURLE_WEIRD_SERVER_REPLY:
    case CURLE_BAD_FUNCTION_ARGUMENT:
    case CURLE_FAILED_INIT:
        return HTTP_INVALID;
    default:
        return HTTP_LOST;
    }
}

static const char *problem_of(const HttpSlot *slot, CURLcode code)
{
    if (slot->sends > 1 && slot->request->once)
        return "the kept connection had been closed";
    if (slot->problem[0])
        return slot->problem;
    return code == CURLE_OK ? "its headers broke off" : curl_easy_strerror(code);
}

static bool fail(const HttpSlot *slot, const Url *url, CURLcode code, Error *error)
{
    static const char *const how[] = {
        [HTTP_STOPPED] = "stopped",
        [HTTP_NO_HOST] = "its name cannot be resolved",
        [HTTP_NO_CONNECTION] = "cannot connect",
        [HTTP_NO_PROXY] = "the proxy does not let it through",
        [HTTP_NO_TRUST] = "TLS failed",
        [HTTP_TIMEOUT] = "timed out",
        [HTTP_LOST] = "connection lost",
        [HTTP_TOO_LARGE] = "the answer is larger than expected",
        [HTTP_INVALID] = "no valid HTTP",
    };
    const HttpRequest *request = slot->request;
    HttpOutcome outcome = slot->response->outcome;
    if (outcome == HTTP_STOPPED)
        return error_set(error, ERROR_CANCELLED, "stopped during %s to %s", request->method,
                         url->host);
    bool again = outcome != HTTP_NO_TRUST && outcome != HTTP_TOO_LARGE && outcome != HTTP_INVALID;
    const char *problem = problem_of(slot, code);
    bool said = outcome != HTTP_TOO_LARGE;
    (again ? error_set_retryable : error_set)(error, ERROR_TARGET, "%s to %s:%d: %s%s%s",
                                              request->method, url->host, url->port, how[outcome],
                                              said ? ": " : "", said ? problem : "");
    if (outcome == HTTP_NO_TRUST)
        return error_hint(error, "the system's certificates are used; a proxy's own certificate "
                                 "belongs into them, or into the file that SSL_CERT_FILE names");
    return false;
}

bool http_slot_send(HttpSlot *slot, const HttpRequest *request, const Url *url,
                    const HttpLimits *limits, HttpResponse *response, Error *error)
{
    enum { RESPONSE_MAX = 32 * 1024 * 1024 };
    buffer_init(&response->headers, HEADERS_MAX);
    buffer_init(&response->body, request->response_max ? request->response_max : RESPONSE_MAX);
    slot->request = request;
    slot->response = response;
    slot->part = slot->offset = 0;
    slot->sends = 0;
    slot->headers_whole = false;
    slot->problem[0] = '\0';
    curl_easy_reset(slot->easy);
    CLEANUP(free_headers) struct curl_slist *headers = headers_of(request);
    set_connection(slot, url, limits);
    set_callbacks(slot);
    set_body(slot);
    curl_easy_setopt(slot->easy, CURLOPT_HTTPHEADER, headers);

    CURLcode code = CURLE_FAILED_INIT;
    if (stop_wanted(request))
        response->outcome = HTTP_STOPPED;
    else if (curl_multi_add_handle(slot->multi, slot->easy) == CURLM_OK)
        code = perform(slot, silence_allowed(request, limits));
    if (code == CURLE_OUT_OF_MEMORY)
        memory_exhausted(0);
    if (response->outcome == HTTP_ANSWERED)
        response->outcome = outcome_of(slot, code);

    long status = 0, request_size = 0;
    curl_off_t up = 0, down = 0;
    curl_easy_getinfo(slot->easy, CURLINFO_RESPONSE_CODE, &status);
    curl_easy_getinfo(slot->easy, CURLINFO_REQUEST_SIZE, &request_size);
    curl_easy_getinfo(slot->easy, CURLINFO_SIZE_UPLOAD_T, &up);
    curl_easy_getinfo(slot->easy, CURLINFO_SIZE_DOWNLOAD_T, &down);
    slot->sent = (uint64_t)up;
    slot->received = (uint64_t)down;
    response->status = (int)status;
    response->may_count = request_size > 0;
    bool answered = response->outcome == HTTP_ANSWERED || fail(slot, url, code, error);
    curl_multi_remove_handle(slot->multi, slot->easy);
    /* What this call lent must not be looked at later. */
    curl_easy_reset(slot->easy);
    return answered;
}

void http_slot_bytes(const HttpSlot *slot, uint64_t *ret_sent, uint64_t *ret_received)
{
    *ret_sent = slot->sent;
    *ret_received = slot->received;
}

int64_t http_parse_date(const char *text)
{
    time_t date = curl_getdate(text, NULL);
    return date > 0 ? (int64_t)date : 0;
}
