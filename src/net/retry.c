/* SPDX-License-Identifier: Apache-2.0 */
#include "net/retry.h"

#include "base/log.h"

void retry_init(Retry *retry, const RetryOptions *options)
{
    retry->options = *options;
    backoff_init(&retry->backoff, options->budget_ms);
}

bool retry_again(Retry *retry, int64_t at_least_ms, Error *error)
{
    enum { QUIET_TRIES = 2 };
    const RetryOptions *options = &retry->options;
    Backoff *backoff = &retry->backoff;
    if (!error->retryable)
        return false;
    int64_t waited_before_ms = backoff->waited_ms;
    bool waited = backoff_wait_at_least(backoff, at_least_ms, options->stop);
    if (stop_requested(options->stop))
        return error_set(error, ERROR_CANCELLED, "%s: stopped while waiting to try again",
                         options->id);
    if (!waited) {
        if (backoff->tries > 0)
            error_prefix(error, "given up after %d tries", backoff->tries + 1);
        error->tried = backoff->tries > 0;
        return false;
    }
    int64_t waited_ms = backoff->waited_ms - waited_before_ms;
    log_event(backoff->tries > QUIET_TRIES ? LOG_WARNING : LOG_DEBUG, options->job,
              "%s: try %d after %lld ms: %s", options->id, backoff->tries + 1, (long long)waited_ms,
              error->message);
    if (options->counts)
        http_count_retry(options->counts, options->id, waited_ms);
    *error = (Error){0};
    return true;
}

bool retry_status(int status)
{
    return status == 408 || status == 429 || status == 500 || status == 502 || status == 503 ||
           status == 504;
}
