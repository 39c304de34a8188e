/* SPDX-License-Identifier: Apache-2.0 */
/* encode/json_string.h: text inside JSON (RFC 8259 §7). The text is UTF-8 already, so that only
 * quotes, backslashes and control characters need an escape. */
#pragma once

#include <stddef.h>

enum {
    JSON_STRING_GROWTH = 6, /* bytes that one byte may take: \u001f */
    JSON_STRING_SLACK = 16, /* bytes after the end that a write may also touch */
};

/* Writes the inside of a string literal and returns the end. */
char *json_string_write(char *out, const char *text, size_t size);

/* Copies a JSON text with line breaks and tabs, which may stand only between its tokens, turned
 * into spaces: it then fits on one line and means the same. */
char *json_string_write_value(char *out, const char *json, size_t size);
