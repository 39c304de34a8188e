/* SPDX-License-Identifier: Apache-2.0 */
/* target/bigquery/gc.h: staging tables and objects that nobody owns. */
#pragma once

#include "target/bigquery/bq_state.h"

bool bq_gc(Target *target, const GcRequest *request, Arena *arena, GcList *ret_list, Error *error);

/* The run id ("_" for "-") in the name of a staging table; NULL: it is none. */
const char *bq_run_of_staging(const char *name, Arena *arena);
