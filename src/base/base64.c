/* SPDX-License-Identifier: Apache-2.0 */
#include "base/base64.h"

#include <stdint.h>

static const char standard[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
static const char for_urls[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";

static char *write_with(const char *letters, bool padded, char *text, const unsigned char *bytes,
                        size_t size)
{
    for (; size > 0; bytes += 3) {
        size_t taken = size < 3 ? size : 3;
        uint32_t bits = (uint32_t)bytes[0] << 16;
        bits |= taken > 1 ? (uint32_t)bytes[1] << 8 : 0;
        bits |= taken > 2 ? bytes[2] : 0;
        for (size_t i = 0; i < 4; i++) {
            if (i <= taken)
                *text++ = letters[bits >> (18 - 6 * i) & 63];
            else if (padded)
                *text++ = '=';
        }
        size -= taken;
    }
    return text;
}

char *base64_write(char *text, const void *bytes, size_t size)
{
    return write_with(standard, true, text, bytes, size);
}

char *base64url_write(char *text, const void *bytes, size_t size)
{
    return write_with(for_urls, false, text, bytes, size);
}

static int value_of(char letter)
{
    if (letter >= 'A' && letter <= 'Z')
        return letter - 'A';
    if (letter >= 'a' && letter <= 'z')
        return letter - 'a' + 26;
    if (letter >= '0' && letter <= '9')
        return letter - '0' + 52;
    return letter == '+' ? 62 : letter == '/' ? 63 : -1;
}

/* Four characters, of which the last `padding` are "="; the bits that they do not fill are zero. */
static bool read_group(const char *text, size_t padding, unsigned char *bytes)
{
    uint32_t bits = 0;
    for (size_t i = 0; i < 4; i++) {
        int value = i < 4 - padding ? value_of(text[i]) : 0;
        if (value < 0)
            return false;
        bits = bits << 6 | (uint32_t)value;
    }
    if (bits & ((1U << (8 * padding)) - 1))
        return false;
    for (size_t i = 0; i < 3 - padding; i++)
        bytes[i] = (unsigned char)(bits >> (16 - 8 * i));
    return true;
}

bool base64_read(StrView text, void *bytes, size_t *ret_size)
{
    *ret_size = 0;
    if (text.length % 4 != 0)
        return false;
    unsigned char *end = bytes;
    for (size_t i = 0; i < text.length; i += 4) {
        size_t padding = 0;
        if (i + 4 == text.length && text.data[i + 3] == '=')
            padding = text.data[i + 2] == '=' ? 2 : 1;
        if (!read_group(text.data + i, padding, end))
            return false;
        end += 3 - padding;
    }
    *ret_size = (size_t)(end - (unsigned char *)bytes);
    return true;
}
