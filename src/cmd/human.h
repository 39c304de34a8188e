/* SPDX-License-Identifier: Apache-2.0 */
/* cmd/human.h: numbers as people read them. Each writes into text[HUMAN_SIZE] and returns it. */
#pragma once

#include <stddef.h>
#include <stdint.h>

enum { HUMAN_SIZE = 32 };

/* "1,234,567"; "?" when negative (unknown). */
const char *human_count(int64_t count, char *text);

/* "~1,235,000": three digits that mean something, for estimates; "?" when negative. */
const char *human_estimate(int64_t count, char *text);

/* "0 B", "512 B", "1.2 MB", "34 GB" (powers of 1000); "?" when negative. */
const char *human_bytes(int64_t bytes, char *text);

/* "0.42 s", "12.3 s", "4m05s", "3h07m". */
const char *human_duration(int64_t nanoseconds, char *text);

/* "9 s", "4m05s", "3h07m": a time that is only guessed. */
const char *human_seconds(int64_t seconds, char *text);
