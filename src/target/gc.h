/* SPDX-License-Identifier: Apache-2.0 */
/* target/gc.h: staging of runs that nobody will come back to. */
#pragma once

#include "base/arena.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* Staging that nobody owns. */
typedef struct GcRequest {
    const char *const *live; /* run ids that are somebody's */
    size_t live_count;
    const char *const *datasets; /* that jobs load into, for targets that must be told; each once */
    size_t dataset_count;
    int64_t before_us; /* younger staging stays: its run may not be known here */
    bool dry;
} GcRequest;

typedef struct GcItem {
    const char *what; /* "table main._bqferry_stage_…", "gs://…" */
    const char *run_id;
} GcItem;

typedef struct GcList {
    const GcItem *items;
    size_t count;
} GcList;

/* True when staging of the run may go: it was begun before the request's time, and nobody owns it.
 * `run_id` may have "_" for "-". False for what is no run id. */
bool gc_is_ownerless(const GcRequest *request, const char *run_id);

/* The id that the text begins with, as it is written everywhere else: with "-" for "_". */
const char *gc_run_id(const char *text, Arena *arena);
