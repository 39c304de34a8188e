/* SPDX-License-Identifier: Apache-2.0 */
/* run/plan_merge.h: the parts of a plan that decide how rows meet those of the target: key, order,
 * columns of our own making, columns that come and go. */
#pragma once

#include "run/plan.h"

/* `ignore`: the source columns that the existing table has room for, as `select` of a mapping; NULL
 * in *ret_select: all. Adds a note for each that is left out. */
void plan_left_out(const RunJob *job, PlannedJob *planned, Arena *arena,
                   const char *const **ret_select, size_t *ret_count);

/* Fills delivery.merge, layout.key,  metadata, schema and extract.constants once the columns are
 * mapped. ERROR_CONFIG when there is no key, or it is not carried. */
bool plan_merge(const PlanRequest *request, Arena *arena, PlannedJob *planned, Error *error);

/* For people, in plan and report. */
void planned_note(PlannedJob *planned, Arena *arena, const char *note);

/* The target's name of a source column; NULL: it is not carried. */
const char *plan_target_name(const TablePlan *plan, const char *source_column);
