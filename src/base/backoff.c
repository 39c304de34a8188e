/* SPDX-License-Identifier: Apache-2.0 */
#include "base/backoff.h"

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
    return backoff_wait_at_least(backoff, 0, NULL);
}

bool backoff_wait_at_least(Backoff *backoff, int64_t at_least_ms, const StopFlag *stop)
{
    int64_t left_ms = backoff->budget_ms - backoff->waited_ms;
    if (left_ms <= 0 || at_least_ms > left_ms || stop_requested(stop))
        return false;
    int64_t wait_ms = at_least_ms + 1 + (int64_t)rand_r(&backoff->seed) % backoff->next_ms;
    if (wait_ms > left_ms)
        wait_ms = left_ms;
    bool whole = stop_sleep_ms(stop, wait_ms);
    backoff->waited_ms += wait_ms;
    backoff->next_ms *= 2;
    if (backoff->next_ms > backoff->max_ms)
        backoff->next_ms = backoff->max_ms;
    backoff->tries++;
    return whole;
}
