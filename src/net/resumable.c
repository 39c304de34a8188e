/* SPDX-License-Identifier: Apache-2.0 */
#include "net/resumable.h"

#include "base/crc32c.h"
#include "base/memory.h"
#include "net/session.h"

#include <pthread.h>
#include <stdlib.h>
#include <string.h>

enum { CHUNK_SIZE = 4 * 1024 * 1024, SMALL = 1024 * 1024 };

struct Resumable {
    Arena arena;
    Session session; /* the thread's while there is one */
    StopFlag stop;   /* ends the thread; its parent is the caller's */
    size_t chunk_size;
    char *chunks[2];
    int current;   /* the writer's */
    size_t fill;   /* bytes in it */
    uint64_t size; /* written so far */
    uint32_t crc;  /* of what was handed over; the thread's while there is one */
    bool held;
    pthread_t thread;
    bool threaded;
    pthread_mutex_t lock; /* of all below */
    pthread_cond_t changed;
    const char *handed; /* to the thread; NULL: it has nothing to do */
    size_t handed_size;
    bool ending;
    bool failed;
    Error failure;
};

bool resumable_open(const ResumableOptions *options, Resumable **ret_upload, Error *error)
{
    (void)error;
    Resumable *upload = memory_zalloc(1, sizeof *upload);
    Arena *arena = &upload->arena;
    static const UrlParam type[] = {{"uploadType", "resumable"}, {NULL, NULL}};
    size_t size = options->chunk_size ? options->chunk_size : CHUNK_SIZE;
    const char *content = options->content_type;
    char *url = url_join(arena, google_api_upload_url(options->api), options->path, type);
    upload->session.options = (SessionOptions){
        .api = options->api,
        .id = arena_strdup(arena, options->id),
        .what = arena_strdup(arena, options->what),
        .url = url_join(arena, url, "", options->query),
        .metadata = options->metadata ? json_dump(options->metadata, arena) : "{}",
        .content_type = content ? arena_strdup(arena, content) : "application/octet-stream",
        .job = arena_strdup(arena, options->job),
    };
    upload->stop.parent = options->stop;
    upload->chunk_size = (size + RESUMABLE_UNIT - 1) / RESUMABLE_UNIT * RESUMABLE_UNIT;
    pthread_mutex_init(&upload->lock, NULL);
    pthread_cond_init(&upload->changed, NULL);
    *ret_upload = upload;
    return true;
}

static void send_handed(Resumable *upload, const char *bytes, size_t size)
{
    CLEANUP(google_failure_done) GoogleFailure failure = {0};
    SessionChunk chunk = {.bytes = bytes, .size = size, .stop = &upload->stop};
    Error error = {0};
    upload->crc = crc32c_extend(upload->crc, bytes, size);
    bool sent = session_send(&upload->session, &chunk, NULL, &failure, &error);
    pthread_mutex_lock(&upload->lock);
    upload->handed = NULL;
    if (!sent) {
        upload->failed = true;
        upload->failure = error;
    }
    pthread_cond_broadcast(&upload->changed);
    pthread_mutex_unlock(&upload->lock);
}

static void *send_chunks(void *argument)
{
    Resumable *upload = argument;
    for (;;) {
        pthread_mutex_lock(&upload->lock);
        while (!upload->handed && !upload->ending)
            pthread_cond_wait(&upload->changed, &upload->lock);
        const char *bytes = upload->handed;
        size_t size = upload->handed_size;
        pthread_mutex_unlock(&upload->lock);
        if (!bytes)
            return NULL;
        send_handed(upload, bytes, size);
    }
}

/* Waits until nothing is on the wire; false when what was there failed. */
static bool settle(Resumable *upload, Error *error)
{
    pthread_mutex_lock(&upload->lock);
    while (upload->handed)
        pthread_cond_wait(&upload->changed, &upload->lock);
    bool failed = upload->failed;
    if (failed && error)
        *error = upload->failure;
    pthread_mutex_unlock(&upload->lock);
    return !failed;
}

static bool keep_failure(Resumable *upload, const Error *error)
{
    upload->failed = true;
    upload->failure = *error;
    return false;
}

/* Gives the full chunk to the thread and takes the other, once that is free. */
static bool hand_over(Resumable *upload, Error *error)
{
    if (!settle(upload, error))
        return false;
    if (!upload->threaded)
        upload->threaded = pthread_create(&upload->thread, NULL, send_chunks, upload) == 0;
    pthread_mutex_lock(&upload->lock);
    upload->handed = upload->chunks[upload->current];
    upload->handed_size = upload->fill;
    pthread_cond_broadcast(&upload->changed);
    pthread_mutex_unlock(&upload->lock);
    if (!upload->threaded) /* a machine out of threads still gets there */
        send_handed(upload, upload->chunks[upload->current], upload->fill);
    upload->current = !upload->current;
    upload->fill = 0;
    return true;
}

bool resumable_reserve(Resumable *upload, char **ret_at, size_t *ret_room, Error *error)
{
    if (upload->held)
        return error_set(error, ERROR_INTERNAL, "%s: written to after its end",
                         upload->session.options.what);
    if (upload->fill == upload->chunk_size && !hand_over(upload, error))
        return false;
    char **chunk = &upload->chunks[upload->current];
    if (!*chunk)
        *chunk = memory_alloc(upload->chunk_size);
    *ret_at = *chunk + upload->fill;
    *ret_room = upload->chunk_size - upload->fill;
    return true;
}

void resumable_advance(Resumable *upload, size_t size)
{
    upload->fill += size;
    upload->size += size;
}

bool resumable_write(Resumable *upload, const void *bytes, size_t size, Error *error)
{
    const char *from = bytes;
    while (size > 0) {
        char *at;
        size_t room;
        if (!resumable_reserve(upload, &at, &room, error))
            return false;
        size_t piece = size < room ? size : room;
        memcpy(at, from, piece);
        resumable_advance(upload, piece);
        from += piece;
        size -= piece;
    }
    return true;
}

static void end_thread(Resumable *upload)
{
    if (!upload->threaded)
        return;
    pthread_mutex_lock(&upload->lock);
    upload->ending = true;
    pthread_cond_broadcast(&upload->changed);
    pthread_mutex_unlock(&upload->lock);
    pthread_join(upload->thread, NULL);
    upload->threaded = false;
}

/* Sends whole units of the last chunk, so that little stays in memory while the end waits. */
static bool shrink_last(Resumable *upload, Error *error)
{
    char *chunk = upload->chunks[upload->current];
    size_t kept = upload->fill ? (upload->fill - 1) % RESUMABLE_UNIT + 1 : 0;
    size_t sent = upload->fill - kept;
    if (sent > 0) {
        send_handed(upload, chunk, sent);
        if (!settle(upload, error))
            return false;
        memmove(chunk, chunk + sent, kept);
        upload->fill = kept;
    }
    return true;
}

bool resumable_hold(Resumable *upload, Error *error)
{
    if (upload->held)
        return settle(upload, error);
    if (!settle(upload, error))
        return false;
    end_thread(upload);
    if ((upload->session.url || upload->size > SMALL) && !shrink_last(upload, error))
        return false;
    upload->stop.parent = NULL;
    upload->held = true;
    char **chunk = &upload->chunks[upload->current], **other = &upload->chunks[!upload->current];
    free(*other);
    *other = NULL;
    if (upload->fill > 0) {
        *chunk = memory_realloc(*chunk, upload->fill);
        upload->crc = crc32c_extend(upload->crc, *chunk, upload->fill);
    }
    return true;
}

void resumable_follow(Resumable *upload, const StopFlag *stop)
{
    upload->stop.parent = stop;
}

bool resumable_finish(Resumable *upload, Json **ret_json, GoogleFailure *ret_failure, Error *error)
{
    CLEANUP(google_failure_done) GoogleFailure own = {0};
    if (ret_json)
        *ret_json = NULL;
    if (!resumable_hold(upload, error))
        return false;
    SessionChunk chunk = {
        .bytes = upload->chunks[upload->current],
        .size = upload->fill,
        .last = true,
        .stop = &upload->stop,
    };
    Error problem = {0};
    if (session_send(&upload->session, &chunk, ret_json, ret_failure ? ret_failure : &own,
                     &problem))
        return true;
    if (error)
        *error = problem;
    return keep_failure(upload, &problem);
}

void resumable_close(Resumable *upload)
{
    if (!upload)
        return;
    stop_request(&upload->stop);
    end_thread(upload);
    session_cancel(&upload->session);
    session_done(&upload->session);
    free(upload->chunks[0]);
    free(upload->chunks[1]);
    pthread_cond_destroy(&upload->changed);
    pthread_mutex_destroy(&upload->lock);
    arena_done(&upload->arena);
    free(upload);
}

uint64_t resumable_size(const Resumable *upload)
{
    return upload->size;
}

uint32_t resumable_crc32c(const Resumable *upload)
{
    return upload->crc;
}

const char *resumable_metadata(const Resumable *upload)
{
    return upload->session.options.metadata;
}
