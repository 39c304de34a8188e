/* SPDX-License-Identifier: Apache-2.0 */
#include "format/json_scan.h"

#include <stdint.h>
#include <stdlib.h>
#include <string.h>

enum { FEW_KEYS = 8, FIRST_CAPACITY = 32, WORD = 8 };

/* An object or array that is open. */
typedef struct Frame {
    bool is_object;
    size_t first_key;
} Frame;

typedef struct Scanner {
    const char *at;
    const char *end;
    Arena *scratch;
    Frame *frames;
    size_t depth, frame_capacity;
    StrView *keys; /* of all open objects, the innermost last */
    size_t key_count, key_capacity;
    bool has_repeated_key;
} Scanner;

/* Doubles an array that is full. */
static void *grown(Arena *arena, const void *items, size_t item_size, size_t *capacity)
{
    void *larger = arena_alloc(arena, 2 * *capacity * item_size);
    memcpy(larger, items, *capacity * item_size);
    *capacity *= 2;
    return larger;
}

static void push_frame(Scanner *scanner, bool is_object)
{
    if (scanner->depth == scanner->frame_capacity)
        scanner->frames =
            grown(scanner->scratch, scanner->frames, sizeof(Frame), &scanner->frame_capacity);
    scanner->frames[scanner->depth++] = (Frame){is_object, scanner->key_count};
}

static void push_key(Scanner *scanner, StrView key)
{
    if (scanner->key_count == scanner->key_capacity)
        scanner->keys =
            grown(scanner->scratch, scanner->keys, sizeof(StrView), &scanner->key_capacity);
    scanner->keys[scanner->key_count++] = key;
}

static int compare_keys(const void *left_key, const void *right_key)
{
    const StrView *left = left_key, *right = right_key;
    if (left->length != right->length)
        return left->length < right->length ? -1 : 1;
    return left->length ? memcmp(left->data, right->data, left->length) : 0;
}

static bool has_repetition(StrView *keys, size_t count)
{
    if (count > FEW_KEYS) {
        qsort(keys, count, sizeof *keys, compare_keys);
        for (size_t i = 1; i < count; i++) {
            if (view_equals(keys[i - 1], keys[i]))
                return true;
        }
        return false;
    }
    for (size_t i = 1; i < count; i++) {
        for (size_t j = 0; j < i; j++) {
            if (view_equals(keys[i], keys[j]))
                return true;
        }
    }
    return false;
}

static void pop_frame(Scanner *scanner)
{
    const Frame *frame = &scanner->frames[--scanner->depth];
    size_t count = scanner->key_count - frame->first_key;
    if (!scanner->has_repeated_key && count > 1)
        scanner->has_repeated_key = has_repetition(scanner->keys + frame->first_key, count);
    scanner->key_count = frame->first_key;
}

static char peek(const Scanner *scanner)
{
    return scanner->at < scanner->end ? *scanner->at : '\0';
}

static bool take(Scanner *scanner, char wanted)
{
    if (peek(scanner) != wanted || scanner->at == scanner->end)
        return false;
    scanner->at++;
    return true;
}

static void skip_space(Scanner *scanner)
{
    while (scanner->at < scanner->end && (*scanner->at == ' ' || *scanner->at == '\n' ||
                                          *scanner->at == '\t' || *scanner->at == '\r'))
        scanner->at++;
}

static bool take_word(Scanner *scanner, const char *word)
{
    size_t length = strlen(word);
    if ((size_t)(scanner->end - scanner->at) < length || memcmp(scanner->at, word, length) != 0)
        return false;
    scanner->at += length;
    return true;
}

static bool take_digits(Scanner *scanner)
{
    const char *first = scanner->at;
    while (scanner->at < scanner->end && *scanner->at >= '0' && *scanner->at <= '9')
        scanner->at++;
    return scanner->at > first;
}

static bool take_number(Scanner *scanner)
{
    take(scanner, '-');
    if (!take(scanner, '0') && !take_digits(scanner))
        return false;
    if (take(scanner, '.') && !take_digits(scanner))
        return false;
    if (!take(scanner, 'e') && !take(scanner, 'E'))
        return true;
    if (!take(scanner, '+'))
        take(scanner, '-');
    return take_digits(scanner);
}

static int hex_value(char c)
{
    if (c >= '0' && c <= '9')
        return c - '0';
    c |= 0x20;
    return c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

/* Four hexadecimal digits, or −1. */
static int32_t read_unit(const char *at, const char *end)
{
    int32_t unit = 0;
    if (end - at < 4)
        return -1;
    for (int i = 0; i < 4; i++) {
        int digit = hex_value(at[i]);
        if (digit < 0)
            return -1;
        unit = unit << 4 | digit;
    }
    return unit;
}

static bool take_escape(Scanner *scanner)
{
    scanner->at++;
    if (scanner->at == scanner->end)
        return false;
    char kind = *scanner->at++;
    if (kind != 'u')
        return kind && strchr("\"\\/bfnrt", kind) != NULL;
    if (read_unit(scanner->at, scanner->end) < 0)
        return false;
    scanner->at += 4;
    return true;
}

/* True when one of the word's bytes is a quote, a backslash or a control character. */
static bool has_special(uint64_t word)
{
    const uint64_t ones = UINT64_C(0x0101010101010101), highs = UINT64_C(0x8080808080808080);
    uint64_t quotes = word ^ (ones * '"'), backslashes = word ^ (ones * '\\');
    uint64_t found = ((quotes - ones) & ~quotes) | ((backslashes - ones) & ~backslashes) |
                     ((word - ones * ' ') & ~word);
    return (found & highs) != 0;
}

/* The text between the quotes; *ret_has_escape tells whether there is a backslash in it. */
static bool take_string(Scanner *scanner, StrView *ret_text, bool *ret_has_escape)
{
    *ret_has_escape = false;
    if (!take(scanner, '"'))
        return false;
    const char *first = scanner->at;
    while (scanner->at < scanner->end) {
        uint64_t word;
        if (scanner->end - scanner->at >= WORD) {
            memcpy(&word, scanner->at, sizeof word);
            if (!has_special(word)) {
                scanner->at += WORD;
                continue;
            }
        }
        unsigned char c = (unsigned char)*scanner->at;
        if (c == '"') {
            *ret_text = (StrView){first, (size_t)(scanner->at - first)};
            scanner->at++;
            return true;
        }
        if (c < ' ')
            return false;
        if (c != '\\') {
            scanner->at++;
            continue;
        }
        *ret_has_escape = true;
        if (!take_escape(scanner))
            return false;
    }
    return false;
}

static char *write_utf8(char *out, int32_t code)
{
    if (code < 0x80) {
        *out++ = (char)code;
    } else if (code < 0x800) {
        *out++ = (char)(0xc0 | code >> 6);
        *out++ = (char)(0x80 | (code & 0x3f));
    } else if (code < 0x10000) {
        *out++ = (char)(0xe0 | code >> 12);
        *out++ = (char)(0x80 | (code >> 6 & 0x3f));
        *out++ = (char)(0x80 | (code & 0x3f));
    } else {
        *out++ = (char)(0xf0 | code >> 18);
        *out++ = (char)(0x80 | (code >> 12 & 0x3f));
        *out++ = (char)(0x80 | (code >> 6 & 0x3f));
        *out++ = (char)(0x80 | (code & 0x3f));
    }
    return out;
}

/* After a backslash and a u; takes the second half of a surrogate pair with the first. */
static int32_t read_code(const char **at, const char *end)
{
    int32_t code = read_unit(*at, end);
    *at += 4;
    bool is_high = code >= 0xd800 && code < 0xdc00;
    if (!is_high || end - *at < 6 || (*at)[0] != '\\' || (*at)[1] != 'u')
        return code;
    int32_t low = read_unit(*at + 2, end);
    if (low < 0xdc00 || low > 0xdfff)
        return code;
    *at += 6;
    return 0x10000 + ((code - 0xd800) << 10) + (low - 0xdc00);
}

/* A key whose escapes were checked already. */
static StrView unescape(StrView text, Arena *scratch)
{
    static const char letters[] = "bfnrt", meanings[] = "\b\f\n\r\t";
    char *begin = arena_alloc(scratch, text.length), *out = begin;
    const char *end = text.data + text.length;
    for (const char *at = text.data; at < end;) {
        if (*at != '\\') {
            *out++ = *at++;
            continue;
        }
        at++;
        char kind = *at++;
        const char *letter = strchr(letters, kind);
        if (kind == 'u')
            out = write_utf8(out, read_code(&at, end));
        else
            *out++ = letter ? meanings[letter - letters] : kind;
    }
    return (StrView){begin, (size_t)(out - begin)};
}

/* A key and its colon. */
static bool take_key(Scanner *scanner)
{
    StrView key;
    bool has_escape;
    skip_space(scanner);
    if (!take_string(scanner, &key, &has_escape))
        return false;
    push_key(scanner, has_escape ? unescape(key, scanner->scratch) : key);
    skip_space(scanner);
    return take(scanner, ':');
}

static bool take_scalar(Scanner *scanner)
{
    StrView text;
    bool has_escape;
    switch (peek(scanner)) {
    case '"':
        return take_string(scanner, &text, &has_escape);
    case 't':
        return take_word(scanner, "true");
    case 'f':
        return take_word(scanner, "false");
    case 'n':
        return take_word(scanner, "null");
    default:
        return take_number(scanner);
    }
}

/* Takes a scalar, an empty object or array, or opens one and stands before its first value
 * (*ret_is_open). */
static bool begin_value(Scanner *scanner, bool *ret_is_open)
{
    *ret_is_open = false;
    skip_space(scanner);
    bool is_object = peek(scanner) == '{';
    if (!is_object && peek(scanner) != '[')
        return take_scalar(scanner);
    scanner->at++;
    skip_space(scanner);
    if (take(scanner, is_object ? '}' : ']'))
        return true;
    push_frame(scanner, is_object);
    *ret_is_open = true;
    return !is_object || take_key(scanner);
}

/* After a value: closes what ends here; *ret_is_more when another value follows. */
static bool end_value(Scanner *scanner, bool *ret_is_more)
{
    *ret_is_more = false;
    while (scanner->depth) {
        bool is_object = scanner->frames[scanner->depth - 1].is_object;
        skip_space(scanner);
        if (take(scanner, ',')) {
            *ret_is_more = true;
            return !is_object || take_key(scanner);
        }
        if (!take(scanner, is_object ? '}' : ']'))
            return false;
        pop_frame(scanner);
    }
    return true;
}

JsonScan json_scan(StrView text, Arena *scratch)
{
    Frame frames[FIRST_CAPACITY];
    StrView keys[FIRST_CAPACITY];
    Scanner scanner = {
        .at = text.data,
        .end = text.data + text.length,
        .scratch = scratch,
        .frames = frames,
        .frame_capacity = FIRST_CAPACITY,
        .keys = keys,
        .key_capacity = FIRST_CAPACITY,
    };
    bool is_more = true;
    while (is_more) {
        if (!begin_value(&scanner, &is_more) || (!is_more && !end_value(&scanner, &is_more)))
            return JSON_SCAN_INVALID;
    }
    skip_space(&scanner);
    if (scanner.at != scanner.end)
        return JSON_SCAN_INVALID;
    return scanner.has_repeated_key ? JSON_SCAN_REPEATED_KEY : JSON_SCAN_GOOD;
}
