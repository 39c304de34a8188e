/* SPDX-License-Identifier: Apache-2.0 */
/* target/bigquery/list.h: what a project's datasets hold, for `discover`. */
#pragma once

#include "target/bigquery/bq_state.h"

bool bq_list(Target *target, const char *dataset, Arena *arena, TargetTableList *ret_list,
             Error *error);
