/* SPDX-License-Identifier: Apache-2.0 */
/* config/rules_target.h: what a job's target table is told: partitions, clusters, labels. Rules:
 * BigQuery, "Introduction to partitioned tables", "Introduction to clustered tables". */
#pragma once

#include "config/mistakes.h"
#include "config/raw.h"

/* Fills job->config.target and replace_partitions; the job's columns and load mode are known. */
void rules_target_table(const RawConfig *raw, RawJob *job, Mistakes *mistakes, Arena *arena);
