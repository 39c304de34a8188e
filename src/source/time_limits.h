/* SPDX-License-Identifier: Apache-2.0 */
/* source/time_limits.h: what BigQuery's DATE, DATETIME, TIMESTAMP and TIME can hold. */
#pragma once

#include <stdint.h>

#define TIME_SECOND INT64_C(1000000) /* microseconds, as the next */
#define TIME_DAY INT64_C(86400000000)

/* 0001-01-01 to 9999-12-31, from 1970-01-01. */
#define TIME_FIRST_DAY (-719162)
#define TIME_LAST_DAY 2932896
#define TIME_FIRST (TIME_FIRST_DAY * TIME_DAY)
#define TIME_LAST ((TIME_LAST_DAY + 1) * TIME_DAY - 1)
