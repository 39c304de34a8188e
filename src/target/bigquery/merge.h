/* SPDX-License-Identifier: Apache-2.0 */
/* target/bigquery/merge.h: staged rows meet those of the table.
 *
 *   facts   SELECT from staging: rows, keys, NULLs, bounds            read only, as often as needed
 *   look    SELECT from the table: what must stop the run             "
 *   merge   MERGE, under the step's id: once                          or a copy job into a new
 * table
 *
 * A replace whose rows need not be unique goes: facts, then (when they are not) `unique`, an INSERT
 * of the newest rows into a second staging table, then the copy job.
 *
 * What the first two found stands in a comment of the MERGE: whoever finds the job later can say
 * what became of each staged row. */
#pragma once

#include "target/bigquery/step.h"

/* Staging is whole, the table is there (but for keys only) and has the columns. ERROR_DATA: staged
 * rows have no key, or those of the table are not what the merge leans on; nothing was applied.
 * *ret_step (when true is returned) tells how the step ended. */
bool bq_merge_run(const BqWork *work, StepResult *ret_step, Error *error);

/* The counts of a step that is done. */
void bq_merge_result(const BqWork *work, const StepResult *step, ApplyResult *ret_result);
