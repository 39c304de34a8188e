/* SPDX-License-Identifier: Apache-2.0 */
/* base/real_text.h: a double as the shortest decimal that reads back as the same double. */
#pragma once

enum { REAL_TEXT_MAX = 26 };

/* "0.1", "-0.0", "12.0", "1e+22", "5e-324": always with a point or an exponent, as Python prints
 * it. The number must be finite. Writes at most REAL_TEXT_MAX characters, no NUL; returns the end.
 */
char *real_text_write(char *text, double real);
