/* SPDX-License-Identifier: Apache-2.0 */
/* delivery/job_state.h: what is known of a job between its runs, beside the interrupted run and the
 * record of the last one: how far its cursor is, and what else each run builds upon. */
#pragma once

#include "base/arena.h"
#include "base/error.h"
#include "format/json.h"
#include "model/cursor.h"

#include <stddef.h>
#include <stdint.h>

/* Rows below the value are in the target (comparison ">=": without the value itself; ">": with it).
 * It holds for these rows in that table only. */
typedef struct JobCursor {
    const char *column; /* NULL: there is no cursor yet */
    const char *key_column;
    CursorKind kind;
    const char *comparison; /* ">=", ">" */
    const char *value;      /* a place (model/cursor.h) */
    const char *key;        /* of the row at value that is the edge; NULL: all of value */
    const char *source;     /* "public.orders", or the query */
    const char *where;      /* the job's further condition when the cursor came there; NULL: none */
    const char *destination;
    const char *table;  /* "dataset.table" */
    const char *set_by; /* a run's id, or "state set" */
    const char *set_at; /* UTC */
} JobCursor;

/* A backfill that has begun. */
typedef struct JobBackfill {
    const char *start; /* NULL: none */
    const char *end;
    const char *done; /* up to here; NULL: nothing yet */
    CursorKind kind;
} JobBackfill;

typedef struct JobState {
    JobCursor cursor;
    JobBackfill backfill;
    const char *compared_at;    /* when keys were last compared (UTC); NULL: never */
    const char *succeeded_at;   /* when a run last did all that was asked (UTC); NULL: not known */
    const char *const *columns; /* of the target that came from the source so far */
    size_t column_count;
} JobState;

Json *job_state_to_json(const JobState *state);

/* ERROR_CONFIG when the object is not one. NULL or JSON null gives an empty state. */
bool job_state_from_json(const Json *json, Arena *arena, JobState *ret_state, Error *error);

/* The cursor's place as the first one that is not in the target yet: the same whatever the
 * comparison. */
int64_t job_cursor_next(const JobCursor *cursor);
