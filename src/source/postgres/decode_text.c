/* SPDX-License-Identifier: Apache-2.0 */
#include "source/postgres/decode_step.h"
#include "source/postgres/decode_time.h"

#include "base/digits.h"

#include <arpa/inet.h>

enum {
    VERSION = 1, /* of jsonb, jsonpath, ltree … on the wire */
    UUID_SIZE = 16,
    UUID_TEXT_SIZE = 36,
    MACADDR_SIZE = 6,
    MACADDR8_SIZE = 8,
};

static const char hex_digits[] = "0123456789abcdef";

static inline char *write_hex(char *text, unsigned byte)
{
    text[0] = hex_digits[byte >> 4];
    text[1] = hex_digits[byte & 0xf];
    return text + 2;
}

bool decode_bpchar(const Step *step, Decode *decode, Wire wire, Value *ret_value)
{
    while (wire.size && wire.bytes[wire.size - 1] == ' ')
        wire.size--;
    return decode_text(step, decode, wire, ret_value);
}

bool decode_char(const Step *step, Decode *decode, Wire wire, Value *ret_value)
{
    MALFORMED_UNLESS(wire.size == 1);
    if (wire.bytes[0] == '\0')
        wire.size = 0;
    return decode_text(step, decode, wire, ret_value);
}

bool decode_versioned_text(const Step *step, Decode *decode, Wire wire, Value *ret_value)
{
    MALFORMED_UNLESS(wire.size >= 1 && wire.bytes[0] == VERSION);
    return decode_text(step, decode, (Wire){wire.bytes + 1, wire.size - 1}, ret_value);
}

bool decode_uuid_bytes(const Step *step, Decode *decode, Wire wire, Value *ret_value)
{
    MALFORMED_UNLESS(wire.size == UUID_SIZE);
    return decode_bytes(step, decode, wire, ret_value);
}

bool decode_uuid(const Step *step, Decode *decode, Wire wire, Value *ret_value)
{
    MALFORMED_UNLESS(wire.size == UUID_SIZE);
    char *text = arena_alloc(decode->scratch, UUID_TEXT_SIZE);
    char *end = text;
    for (size_t i = 0; i < UUID_SIZE; i++) {
        if (i == 4 || i == 6 || i == 8 || i == 10)
            *end++ = '-';
        end = write_hex(end, wire.bytes[i]);
    }
    *ret_value = value_text(text, UUID_TEXT_SIZE);
    return true;
}

bool decode_macaddr(const Step *step, Decode *decode, Wire wire, Value *ret_value)
{
    MALFORMED_UNLESS(wire.size == MACADDR_SIZE || wire.size == MACADDR8_SIZE);
    char *text = arena_alloc(decode->scratch, wire.size * 3);
    char *end = text;
    for (size_t i = 0; i < wire.size; i++) {
        if (i)
            *end++ = ':';
        end = write_hex(end, wire.bytes[i]);
    }
    *ret_value = value_text(text, (size_t)(end - text));
    return true;
}

/* A bit string: its length, then its bits from the most significant one. */
static bool read_bits(Wire wire, size_t *ret_count)
{
    if (wire.size < sizeof(uint32_t))
        return false;
    *ret_count = load32(wire.bytes);
    return wire.size - sizeof(uint32_t) == (*ret_count + 7) / 8;
}

static bool bit_at(Wire wire, size_t index)
{
    return wire.bytes[sizeof(uint32_t) + index / 8] >> (7 - index % 8) & 1;
}

bool decode_bit(const Step *step, Decode *decode, Wire wire, Value *ret_value)
{
    size_t count;
    MALFORMED_UNLESS(read_bits(wire, &count));
    char *text = arena_alloc(decode->scratch, count);
    for (size_t i = 0; i < count; i++)
        text[i] = bit_at(wire, i) ? '1' : '0';
    *ret_value = value_text(text, count);
    return true;
}

bool decode_bit_bool(const Step *step, Decode *decode, Wire wire, Value *ret_value)
{
    size_t count;
    MALFORMED_UNLESS(read_bits(wire, &count) && count == 1);
    *ret_value = (Value){.kind = VALUE_BOOL, .boolean = bit_at(wire, 0)};
    return true;
}

/* Family, prefix length, 1 when it is a cidr, size of the address, the address
 * (PostgreSQL: utils/adt/network.c, network_send). */
bool decode_inet(const Step *step, Decode *decode, Wire wire, Value *ret_value)
{
    enum { FAMILY_4 = 2, FAMILY_6 = 3, HEADER = 4, SIZE_4 = 4, SIZE_6 = 16, PREFIX_MAX = 5 };
    MALFORMED_UNLESS(wire.size == HEADER + SIZE_4 || wire.size == HEADER + SIZE_6);
    bool is_4 = wire.bytes[0] == FAMILY_4;
    unsigned size = is_4 ? SIZE_4 : SIZE_6, prefix = wire.bytes[1];
    MALFORMED_UNLESS(is_4 || wire.bytes[0] == FAMILY_6);
    MALFORMED_UNLESS(wire.size == HEADER + size && wire.bytes[3] == size && prefix <= size * 8);

    char *text = arena_alloc(decode->scratch, INET6_ADDRSTRLEN + PREFIX_MAX);
    inet_ntop(is_4 ? AF_INET : AF_INET6, wire.bytes + HEADER, text, INET6_ADDRSTRLEN);
    char *end = text + strlen(text);
    bool is_cidr = wire.bytes[2] == 1;
    if (is_cidr || prefix != size * 8) {
        *end++ = '/';
        end = digits_write(end, prefix);
    }
    *ret_value = value_text(text, (size_t)(end - text));
    return true;
}

static char *write_hex_number(char *text, uint32_t number)
{
    int shift = 28;
    while (shift > 0 && number >> shift == 0)
        shift -= 4;
    for (; shift >= 0; shift -= 4) {
        unsigned digit = number >> shift & 0xf;
        *text++ = (char)(digit < 10 ? '0' + digit : 'A' + digit - 10);
    }
    return text;
}

bool decode_lsn(const Step *step, Decode *decode, Wire wire, Value *ret_value)
{
    enum { LSN_TEXT_MAX = 17 };
    MALFORMED_UNLESS(wire.size == sizeof(uint64_t));
    char *text = arena_alloc(decode->scratch, LSN_TEXT_MAX);
    char *end = write_hex_number(text, load32(wire.bytes));
    *end++ = '/';
    end = write_hex_number(end, load32(wire.bytes + sizeof(uint32_t)));
    *ret_value = value_text(text, (size_t)(end - text));
    return true;
}
