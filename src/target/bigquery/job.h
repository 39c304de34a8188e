/* SPDX-License-Identifier: Apache-2.0 */
/* target/bigquery/job.h: jobs from their id to their end. An id says whose work it is: run,
 * attempt, step and try; it is never used for other work, and a job that has one is never sent
 * again. */
#pragma once

#include "target/bigquery/bq_state.h"

/* "bqferry-RUN-ATTEMPT-STEP-TRY": letters, digits and "-" only. */
char *bq_job_id(const Delivery *delivery, const char *step, int try, Arena *arena);

/* For people: the job in the console. */
char *bq_job_link(const BqWay *way, const char *id, Arena *arena);

typedef struct BqJobWait {
    const Delivery *delivery;
    const BqWay *way;
    const char *id;
    const char *kind; /* "load", "copy", "query" */
    bool sent_before; /* a while ago: it is looked at before the first pause */
    bool leave; /* after a signal it goes on (and is looked at a little longer): it may be visible
                   already; else it is cancelled */
} BqJobWait;

/* Waits until the job has ended. *job is the job as insert or get answered, or NULL; in the end it
 * is the job as it ended, whatever its result. ERROR_TARGET when it takes longer than
 * destination.job_timeout, saying that it goes on and where to look. */
bool bq_job_wait(const BqScope *scope, const BqJobWait *wait, Json **job, Error *error);

/* What a statement did (DmlStats of the API), and its text; a job of another kind has none. */
typedef struct BqDml {
    const char *sql; /* in the scope's arena; NULL: no query */
    int64_t inserted, updated, deleted;
} BqDml;

typedef struct BqJobEnd {
    bool again;    /* it failed for a reason that may be gone the next time */
    bool hopeless; /* it failed because of the rows or the request, or what it needs is gone: the
                      same will fail again */
    int64_t rows;  /* loaded or copied; −1: not said */
    BqDml dml;
} BqJobEnd;

/* The result of a job that has ended. False: *error has every entry of its errors. ERROR_DATA when
 * rows were refused. */
bool bq_job_end(const BqScope *scope, const BqJobWait *wait, const Json *job, BqJobEnd *ret_end,
                Error *error);

/* Takes the id away from whoever may still be about to use it. *ret_job is NULL when that was done
 * (nothing can run under it any more), else the job that has it. */
bool bq_job_fence(const BqScope *scope, const BqJobWait *wait, Json **ret_job, Error *error);
