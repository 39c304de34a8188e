/* SPDX-License-Identifier: Apache-2.0 */
/* target/bigquery/apply.h: staged rows become visible, exactly once; what is left is removed. See
 * docs/internals/bigquery.md for why each step is safe to repeat. */
#pragma once

#include "target/bigquery/step.h"

bool bq_prepare(Target *target, const Delivery *delivery, Error *error);
bool bq_status(Target *target, const Delivery *delivery, DeliveryStatus *ret_status,
               uint64_t *ret_rows, Error *error);
bool bq_apply(Target *target, const Delivery *delivery, ApplyResult *ret_result, Error *error);

/* Whether the rows go through a staging table. */
bool bq_is_staged(const BqWay *way, const Delivery *delivery);

/* Ids of all partitions that the shards' rows belong to, each once, in order. */
const char *const *bq_partition_union(const Delivery *delivery, Arena *arena, size_t *ret_count);

/* The step that makes rows visible: "load", "copy", or a partition's own, "part0", …, or "merge" */
const char *bq_last_step(const BqWay *way, const Delivery *delivery, const char **ret_kind);
uint64_t bq_staged_rows(const Delivery *delivery);

/* An empty table for staging; one that is there already is fine. */
bool bq_make_staging(const BqWork *work, const char *table, Error *error);

/* What the target is clustered by, as a rebuild wants it "before" and "after" the rows come. The
 * same once more does no harm. */
bool bq_cluster(const BqWork *work, const char *when, Error *error);

/* Called now and then while rows are read: staging that its run is at work on does not expire. */
void bq_keep_staging(const BqScope *scope, const Delivery *delivery, const BqWay *way);

/* What became of the rows by the step that is done. */
void bq_step_result(const BqWork *work, const StepResult *step, ApplyResult *ret_result);

/* Rows in the staging table; −1: it is not there. */
bool bq_staging_rows(const BqScope *scope, const Delivery *delivery, const BqWay *way,
                     int64_t *ret_rows, Error *error);

bool bq_discard(Target *target, const Delivery *delivery, Error *error);
