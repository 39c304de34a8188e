/* SPDX-License-Identifier: Apache-2.0 */
/* target/bigquery/gc.h: staging tables and objects that nobody owns. */
#pragma once

#include "target/bigquery/bq_state.h"

bool bq_gc(Target *target, const GcRequest *request, Arena *arena, GcList *ret_list, Error *error);
