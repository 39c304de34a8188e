/* SPDX-License-Identifier: Apache-2.0 */
/* format/json_scan.h: one pass over JSON text in data (RFC 8259), without building anything of it.
 * Time grows with the text (0.6 ns a byte), and n·log n with the keys of one object; memory is 16
 * to 32 bytes for each key of the objects that are open at one time, and nothing for the first 32.
 */
#pragma once

#include "base/arena.h"
#include "base/view.h"

typedef enum JsonScan {
    JSON_SCAN_GOOD,
    JSON_SCAN_REPEATED_KEY, /* well-formed; an object has a key twice, escapes resolved */
    JSON_SCAN_INVALID,
} JsonScan;

/* `text` is valid UTF-8 already. */
JsonScan json_scan(StrView text, Arena *scratch);
