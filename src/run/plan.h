/* SPDX-License-Identifier: Apache-2.0 */
/* run/plan.h: what one job is going to do: source described, types mapped, target looked at. */
#pragma once

#include "run/jobs.h"

typedef struct PlannedJob {
    Source *source;
    SourceTable table;
    TablePlan plan;
    Extract extract;         /* borrows plan */
    Delivery delivery;       /* without run id, attempt and shards */
    int64_t one_shard_bytes; /* a smaller table is taken as one shard; 0: no wish */
} PlannedJob;

/* Reads metadata only; everything is put into the arena. Refuses what cannot work, before any row
 * is read. *ret_planned must not move afterwards: extract points into it. */
bool job_plan(Session *session, const RunOptions *options, const RunJob *job, Arena *arena,
              PlannedJob *ret_planned, Error *error);

/* Shards for the job's workers under a snapshot, and how many readers are worth starting. */
bool job_shards(Snapshot *snapshot, const RunJob *job, const PlannedJob *planned, Arena *arena,
                ShardList *ret_shards, Error *error);
size_t job_workers(const Snapshot *snapshot, const RunJob *job, const ShardList *shards);
