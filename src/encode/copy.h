/* SPDX-License-Identifier: Apache-2.0 */
/* encode/copy.h: short values, which most are, copied without a call and without a loop. */
#pragma once

#include <stddef.h>
#include <stdint.h>
#include <string.h>

/* Copies exactly size bytes by stores that may overlap, and returns out + size. */
static inline char *copy_bytes(char *out, const char *from, size_t size)
{
    if (size > 32) {
        memcpy(out, from, size);
    } else if (size >= 16) {
        char head[16], tail[16];
        memcpy(head, from, sizeof head);
        memcpy(tail, from + size - sizeof tail, sizeof tail);
        memcpy(out, head, sizeof head);
        memcpy(out + size - sizeof tail, tail, sizeof tail);
    } else if (size >= 4) {
        /* 4 to 15: words at 0 and, from 8 on, at 4, and the same from the end */
        size_t step = size >> 3 << 2;
        uint32_t words[4];
        memcpy(&words[0], from, 4);
        memcpy(&words[1], from + step, 4);
        memcpy(&words[2], from + size - 4 - step, 4);
        memcpy(&words[3], from + size - 4, 4);
        memcpy(out, &words[0], 4);
        memcpy(out + step, &words[1], 4);
        memcpy(out + size - 4 - step, &words[2], 4);
        memcpy(out + size - 4, &words[3], 4);
    } else if (size) {
        char middle = from[size / 2], last = from[size - 1];
        out[0] = from[0];
        out[size / 2] = middle;
        out[size - 1] = last;
    }
    return out + size;
}
