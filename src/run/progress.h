/* SPDX-License-Identifier: Apache-2.0 */
/* run/progress.h: counters that workers raise and a display reads. No locks: each is atomic, and a
 * display may see them a moment apart. */
#pragma once

#include "base/error.h"

#include <stdatomic.h>
#include <stddef.h>
#include <stdint.h>

typedef enum JobPhase {
    PHASE_WAITING,
    PHASE_SETTLE,
    PHASE_PLAN,
    PHASE_EXTRACT,
    PHASE_APPLY,
    PHASE_COMMIT,
    PHASE_DONE,
    PHASE_FAILED,
    PHASE_COUNT_,
} JobPhase;

typedef struct JobProgress {
    const char *name;
    _Atomic int phase; /* JobPhase */
    _Atomic uint64_t rows;
    _Atomic uint64_t bytes;       /* read from the source */
    _Atomic int64_t row_estimate; /* −1: unknown */
    _Atomic int64_t started_ns;   /* monotonic; 0: not yet */
    _Atomic int64_t finished_ns;  /* 0: not yet */
} JobProgress;

/* Told by run_jobs; every member may be NULL. Called from the caller's thread, before and after. */
typedef struct ProgressDisplay {
    void *context;
    /* The jobs that are going to run; the array lives until stop returns. */
    bool (*start)(void *context, JobProgress *jobs, size_t count, Error *error);
    void (*stop)(void *context);
} ProgressDisplay;

/* "waiting", "settle", "plan", … */
const char *job_phase_name(JobPhase phase);
