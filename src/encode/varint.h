/* SPDX-License-Identifier: Apache-2.0 */
/* encode/varint.h: Avro's zig-zag, variable-length integers (Avro 1.11, "Binary Encoding"). */
#pragma once

#include <endian.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

enum {
    VARINT_MAX = 10,  /* bytes of a 64-bit integer */
    VARINT_SLACK = 8, /* bytes after the end that a write may also touch */
};

static inline uint64_t varint_zigzag(int64_t integer)
{
    return (uint64_t)integer << 1 ^ (uint64_t)(integer >> 63);
}

static inline size_t varint_size(int64_t integer)
{
    unsigned bits = 64 - (unsigned)__builtin_clzll(varint_zigzag(integer) | 1);
    return (bits * 9 + 64) / 64; /* ceil(bits / 7) for 1 to 64 */
}

/* What a number whose highest bit is this one takes: its bytes, and the bits that say "more
 * follows". */
typedef struct VarintShape {
    uint32_t more;
    uint32_t size;
} VarintShape;

#define VARINT_7(more, size)                                                                       \
    {more, size}, {more, size}, {more, size}, {more, size}, {more, size}, {more, size},            \
    {                                                                                              \
        more, size                                                                                 \
    }
static const VarintShape varint_shapes[28] = {VARINT_7(0, 1), VARINT_7(0x80, 2),
                                              VARINT_7(0x8080, 3), VARINT_7(0x808080, 4)};
#undef VARINT_7

/* Writes groups of seven bits, the lowest first, and returns the end. Hardly a branch: the lengths
 * of a column's integers vary, and a mispredicted branch costs more than the arithmetic. Spreading
 * the bits: with x = high + low, moving the high half up by n bits is x + high × (2^n − 1). */
static inline char *varint_write(char *out, int64_t integer)
{
    uint64_t bits = varint_zigzag(integer);
    if (bits < 1u << 28) {
        uint32_t spread = (uint32_t)bits;
        VarintShape shape = varint_shapes[31 - __builtin_clz(spread | 1)];
        spread += (spread & 0xfffc000) * 3;
        spread += spread & 0x3f803f80;
        spread = htole32(spread | shape.more);
        memcpy(out, &spread, sizeof spread);
        return out + shape.size;
    }
    if (bits >> 56) {
        for (; bits >> 7; bits >>= 7)
            *out++ = (char)(bits | 0x80);
        *out++ = (char)bits;
        return out;
    }
    size_t size = varint_size(integer);
    bits += (bits & 0xfffffff0000000) * 15;
    bits += (bits & 0xfffc0000fffc000) * 3;
    bits += bits & 0x3f803f803f803f80;
    bits = htole64(bits | (0x8080808080808080 & ((1ull << 8 * (size - 1)) - 1)));
    memcpy(out, &bits, sizeof bits);
    return out + size;
}
