/* SPDX-License-Identifier: Apache-2.0 */
/* run/upkeep.h: what people do to states and staging by hand. */
#pragma once

#include "run/run.h"

/* What was done to a state; texts are in the caller's arena. */
typedef struct UpkeepChange {
    const char *column; /* of the cursor; NULL after a reset */
    const char *value;  /* as it is now, in the column's own terms; NULL after a reset */
    const char *before; /* the cursor's value before; NULL: there was none, or it cannot be read */
} UpkeepChange;

/* Sets a job's cursor to a place, for the job as it is configured now. `value` as people write it;
 * `key` NULL, or the key of the last row that is in the target. ERROR_LOCKED while a run has the
 * job; ERROR_CONFIG when the job has no cursor, or an interrupted run must be settled first. */
bool upkeep_set_cursor(const RunOptions *options, const char *value, const char *key, Arena *arena,
                       UpkeepChange *ret_change, Error *error);

/* Forgets a job's state: the next run begins at `start`. Needs neither source nor target. `force`:
 * also when it cannot be read, or when a run was interrupted, which is then forgotten, too. */
bool upkeep_reset(const RunOptions *options, const char *job, bool force, Arena *arena,
                  UpkeepChange *ret_change, Error *error);

/* Removes staging that no job's state knows of, begun at least so long ago. */
bool upkeep_gc(const RunOptions *options, int64_t older_than_ms, bool dry, Arena *arena,
               GcList *ret_list, Error *error);
