/* SPDX-License-Identifier: Apache-2.0 */
/* base/base64.h: bytes as text (RFC 4648 §4), and the form for URLs and tokens (§5, no padding). */
#pragma once

#include "base/view.h"

#include <stdbool.h>
#include <stddef.h>

/* Characters that `size` bytes become, with padding. */
#define BASE64_LENGTH(size) (((size) + 2) / 3 * 4)

/* Write without a NUL and return the end of the text. */
char *base64_write(char *text, const void *bytes, size_t size);
char *base64url_write(char *text, const void *bytes, size_t size);

/* Reads standard base64 with its padding; `bytes` has room for text.length / 4 * 3. False for
 * anything that base64_write would not have written. */
bool base64_read(StrView text, void *bytes, size_t *ret_size);
