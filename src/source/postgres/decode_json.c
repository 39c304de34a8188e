/* SPDX-License-Identifier: Apache-2.0 */
#include "source/postgres/decode_step.h"

#include "base/utf8.h"

enum { VERSION = 1, LENGTH_BYTES = 4, NULL_LENGTH = -1 };

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

/* A length word and its bytes; *ret_text has no data for NULL. */
static bool take_text(Wire *rest, StrView *ret_text)
{
    if (rest->size < LENGTH_BYTES)
        return false;
    int32_t length = (int32_t)load32(rest->bytes);
    rest->bytes += LENGTH_BYTES;
    rest->size -= LENGTH_BYTES;
    *ret_text = (StrView){NULL, 0};
    if (length == NULL_LENGTH)
        return true;
    if (length < 0 || (size_t)length > rest->size)
        return false;
    *ret_text = (StrView){(const char *)rest->bytes, (size_t)length};
    rest->bytes += length;
    rest->size -= (size_t)length;
    return true;
}

typedef struct Pair {
    StrView key;
    StrView value; /* without data for NULL */
} Pair;

static bool take_pairs(Wire rest, size_t count, Pair *pairs)
{
    for (size_t i = 0; i < count; i++) {
        if (!take_text(&rest, &pairs[i].key) || !pairs[i].key.data ||
            !take_text(&rest, &pairs[i].value))
            return false;
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
