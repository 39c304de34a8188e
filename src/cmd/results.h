/* SPDX-License-Identifier: Apache-2.0 */
/* cmd/results.h: what a run came to, for people: a line a job, then what they should know. */
#pragma once

#include "run/report.h"

#include <stdio.h>

/* Errors are not repeated here: each was logged when it happened. */
void results_print(const RunReport *report, FILE *out, Arena *arena);
