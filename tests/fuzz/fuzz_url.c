/* SPDX-License-Identifier: Apache-2.0 */
/* Any text as a URL; what is taken apart and put together again is the same. */
#include "base/cleanup.h"
#include "net/url.h"

#include <stdint.h>
#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    CLEANUP(arena_done) Arena arena = {0};
    char *text = arena_strndup(&arena, (const char *)data, size);
    Error error = {0};
    Url url, again;
    if (!url_parse(text, &arena, &url, &error)) {
        if (error.kind != ERROR_CONFIG)
            abort();
        return 0;
    }
    bool is_v6 = strchr(url.host, ':') != NULL;
    char *joined =
        arena_printf(&arena, "%s://%s%s%s:%d%s%s%s", url.scheme, is_v6 ? "[" : "", url.host,
                     is_v6 ? "]" : "", url.port, url.path, *url.query ? "?" : "", url.query);
    if (strlen(joined) > strlen(text) + 6)
        abort();
    if (strlen(joined) > 8000)
        return 0;
    if (!url_parse(joined, &arena, &again, &error) || strcmp(again.host, url.host) != 0 ||
        again.port != url.port || strcmp(again.path, url.path) != 0 ||
        strcmp(again.query, url.query) != 0)
        abort();
    (void)url_is_loopback(&url);
    return 0;
}
