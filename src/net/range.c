/* SPDX-License-Identifier: Apache-2.0 */
#include "net/range.h"

bool range_committed(StrView header, uint64_t *ret_bytes)
{
    static const char prefix[] = "bytes=";
    *ret_bytes = 0;
    if (!header.data)
        return true;
    size_t at = header.length >= 6 && memcmp(header.data, prefix, 6) == 0 ? 6 : 0;
    if (header.length < at + 3 || header.data[at] != '0' || header.data[at + 1] != '-')
        return false;
    uint64_t last = 0;
    for (at += 2; at < header.length; at++) {
        char c = header.data[at];
        if (c < '0' || c > '9' || last > (INT64_MAX - 9) / 10)
            return false;
        last = last * 10 + (uint64_t)(c - '0');
    }
    *ret_bytes = last + 1;
    return true;
}
