/* SPDX-License-Identifier: Apache-2.0 */
/* Any bytes as JSON text in data: what the parser takes (it refuses repeated keys, and more than
 * the scanner does) the scanner must call good. */
#include "base/utf8.h"
#include "format/json.h"
#include "format/json_scan.h"

#include <stdint.h>
#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    StrView text = {(const char *)data, size};
    if (!utf8_is_valid(text) || memchr(data, 0, size)) /* the parser takes a NUL for a blank */
        return 0;
    Arena arena = {0};
    JsonScan found = json_scan(text, &arena);
    arena_done(&arena);

    CLEANUP(json_free_ptr) Json *json = NULL;
    if (json_parse(text.data, text.length, "data", &json, NULL) && found != JSON_SCAN_GOOD)
        abort();
    return 0;
}
