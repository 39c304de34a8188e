/* SPDX-License-Identifier: Apache-2.0 */
/* net/google.h: authorised JSON calls to one of Google's APIs, repeated where that helps.
 *
 *     GoogleFailure failure = {0};                          (CLEANUP(google_failure_done))
 *     Json *table = NULL;                                   (CLEANUP(json_free_ptr))
 *     GoogleCall call = {.id = "bigquery.tables.get", .method = "GET",
 *                        .path = url_path(arena, "/projects/%s/datasets/%s/tables/%s", p, d, t)};
 *     if (!google_call(api, &call, &table, &failure, error))
 *         return failure.status == 404 ? not_there() : false;
 *
 * Every request carries the token, x-goog-user-project where there is a quota project, user agent
 * bqferry/VERSION, and prettyPrint=false. A 401 makes the token new, once. */
#pragma once

#include "format/json.h"
#include "net/credentials.h"
#include "net/http.h"
#include "net/reason.h"
#include "net/url.h"

typedef struct GoogleService {
    const char *title;       /* for messages: "BigQuery" */
    const char *host;        /* "bigquery": of https://bigquery.UNIVERSE */
    const char *path;        /* "/bigquery/v2" */
    const char *upload_path; /* "/upload/bigquery/v2" */
    const char *variable;    /* environment variable of an emulator: "BIGQUERY_EMULATOR_HOST" */
} GoogleService;

extern const GoogleService google_bigquery;
extern const GoogleService google_storage;

/* Where a service was pointed at. */
typedef struct GoogleEndpoint {
    const char *url; /* without a slash at its end; NULL: the real service */
    bool plain;      /* http: an emulator (CredentialsOptions.emulator) */
} GoogleEndpoint;

/* The configured endpoint, else the service's environment variable. Without a scheme, http is meant
 * (as in Google's clients: "localhost:9050"). `configured_name` is for messages
 * ("destination.endpoints.bigquery"). ERROR_CONFIG when it is no URL. */
bool google_endpoint(const GoogleService *service, const char *configured,
                     const char *configured_name, Arena *arena, GoogleEndpoint *ret_endpoint,
                     Error *error);

typedef struct GoogleApi GoogleApi;

typedef struct GoogleApiOptions {
    const GoogleService *service;
    const char *endpoint; /* GoogleEndpoint.url; NULL: the real one of the universe. A path
                           * in it stands in place of service->path */
    HttpClient *http;     /* borrowed, as are the credentials; both outlive the api */
    Credentials *credentials;
    int64_t retry_budget_ms; /* per call; 0: calls are never repeated */
} GoogleApiOptions;

/* ERROR_CONFIG when tokens would leave this machine over plain http. Safe to use from threads. */
bool google_api_new(const GoogleApiOptions *options, GoogleApi **ret_api, Error *error);
void google_api_free(GoogleApi *api);
DEFINE_CLEANUP(GoogleApi, google_api_free)

HttpClient *google_api_http(const GoogleApi *api);

/* How long a last word may take: all of a process 10 s together, and each of them 1 s. */
int64_t google_last_words_ms(void);

typedef struct GoogleCall {
    const char *id;        /* the discovery document's method id: "bigquery.jobs.insert" */
    const char *method;    /* "GET", … */
    const char *path;      /* below the service's path, escaped (url_path): "/projects/p/jobs" */
    const UrlParam *query; /* ends with {NULL, NULL}; may be NULL; prettyPrint is added */
    const Json *body;      /* may be NULL */
    const char *if_match;  /* an etag; may be NULL */
    /* Calls are repeated after any failure that may pass, even when the one before may have been
     * carried out: give what is created a name, take 409 for "mine already" when failure.repeated.
     * `once` repeats only what surely was not carried out. */
    bool once;
    int64_t silence_ms;      /* as in net/http.h; for calls that the server holds open */
    int64_t retry_budget_ms; /* 0: the api's; below 0: never repeated */
    bool last_words;         /* goes out after a stop too, never repeated; google_last_words_ms */
    const StopFlag *stop;    /* may be NULL */
    const char *job;         /* label of log lines; may be NULL */
} GoogleCall;

/* Why a call failed. Zero-initialise; google_call clears it, so it can be used again. */
typedef struct GoogleFailure {
    Arena arena;         /* owns the strings */
    int status;          /* of the last answer; 0: none came */
    const char *reason;  /* the first entry's, else error.status in the same spelling; never NULL */
    const char *message; /* error.message; never NULL */
    const ReasonEntry *entries;
    size_t entry_count;
    ReasonAction action;
    bool may_count; /* the last request may have been carried out though no answer came */
    bool repeated;  /* an earlier try of this call may have been carried out */
} GoogleFailure;

void google_failure_done(GoogleFailure *failure);

/* True: 2xx; *ret_json (may be NULL: not wanted) is the answer, an empty object when it had no
 * body; the caller frees. False: *error is ERROR_TARGET ("BigQuery: tables.get of …: message
 * (notFound)"), ERROR_CANCELLED, or what the credentials say; ret_failure may be NULL. */
bool google_call(GoogleApi *api, const GoogleCall *call, Json **ret_json,
                 GoogleFailure *ret_failure, Error *error) __attribute__((warn_unused_result));

/* Calls once a page: pageToken is added from the second on (nextPageToken or pageToken of the page
 * before). `take` returns false to stop: with *error filled that is a failure, without it an early
 * and good end. */
typedef bool GooglePage(void *context, const Json *page, Error *error);
bool google_pages(GoogleApi *api, const GoogleCall *call, GooglePage *take, void *context,
                  GoogleFailure *ret_failure, Error *error) __attribute__((warn_unused_result));

/* int64 values come as texts ("123"), now and then as numbers; anything else gives `otherwise`. */
int64_t google_int(const Json *object, const char *key, int64_t otherwise);

/* For net/ itself: one exchange with the token, the headers above and those of `request`, the token
 * renewed once after a 401; `request.url` is whole. */
bool google_send(GoogleApi *api, const HttpRequest *request, HttpResponse *ret_response,
                 Error *error) __attribute__((warn_unused_result));

/* For net/ itself: an answer of 400 or more as failure and error. `what` begins the message. */
bool google_refused(GoogleApi *api, const char *what, const HttpResponse *response,
                    GoogleFailure *ret_failure, Error *error);

const char *google_api_url(const GoogleApi *api);        /* "https://…/bigquery/v2" */
const char *google_api_upload_url(const GoogleApi *api); /* "https://…/upload/bigquery/v2" */
int64_t google_api_retry_budget_ms(const GoogleApi *api);
