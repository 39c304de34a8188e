/* SPDX-License-Identifier: Apache-2.0 */
#include "state/state.h"

#include "base/cancel.h"
#include "base/clock.h"
#include "base/log.h"

#include <ctype.h>
#include <inttypes.h>
#include <string.h>
#include <unistd.h>

enum { NAP_MS = 100, STATE_OLDEST = 1 };

bool state_lock(StateStore *store, const LockRequest *request, StateLock **ret_lock, Error *error)
{
    int64_t until = clock_monotonic_ns() + request->wait_ms * 1000000;
    bool said = false;
    for (;;) {
        Error locked = {0};
        if (store->ops->lock(store, request, ret_lock, &locked))
            return true;
        if (!cancel_check(error))
            return false;
        if (locked.kind != ERROR_LOCKED || clock_monotonic_ns() >= until) {
            if (error)
                *error = locked;
            return false;
        }
        if (!said)
            log_info(request->holder, "waits for a lock: %s", locked.message);
        said = true;
        clock_sleep_ms(store->lock_nap_ms ? store->lock_nap_ms : NAP_MS);
    }
}

bool state_keep_lock(StateStore *store, StateLock *lock, Error *error)
{
    return !lock || !store->ops->keep || store->ops->keep(store, lock, error);
}

Json *state_holder_new(const char *job)
{
    Json *holder = json_object_new();
    char host[256] = "unknown", since[CLOCK_TEXT_SIZE];
    gethostname(host, sizeof host - 1);
    clock_format_utc(clock_wall_us(), since);
    json_set_text(holder, "host", host);
    json_set_int(holder, "pid", getpid());
    json_set_text(holder, "job", job);
    json_set_text(holder, "since", since);
    return holder;
}

bool state_fail_locked(const LockRequest *request, const Json *holder, const char *place,
                       Error *error)
{
    const char *host = json_get_text(holder, "host"), *since = json_get_text(holder, "since");
    const char *job = json_get_text(holder, "job");
    if (host && since)
        error_set(error, ERROR_LOCKED, "%s is locked by process %lld on %s (job %s), since %s",
                  request->what, (long long)json_get_int(holder, "pid", 0), host, job ? job : "?",
                  since);
    else
        error_set(error, ERROR_LOCKED, "%s is locked by another process (%s)", request->what,
                  place);
    return false;
}

bool state_hint_damaged(const char *job, Error *error)
{
    return error_hint(
        error,
        "restore it from a backup; or look whether the last run's rows have arrived in the target, "
        "and then remove it (bqferry state reset %s --force): without it, that run and the cursor "
        "are forgotten",
        job);
}

/* A folder that was copied, or a file that was renamed: somebody else's cursor is not this job's.
 */
static bool check_job(const Json *state, const char *job, const char *path, Error *error)
{
    const char *own = json_get_text(state, "job");
    if (own && strcmp(own, job) == 0)
        return true;
    if (!own) {
        error_set(error, ERROR_CONFIG, "%s is damaged: it does not say whose state it is", path);
        return state_hint_damaged(job, error);
    }
    error_set(error, ERROR_CONFIG, "%s is the state of job %s, not of %s", path, own, job);
    return error_hint(error,
                      "name the job as it was, or put the right file there; bqferry state "
                      "reset %s --force removes it",
                      job);
}

static bool check_version(const Json *state, const char *job, const char *path, Error *error)
{
    int64_t version = json_get_int(state, "version", 0);
    if (version >= STATE_OLDEST && version <= STATE_FORMAT)
        return true;
    if (version > STATE_FORMAT) {
        error_set(error, ERROR_CONFIG, "%s has version %lld, this bqferry knows %d", path,
                  (long long)version, STATE_FORMAT);
        return error_hint(error, "a newer bqferry wrote it: run that one");
    }
    error_set(error, ERROR_CONFIG, "%s is damaged: it has no version", path);
    return state_hint_damaged(job, error);
}

bool state_check_document(const Json *state, const char *job, const char *place, Error *error)
{
    return check_version(state, job, place, error) && check_job(state, job, place, error);
}

/* Some targets' names do not tell cases apart: one lock too many does no harm. */
const char *state_table_lock_name(const char *destination, const char *dataset, const char *table,
                                  Arena *arena)
{
    char *name = arena_printf(arena, "table %s %s.%s", destination, dataset, table);
    for (char *letter = name; *letter; letter++)
        *letter = (char)tolower((unsigned char)*letter);
    return name;
}

bool state_keep_report(StateStore *store, const char *id, const Json *report, size_t keep,
                       Error *error)
{
    CLEANUP(arena_done) Arena arena = {0};
    TextArray ids;
    if (!store->ops->report_save(store, id, report, error) ||
        !store->ops->report_list(store, &arena, &ids, error))
        return false;
    for (size_t i = 0; i + keep < ids.count; i++) {
        if (!store->ops->report_remove(store, ids.items[i], error))
            return false;
    }
    return true;
}
