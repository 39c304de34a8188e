/* SPDX-License-Identifier: Apache-2.0 */
#include "base/cancel.h"

#include "base/clock.h"

#include <signal.h>
#include <stdatomic.h>
#include <unistd.h>

static atomic_bool requested;
static _Atomic int64_t requested_ns; /* monotonic */

bool cancel_requested(void)
{
    return atomic_load_explicit(&requested, memory_order_relaxed);
}

int64_t cancel_age_ms(void)
{
    enum { NS_PER_MS = 1000000 };
    int64_t since_ns = atomic_load(&requested_ns);
    return since_ns ? (clock_monotonic_ns() - since_ns) / NS_PER_MS : 0;
}

/* Also in a signal's handler: what is called here may be. */
void cancel_request(void)
{
    if (!cancel_requested())
        atomic_store(&requested_ns, clock_monotonic_ns());
    atomic_store(&requested, true);
}

static void on_signal(int number)
{
    if (cancel_requested())
        _exit(128 + number);
    cancel_request();
}

void cancel_install(void)
{
    struct sigaction action = {.sa_handler = on_signal};
    sigemptyset(&action.sa_mask);
    sigaction(SIGINT, &action, NULL);
    sigaction(SIGTERM, &action, NULL);
    /* A reader that goes away must be an error on write, not the end of the process. */
    signal(SIGPIPE, SIG_IGN);
}

bool cancel_check(Error *error)
{
    if (!cancel_requested())
        return true;
    return error_set(error, ERROR_CANCELLED, "stopped by a signal");
}
