/* SPDX-License-Identifier: Apache-2.0 */
/* source/postgres/decode_time.h: PostgreSQL counts time from 2000-01-01; private to decode*.c. */
#pragma once

#include "source/time_limits.h"

#include <stddef.h>
#include <stdint.h>

#define TIME_EPOCH_DAYS 10957 /* from 1970-01-01 to 2000-01-01 */
#define TIME_EPOCH (TIME_EPOCH_DAYS * TIME_DAY)

enum { TIME_TEXT_MAX = 48 };

/* Each writes as PostgreSQL prints it, with a NUL, into text[TIME_TEXT_MAX], and returns the
 * length. Days and microseconds count from 2000-01-01, the time of day from midnight. */
size_t time_date_text(int32_t days, char *text);
size_t time_timestamp_text(int64_t microseconds, char *text);
size_t time_of_day_text(int64_t microseconds, char *text);

/* "+05:30": seconds east of Greenwich; seconds only when there are any. */
size_t time_offset_text(int32_t seconds_east, char *text);
