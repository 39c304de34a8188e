/* SPDX-License-Identifier: Apache-2.0 */
/* run/pass_range.h: which rows a pass reads, and what the job's state is after it. */
#pragma once

#include "run/cursor_plan.h"
#include "run/pass.h"
#include "run/plan.h"

/* Where a pass stands while it is planned; everything is in its arena. */
typedef struct PassRange {
    CursorPlan cursor;
    PlannedRange range;
    CursorRange source; /* the range in the source's words; extract.range points here */
    JobCursor wanted;   /* whose cursor it is, without a value */
    bool has_next;
    JobState next; /* the job's state when the pass is committed */
} PassRange;

typedef struct RangeRequest {
    JobRun *run;
    const JobState *state; /* the job's */
    PassKind kind;
    SharedSnapshot *shared;
    PlannedJob *planned; /* its extract and delivery are completed */
    const char *run_id;
    Arena *arena;
} RangeRequest;

/* ERROR_CONFIG when the state is not this job's, with the way out. *ret_outcome.nothing: there is
 * nothing to read. */
bool pass_range(const RangeRequest *request, PassRange *ret_range, PassOutcome *ret_outcome,
                Error *error);
