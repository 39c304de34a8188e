/* SPDX-License-Identifier: Apache-2.0 */
/* base/power10_table.h: the upper 128 bits of powers of ten, rounded up; highest bit always set. */
#pragma once

#include <stdint.h>

typedef struct Power10 {
    uint64_t high;
    uint64_t low;
} Power10;

enum { POWER10_FIRST = -292, POWER10_LAST = 324, POWER10_COUNT = POWER10_LAST - POWER10_FIRST + 1 };

extern const Power10 power10_table[POWER10_COUNT];
