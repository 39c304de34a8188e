/* SPDX-License-Identifier: Apache-2.0 */
/* delivery/intent.h: the durable form of a delivery, inside a job's state object.
 *
 *   {"version": 2, "job": …, "state": {…}, "intent": null | {…}, "last_run": null | {…}}
 *
 * Version 1 had no "state". */
#pragma once

#include "base/arena.h"
#include "base/error.h"
#include "delivery/job_state.h"
#include "format/json.h"
#include "source/source.h"
#include "target/target.h"

typedef enum IntentPhase {
    INTENT_EXTRACTING, /* rows may be arriving in staging; nothing can be visible */
    INTENT_COUNTED,    /* every shard is staged and counted; apply may have happened */
} IntentPhase;

typedef struct Intent {
    IntentPhase phase;
    Delivery delivery;
    const char *destination; /* which target it was made for: "duckdb /data/warehouse.duckdb" */
    const char *rows;        /* which rows were asked for, in words that are only compared */
    const char *request;     /* the same, and all else that was asked; NULL: unknown */
    const char *snapshot;    /* the source's log position; NULL when unknown */
    const Shard *shards;     /* delivery.shard_count bounds */
    bool completes;          /* with it the job has done all that was asked */
    bool continues;          /* another run with the same request has more to do (a cursor) */
    const char *purpose;     /* "run", "backfill", "deletes": for people */
    const char *low, *high;  /* ends of a cursor's range, for people; NULL: none */
    bool has_next;           /* what follows is set: */
    JobState next;           /* what the job's state is when the run has been committed */
} Intent;

Json *intent_to_json(const Intent *intent);

/* ERROR_CONFIG when the object is not an intent of this version. */
bool intent_from_json(const Json *json, Arena *arena, Intent *ret_intent, Error *error);
