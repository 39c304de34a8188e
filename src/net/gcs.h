/* SPDX-License-Identifier: Apache-2.0 */
/* net/gcs.h: objects in Cloud Storage (JSON API v1, docs.cloud.google.com/storage/docs/json_api).
 * Every write and delete carries a precondition, so that repeating it after a lost answer does no
 * harm. `api` is a GoogleApi of google_storage. All functions may be used from several threads. */
#pragma once

#include "net/google.h"
#include "net/resumable.h"

#include <stddef.h>
#include <stdint.h>

typedef struct GcsScope {
    GoogleApi *api;
    const char *bucket;
    const StopFlag *stop; /* may be NULL */
    const char *job;      /* label of log lines; may be NULL */
    bool last_words;      /* goes out after a stop too (GoogleCall) */
} GcsScope;

typedef struct GcsObject {
    const char *name;
    int64_t generation;
    uint64_t size;
    bool has_crc32c; /* always so at the real service */
    uint32_t crc32c;
    const char *updated; /* RFC 3339; NULL: not said */
    const char *writer;  /* metadata "bqferry-writer"; NULL: not ours */
} GcsObject;

/* Conditions on the object that is there: its generation, or one of these. */
enum { GCS_ANY = -1, GCS_ABSENT = 0 };

/* Metadata; *ret_found = false (and true returned) when there is no such object. */
bool gcs_stat(const GcsScope *scope, const char *name, Arena *arena, GcsObject *ret_object,
              bool *ret_found, Error *error);

/* Metadata and content of one generation, at most body->max bytes, checked against its CRC32C; of a
 * newer one when it is replaced meanwhile. ret_object->generation = 0 (and true returned) when
 * there is no such object. */
bool gcs_read(const GcsScope *scope, const char *name, Arena *arena, GcsObject *ret_object,
              Buffer *body, Error *error);

/* Takes the content in pieces, in order. */
typedef bool GcsTake(void *context, const void *bytes, size_t size, Error *error);

/* Content of an object of any size, in pieces of at most 4 MiB, checked against `object`'s size and
 * CRC32C at the end. ERROR_TARGET, retryable, with *ret_gone when that generation is gone. */
bool gcs_download(const GcsScope *scope, const GcsObject *object, GcsTake *take, void *context,
                  bool *ret_gone, Error *error);

typedef struct GcsWrite {
    const char *name;
    const char *content_type; /* NULL: application/octet-stream */
    StrView bytes;
    int64_t if_generation; /* GCS_ABSENT, the generation to replace, or GCS_ANY */
    const char *writer;    /* random, unique for this write; NULL: one is made up */
} GcsWrite;

/* One request (multipart, with CRC32C). *ret_written = false (and true returned): the condition did
 * not hold, somebody else wrote. When that is the answer to a repeated request, the object's writer
 * tells whether the first one was carried out. *ret_generation: of what was written. */
bool gcs_write(const GcsScope *scope, const GcsWrite *write, int64_t *ret_generation,
               bool *ret_written, Error *error);

/* *ret_deleted (may be NULL) = false: another generation is there (if_generation given). An object
 * that is not there counts as deleted. */
bool gcs_delete(const GcsScope *scope, const char *name, int64_t if_generation, bool *ret_deleted,
                Error *error);

/* Each object below a prefix, in order of names; none when there is no such bucket. Strings live
 * during the call of `take` only. It returns false to stop: with *error filled that is a failure.
 */
typedef bool GcsEach(void *context, const GcsObject *object, Error *error);
bool gcs_list(const GcsScope *scope, const char *prefix, GcsEach *take, void *context,
              Error *error);

/* A streamed object, which exists from gcs_upload_finish on. content_type, writer: as in GcsWrite.
 * chunk_size: as in net/resumable.h. */
typedef struct GcsUpload {
    const char *name;
    const char *content_type;
    int64_t if_generation;
    size_t chunk_size;
    const char *writer;
} GcsUpload;
bool gcs_upload_open(const GcsScope *scope, const GcsUpload *options, Resumable **ret_upload,
                     Error *error);

/* Finishes and compares size and CRC32C with what was written; an object that differs is removed
 * and ERROR_TARGET (retryable). *ret_written = false: the condition did not hold. */
bool gcs_upload_finish(const GcsScope *scope, Resumable *upload, Arena *arena,
                       GcsObject *ret_object, bool *ret_written, Error *error);

typedef struct GcsBucket {
    const char *location;      /* upper case: "EU", "EUROPE-WEST1" */
    const char *location_type; /* "region", "dual-region", "multi-region"; NULL: not said */
    const char *storage_class;
} GcsBucket;

/* *ret_found = false (and true returned) when there is no such bucket. */
bool gcs_bucket(const GcsScope *scope, Arena *arena, GcsBucket *ret_bucket, bool *ret_found,
                Error *error);

/* ret_granted[i] tells whether permissions[i] ("storage.objects.create") is held on the bucket. */
bool gcs_permissions(const GcsScope *scope, const char *const *permissions, size_t count,
                     bool *ret_granted, Error *error);
