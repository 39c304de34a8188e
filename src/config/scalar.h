/* SPDX-License-Identifier: Apache-2.0 */
/* config/scalar.h: texts of the configuration as numbers. Each is false when the text is not one,
 * or one that does not fit. */
#pragma once

#include <stdbool.h>
#include <stdint.h>

/* true, True, TRUE, false, False, FALSE (YAML 1.2). */
bool scalar_boolean(const char *text, bool *ret_boolean);

/* Decimal digits, with a sign if need be. */
bool scalar_integer(const char *text, int64_t *ret_integer);

/* Numbers with units, largest first or not: "90s", "1h30m", "250ms"; units d, h, m, s, ms; "0". */
bool scalar_duration_ms(const char *text, int64_t *ret_milliseconds);

/* "4096", "64 kB", "256MB" (powers of 1,000), "2GiB" (powers of 1,024). */
bool scalar_size(const char *text, int64_t *ret_bytes);
