/* SPDX-License-Identifier: Apache-2.0 */
/* base/digits.h: decimal digits, fast. Nothing here writes a NUL. */
#pragma once

#include <stddef.h>
#include <stdint.h>

enum { DIGITS_MAX = 20 }; /* of an unsigned 64-bit integer */

extern const char digits_pairs[200]; /* "00" "01" … "99" */

/* 10^power for power from 0 to 19. */
extern const uint64_t digits_power10[20];

/* Number of decimal digits; 1 for 0. */
int digits_count(uint64_t number);

/* Writes exactly `count` digits, with leading zeros, and returns text + count. The number must fit.
 */
char *digits_write_padded(char *text, uint64_t number, int count);

/* Writes the number without leading zeros (at most DIGITS_MAX) and returns the end. */
char *digits_write(char *text, uint64_t number);

/* The same with a sign before negative numbers. */
char *digits_write_signed(char *text, int64_t number);

/* Two digits of a number below 100. */
static inline char *digits_write_pair(char *text, unsigned number)
{
    text[0] = digits_pairs[2 * number];
    text[1] = digits_pairs[2 * number + 1];
    return text + 2;
}
