/* SPDX-License-Identifier: Apache-2.0 */
#include "encode/json_string.h"

#include "encode/copy.h"

#include <stdbool.h>
#ifdef __SSE2__
#include <emmintrin.h>
#endif

enum { STEP = 16 };

static bool needs_escape(char c)
{
    return (unsigned char)c < 0x20 || c == '"' || c == '\\';
}

static bool is_line_space(char c)
{
    return c == '\n' || c == '\r' || c == '\t';
}

/* One bit for each of 16 bytes that needs an escape. */
static unsigned escape_mask(const char *text)
{
#ifdef __SSE2__
    __m128i bytes = _mm_loadu_si128((const __m128i *)(const void *)text);
    __m128i control = _mm_cmpeq_epi8(_mm_min_epu8(bytes, _mm_set1_epi8(0x1f)), bytes);
    __m128i quote = _mm_cmpeq_epi8(bytes, _mm_set1_epi8('"'));
    __m128i backslash = _mm_cmpeq_epi8(bytes, _mm_set1_epi8('\\'));
    return (unsigned)_mm_movemask_epi8(_mm_or_si128(control, _mm_or_si128(quote, backslash)));
#else
    unsigned mask = 0;
    for (unsigned i = 0; i < STEP; i++)
        mask |= (unsigned)needs_escape(text[i]) << i;
    return mask;
#endif
}

static char *write_escape(char *out, char c)
{
    static const char digits[] = "0123456789abcdef";
    static const char letters[0x20] = {
        ['\b'] = 'b', ['\t'] = 't', ['\n'] = 'n', ['\f'] = 'f', ['\r'] = 'r',
    };
    char letter = (unsigned char)c < sizeof letters ? letters[(unsigned char)c] : c;
    *out++ = '\\';
    if (letter) {
        *out++ = letter;
        return out;
    }
    memcpy(out, "u00", 3);
    out[3] = digits[(unsigned char)c >> 4];
    out[4] = digits[(unsigned char)c & 15];
    return out + 5;
}

static char *write_slowly(char *out, const char *text, size_t size)
{
    for (size_t i = 0; i < size; i++) {
        if (needs_escape(text[i]))
            out = write_escape(out, text[i]);
        else
            *out++ = text[i];
    }
    return out;
}

char *json_string_write(char *out, const char *text, size_t size)
{
    while (size >= STEP) {
        unsigned mask = escape_mask(text);
        memcpy(out, text, STEP);
        size_t plain = mask ? (size_t)__builtin_ctz(mask) : STEP;
        out += plain;
        text += plain;
        size -= plain;
        if (mask) {
            out = write_escape(out, *text++);
            size--;
        }
    }
    /* the rest is looked at where it was copied to: more than it may be read there */
    copy_bytes(out, text, size);
    memset(out + size, ' ', STEP);
    return escape_mask(out) ? write_slowly(out, text, size) : out + size;
}

char *json_string_write_value(char *out, const char *json, size_t size)
{
#ifdef __SSE2__
    for (; size >= STEP; size -= STEP, json += STEP, out += STEP) {
        __m128i bytes = _mm_loadu_si128((const __m128i *)(const void *)json);
        __m128i line = _mm_or_si128(_mm_cmpeq_epi8(bytes, _mm_set1_epi8('\n')),
                                    _mm_or_si128(_mm_cmpeq_epi8(bytes, _mm_set1_epi8('\r')),
                                                 _mm_cmpeq_epi8(bytes, _mm_set1_epi8('\t'))));
        __m128i spaces = _mm_and_si128(line, _mm_set1_epi8(' '));
        bytes = _mm_or_si128(_mm_andnot_si128(line, bytes), spaces);
        _mm_storeu_si128((__m128i *)(void *)out, bytes);
    }
#endif
    for (size_t i = 0; i < size; i++)
        out[i] = is_line_space(json[i]) ? ' ' : json[i];
    return out + size;
}
