/* SPDX-License-Identifier: Apache-2.0 */
/* Any bytes as a JSON document; what is printed must read back as the same. */
#include "format/json.h"

#include <stdint.h>
#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    CLEANUP(arena_done) Arena arena = {0};
    CLEANUP(json_free_ptr) Json *json = NULL, *again = NULL, *clone = NULL;
    Error error = {0};
    if (!json_parse((const char *)data, size, "fuzz", &json, &error)) {
        if (error.kind != ERROR_CONFIG)
            abort();
        return 0;
    }
    const char *text = json_dump(json, &arena);
    if (!json_parse(text, strlen(text), "again", &again, &error))
        abort();
    clone = json_clone(json);
    if (strcmp(text, json_dump(again, &arena)) != 0 || strcmp(text, json_dump(clone, &arena)) != 0)
        abort();
    return 0;
}
