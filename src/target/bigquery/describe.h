/* SPDX-License-Identifier: Apache-2.0 */
/* target/bigquery/describe.h: the target's operations that change nothing. */
#pragma once

#include "target/bigquery/bq_state.h"

bool bq_describe(Target *target, const TableRef *table, Arena *arena, TargetTable *ret_table,
                 Error *error);
bool bq_ddl(Target *target, const Delivery *delivery, Arena *arena, const char **ret_text,
            Error *error);
bool bq_validate(Target *target, const Delivery *delivery, Error *error);
bool bq_jobs(Target *target, const Delivery *delivery, Arena *arena, TargetJobs *ret_jobs,
             Error *error);
