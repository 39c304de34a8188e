/* SPDX-License-Identifier: Apache-2.0 */
#include "net/reason.h"

#include "net/retry.h"

#include <stdio.h>
#include <string.h>

/* facts of docs.cloud.google.com/bigquery/docs/error-messages; what is not here, the status
 * decides.
 */
static const struct {
    const char *reason;
    ReasonAction action;
} actions[] = {
    {"rateLimitExceeded", REASON_RETRY},
    {"userRateLimitExceeded", REASON_RETRY},
    {"backendError", REASON_RETRY},
    {"internalError", REASON_RETRY},
    {"badGateway", REASON_RETRY},
    {"tableUnavailable", REASON_RETRY},
    {"timeout", REASON_RETRY},
    {"jobBackendError", REASON_NEW_JOB},
    {"jobInternalError", REASON_NEW_JOB},
    {"jobRateLimitExceeded", REASON_NEW_JOB},
    {"quotaExceeded", REASON_WAIT_QUOTA},
    {"dailyLimitExceeded", REASON_WAIT_QUOTA},
    {"accessDenied", REASON_FATAL},
    {"forbidden", REASON_FATAL},
    {"authError", REASON_FATAL},
    {"badRequest", REASON_FATAL},
    {"invalid", REASON_FATAL},
    {"invalidQuery", REASON_FATAL},
    {"invalidUser", REASON_FATAL},
    {"duplicate", REASON_FATAL},
    {"notFound", REASON_FATAL},
    {"resourceInUse", REASON_FATAL},
    {"resourcesExceeded", REASON_FATAL},
    {"responseTooLarge", REASON_FATAL},
    {"stopped", REASON_FATAL},
    {"billingNotEnabled", REASON_FATAL},
    {"blocked", REASON_FATAL},
    {"billingTierLimitExceeded", REASON_FATAL},
    {"notImplemented", REASON_FATAL},
    {"conditionNotMet", REASON_FATAL},
    {"preconditionFailed", REASON_FATAL},
};

/* Part of the message → the limit, its value and when there is room again
 * (docs.cloud.google.com/bigquery/docs/troubleshoot-quotas and /quotas). */
static const struct {
    const char *part;
    const char *limit;
} limits[] = {
    {"imports or query appends per table",
     "table operations per table per day (1,500 load, copy and query jobs, failed ones too); there "
     "is room again bit by bit over 24 hours, and the limit cannot be raised"},
    {"imports per project",
     "load jobs per project per day (100,000, failed ones too); there is room again bit by bit over "
     "24 hours"},
    {"copies per project",
     "copy jobs per project per day (100,000); there is room again bit by bit over 24 hours, and "
     "support can raise the limit"},
    {"too many table update operations",
     "table metadata updates per table (5 in 10 seconds, 50 for partitioned tables); there is room "
     "again within seconds"},
    {"too many dataset metadata update operations",
     "dataset metadata updates per dataset (5 in 10 seconds); there is room again within seconds"},
    {"number of partition modifications",
     "partition modifications per column-partitioned table per day (30,000; 11,000 when "
     "partitioned by ingestion time); there is room again bit by bit over 24 hours"},
    {"concurrent api requests",
     "API requests per user and method (100 a second); there is room again within seconds"},
    {"api requests per user per method",
     "API requests per user and method (100 a second); there is room again within seconds"},
    {"max number of jobs that can be queued",
     "queued queries per project and region (1,000 interactive, 20,000 batch); there is room again "
     "when some of them have run"},
    {"free query bytes scanned",
     "free query bytes per project and month; a billing account lifts it"},
    {"tabledata.list bytes",
     "bytes read by tabledata.list per project; there is room again within a minute"},
    {"ExtractBytesPerDay",
     "bytes extracted per project and day (50 TiB); there is room again bit by bit over 24 hours"},
    {"DML statements outstanding",
     "UPDATE, DELETE and MERGE statements waiting per table (20); there is room again when some of "
     "them have run"},
    {"QueryUsagePerDay",
     "query bytes per project and day (a limit that the project's owner set); it begins anew at "
     "midnight Pacific time"},
    {"QueryUsagePerUserPerDay",
     "query bytes per user and day (a limit that the project's owner set); it begins anew at "
     "midnight Pacific time"},
};

ReasonAction reason_action(const char *reason, int status)
{
    ReasonAction action = retry_status(status) ? REASON_RETRY : REASON_FATAL;
    for (size_t i = 0; reason && i < sizeof actions / sizeof *actions; i++) {
        if (strcmp(actions[i].reason, reason) == 0)
            action = actions[i].action;
    }
    return status == 0 && action == REASON_RETRY ? REASON_NEW_JOB : action;
}

static const char *text_of(const Json *object, const char *key, Arena *arena)
{
    return arena_strdup(arena, json_get_text(object, key));
}

ReasonEntry reason_entry(const Json *object, Arena *arena)
{
    return (ReasonEntry){
        .reason = text_of(object, "reason", arena),
        .message = text_of(object, "message", arena),
        .location = text_of(object, "location", arena),
        .debug_info = text_of(object, "debugInfo", arena),
    };
}

void reason_entries(const Json *array, Arena *arena, const ReasonEntry **ret_entries,
                    size_t *ret_count)
{
    *ret_count = json_count(array);
    ReasonEntry *entries = ARENA_ARRAY(arena, ReasonEntry, *ret_count);
    for (size_t i = 0; i < *ret_count; i++)
        entries[i] = reason_entry(json_at(array, i), arena);
    *ret_entries = entries;
}

const char *reason_limit(const char *message)
{
    for (size_t i = 0; message && i < sizeof limits / sizeof *limits; i++) {
        if (strcasestr(message, limits[i].part))
            return limits[i].limit;
    }
    return NULL;
}

static bool same_text(const char *left, const char *right)
{
    return left == right || (left && right && strcmp(left, right) == 0);
}

static void append_entry(const ReasonEntry *entry, const char *before, char *text, size_t size)
{
    size_t used = strlen(text);
    if (used + 1 >= size)
        return;
    snprintf(text + used, size - used, "%s%s (%s%s%s)", before,
             entry->message ? entry->message : "no message",
             entry->reason ? entry->reason : "no reason", entry->location ? ", at " : "",
             entry->location ? entry->location : "");
}

bool reason_error(const char *what, const ReasonEntry *main_entry, const ReasonEntry *entries,
                  size_t count, Error *error)
{
    enum { NAMED = 10 };
    char text[ERROR_MESSAGE_MAX] = "";
    size_t named = 0, others = 0;
    append_entry(main_entry, "", text, sizeof text);
    for (size_t i = 0; i < count; i++) {
        /* The list begins with the main one. */
        if (same_text(entries[i].message, main_entry->message) &&
            same_text(entries[i].location, main_entry->location))
            continue;
        if (named++ < NAMED)
            append_entry(&entries[i], "; ", text, sizeof text);
        else
            others++;
    }
    ReasonAction action = reason_action(main_entry->reason, 0);
    bool again = action == REASON_RETRY || action == REASON_NEW_JOB;
    error_set(error, ERROR_TARGET, "%s: %s", what, text);
    if (others > 0 && error && strlen(error->message) + 40 < sizeof error->message)
        snprintf(error->message + strlen(error->message), 40, "; and %zu more", others);
    if (error)
        error->retryable = again;
    const char *limit = reason_limit(main_entry->message);
    if (limit)
        error_hint(error, "the limit is: %s", limit);
    return false;
}
