/* SPDX-License-Identifier: Apache-2.0 */
#include "net/session.h"

#include "base/log.h"
#include "base/memory.h"
#include "net/range.h"
#include "net/retry.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { LAST_SILENCE_MS = 180000, CANCEL_MS = 10000, RANGE_TEXT = 80 };

/* What an exchange means for the upload. */
typedef enum Step {
    STEP_MORE,   /* `committed` was learnt: go on from there */
    STEP_WHOLE,  /* the upload is complete, response holds the answer */
    STEP_AGAIN,  /* may pass: *error is set, wait, then ask what is there */
    STEP_FAILED, /* *error is set */
} Step;

/* The state of one session_send. */
typedef struct Sending {
    Session *session;
    const SessionChunk *chunk;
    uint64_t start; /* of the chunk */
    uint64_t end;
    HttpResponse response;
    GoogleFailure *failure;
    Retry retry;
} Sending;

static void wipe_and_free(char *text)
{
    if (text)
        explicit_bzero(text, strlen(text));
    free(text);
}

static bool begin_again(const Session *session, const char *why, Error *error)
{
    error_set_retryable(error, ERROR_TARGET, "%s: the upload session cannot go on: %s",
                        session->options.what, why);
    return error_hint(error, "the whole upload has to be sent again");
}

/* An answer of 400 or more, or none at all. `opened`: to a session, not to its opening. */
static Step step_of_refusal(Sending *sending, bool opened, Error *error)
{
    const Session *session = sending->session;
    const HttpResponse *response = &sending->response;
    google_refused(session->options.api, session->options.what, response, sending->failure, error);
    const GoogleFailure *failure = sending->failure;
    if (failure->action == REASON_RETRY)
        return STEP_AGAIN;
    bool gone = response->status == 404 || response->status == 410;
    /* "Not found: Dataset p:d" speaks of something else than the session. */
    if (opened && gone && strncmp(failure->message, "Not found: ", 11) != 0) {
        char why[64];
        snprintf(why, sizeof why, "the server does not know it (HTTP %d)", response->status);
        begin_again(session, why, error);
    }
    return STEP_FAILED;
}

static Step step_without_answer(Sending *sending, Error *error)
{
    google_failure_done(sending->failure);
    *sending->failure = (GoogleFailure){.reason = "", .message = ""};
    sending->failure->may_count = sending->response.may_count;
    if (error->kind == ERROR_TARGET)
        error_prefix(error, "%s", sending->session->options.what);
    return error->retryable ? STEP_AGAIN : STEP_FAILED;
}

static Step open_once(Sending *sending, Error *error)
{
    Session *session = sending->session;
    const SessionOptions *options = &session->options;
    HttpHeader headers[] = {
        {"Content-Type", "application/json; charset=UTF-8"},
        {"X-Upload-Content-Type", options->content_type},
    };
    StrView body = view_of(options->metadata);
    HttpRequest request = {
        .id = options->id,
        .method = "POST",
        .url = options->url,
        .headers = headers,
        .header_count = sizeof headers / sizeof *headers,
        .body = &body,
        .body_count = 1,
        .stop = sending->chunk->stop,
        .job = options->job,
    };
    if (!google_send(options->api, &request, &sending->response, error))
        return step_without_answer(sending, error);
    if (sending->response.status < 200 || sending->response.status >= 300)
        return step_of_refusal(sending, false, error);
    StrView location = http_header(&sending->response, "Location");
    CLEANUP(arena_done) Arena arena = {0};
    Url url;
    char *text = location.data ? arena_strndup(&arena, location.data, location.length) : NULL;
    if (!text || !url_parse(text, &arena, &url, NULL)) {
        error_set(error, ERROR_TARGET,
                  "%s: the answer that opens an upload names no session "
                  "(Location)",
                  options->what);
        return STEP_FAILED;
    }
    session->url = memory_strdup(text);
    explicit_bzero(text, strlen(text));
    return STEP_MORE;
}

/* 308: how much of it is there? */
static Step step_of_308(Sending *sending, Error *error)
{
    Session *session = sending->session;
    uint64_t committed;
    if (!range_committed(http_header(&sending->response, "Range"), &committed)) {
        begin_again(session, "its Range header cannot be read", error);
        return STEP_FAILED;
    }
    if (committed < sending->start) {
        begin_again(session, "the server lost bytes that it had confirmed", error);
        return STEP_FAILED;
    }
    if (committed > sending->end) {
        begin_again(session, "the server claims more bytes than were sent", error);
        return STEP_FAILED;
    }
    session->committed = committed;
    return STEP_MORE;
}

/* One PUT: what is missing of the chunk, or (asking) nothing. */
static Step put(Sending *sending, bool asking, Error *error)
{
    Session *session = sending->session;
    const SessionChunk *chunk = sending->chunk;
    size_t done = (size_t)(session->committed - sending->start);
    StrView body = {chunk->bytes ? chunk->bytes + done : NULL, chunk->size - done};
    bool empty = asking || body.length == 0;
    char range[RANGE_TEXT], total[24] = "*";
    if (chunk->last)
        snprintf(total, sizeof total, "%llu", (unsigned long long)sending->end);
    if (empty)
        snprintf(range, sizeof range, "bytes */%s", total);
    else
        snprintf(range, sizeof range, "bytes %llu-%llu/%s", (unsigned long long)session->committed,
                 (unsigned long long)(sending->end - 1), total);
    HttpHeader header = {"Content-Range", range};
    HttpRequest request = {
        .id = session->options.id,
        .method = "PUT",
        .url = session->url,
        .headers = &header,
        .header_count = 1,
        .body = &body,
        .body_count = empty ? 0 : 1,
        .silence_ms = chunk->last ? LAST_SILENCE_MS : 0,
        .once = true, /* what arrived of it is asked for before anything goes again */
        .stop = chunk->stop,
        .job = session->options.job,
    };
    if (!google_send(session->options.api, &request, &sending->response, error))
        return step_without_answer(sending, error);
    int status = sending->response.status;
    if (status == 308)
        return step_of_308(sending, error);
    if (status < 200 || status >= 300)
        return step_of_refusal(sending, true, error);
    if (chunk->last)
        return STEP_WHOLE;
    begin_again(session, "the server takes it for complete before its end", error);
    return STEP_FAILED;
}

static bool read_answer(const Sending *sending, Json **ret_json, Error *error)
{
    const HttpResponse *response = &sending->response;
    if (!ret_json)
        return true;
    if (response->body.length == 0) {
        *ret_json = json_object_new();
        return true;
    }
    return json_parse(response->body.data, response->body.length, "answer", ret_json, NULL) ||
           error_set(error, ERROR_TARGET, "%s: the answer to the last bytes is no JSON",
                     sending->session->options.what);
}

/* Every byte of a chunk that is not the last is there. */
static bool is_confirmed(const Sending *sending, Step step)
{
    return step == STEP_MORE && !sending->chunk->last &&
           sending->session->committed == sending->end;
}

/* Until the chunk is there; each piece of progress begins the retries anew. */
static bool send_until(Sending *sending, const RetryOptions *retries, Error *error)
{
    Session *session = sending->session;
    bool asking = false;
    for (;;) {
        uint64_t before = session->committed;
        bool was_open = session->url != NULL;
        Step step = was_open ? put(sending, asking, error) : open_once(sending, error);
        if (step == STEP_WHOLE || is_confirmed(sending, step))
            return true;
        if (step == STEP_FAILED)
            return false;
        bool progress = step == STEP_MORE && (!was_open || session->committed > before);
        if (progress)
            retry_init(&sending->retry, retries);
        if (progress || (step == STEP_MORE && asking)) {
            asking = false;
            continue;
        }
        if (step == STEP_MORE)
            error_set_retryable(error, ERROR_TARGET, "%s: the server took none of the bytes",
                                session->options.what);
        if (!retry_again(&sending->retry, http_retry_after_ms(&sending->response), error))
            return false;
        /* It took them, or some, or none: it has to say. */
        asking = was_open;
    }
}

bool session_send(Session *session, const SessionChunk *chunk, Json **ret_json,
                  GoogleFailure *failure, Error *error)
{
    Sending sending = {
        .session = session,
        .chunk = chunk,
        .start = session->committed,
        .end = session->committed + chunk->size,
        .failure = failure,
    };
    RetryOptions retries = {
        .budget_ms = google_api_retry_budget_ms(session->options.api),
        .id = session->options.id,
        .job = session->options.job,
        .stop = chunk->stop,
        .counts = google_api_http(session->options.api),
    };
    retry_init(&sending.retry, &retries);
    bool sent = send_until(&sending, &retries, error);
    if (sent && chunk->last) {
        session->committed = session->size = sending.end;
        session->complete = true;
        sent = read_answer(&sending, ret_json, error);
    }
    http_response_done(&sending.response);
    return sent;
}

void session_cancel(Session *session)
{
    CLEANUP(http_response_done) HttpResponse response = {0};
    if (!session->url || session->complete)
        return;
    HttpRequest request = {
        .id = session->options.id,
        .method = "DELETE",
        .url = session->url,
        .total_ms = CANCEL_MS,
        .last_words = true,
        .job = session->options.job,
    };
    Error ignored = {0};
    if (!google_send(session->options.api, &request, &response, &ignored))
        log_debug(session->options.job, "%s: the upload is left to expire: %s",
                  session->options.what, ignored.message);
}

void session_done(Session *session)
{
    wipe_and_free(session->url);
    session->url = NULL;
}
