/* SPDX-License-Identifier: Apache-2.0 */
/* A lock is an object. Whoever makes it holds it, and writes it anew every REFRESH_MS; one that was
 * not written for STALE_MS by Cloud Storage's clock and ours is stale, and the next one replaces
 * it, by its generation: of several that try, one succeeds, and its old holder's next write fails.
 * A holder that could not write for LEASE_MS, which is much less, takes the lock for lost by
 * itself. */
#include "state/gcs/gcs_store.h"

#include "base/cancel.h"
#include "base/clock.h"
#include "base/fault.h"
#include "base/log.h"
#include "base/memory.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

enum {
    FRESH_MS = 5 * 1000, /* an object takes about one write a second: none is wasted */
    REFRESH_MS = 15 * 1000,
    LEASE_MS = 60 * 1000,
    STALE_MS = 120 * 1000,
    NS_PER_MS = 1000000,
};

struct StateLock {
    StateLock *next;
    Arena arena;
    const char *name; /* of the object */
    LockRequest request;
    Json *holder; /* what is written */
    int64_t generation;
    int64_t written_ns; /* monotonic, before the last write that succeeded was begun */
    bool lost;
    bool busy; /* being written: without the mutex */
};

/* Tests shorten all of them alike. */
static int64_t scaled_ms(int64_t ms)
{
    return ms / fault_limit("state.lock_speed", 1);
}

/* "2026-01-31T12:34:56.789Z" → microseconds since 1970; false: not that. */
static bool read_time(const char *text, int64_t *ret_us)
{
    struct tm time = {0};
    char *end = text ? strptime(text, "%Y-%m-%dT%H:%M:%S", &time) : NULL;
    if (!end)
        return false;
    *ret_us = (int64_t)timegm(&time) * 1000000;
    return true;
}

static bool is_stale(const GcsObject *object)
{
    int64_t updated_us;
    return read_time(object->updated, &updated_us) &&
           clock_wall_us() - updated_us > scaled_ms(STALE_MS) * 1000;
}

static void lock_free(StateLock *lock)
{
    json_free(lock->holder);
    arena_done(&lock->arena);
    free(lock);
}

static StateLock *lock_new(const GcsStore *store, const LockRequest *request)
{
    StateLock *lock = memory_zalloc(1, sizeof *lock);
    lock->name = gcs_store_name(store, "lock", request->name, &lock->arena);
    lock->request = (LockRequest){
        .name = arena_strdup(&lock->arena, request->name),
        .what = arena_strdup(&lock->arena, request->what),
        .holder = arena_strdup(&lock->arena, request->holder),
    };
    lock->holder = state_holder_new(request->holder);
    return lock;
}

static bool fail_held(const LockRequest *request, const Json *holder, const char *place,
                      Error *error)
{
    state_fail_locked(request, holder, place, error);
    return error_hint(error, "--lock-wait 10m waits until that run has ended; the lock of a "
                             "process that died can be taken over after two minutes");
}

/* Somebody has it: who, and may it be taken over? */
static bool look(const GcsStore *store, const StateLock *lock, int64_t *ret_generation,
                 Error *error)
{
    CLEANUP(arena_done) Arena arena = {0};
    CLEANUP(json_free_ptr) Json *holder = NULL;
    GcsObject object;
    Error unreadable = {0};
    if (!gcs_store_read(store, lock->name, &holder, &object, &arena, &unreadable) &&
        unreadable.kind != ERROR_CONFIG) {
        *error = unreadable;
        return false;
    }
    *ret_generation = object.generation;
    if (object.generation == GCS_ABSENT) /* given back meanwhile */
        return true;
    if (!is_stale(&object)) {
        return fail_held(&lock->request, holder, gcs_store_place(store, lock->name, &arena), error);
    }
    const char *host = json_get_text(holder, "host"), *since = json_get_text(holder, "since");
    log_warning(
        lock->request.holder,
        "takes over the lock of process %" PRId64 " on %s, since %s, which was not seen for "
        "two minutes: %s",
        json_get_int(holder, "pid", 0), host ? host : "?", since ? since : "?", lock->request.what);
    return true;
}

static void *refresh_locks(void *context);

/* The caller holds the mutex. */
static bool need_refresher(GcsStore *store, Error *error)
{
    if (store->has_refresher)
        return true;
    int code = pthread_create(&store->refresher, NULL, refresh_locks, store);
    if (code != 0)
        return error_set_errno(error, ERROR_INTERNAL, code, "cannot start a thread");
    store->has_refresher = true;
    return true;
}

static bool hold(GcsStore *store, StateLock *lock, Error *error)
{
    pthread_mutex_lock(&store->mutex);
    bool held = need_refresher(store, error);
    if (held) {
        lock->next = store->locks;
        store->locks = lock;
        pthread_cond_broadcast(&store->wake);
    }
    pthread_mutex_unlock(&store->mutex);
    return held;
}

bool gcs_lock(StateStore *base, const LockRequest *request, StateLock **ret_lock, Error *error)
{
    enum { TRIES = 3 };
    GcsStore *store = gcs_store_of(base);
    StateLock *lock = lock_new(store, request);
    int64_t condition = GCS_ABSENT;
    bool written = false, known = true;
    Error problem = {0};
    for (int try = 0; known && !written && try < TRIES; try++) {
        GcsDocument document = {lock->name, lock->holder, condition};
        lock->written_ns = clock_monotonic_ns();
        known = gcs_store_write(store, &document, &written, &problem) &&
                (written || look(store, lock, &condition, &problem));
        lock->generation = document.if_generation;
    }
    if (known && !written) /* others are faster each time */
        known = fail_held(request, NULL, lock->name, &problem);
    if (known && fault_point("state.lock.taken", &problem) && hold(store, lock, &problem)) {
        *ret_lock = lock;
        return true;
    }
    if (error)
        *error = problem;
    lock_free(lock);
    return false;
}

/* Writes the lock anew. The mutex is not held; `busy` is. *ret_lost: another has it. */
static bool rewrite(const GcsStore *store, StateLock *lock, int64_t *ret_generation,
                    int64_t *ret_begun_ns, bool *ret_lost, Error *error)
{
    GcsDocument document = {lock->name, lock->holder, lock->generation};
    bool written;
    *ret_begun_ns = clock_monotonic_ns();
    *ret_lost = false;
    if (!gcs_store_write(store, &document, &written, error))
        return false;
    *ret_generation = document.if_generation;
    *ret_lost = !written;
    return true;
}

static bool is_older(const StateLock *lock, int64_t ms)
{
    return clock_monotonic_ns() - lock->written_ns >= scaled_ms(ms) * NS_PER_MS;
}

/* The mutex is held, and given back while the request is under way. */
static bool refresh(GcsStore *store, StateLock *lock, Error *error)
{
    int64_t generation = 0, begun_ns;
    bool lost;
    while (lock->busy)
        pthread_cond_wait(&store->wake, &store->mutex);
    if (lock->lost)
        return true;
    lock->busy = true;
    pthread_mutex_unlock(&store->mutex);
    bool known = rewrite(store, lock, &generation, &begun_ns, &lost, error);
    pthread_mutex_lock(&store->mutex);
    lock->busy = false;
    if (known && !lost) {
        lock->generation = generation;
        lock->written_ns = begun_ns;
    }
    lock->lost |= known ? lost : is_older(lock, LEASE_MS);
    pthread_cond_broadcast(&store->wake);
    return known;
}

static StateLock *find_due(GcsStore *store)
{
    for (StateLock *lock = store->locks; lock; lock = lock->next) {
        if (!lock->lost && !lock->busy && is_older(lock, REFRESH_MS))
            return lock;
    }
    return NULL;
}

static void nap(GcsStore *store)
{
    struct timespec until;
    int64_t ms = scaled_ms(REFRESH_MS) / 4;
    clock_gettime(CLOCK_MONOTONIC, &until);
    until.tv_sec += ms / 1000;
    until.tv_nsec += (ms % 1000) * NS_PER_MS;
    if (until.tv_nsec >= 1000 * NS_PER_MS) {
        until.tv_sec++;
        until.tv_nsec -= 1000 * NS_PER_MS;
    }
    pthread_cond_timedwait(&store->wake, &store->mutex, &until);
}

static void *refresh_locks(void *context)
{
    GcsStore *store = context;
    pthread_mutex_lock(&store->mutex);
    while (!store->closing) {
        Error error = {0};
        StateLock *lock = find_due(store);
        if (!lock) {
            nap(store);
            continue;
        }
        const char *job = lock->request.holder, *what = lock->request.what;
        bool before = lock->lost;
        if (!refresh(store, lock, &error)) {
            log_warning(job, "the lock of %s could not be refreshed: %s", what, error.message);
            nap(store);
        } else if (lock->lost && !before) {
            log_warning(job, "the lock of %s was taken over by another process", what);
        }
    }
    pthread_mutex_unlock(&store->mutex);
    return NULL;
}

static bool fail_lost(const GcsStore *store, const StateLock *lock, Error *error)
{
    CLEANUP(arena_done) Arena arena = {0};
    CLEANUP(json_free_ptr) Json *holder = NULL;
    GcsObject object;
    Error ignored = {0};
    bool known = gcs_store_read(store, lock->name, &holder, &object, &arena, &ignored);
    const char *host = json_get_text(holder, "host");
    error_set(error, ERROR_LOCKED, "the lock of %s was lost%s%s", lock->request.what,
              known && host ? " to a process on " : ": it could not be refreshed in time",
              known && host ? host : "");
    return error_hint(error,
                      "nothing more was done, because another process may be at work on it "
                      "now; run the job again when that has ended. A machine that sleeps, or "
                      "is cut off for a minute, loses its locks");
}

bool gcs_keep(StateStore *base, StateLock *lock, Error *error)
{
    GcsStore *store = gcs_store_of(base);
    Error problem = {0};
    if (!fault_point("state.lock.keep", error))
        return false;
    pthread_mutex_lock(&store->mutex);
    bool is_fresh = !lock->lost && !is_older(lock, FRESH_MS);
    bool known = is_fresh || refresh(store, lock, &problem), lost = lock->lost;
    pthread_mutex_unlock(&store->mutex);
    if (lost)
        return fail_lost(store, lock, error);
    if (!known && error)
        *error = problem;
    return known;
}

static void forget(GcsStore *store, StateLock *lock)
{
    pthread_mutex_lock(&store->mutex);
    while (lock->busy)
        pthread_cond_wait(&store->wake, &store->mutex);
    for (StateLock **at = &store->locks; *at; at = &(*at)->next) {
        if (*at == lock) {
            *at = lock->next;
            break;
        }
    }
    pthread_mutex_unlock(&store->mutex);
}

void gcs_unlock(StateStore *base, StateLock *lock)
{
    GcsStore *store = gcs_store_of(base);
    Error error = {0};
    if (!lock)
        return;
    forget(store, lock);
    GcsScope scope = gcs_store_scope(store);
    scope.last_words = cancel_requested();
    scope.job = lock->request.holder;
    if (!lock->lost && !gcs_delete(&scope, lock->name, lock->generation, NULL, &error))
        log_warning(lock->request.holder,
                    "the lock of %s could not be given back: %s; it can be "
                    "taken over after two minutes",
                    lock->request.what, error.message);
    lock_free(lock);
}

void gcs_locks_close(GcsStore *store)
{
    pthread_mutex_lock(&store->mutex);
    store->closing = true;
    pthread_cond_broadcast(&store->wake);
    bool runs = store->has_refresher;
    pthread_mutex_unlock(&store->mutex);
    if (runs)
        pthread_join(store->refresher, NULL);
}
