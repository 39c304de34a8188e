/* SPDX-License-Identifier: Apache-2.0 */
/* Any bytes as a manifest of the files target: what is read leads nowhere but to files of ours. */
#include "target/files/layout.h"
#include "target/files/manifest.h"

#include <stdint.h>
#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    CLEANUP(arena_done) Arena arena = {0};
    CLEANUP(json_free_ptr) Json *json = NULL;
    Manifest manifest;
    if (!json_parse((const char *)data, size, "fuzz", &json, NULL) ||
        !manifest_parse(json, &arena, &manifest, NULL))
        return 0;
    for (size_t i = 0; i < manifest.shard_count; i++) {
        if (!layout_is_shard(manifest.shards[i].file) ||
            !manifest_has_run(&manifest, manifest.shards[i].run_id))
            abort();
    }
    manifest_rows(&manifest, NULL);
    manifest_bytes(&manifest);
    return 0;
}
