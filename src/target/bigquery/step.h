/* SPDX-License-Identifier: Apache-2.0 */
/* target/bigquery/step.h: the jobs that apply is made of. Each is sent under an id of its own,
 * once; whoever comes later finds it there and takes its result. */
#pragma once

#include "target/bigquery/bq_state.h"
#include "target/bigquery/job.h"
#include "target/bigquery/job_json.h"

/* Everything about one delivery that an operation of apply, status or discard needs. */
typedef struct BqWork {
    BqScope scope;
    const Delivery *delivery;
    const BqWay *way;
} BqWork;

/* Where a step stands. */
typedef enum StepState {
    STEP_ABSENT, /* nothing was ever sent under its id */
    STEP_DONE,   /* it did its work */
    STEP_FAILED, /* it ended without effect: *error says why */
} StepState;

typedef struct StepResult {
    StepState state;
    bool again;    /* FAILED for a reason that may be gone the next time */
    bool hopeless; /* FAILED, and the same would fail again */
    int64_t rows;  /* DONE; −1: not said */
    BqDml dml;     /* DONE, of a query */
} StepResult;

/* Looks for the step's job under the ids of this apply_attempt and of those before it, and waits
 * for its end. False: it cannot be known now. */
bool bq_step_look(const BqWork *work, const char *step, const char *kind, StepResult *ret_result,
                  Error *error);

/* Makes sure that the step can never be carried out any more, unless it was. */
bool bq_step_fence(const BqWork *work, const char *step, const char *kind, StepResult *ret_result,
                   Error *error);

/* One job: sent, unless it was, and its end. */
typedef struct BqStep {
    const char *name;
    const LoadDraft *load; /* one of these */
    const CopyDraft *copy;
    const QueryDraft *query;
    bool sent_before; /* as in BqJobWait */
} BqStep;

/* Sends it; *ret_job is what was answered, to be waited for. */
bool bq_step_send(const BqWork *work, const BqStep *step, Json **ret_job, Error *error);

/* Waits for a job of a step (*job may be NULL: it is looked up) and tells how it ended. */
bool bq_step_wait(const BqWork *work, const BqStep *step, Json **job, StepResult *ret_result,
                  Error *error);

/* Both. */
bool bq_step_run(const BqWork *work, const BqStep *step, StepResult *ret_result, Error *error);
