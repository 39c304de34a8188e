/* SPDX-License-Identifier: Apache-2.0 */
/* Any bytes as a credentials file, and as gcloud's configuration. */
#include "net/credentials/gcloud.h"
#include "net/credentials/sources.h"

#include <stdint.h>
#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    CLEANUP(arena_done) Arena arena = {0};
    CLEANUP(json_free_ptr) Json *json = NULL;
    CLEANUP(token_source_free_ptr) TokenSource *source = NULL;
    Error error = {0};
    (void)gcloud_ini_value((StrView){(const char *)data, size}, "core", "project", &arena);
    if (!json_parse((const char *)data, size, "fuzz", &json, NULL) || !json_is_object(json))
        return 0;
    bool made = source_of_file(json, "file fuzz", &source, &error);
    if (made != (source != NULL) || (!made && error.kind != ERROR_CONFIG))
        abort();
    return 0;
}
