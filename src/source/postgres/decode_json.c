/* SPDX-License-Identifier: Apache-2.0 */
#include "source/postgres/decode_step.h"

#include "base/utf8.h"

enum { VERSION = 1, LENGTH_BYTES = 4 };

bool decode_jsonb(const Step *step, Decode *decode, Wire wire, Value *ret_value)
{
    MALFORMED_UNLESS(wire.size > 1 && wire.bytes[0] == VERSION);
    StrView text = {(const char *)wire.bytes + 1, wire.size - 1};
    if (!utf8_is_valid(text))
        return decode_refuse(step, decode, INVALID_UTF8, wire, NULL, ret_value);
    *ret_value = value_text(text.data, text.length);
    return true;
}

/* The letter of a short escape, 'u' for a control character without one, 0 for no escape. */
static char escape_of(unsigned char c)
{
    switch (c) {
    case '"':
    case '\\':
        return (char)c;
    case '\b':
        return 'b';
    case '\f':
        return 'f';
    case '\n':
        return 'n';
    case '\r':
        return 'r';
    case '\t':
        return 't';
    default:
        return c < ' ' ? 'u' : '\0';
    }
}

static size_t string_size(StrView text)
{
    size_t size = text.length + 2;
    for (size_t i = 0; i < text.length; i++) {
        char escape = escape_of((unsigned char)text.data[i]);
        size += escape == 'u' ? 5 : escape != '\0';
    }
    return size;
}

static char *write_string(char *out, StrView text)
{
    *out++ = '"';
    for (size_t i = 0; i < text.length; i++) {
        unsigned char c = (unsigned char)text.data[i];
        char escape = escape_of(c);
        if (!escape) {
            *out++ = (char)c;
            continue;
        }
        *out++ = '\\';
        *out++ = escape;
        if (escape == 'u') {
            *out++ = '0';
            *out++ = '0';
            *out++ = (char)('0' + (c >> 4));
            *out++ = "0123456789abcdef"[c & 0xf];
        }
    }
    *out++ = '"';
    return out;
}

typedef struct Pair {
    StrView key;
    StrView value; /* without data for NULL */
} Pair;

static StrView text_of(Wire part)
{
    return (StrView){(const char *)part.bytes, part.size};
}

static bool take_pairs(Wire rest, size_t count, Pair *pairs)
{
    for (size_t i = 0; i < count; i++) {
        Wire key, value;
        if (!decode_take_part(&rest, &key) || !key.bytes || !decode_take_part(&rest, &value))
            return false;
        pairs[i] = (Pair){text_of(key), text_of(value)};
    }
    return rest.size == 0;
}

/* A count of pairs; each a key and a value with their lengths (contrib/hstore, hstore_send). */
bool decode_hstore(const Step *step, Decode *decode, Wire wire, Value *ret_value)
{
    static const char null_text[] = "null"; /* its NUL falls where the } comes */
    enum { PAIR_SIZE_MIN = 2 * LENGTH_BYTES, PUNCTUATION = 2 };
    MALFORMED_UNLESS(wire.size >= LENGTH_BYTES);
    size_t count = load32(wire.bytes), size = PUNCTUATION;
    MALFORMED_UNLESS(count <= wire.size / PAIR_SIZE_MIN);
    Pair *pairs = arena_alloc(decode->scratch, count * sizeof *pairs);
    MALFORMED_UNLESS(
        take_pairs((Wire){wire.bytes + LENGTH_BYTES, wire.size - LENGTH_BYTES}, count, pairs));
    for (size_t i = 0; i < count; i++) {
        if (!utf8_is_valid(pairs[i].key) || !utf8_is_valid(pairs[i].value))
            return decode_refuse(step, decode, INVALID_UTF8, wire, NULL, ret_value);
        size += string_size(pairs[i].key) + PUNCTUATION;
        size += pairs[i].value.data ? string_size(pairs[i].value) : strlen(null_text);
    }
    char *text = arena_alloc(decode->scratch, size), *out = text;
    *out++ = '{';
    for (size_t i = 0; i < count; i++) {
        if (i)
            *out++ = ',';
        out = write_string(out, pairs[i].key);
        *out++ = ':';
        out = pairs[i].value.data ? write_string(out, pairs[i].value) : stpcpy(out, null_text);
    }
    *out++ = '}';
    *ret_value = value_text(text, (size_t)(out - text));
    return true;
}
