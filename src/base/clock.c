/* SPDX-License-Identifier: Apache-2.0 */
#include "base/clock.h"

#include "base/cancel.h"

#include <stdio.h>
#include <time.h>

enum { SLEEP_SLICE_MS = 50 };

int64_t clock_monotonic_ns(void)
{
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (int64_t)now.tv_sec * 1000000000 + now.tv_nsec;
}

int64_t clock_wall_us(void)
{
    struct timespec now;
    clock_gettime(CLOCK_REALTIME, &now);
    return (int64_t)now.tv_sec * 1000000 + now.tv_nsec / 1000;
}

void clock_format_utc(int64_t wall_us, char *text)
{
    time_t seconds = (time_t)(wall_us / 1000000);
    struct tm parts;
    gmtime_r(&seconds, &parts);
    char day[32];
    strftime(day, sizeof day, "%Y-%m-%dT%H:%M:%S", &parts);
    snprintf(text, CLOCK_TEXT_SIZE, "%s.%06dZ", day, (int)(wall_us % 1000000));
}

void clock_sleep_ms(int64_t milliseconds)
{
    int64_t end = clock_monotonic_ns() + milliseconds * 1000000;
    while (!cancel_requested()) {
        int64_t left_ms = (end - clock_monotonic_ns()) / 1000000;
        if (left_ms <= 0)
            return;
        int64_t slice = left_ms < SLEEP_SLICE_MS ? left_ms : SLEEP_SLICE_MS;
        nanosleep(&(struct timespec){.tv_nsec = slice * 1000000}, NULL);
    }
}
