/* SPDX-License-Identifier: Apache-2.0 */
/* run/pass.h: one delivery of a job, from its plan to its commit: all rows, one range of a cursor,
 * or the keys alone. A job's run is one or several of them, one behind the other. */
#pragma once

#include "base/backoff.h"
#include "delivery/delivery.h"
#include "run/job.h"

typedef enum PassKind {
    PASS_LOAD, /* all rows, or with a cursor the next range */
    PASS_BACKFILL,
    PASS_KEYS, /* compares the keys of source and target */
} PassKind;

typedef struct PassOutcome {
    bool nothing; /* there was nothing to read */
    bool is_last; /* nothing further can be read now */
} PassOutcome;

/* The job's locks are held and its past is settled. Fills what the pass adds to the report. */
bool pass_run(JobRun *run, JobDelivery *delivery, PassKind kind, Backoff *backoff,
              PassOutcome *ret_outcome, Error *error);
