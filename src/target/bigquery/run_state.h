/* SPDX-License-Identifier: Apache-2.0 */
/* target/bigquery/run_state.h: what this process alone knows of a run: uploads that wait for their
 * last bytes, jobs it made BigQuery do, and which partitions its rows belong to. Everything that
 * must outlive the process is in the delivery. All functions may be used from several threads. */
#pragma once

#include "target/bigquery/bq_state.h"

void bq_runs_free(BigQuery *bq);

/* Takes the upload over; one that was held for an earlier attempt is cancelled. */
void bq_run_hold(BigQuery *bq, const Delivery *delivery, Resumable *upload);

/* Hands it over; NULL: there is none of this attempt. */
Resumable *bq_run_take(BigQuery *bq, const Delivery *delivery);

/* What became of this attempt's apply is known, for good: nothing of it can run any more. NULL: it
 * did nothing. */
void bq_run_settle(BigQuery *bq, const Delivery *delivery, const ApplyResult *result);

typedef enum BqSettled { SETTLED_NOT, SETTLED_VOID, SETTLED_APPLIED } BqSettled;

/* *ret_result (may be NULL) is filled when it was applied. */
BqSettled bq_run_settled(BigQuery *bq, const Delivery *delivery, ApplyResult *ret_result);

/* Waits until the run's staging table (`limit`: PACE_OF_TABLES) or the target's partitions
 * (PACE_OF_PARTITIONS) may be changed once more. A stop ends the wait. */
void bq_run_pace(const BqScope *scope, const Delivery *delivery, size_t limit);

/* Whether `every_ms` have passed since the last time that this was so; the first call of an attempt
 * only begins the time. */
bool bq_run_is_due(BigQuery *bq, const Delivery *delivery, int64_t every_ms);

/* How often the shard's load job has failed for good in this attempt; and one more. */
int bq_run_shard_failures(BigQuery *bq, const Delivery *delivery, size_t shard);
void bq_run_shard_failed(BigQuery *bq, const Delivery *delivery, size_t shard);

/* A job that has ended; texts are copied. Known ones are not added again. */
void bq_run_add_job(BigQuery *bq, const Delivery *delivery, const TargetJob *job);
void bq_run_jobs(BigQuery *bq, const Delivery *delivery, Arena *arena, TargetJobs *ret_jobs);

/* Adds a shard's partitions to those of the attempt; ERROR_CONFIG when one job, which takes the
 * rows of all shards, could not write to them. */
bool bq_run_add_partitions(BigQuery *bq, const Delivery *delivery, const Partitions *partitions,
                           Error *error);
