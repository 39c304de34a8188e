/* SPDX-License-Identifier: Apache-2.0 */
/* base/clock.h: time for measuring and time for people. */
#pragma once

#include <stddef.h>
#include <stdint.h>

/* Nanoseconds that never jump; only differences mean anything. */
int64_t clock_monotonic_ns(void);

/* Microseconds since 1970-01-01 UTC. */
int64_t clock_wall_us(void);

enum { CLOCK_TEXT_SIZE = 48 };

/* Writes "2026-01-31T12:34:56.789012Z" into text[CLOCK_TEXT_SIZE]. */
void clock_format_utc(int64_t wall_us, char *text);

/* Sleeps; returns early when the run is cancelled (base/cancel.h). */
void clock_sleep_ms(int64_t milliseconds);
