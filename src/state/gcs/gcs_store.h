/* SPDX-License-Identifier: Apache-2.0 */
/* state/gcs/gcs_store.h: what the files of this folder share. */
#pragma once

#include "net/gcs.h"
#include "state/state.h"

#include <pthread.h>

/* A generation of a job's object that this process has seen: what its next write replaces. */
typedef struct SeenObject {
    struct SeenObject *next;
    const char *name;
    int64_t generation; /* GCS_ABSENT: there was none */
} SeenObject;

typedef struct GcsStore {
    StateStore base;
    Arena arena;
    HttpClient *http;
    Credentials *credentials;
    GoogleApi *api;
    const char *bucket;
    const char *prefix;
    pthread_mutex_t mutex; /* guards all below, and what the locks say */
    pthread_cond_t wake;   /* of the thread that refreshes locks */
    SeenObject *seen;
    StateLock *locks; /* held */
    pthread_t refresher;
    bool has_refresher, closing;
} GcsStore;

static inline GcsStore *gcs_store_of(StateStore *store)
{
    return (GcsStore *)(void *)store;
}

GcsScope gcs_store_scope(const GcsStore *store);

/* "PREFIX/jobs/NAME.json" */
const char *gcs_store_name(const GcsStore *store, const char *kind, const char *name, Arena *arena);

/* "gs://BUCKET/NAME", for messages. */
const char *gcs_store_place(const GcsStore *store, const char *name, Arena *arena);

/* *ret_json and the generation; NULL and GCS_ABSENT when there is no such object. ERROR_CONFIG when
 * it is not JSON. */
bool gcs_store_read(const GcsStore *store, const char *name, Json **ret_json, GcsObject *ret_object,
                    Arena *arena, Error *error);

typedef struct GcsDocument {
    const char *name;
    const Json *json;
    int64_t if_generation; /* as in GcsWrite; then the generation that was written */
} GcsDocument;

/* gcs_write of a document. */
bool gcs_store_write(const GcsStore *store, GcsDocument *document, bool *ret_written, Error *error);

/* StateOps.lock, unlock, keep. */
bool gcs_lock(StateStore *store, const LockRequest *request, StateLock **ret_lock, Error *error);
void gcs_unlock(StateStore *base, StateLock *lock);
bool gcs_keep(StateStore *store, StateLock *lock, Error *error);

/* Ends the thread that refreshes. */
void gcs_locks_close(GcsStore *store);
