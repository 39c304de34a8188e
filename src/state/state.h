/* SPDX-License-Identifier: Apache-2.0 */
/* state/state.h: what must be known again after a crash: one JSON object a job, never one for all.
 * A driver is a folder below this one. */
#pragma once

#include "base/error.h"
#include "format/json.h"

typedef struct StateStore StateStore;
typedef struct StateLock StateLock;

typedef struct StateOps {
    void (*close)(StateStore *store); /* accepts NULL */

    /* Holds the job for this process; ERROR_LOCKED names the holder (host, process id, since when).
     * A holder that died is no holder. */
    bool (*lock)(StateStore *store, const char *job, StateLock **ret_lock, Error *error);
    void (*unlock)(StateStore *store, StateLock *lock); /* accepts NULL lock */

    /* *ret_state is NULL when the job has none. ERROR_CONFIG when it is of a newer version or
     * damaged. */
    bool (*load)(StateStore *store, const char *job, Json **ret_state, Error *error);

    /* Durable when it returns true. The caller holds the lock. */
    bool (*save)(StateStore *store, const char *job, const Json *state, Error *error);
} StateOps;

struct StateStore {
    const StateOps *ops;
};

/* One row of main.c's table of drivers; `where` is the configured folder or bucket. */
typedef struct StateDriver {
    const char *type; /* "file" */
    bool (*open)(const char *where, StateStore **ret_store,
                 Error *error); /* makes it when missing */
} StateDriver;

static inline void state_close_ptr(StateStore **store)
{
    if (*store)
        (*store)->ops->close(*store);
}
