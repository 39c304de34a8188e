/* SPDX-License-Identifier: Apache-2.0 */
#include "source/postgres/decode_step.h"

#include <math.h>

enum { WORD = 4, NULL_LENGTH = -1, DIMENSIONS_MAX = 6, ARRAY_HEADER = 3 * WORD };

bool decode_take_part(Wire *rest, Wire *ret_part)
{
    if (rest->size < WORD)
        return false;
    int32_t length = (int32_t)load32(rest->bytes);
    rest->bytes += WORD;
    rest->size -= WORD;
    *ret_part = (Wire){0};
    if (length == NULL_LENGTH)
        return true;
    if (length < 0 || (size_t)length > rest->size)
        return false;
    *ret_part = (Wire){rest->bytes, (size_t)length};
    rest->bytes += length;
    rest->size -= (size_t)length;
    return true;
}

/* Elements of one dimension; what a policy makes NULL is left out. */
static bool decode_elements(const Step *step, Decode *decode, Wire wire, Wire rest,
                            Value *ret_value)
{
    const Step *element = step->parts;
    size_t count = load32(wire.bytes + ARRAY_HEADER);
    MALFORMED_UNLESS(count <= rest.size / WORD);
    Value *items = arena_alloc(decode->scratch, count * sizeof *items);
    size_t kept = 0;
    for (size_t i = 0; i < count; i++) {
        Wire part;
        MALFORMED_UNLESS(decode_take_part(&rest, &part));
        bool done = part.bytes ? element->decode(element, decode, part, &items[kept])
                               : decode_refuse(element, decode, INVALID_NULL_ELEMENT, part, NULL,
                                               &items[kept]);
        if (!done)
            return false;
        kept += items[kept].kind != VALUE_NULL;
    }
    MALFORMED_UNLESS(rest.size == 0);
    *ret_value = (Value){.kind = VALUE_LIST, .length = (uint32_t)kept, .items = items};
    return true;
}

/* Number of dimensions, whether there is a NULL, oid of the elements, then size and lower bound of
 * each dimension, then the elements (PostgreSQL: utils/adt/arrayfuncs.c, array_send). */
bool decode_array(const Step *step, Decode *decode, Wire wire, Value *ret_value)
{
    MALFORMED_UNLESS(wire.size >= ARRAY_HEADER);
    size_t dimensions = load32(wire.bytes);
    MALFORMED_UNLESS(dimensions <= DIMENSIONS_MAX);
    size_t header = ARRAY_HEADER + dimensions * 2 * WORD;
    MALFORMED_UNLESS(wire.size >= header);
    if (dimensions == 0) {
        MALFORMED_UNLESS(wire.size == header);
        *ret_value = (Value){.kind = VALUE_LIST};
        return true;
    }
    if (dimensions > 1)
        return decode_refuse(step, decode, INVALID_DIMENSIONS, wire, NULL, ret_value);
    return decode_elements(step, decode, wire, (Wire){wire.bytes + header, wire.size - header},
                           ret_value);
}

/* Number of members; each an oid and a value with its length (record_send). */
bool decode_composite(const Step *step, Decode *decode, Wire wire, Value *ret_value)
{
    MALFORMED_UNLESS(wire.size >= WORD && load32(wire.bytes) == step->part_count);
    Wire rest = {wire.bytes + WORD, wire.size - WORD};
    Value *items = arena_alloc(decode->scratch, step->part_count * sizeof *items);
    for (size_t i = 0; i < step->part_count; i++) {
        const Step *member = &step->parts[i];
        Wire part;
        MALFORMED_UNLESS(rest.size >= WORD);
        rest.bytes += WORD;
        rest.size -= WORD;
        MALFORMED_UNLESS(decode_take_part(&rest, &part));
        items[i] = value_null();
        bool done = part.bytes           ? member->decode(member, decode, part, &items[i])
                    : member->takes_null ? true
                                         : decode_missing(member, decode, &items[i]);
        if (!done)
            return false;
    }
    MALFORMED_UNLESS(rest.size == 0);
    *ret_value = (Value){.kind = VALUE_LIST, .length = (uint32_t)step->part_count, .items = items};
    return true;
}

static double half_to_double(uint16_t half)
{
    enum { FRACTION_BITS = 10, EXPONENT_BIAS = 15, EXPONENT_MAX = 31 };
    int exponent = half >> FRACTION_BITS & EXPONENT_MAX;
    double fraction = half & ((1 << FRACTION_BITS) - 1);
    double real;
    if (exponent == EXPONENT_MAX)
        real = fraction > 0 ? (double)NAN : (double)INFINITY;
    else if (exponent == 0)
        real = ldexp(fraction, 1 - EXPONENT_BIAS - FRACTION_BITS);
    else
        real = ldexp(fraction + (1 << FRACTION_BITS), exponent - EXPONENT_BIAS - FRACTION_BITS);
    return half >> 15 ? -real : real;
}

static double float_to_double(uint32_t bits)
{
    float real;
    memcpy(&real, &bits, sizeof real);
    return (double)real;
}

/* A 16-bit dimension, 16 bits of nothing, the elements (pgvector: vector_send, halfvec_send). */
static bool decode_elements_of_size(const Step *step, Decode *decode, Wire wire, size_t size,
                                    Value *ret_value)
{
    MALFORMED_UNLESS(wire.size >= WORD);
    size_t count = load16(wire.bytes);
    MALFORMED_UNLESS(wire.size == WORD + count * size);
    Value *items = arena_alloc(decode->scratch, count * sizeof *items);
    for (size_t i = 0; i < count; i++) {
        const uint8_t *element = wire.bytes + WORD + i * size;
        items[i] = (Value){
            .kind = VALUE_FLOAT64,
            .real = size == sizeof(float) ? float_to_double(load32(element))
                                          : half_to_double(load16(element)),
        };
    }
    *ret_value = (Value){.kind = VALUE_LIST, .length = (uint32_t)count, .items = items};
    return true;
}

bool decode_vector(const Step *step, Decode *decode, Wire wire, Value *ret_value)
{
    return decode_elements_of_size(step, decode, wire, sizeof(float), ret_value);
}

bool decode_half_vector(const Step *step, Decode *decode, Wire wire, Value *ret_value)
{
    return decode_elements_of_size(step, decode, wire, sizeof(uint16_t), ret_value);
}
