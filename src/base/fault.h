/* SPDX-License-Identifier: Apache-2.0 */
/* base/fault.h: named points where a test can kill or fail the program; nothing in a release build.
 *
 * BQFERRY_FAULT="name" kills the process with SIGKILL when that point is reached the first time,
 * "name:3" the third time, "*:7" at the seventh point of any name; "name=fail" makes the point
 * report an error instead, "name=stop" stops the process until SIGCONT; "?" kills nobody, and names
 * the points on standard error.
 *
 * BQFERRY_LIMIT="name=5" makes that limit 5: what only the very large, or those who
 * wait for long, meet, a test can meet too. */
#pragma once

#include "base/error.h"

#include <stdint.h>

#ifdef BQFERRY_FAULT_POINTS

/* Returns false with an ERROR_INTERNAL when a test asked this point to fail; else true. */
bool fault_point(const char *name, Error *error);

/* `limit`, or what a test wants instead. */
int64_t fault_limit(const char *name, int64_t limit);

#else

static inline bool fault_point(const char *name, Error *error)
{
    (void)name;
    (void)error;
    return true;
}

static inline int64_t fault_limit(const char *name, int64_t limit)
{
    (void)name;
    return limit;
}

#endif
