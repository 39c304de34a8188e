/* SPDX-License-Identifier: Apache-2.0 */
/* Any bytes as a server's headers: the ones that we read, and the range an upload has. */
#include "net/http.h"
#include "net/range.h"

#include <stdint.h>
#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    HttpResponse response = {.headers = {.data = (char *)(uintptr_t)data, .length = size}};
    uint64_t bytes;
    if (size == 0)
        return 0;
    StrView range = http_header(&response, "Range");
    if (range.data && ((const uint8_t *)range.data < data ||
                       (const uint8_t *)range.data + range.length > data + size))
        abort();
    if (range_committed(range, &bytes) && bytes > INT64_MAX)
        abort();
    if (range_committed((StrView){(const char *)data, size}, &bytes) && bytes > INT64_MAX)
        abort();
    int64_t wait_ms = http_retry_after_ms(&response);
    if (wait_ms < 0 || wait_ms > 3600000 || http_date(&response) < 0)
        abort();
    return 0;
}
