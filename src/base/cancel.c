/* SPDX-License-Identifier: Apache-2.0 */
#include "base/cancel.h"

#include <signal.h>
#include <stdatomic.h>
#include <unistd.h>

static atomic_bool requested;

bool cancel_requested(void)
{
    return atomic_load_explicit(&requested, memory_order_relaxed);
}

void cancel_request(void)
{
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
