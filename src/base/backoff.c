/* SPDX-License-Identifier: Apache-2.0 */
#include "base/backoff.h"

#include "base/cancel.h"
#include "base/clock.h"

#include <stdlib.h>

enum { FIRST_WAIT_MS = 250, MAX_WAIT_MS = 30000 };

void backoff_init(Backoff *backoff, int64_t budget_ms)
{
    *backoff = (Backoff){
        .budget_ms = budget_ms,
        .next_ms = FIRST_WAIT_MS,
        .max_ms = MAX_WAIT_MS,
        .seed = (unsigned)clock_monotonic_ns(),
    };
}

bool backoff_wait(Backoff *backoff)
{
    int64_t left_ms = backoff->budget_ms - backoff->waited_ms;
    if (left_ms <= 0 || cancel_requested())
        return false;
    int64_t wait_ms = 1 + (int64_t)rand_r(&backoff->seed) % backoff->next_ms;
    if (wait_ms > left_ms)
        wait_ms = left_ms;
    clock_sleep_ms(wait_ms);
    backoff->waited_ms += wait_ms;
    backoff->next_ms *= 2;
    if (backoff->next_ms > backoff->max_ms)
        backoff->next_ms = backoff->max_ms;
    backoff->tries++;
    return !cancel_requested();
}
