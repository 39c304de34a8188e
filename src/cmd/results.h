/* SPDX-License-Identifier: Apache-2.0 */
/* cmd/results.h: what a run came to, for people: a line a job, then what they should know. */
#pragma once

#include "run/report.h"

#include <stdio.h>

/* Errors are not repeated here: each was logged when it happened. `by_table`: lines begin with what
 * was read instead of the job's name. */
void results_print(const RunReport *report, bool by_table, FILE *out, Arena *arena);
