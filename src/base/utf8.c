/* SPDX-License-Identifier: Apache-2.0 */
#include "base/utf8.h"

#include <stdint.h>

static bool is_continuation(unsigned char byte)
{
    return (byte & 0xc0) == 0x80;
}

/* The lead byte fixes the length and the range of the second byte (RFC 3629 §4). */
typedef struct Lead {
    unsigned char first, last; /* of the lead bytes */
    unsigned char low, high;   /* of the second byte */
    size_t length;
} Lead;

static const Lead leads[] = {
    {0xc2, 0xdf, 0x80, 0xbf, 2}, {0xe0, 0xe0, 0xa0, 0xbf, 3}, {0xe1, 0xec, 0x80, 0xbf, 3},
    {0xed, 0xed, 0x80, 0x9f, 3}, {0xee, 0xef, 0x80, 0xbf, 3}, {0xf0, 0xf0, 0x90, 0xbf, 4},
    {0xf1, 0xf3, 0x80, 0xbf, 4}, {0xf4, 0xf4, 0x80, 0x8f, 4},
};

static size_t multibyte_length(const unsigned char *bytes, size_t left)
{
    const Lead *lead = leads, *end = leads + sizeof leads / sizeof *leads;
    while (lead < end && bytes[0] > lead->last)
        lead++;
    if (lead == end || bytes[0] < lead->first || left < lead->length)
        return 0;
    if (bytes[1] < lead->low || bytes[1] > lead->high)
        return 0;
    for (size_t i = 2; i < lead->length; i++) {
        if (!is_continuation(bytes[i]))
            return 0;
    }
    return lead->length;
}

size_t utf8_sequence_length(StrView text)
{
    if (text.length == 0)
        return 0;
    const unsigned char *bytes = (const unsigned char *)text.data;
    return bytes[0] < 0x80 ? 1 : multibyte_length(bytes, text.length);
}

#define HIGH_BITS UINT64_C(0x8080808080808080)

enum { HALF_WORD = 4, WORD = 8, STRIDE = 32 };

static inline uint64_t load_word(const unsigned char *bytes)
{
    uint64_t word;
    memcpy(&word, bytes, sizeof word);
    return word;
}

static inline uint64_t load_half_word(const unsigned char *bytes)
{
    uint32_t word;
    memcpy(&word, bytes, sizeof word);
    return word;
}

static inline bool is_ascii_stride(const unsigned char *bytes)
{
    uint64_t all = load_word(bytes) | load_word(bytes + WORD) | load_word(bytes + 2 * WORD) |
                   load_word(bytes + 3 * WORD);
    return (all & HIGH_BITS) == 0;
}

/* Up to two strides: the first and the last word of a size overlap, so there is no tail to loop
 * over. */
static inline bool is_short_ascii(const unsigned char *bytes, size_t length)
{
    if (length >= STRIDE)
        return is_ascii_stride(bytes) && is_ascii_stride(bytes + length - STRIDE);
    uint64_t all = 0;
    if (length >= 2 * WORD)
        all = load_word(bytes) | load_word(bytes + WORD) | load_word(bytes + length - 2 * WORD) |
              load_word(bytes + length - WORD);
    else if (length >= WORD)
        all = load_word(bytes) | load_word(bytes + length - WORD);
    else if (length >= HALF_WORD)
        all = load_half_word(bytes) | load_half_word(bytes + length - HALF_WORD);
    else if (length)
        all = bytes[0] | bytes[length / 2] | bytes[length - 1]; /* all of one, two or three */
    return (all & HIGH_BITS) == 0;
}

size_t utf8_valid_length(StrView text)
{
    const unsigned char *bytes = (const unsigned char *)text.data;
    size_t i = 0;
    while (i < text.length) {
        if (text.length - i >= STRIDE && is_ascii_stride(bytes + i)) {
            i += STRIDE;
            continue;
        }
        /* one stride character by character before the next look for plain ASCII */
        size_t stop = text.length - i > STRIDE ? i + STRIDE : text.length;
        while (i < stop) {
            size_t length = bytes[i] < 0x80 ? 1 : multibyte_length(bytes + i, text.length - i);
            if (length == 0)
                return i;
            i += length;
        }
    }
    return i;
}

bool utf8_is_valid(StrView text)
{
    if (text.length <= 2 * STRIDE && is_short_ascii((const unsigned char *)text.data, text.length))
        return true;
    return utf8_valid_length(text) == text.length;
}
