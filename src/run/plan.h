/* SPDX-License-Identifier: Apache-2.0 */
/* run/plan.h: what one job is going to do: source described, types mapped, target looked at. */
#pragma once

#include "delivery/job_state.h"
#include "run/session.h"

typedef struct PlannedJob {
    Source *source;
    SourceTable table;
    TablePlan plan;
    TargetTable existing;
    bool knows_existing;      /* it was looked at: not for a replace of all rows */
    Extract extract;          /* borrows plan and constants */
    Delivery delivery;        /* without run id, attempt and shards */
    int64_t one_shard_bytes;  /* a smaller table is taken as one shard; 0: no wish */
    size_t one_shard_columns; /* one of at least so many columns, too; 0: no wish */
    const char **notes;       /* columns that come and go, … */
    size_t note_count;
    const char *const *columns; /* of the target that came from the source, now or earlier */
    size_t column_count;
} PlannedJob;

/* What is planned; everything outlives the plan. */
typedef struct PlanRequest {
    Session *session;
    const RunOptions *options;
    const RunJob *job;
    const JobState *state; /* the job's */
} PlanRequest;

/* The job's relation, as its source describes it. ERROR_SOURCE when the account may not read a
 * column that the job asks for, or not even see all of them while it asks for all. */
bool job_describe(Session *session, const RunJob *job, Arena *arena, Source **ret_source,
                  SourceTable *ret_table, Error *error);

/* Reads metadata only; everything is put into the arena. *ret_planned must not move afterwards:
 * extract points into it. What cannot work is refused here or by job_validate, before any row is
 * read. */
bool job_plan(const PlanRequest *request, Arena *arena, PlannedJob *ret_planned, Error *error);

/* Lets the target refuse what it cannot take, once the delivery is complete but for run id,
 * attempt and shards. */
bool job_validate(Session *session, const PlannedJob *planned, Error *error);

/* The same job's keys alone, to be compared with those in the target. */
bool job_plan_keys(const PlannedJob *planned, Arena *arena, PlannedJob *ret_keys, Error *error);

/* Shards for the job's workers under a snapshot, and how many readers are worth starting. */
bool job_shards(Snapshot *snapshot, const RunJob *job, const PlannedJob *planned, Arena *arena,
                ShardList *ret_shards, Error *error);
size_t job_workers(const Snapshot *snapshot, const RunJob *job, const ShardList *shards);
