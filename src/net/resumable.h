/* SPDX-License-Identifier: Apache-2.0 */
/* net/resumable.h: resumable uploads, the same for BigQuery's load jobs and Cloud Storage
 * (docs.cloud.google.com/bigquery/docs/reference/api-uploads,
 * docs.cloud.google.com/storage/docs/performing-resumable-uploads).
 *
 *     open ─► write … write ─► hold ─► finish            cancel instead of finish: nothing stays
 *
 * The writer fills one chunk while a thread of the upload's own sends the other: two chunks of
 * memory, one copy. A chunk that did not arrive is asked after ("which bytes do you have?") and
 * only what is missing is sent again. The last bytes stay back until finish, so nothing exists at
 * the server before: no job, no object. */
#pragma once

#include "base/cleanup.h"
#include "base/error.h"
#include "base/parallel.h"
#include "net/google.h"

#include <stddef.h>
#include <stdint.h>

typedef struct Resumable Resumable;

enum { RESUMABLE_UNIT = 256 * 1024 }; /* every chunk but the last is a multiple of this */

/* Copied, except api, which outlives the upload, and stop, which is looked at until hold returns.
 */
typedef struct ResumableOptions {
    GoogleApi *api;
    const char *id;           /* method id, for counts and messages: "bigquery.jobs.insert" */
    const char *what;         /* for messages: "upload of shard 3" */
    const char *path;         /* below the api's upload path, escaped: "/projects/p/jobs" */
    const UrlParam *query;    /* uploadType is added; may be NULL */
    const Json *metadata;     /* the job or the object */
    const char *content_type; /* of the bytes; NULL: application/octet-stream */
    size_t chunk_size;        /* rounded up to units; 0: 4 MiB */
    const StopFlag *stop;     /* may be NULL */
    const char *job;          /* label of log lines; may be NULL */
} ResumableOptions;

/* Sends nothing yet: the session is opened by the first chunk that is full, or by finish. */
bool resumable_open(const ResumableOptions *options, Resumable **ret_upload, Error *error);

/* Frees; an upload that was not finished is cancelled (best effort). Accepts NULL. */
void resumable_close(Resumable *upload);
DEFINE_CLEANUP(Resumable, resumable_close)

/* Appends. Blocks while both chunks are full. A failure of an earlier chunk comes out here, in hold
 * or in finish, and then in each of them; it is retryable when the whole upload may be begun again
 * (a session that the server has given up cannot be resumed). */
bool resumable_write(Resumable *upload, const void *bytes, size_t size, Error *error)
    __attribute__((warn_unused_result));

/* The same without a copy: *ret_room bytes (at least 1) may be written at *ret_at, then `advance`
 * says how many were. */
bool resumable_reserve(Resumable *upload, char **ret_at, size_t *ret_room, Error *error)
    __attribute__((warn_unused_result));
void resumable_advance(Resumable *upload, size_t size);

/* No more bytes come. Waits until all but the last at most 256 KiB are at the server (of an upload
 * of at most 1 MiB nothing is sent), keeps those, and gives the rest of the memory and the thread
 * back. `finish` may come much later and from another thread. */
bool resumable_hold(Resumable *upload, Error *error) __attribute__((warn_unused_result));

/* A stop that ends `finish`, too, which then may have been carried out all the same. Call it after
 * hold; it outlives finish. */
void resumable_follow(Resumable *upload, const StopFlag *stop);

/* Sends what is left; holds first if that was not done. *ret_json (may be NULL) is the server's
 * answer: the job, the object; the caller frees. Repeats what may be repeated; after a lost answer
 * the session itself says whether it is complete. ret_failure (may be NULL) tells what the server
 * said: 409 (the job exists already), 412 (the precondition failed). After success only close is
 * left to do. */
bool resumable_finish(Resumable *upload, Json **ret_json, GoogleFailure *ret_failure, Error *error)
    __attribute__((warn_unused_result));

uint64_t resumable_size(const Resumable *upload);        /* bytes written so far */
uint32_t resumable_crc32c(const Resumable *upload);      /* of all of them, once held */
const char *resumable_metadata(const Resumable *upload); /* the JSON that it was opened with */
