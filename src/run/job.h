/* SPDX-License-Identifier: Apache-2.0 */
/* run/job.h: one job of a run, from settling the past to the commit. */
#pragma once

#include "delivery/intent.h"
#include "run/jobs.h"

#include <pthread.h>

typedef struct JobRun {
    Session *session;
    const RunOptions *options;
    const RunJob *job;
    JobProgress *progress;
    JobReport *report; /* filled as far as the job came */
    Arena *arena;      /* of the report; used under `arena_lock` */
    pthread_mutex_t *arena_lock;
    Intent wanted;            /* what was asked for; kept by job_run */
    int64_t phase_entered_ns; /* monotonic; kept by job_run */
} JobRun;

/* Returns true when the job succeeded (or settled); otherwise report->error says why. */
bool job_run(JobRun *run);
