/* SPDX-License-Identifier: Apache-2.0 */
/* base/json_text.h: a JSON string literal from bytes (RFC 8259 §7). Bytes that are not UTF-8 become
 * U+FFFD here: this is for messages to people. Data goes through encode/ndjson, which never does.
 */
#pragma once

#include "base/view.h"

#include <stdio.h>

/* Writes the literal with its quotes. */
void json_text_print(FILE *out, StrView text);
