/* SPDX-License-Identifier: Apache-2.0 */
/* base/utf8.h: well-formedness as RFC 3629 defines it: no surrogates, no overlong forms, ≤
 * U+10FFFF. */
#pragma once

#include "base/view.h"

#include <stdbool.h>
#include <stddef.h>

/* Length (1 to 4) of the well-formed sequence that `text` begins with; 0 when there is none. */
size_t utf8_sequence_length(StrView text);

/* Offset of the first byte that is not part of well-formed UTF-8; text.length when all is well. */
size_t utf8_valid_length(StrView text);

/* Fast check of a whole value; 32 ASCII bytes at a time. */
bool utf8_is_valid(StrView text);
