/* SPDX-License-Identifier: Apache-2.0 */
/* net/reason.h: what the reasons mean that BigQuery and Cloud Storage put into their errors
 * (docs.cloud.google.com/bigquery/docs/error-messages; the same words come in answers to requests
 * and in a job's status.errorResult). */
#pragma once

#include "base/error.h"
#include "format/json.h"

#include <stdbool.h>
#include <stddef.h>

typedef enum ReasonAction {
    REASON_FATAL,      /* the same request will fail again */
    REASON_RETRY,      /* the same request, later */
    REASON_NEW_JOB,    /* the work again, under a new job id */
    REASON_WAIT_QUOTA, /* only when the quota is there again: not within a run's retries */
} ReasonAction;

/* `reason` may be NULL or unknown; the HTTP status decides then. Status 0 stands for a job that
 * ended with this reason: what may be tried again is tried under a new job id then. */
ReasonAction reason_action(const char *reason, int status);

/* One entry of error.errors[] or of a job's status.errors[]; members are NULL when missing. */
typedef struct ReasonEntry {
    const char *reason;
    const char *message;
    const char *location; /* "query", a field, or a file's URI */
    const char *debug_info;
} ReasonEntry;

/* Reads an array of entries (NULL or anything else: none) or one entry; strings in the arena. */
void reason_entries(const Json *array, Arena *arena, const ReasonEntry **ret_entries,
                    size_t *ret_count);
ReasonEntry reason_entry(const Json *object, Arena *arena);

/* For quotaExceeded and rateLimitExceeded: the limit that the message speaks of and when there is
 * room again, as the documents say ("load jobs per table per day (1,500); …"); NULL: not known.
 * (docs.cloud.google.com/bigquery/docs/troubleshoot-quotas) */
const char *reason_limit(const char *message);

/* Fills *error (ERROR_TARGET) from the main entry and every further one of `entries` (at most ten
 * are named, the rest counted): "WHAT: message (reason, at location); …"; retryable for
 * REASON_RETRY and REASON_NEW_JOB; a hint for known limits. For jobs that ended with an
 * errorResult. Returns false. */
bool reason_error(const char *what, const ReasonEntry *main_entry, const ReasonEntry *entries,
                  size_t count, Error *error);
