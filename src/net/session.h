/* SPDX-License-Identifier: Apache-2.0 */
/* net/session.h: the wire half of a resumable upload: one session, one chunk after the other. Used
 * by one thread at a time (net/resumable.c sees to that). */
#pragma once

#include "net/google.h"

#include <stdint.h>

typedef struct SessionOptions {
    GoogleApi *api;
    const char *id;
    const char *what;
    const char *url;      /* where sessions are opened, parameters included */
    const char *metadata; /* JSON */
    const char *content_type;
    const char *job;
} SessionOptions;

typedef struct Session {
    SessionOptions options; /* borrowed strings */
    char *url;              /* of the session: a secret; NULL: not open */
    uint64_t committed;     /* bytes that the server has */
    uint64_t size;          /* all bytes, once `last` was sent */
    bool complete;
} Session;

typedef struct SessionChunk {
    const char *bytes; /* of offset `committed` on when the sending begins */
    size_t size;
    bool last;
    const StopFlag *stop;
} SessionChunk;

/* Opens the session when that was not done, and sends the chunk until the server has all of it.
 * *ret_json (last chunk; may be NULL) is the answer. */
bool session_send(Session *session, const SessionChunk *chunk, Json **ret_json,
                  GoogleFailure *failure, Error *error);

/* Tells the server that nothing more comes; best effort. */
void session_cancel(Session *session);
void session_done(Session *session);
