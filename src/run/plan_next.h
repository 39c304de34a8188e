/* SPDX-License-Identifier: Apache-2.0 */
/* run/plan_next.h: what the next run of a job with a cursor would read, for `plan`. */
#pragma once

#include "run/plan.h"

/* Fills what the plan says of the cursor, and the extract's range. request->state is the job's;
 * `bound` NULL: the job has no cursor. ERROR_CONFIG where a run would refuse the state. */
bool plan_next(const PlanRequest *request, const Bound *bound, PlannedJob *planned, Arena *arena,
               JobPlan *plan, Error *error);
