/* SPDX-License-Identifier: Apache-2.0 */
/* Any bytes as a .env file. */
#include "base/cleanup.h"
#include "config/env_file.h"

#include <stdint.h>
#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    CLEANUP(arena_done) Arena arena = {0};
    Mistakes mistakes;
    EnvFile env;
    mistakes_init(&mistakes, &arena, "fuzz.yaml");
    env_file_parse((StrView){(const char *)data, size}, ".env", &mistakes, &env);
    for (const EnvEntry *entry = env.newest; entry; entry = entry->older) {
        if (env_name_length(entry->name) != strlen(entry->name) || strlen(entry->value) > size)
            abort();
    }
    mistakes_sorted(&mistakes);
    return 0;
}
