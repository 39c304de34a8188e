/* SPDX-License-Identifier: Apache-2.0 */
/* net/retry.h: the one way in which requests are tried again (design decision 10): exponential
 * waits with full jitter inside a budget (base/backoff.h), never shorter than the server's
 * Retry-After. Each retry is a log line with its reason (debug; from the third on, warning) and is
 * counted under the request's id. */
#pragma once

#include "base/backoff.h"
#include "base/error.h"
#include "base/parallel.h"
#include "net/http.h"

typedef struct RetryOptions {
    int64_t budget_ms;    /* of all waits together; 0: never */
    const char *id;       /* of the requests; borrowed */
    const char *job;      /* label of log lines; may be NULL */
    const StopFlag *stop; /* may be NULL */
    HttpClient *counts;   /* counts the retries; may be NULL */
} RetryOptions;

typedef struct Retry {
    RetryOptions options;
    Backoff backoff;
} Retry;

void retry_init(Retry *retry, const RetryOptions *options);

/* After a failure. True: *error was retryable, and after a wait of at least at_least_ms the same
 * should be tried again (*error is cleared). False: *error stands, with the number of tries put
 * before it when there were several, or has become ERROR_CANCELLED. A wait that the server asks for
 * and the budget does not hold is not begun. */
bool retry_again(Retry *retry, int64_t at_least_ms, Error *error);

/* Whether a status alone asks for another try: 408, 429, 500, 502, 503, 504. */
bool retry_status(int status);
