/* SPDX-License-Identifier: Apache-2.0 */
/* cmd/plan_print.h: a plan for people and as JSON. */
#pragma once

#include "run/run.h"

#include <stdio.h>

void plan_print_text(const RunPlan *plan, FILE *out, Arena *arena);

/* {"version": 1, "jobs": [{"job", "load", "source", "target", "columns", "ddl", "shards", …}]} */
Json *plan_print_json(const RunPlan *plan, Arena *arena);
