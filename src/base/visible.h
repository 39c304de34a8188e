/* SPDX-License-Identifier: Apache-2.0 */
/* base/visible.h: text from outside, shown so that it cannot steer a terminal. */
#pragma once

#include "base/view.h"

#include <stddef.h>
#include <stdio.h>

enum { VISIBLE_MAX = 9 };

/* Writes how the first letter of `text` (not empty) is shown: as it is; C0, DEL and C1 controls,
 * all of which terminals obey, as "\n", "\t", "\x1b"; a byte that is not UTF-8 as "\xff". Ends it
 * with NUL and returns how many bytes of `text` that was. */
size_t visible_letter(StrView text, char shown[VISIBLE_MAX]);

/* Prints all of `text` like that. */
void visible_print(FILE *out, StrView text);
