/* SPDX-License-Identifier: Apache-2.0 */
/* base/backoff.h: retrying as an object: exponential with full jitter under one time budget. */
#pragma once

#include "base/parallel.h"

#include <stdbool.h>
#include <stdint.h>

typedef struct Backoff {
    int64_t budget_ms;
    int64_t waited_ms; /* so far */
    int64_t next_ms;   /* upper bound of the next wait */
    int64_t max_ms;
    unsigned seed;
    int tries; /* waits so far */
} Backoff;

/* All waits together take budget_ms, however long the work between them; 0 means: never retry.
 * Waits grow from 250 ms to 30 s. */
void backoff_init(Backoff *backoff, int64_t budget_ms);

/* Sleeps a random part of the current bound, doubles the bound, and returns true; returns false, at
 * once, when the budget is spent or the run was cancelled. */
bool backoff_wait(Backoff *backoff);

/* The same, for a server that said how long to wait: never shorter than at_least_ms, and at once
 * false when the budget does not hold that; ends early when `stop` (may be NULL) is asked for. */
bool backoff_wait_at_least(Backoff *backoff, int64_t at_least_ms, const StopFlag *stop);
