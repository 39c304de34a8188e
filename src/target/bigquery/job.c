/* SPDX-License-Identifier: Apache-2.0 */
#include "target/bigquery/job.h"

#include "base/clock.h"
#include "base/fault.h"
#include "base/log.h"
#include "target/bigquery/calls.h"
#include "target/bigquery/explain.h"
#include "target/bigquery/job_json.h"
#include "target/bigquery/run_state.h"

#include <inttypes.h>
#include <string.h>

enum {
    POLL_FIRST_MS = 200,
    POLL_MAX_MS = 10000,
    LEAVE_MS = 5000,   /* how long a job that goes on is looked at after a signal */
    APPEAR_MS = 60000, /* how long a job that was accepted may take to be found */
    NS_PER_MS = 1000000,
};

char *bq_job_id(const Delivery *delivery, const char *step, int try, Arena *arena)
{
    return arena_printf(arena, "bqferry-%s-%d-%s-%d", delivery->run_id, delivery->attempt, step,
                        try);
}

char *bq_job_link(const BqWay *way, const char *id, Arena *arena)
{
    return arena_printf(arena,
                        "https://console.cloud.google.com/bigquery?project=%s&j=bq:%s:%s"
                        "&page=queryresults",
                        way->job_project, way->location, id);
}

static BqJobKey key_of(const BqJobWait *wait)
{
    return (BqJobKey){
        .project = wait->way->job_project, .location = wait->way->location, .id = wait->id};
}

static const char *state_of(const Json *job)
{
    const char *state = json_get_text(json_get(job, "status"), "state");
    return state ? state : "PENDING";
}

static bool is_done(const Json *job)
{
    return job && strcmp(state_of(job), "DONE") == 0;
}

static int64_t elapsed_ms(int64_t since_ns)
{
    return (clock_monotonic_ns() - since_ns) / NS_PER_MS;
}

static bool still_running(const BqScope *scope, const BqJobWait *wait, const Json *job,
                          Error *error)
{
    const int64_t second_ms = 1000, minute_ms = 60 * second_ms;
    int64_t waited_ms = scope->bq->job_timeout_ms;
    bool long_ago = waited_ms >= 2 * minute_ms;
    error_set(error, ERROR_TARGET, "%s job %s is still %s after %" PRId64 " %s", wait->kind,
              wait->id, state_of(job), waited_ms / (long_ago ? minute_ms : second_ms),
              long_ago ? "minutes" : "seconds");
    if (!wait->leave) {
        const BqJobKey key = key_of(wait);
        Error ignored = {0};
        if (!bq_job_cancel(scope, &key, &ignored))
            log_warning(scope->job, "job %s could not be cancelled; it ends by itself", wait->id);
        return error_hint(error, "it was cancelled, and its rows are given up. "
                                 "destination.job_timeout says how long jobs are waited for");
    }
    return error_hint(error,
                      "it goes on in BigQuery, and a next run takes its result. To look at it: bq "
                      "--location=%s show -j %s:%s, or %s. destination.job_timeout says how long "
                      "jobs are waited for",
                      wait->way->location, wait->way->job_project, wait->id,
                      bq_job_link(wait->way, wait->id, scope->arena));
}

/* A signal came, or a sibling has failed. True: the job has ended all the same. */
static bool stop_waiting(const BqScope *scope, const BqJobWait *wait, Json **job, Error *error)
{
    BqJobKey key = key_of(wait);
    key.last_words = true;
    Error ignored = {0};
    *error = (Error){0};
    if (!wait->leave) {
        if (!bq_job_cancel(scope, &key, &ignored))
            log_warning(scope->job, "job %s could not be cancelled; it ends by itself", wait->id);
        return error_set(error, ERROR_CANCELLED, "stopped while %s job %s was under way",
                         wait->kind, wait->id);
    }
    int64_t begin = clock_monotonic_ns();
    while (elapsed_ms(begin) < LEAVE_MS) {
        Json *now = NULL;
        if (!bq_job_get(scope, &key, &now, &ignored) || !now)
            break;
        json_free(*job);
        *job = now;
        if (is_done(now))
            return true;
        usleep(POLL_FIRST_MS * 1000); /* clock_sleep_ms would return at once */
    }
    error_set(error, ERROR_CANCELLED, "stopped while %s job %s goes on in BigQuery", wait->kind,
              wait->id);
    return error_hint(error, "run the job again: it takes the result of that job first");
}

static bool lost_sight(const BqJobWait *wait, Error *error)
{
    return error_set_retryable(error, ERROR_TARGET,
                               "%s job %s is not to be found in the location %s", wait->kind,
                               wait->id, wait->way->location);
}

static bool look_again(const BqScope *scope, const BqJobWait *wait, int64_t begin, Json **job,
                       Error *error)
{
    const BqJobKey key = key_of(wait);
    Json *now = NULL;
    if (!bq_job_get(scope, &key, &now, error))
        return false;
    if (!now && elapsed_ms(begin) > APPEAR_MS)
        return lost_sight(wait, error);
    if (now) {
        json_free(*job);
        *job = now;
    }
    return true;
}

bool bq_job_wait(const BqScope *scope, const BqJobWait *wait, Json **job, Error *error)
{
    int64_t begin = clock_monotonic_ns(), pause_ms = POLL_FIRST_MS;
    int looks = 0;
    while (!is_done(*job)) {
        if (elapsed_ms(begin) > scope->bq->job_timeout_ms)
            return still_running(scope, wait, *job, error);
        if (!wait->sent_before || looks > 0)
            (void)stop_sleep_ms(scope->stop, pause_ms);
        looks++;
        pause_ms = pause_ms * 3 / 2 < POLL_MAX_MS ? pause_ms * 3 / 2 : POLL_MAX_MS;
        bool seen = !stop_requested(scope->stop) && look_again(scope, wait, begin, job, error);
        if (!seen && stop_requested(scope->stop))
            return stop_waiting(scope, wait, job, error);
        if (!seen || !fault_point("bigquery.job.polled", error))
            return false;
    }
    return true;
}

static int64_t billed_of(const Json *statistics)
{
    return google_int(json_get(statistics, "query"), "totalBytesBilled", 0);
}

static void note_job(const BqScope *scope, const BqJobWait *wait, const Json *job)
{
    const Json *statistics = json_get(job, "statistics");
    const TargetJob entry = {
        .kind = wait->kind,
        .id = wait->id,
        .link = bq_job_link(wait->way, wait->id, scope->arena),
        .bytes_billed = billed_of(statistics),
        .slot_ms = google_int(statistics, "totalSlotMs", 0),
    };
    bq_run_add_job(scope->bq, wait->delivery, &entry);
}

static int64_t rows_of(const Json *job)
{
    const Json *statistics = json_get(job, "statistics");
    int64_t copied = google_int(json_get(statistics, "copy"), "copiedRows", -1);
    return google_int(json_get(statistics, "load"), "outputRows", copied);
}

static BqDml dml_of(const BqScope *scope, const Json *job)
{
    const Json *configuration = json_get(json_get(job, "configuration"), "query");
    const Json *stats = json_get(json_get(json_get(job, "statistics"), "query"), "dmlStats");
    return (BqDml){
        .sql = arena_strdup(scope->arena, json_get_text(configuration, "query")),
        .inserted = google_int(stats, "insertedRowCount", 0),
        .updated = google_int(stats, "updatedRowCount", 0),
        .deleted = google_int(stats, "deletedRowCount", 0),
    };
}

/* Another statement changed the same rows, or too many wait: nothing is wrong with this one
 * (docs/data-manipulation-language#dml-limitations; the reason given is invalidQuery). */
static bool is_collision(const ReasonEntry *entry)
{
    return entry->message && (strcasestr(entry->message, "concurrent update") ||
                              strcasestr(entry->message, "could not serialize access") ||
                              strcasestr(entry->message, "DML statements outstanding"));
}

/* Time cures it, but not soon. */
static bool is_in_the_way(const ReasonEntry *entry)
{
    return entry->message && strcasestr(entry->message, "streaming buffer");
}

/* Rows that a file holds and the table refuses. */
static bool is_about_rows(const ReasonEntry *entries, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        if (entries[i].reason && strcmp(entries[i].reason, "invalid") == 0 && entries[i].message &&
            strcasestr(entries[i].message, "while reading"))
            return true;
    }
    return false;
}

/* The same job would end the same way whenever it is asked for again. */
static bool is_for_good(const char *reason)
{
    return reason && (strcmp(reason, "invalid") == 0 || strcmp(reason, "invalidQuery") == 0 ||
                      strcmp(reason, "notFound") == 0);
}

static bool job_failed(const BqScope *scope, const BqJobWait *wait, const Json *status,
                       BqJobEnd *end, Error *error)
{
    const ReasonEntry *entries;
    size_t count;
    ReasonEntry result = reason_entry(json_get(status, "errorResult"), scope->arena);
    reason_entries(json_get(status, "errors"), scope->arena, &entries, &count);
    reason_error(arena_printf(scope->arena, "%s job %s", wait->kind, wait->id), &result, entries,
                 count, error);
    if (is_about_rows(&result, 1) || is_about_rows(entries, count))
        error->kind = ERROR_DATA;
    error->retryable |= is_collision(&result);
    end->again = error->retryable;
    end->hopeless = !end->again && !is_in_the_way(&result) && is_for_good(result.reason);
    if (is_in_the_way(&result))
        return error_hint(error, "somebody streams rows into this table by insertAll, and those of "
                                 "the last 30 minutes cannot be changed yet: run the job again "
                                 "later, or stream with the Storage Write API");
    return explain(NULL, result.reason, result.message, error);
}

static void warn_of(const BqScope *scope, const BqJobWait *wait, const Json *status)
{
    const Json *errors = json_get(status, "errors");
    for (size_t i = 0; i < json_count(errors); i++) {
        ReasonEntry entry = reason_entry(json_at(errors, i), scope->arena);
        log_warning(scope->job, "%s job %s: %s%s%s", wait->kind, wait->id,
                    entry.message ? entry.message : "a warning without words",
                    entry.location ? ", at " : "", entry.location ? entry.location : "");
    }
}

static bool is_fence(const Json *job)
{
    const Json *query = json_get(json_get(job, "configuration"), "query");
    const char *text = json_get_text(query, "query");
    return text && strcmp(text, "SELECT 1") == 0;
}

bool bq_job_end(const BqScope *scope, const BqJobWait *wait, const Json *job, BqJobEnd *ret_end,
                Error *error)
{
    const Json *status = json_get(job, "status");
    *ret_end = (BqJobEnd){.rows = rows_of(job), .dml = dml_of(scope, job)};
    note_job(scope, wait, job);
    if (json_is_object(json_get(status, "errorResult")))
        return job_failed(scope, wait, status, ret_end, error);
    if (is_fence(job)) {
        error_set(error, ERROR_TARGET, "%s job %s was given up by another process", wait->kind,
                  wait->id);
        ret_end->again = error->retryable = true;
        return false;
    }
    warn_of(scope, wait, status);
    return true;
}

bool bq_job_fence(const BqScope *scope, const BqJobWait *wait, Json **ret_job, Error *error)
{
    const JobDraft draft = {
        .project = wait->way->job_project,
        .location = wait->way->location,
        .id = wait->id,
        .labels = wait->way->job_labels,
    };
    CLEANUP(json_free_ptr) Json *body = job_json_fence(&draft);
    CLEANUP(json_free_ptr) Json *made = NULL;
    *ret_job = NULL;
    if (!bq_job_insert(scope, body, &made, error))
        return false;
    if (made)
        return true;
    const BqJobKey key = key_of(wait);
    if (!bq_job_get(scope, &key, ret_job, error))
        return false;
    return *ret_job || lost_sight(wait, error);
}
