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
    const char *seen_run; /* the job's last run when this process began; NULL: none */

    /* Kept by job_run. */
    Intent wanted;            /* what was asked for */
    int64_t phase_entered_ns; /* monotonic */
    int64_t fresh_ns;         /* the snapshot must not be older than this (monotonic) */
    bool surveyed;            /* rows without a place were counted */
    bool keys_follow;         /* keys are compared once the rows are loaded */
    bool backfilled;          /* the backfill's last window is done */
} JobRun;

/* Returns true when the job succeeded (or settled); otherwise report->error says why. */
bool job_run(JobRun *run);

/* For the files that job_run is made of. */
void job_enter_phase(JobRun *run, JobPhase phase);

/* Adds a note to the report, once. */
void job_note(JobRun *run, const char *note);

/* A copy that lives as long as the report. */
const char *job_keep_text(JobRun *run, const char *text);

/* Adds what the target did for a run to the report. */
void job_add_target_jobs(JobRun *run, const char *run_id);
