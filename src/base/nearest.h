/* SPDX-License-Identifier: Apache-2.0 */
/* base/nearest.h: "did you mean …?" */
#pragma once

#include <stddef.h>

/* The candidate with the smallest edit distance to `word`, case ignored, or NULL when none is near
 * (distance above a third of the word's length, at least 1). */
const char *nearest_word(const char *word, const char *const *candidates, size_t count);
