/* SPDX-License-Identifier: Apache-2.0 */
/* run/own_state.h: a job's state beside the job as it is configured now. */
#pragma once

#include "run/plan.h"

/* A cursor of this job, without a place: whose rows it stands for. Borrows from the configuration
 * and the arena. `set_by`: a run's id, or "state set". */
JobCursor own_cursor(Session *session, const RunJob *job, const char *set_by, Arena *arena);

/* Refuses a state of another table, cursor or destination, or whose target table is gone
 * (ERROR_CONFIG, with the ways out). `kind`: of the cursor's column as it is now. */
bool own_state_check(const PlanRequest *request, const PlannedJob *planned, CursorKind kind,
                     Arena *arena, Error *error);

/* What people should know of a state that is the job's own, before rows are read by it: that it has
 * another condition now, and so other rows below the cursor; that the target table was made anew
 * since, without those rows; that there is none although an append finds rows. NULL: nothing. */
const char *own_state_note(const PlanRequest *request, const PlannedJob *planned, Arena *arena);
