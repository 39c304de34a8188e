/* SPDX-License-Identifier: Apache-2.0 */
/* state/state.h: what must be known again after a crash: one JSON object a job, never one for all.
 * A driver is a folder below this one. */
#pragma once

#include "base/arena.h"
#include "base/error.h"
#include "config/config.h"
#include "format/json.h"

#include <stddef.h>
#include <stdint.h>

typedef struct StateStore StateStore;
typedef struct StateLock StateLock;

enum { STATE_FORMAT = 2 }; /* of what save takes; load also gives version 1, which lacks "state" */

/* One holder at a time. */
typedef struct LockRequest {
    const char *name;   /* a job's, or state_table_lock_name() */
    const char *what;   /* for messages: "job orders" */
    const char *holder; /* what the holder is, for those who find it locked: the job's name */
    int64_t wait_ms;    /* state_lock only */
} LockRequest;

typedef struct TextArray {
    const char *const *items;
    size_t count;
} TextArray;

typedef struct StateOps {
    void (*close)(StateStore *store); /* accepts NULL */

    /* Holds the name for this process; ERROR_LOCKED names the holder (host, process id, job, since
     * when). Does not wait. A holder that died is no holder. */
    bool (*lock)(StateStore *store, const LockRequest *request, StateLock **ret_lock, Error *error);
    void (*unlock)(StateStore *store, StateLock *lock); /* accepts NULL lock */

    /* Whether the lock is still this process's, and stays so for a while: asked before anything
     * becomes visible. ERROR_LOCKED when another process took it over. NULL: locks are never lost.
     */
    bool (*keep)(StateStore *store, StateLock *lock, Error *error);

    /* *ret_state is NULL when the job has none. ERROR_CONFIG when it is of a newer version or
     * damaged. */
    bool (*load)(StateStore *store, const char *job, Json **ret_state, Error *error);

    /* Durable when it returns true. The caller holds the lock. */
    bool (*save)(StateStore *store, const char *job, const Json *state, Error *error);

    /* Removes the job's state, if there is any, readable or not. The caller holds the lock. */
    bool (*remove)(StateStore *store, const char *job, Error *error);

    /* Names of the jobs that have a state, sorted. */
    bool (*jobs)(StateStore *store, Arena *arena, TextArray *ret_names, Error *error);

    /* Reports of runs, by id (base/id.h). The newest is also kept as the last one. */
    bool (*report_save)(StateStore *store, const char *id, const Json *report, Error *error);
    bool (*report_load)(StateStore *store, const char *id, Json **ret_report, Error *error);
    bool (*report_remove)(StateStore *store, const char *id, Error *error);
    bool (*report_list)(StateStore *store, Arena *arena, TextArray *ret_ids,
                        Error *error); /* oldest first */
} StateOps;

struct StateStore {
    const StateOps *ops;
    int64_t lock_nap_ms; /* between two looks at a lock that another has; 0: the usual */
};

/* One row of main.c's table of drivers. */
typedef struct StateDriver {
    const char *type; /* "file", "gcs" */
    /* A folder is made when it is missing (unless config->only_looks), a bucket is not. */
    bool (*open)(const StateConfig *config, StateStore **ret_store, Error *error);
} StateDriver;

static inline void state_close_ptr(StateStore **store)
{
    if (*store)
        (*store)->ops->close(*store);
}

/* Locks as StateOps.lock does, and tries again while another has it, at most for wait_ms. */
bool state_lock(StateStore *store, const LockRequest *request, StateLock **ret_lock, Error *error);

/* Does what StateOps.keep says; true where there is none, and for no lock. */
bool state_keep_lock(StateStore *store, StateLock *lock, Error *error);

/* ERROR_CONFIG, with the way out, unless the document is a state of this job of a version that this
 * program knows. `place` names the file or object. */
bool state_check_document(const Json *state, const char *job, const char *place, Error *error);

/* The hint for a state that cannot be read. Returns false. */
bool state_hint_damaged(const char *job, Error *error);

/* What a lock says of its holder: host, pid, job, since. The caller frees. */
Json *state_holder_new(const char *job);

/* ERROR_LOCKED, naming the holder as far as it is known; when such a lock ends is the driver's to
 * hint at. Returns false. */
bool state_fail_locked(const LockRequest *request, const Json *holder, const char *place,
                       Error *error);

/* The name of the lock of a target table. */
const char *state_table_lock_name(const char *destination, const char *dataset, const char *table,
                                  Arena *arena);

/* Saves a report and removes the oldest beyond `keep`. */
bool state_keep_report(StateStore *store, const char *id, const Json *report, size_t keep,
                       Error *error);
