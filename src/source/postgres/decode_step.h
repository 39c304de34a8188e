/* SPDX-License-Identifier: Apache-2.0 */
/* source/postgres/decode_step.h: how the decoder's files work together; private to decode*.c.
 *
 * decoder_new compiles each column of the plan into a Step: a function for its (wire, kind) and
 * that function's parameters. Arrays and composites have steps for their parts. All steps of a
 * column share its Column: policy and counts are the column's. */
#pragma once

#include "base/arena.h"
#include "model/value.h"
#include "schema/mapping.h"
#include "schema/postgres_types.h"

#include <endian.h>
#include <string.h>

/* A field's bytes, without its length word. */
typedef struct Wire {
    const uint8_t *bytes;
    size_t size;
} Wire;

typedef struct Column {
    const char *name; /* as the source and the configuration call it */
    InvalidPolicy policy;
    InvalidCounts *counts;
} Column;

/* What a tuple's decoding needs besides the step. */
typedef struct Decode {
    Arena *scratch;
    Error *error;
} Decode;

typedef struct Step Step;

/* Fills *ret_value (possibly with NULL, by policy); false with *decode->error set. */
typedef bool StepDecode(const Step *step, Decode *decode, Wire wire, Value *ret_value);

struct Step {
    StepDecode *decode;
    bool takes_null; /* a NULL is a NULL: neither REPEATED nor REQUIRED */
    bool is_required;
    uint8_t scale; /* of decimals */
    int64_t limit; /* of decimals: the largest magnitude that may take the fast way */
    const Column *column;
    const Field *field;     /* the target's type, for messages; an element has its array's */
    const SourceType *type; /* may be NULL: text of whatever type */
    PostgresWire wire;
    size_t part_count;
    const Step *parts; /* one element, or the members */
};

/* The function for a pair that postgres_accepts takes; NULL for others. */
StepDecode *decode_function(PostgresWire wire, TypeKind kind);

/* One per pair of wire and kind. */
StepDecode decode_bool, decode_int_bool, decode_bit_bool;
StepDecode decode_int2, decode_int4, decode_int8, decode_oid, decode_uint64;
StepDecode decode_int_float, decode_float4, decode_float8, decode_float_int64, decode_numeric_float;
StepDecode decode_numeric, decode_numeric_int64, decode_int_decimal, decode_uint_decimal,
    decode_float_decimal;
StepDecode decode_date, decode_time, decode_timetz, decode_timestamp, decode_interval,
    decode_interval_time;
StepDecode decode_text, decode_bpchar, decode_char, decode_versioned_text, decode_bytes;
StepDecode decode_uuid, decode_bit, decode_inet, decode_macaddr, decode_lsn;
StepDecode decode_json, decode_jsonb, decode_hstore;
StepDecode decode_point, decode_ewkb;
StepDecode decode_vector, decode_half_vector;
StepDecode decode_array, decode_composite;

/* A NULL that the step does not simply take. */
bool decode_missing(const Step *step, Decode *decode, Value *ret_value);

/* A value that the target type cannot hold meets the column's policy. `nearest` is what clamp makes
 * of it; NULL when nothing is near. */
bool decode_refuse(const Step *step, Decode *decode, InvalidReason reason, Wire wire,
                   const Value *nearest, Value *ret_value) __attribute__((cold));

/* Bytes that are not what the plan says: ERROR_SOURCE, returns false. */
bool decode_malformed(const Step *step, Decode *decode, Wire wire) __attribute__((cold));

/* In a StepDecode. */
#define MALFORMED_UNLESS(good)                                                                     \
    do {                                                                                           \
        if (__builtin_expect(!(good), 0))                                                          \
            return decode_malformed(step, decode, wire);                                           \
    } while (0)

enum { DECODE_TEXT_MAX = 120 };

/* The value for people, cut to text[DECODE_TEXT_MAX]. */
void decode_describe(const Step *step, Wire wire, char *text);

/* Shared between decode_number.c and decode_numeric.c: ±magnitude × 10^exponent as the step's
 * decimal. `wire` is for the refusal. */
typedef struct DecimalParts {
    bool is_negative;
    uint64_t magnitude;
    int exponent;
} DecimalParts;

bool decode_decimal_parts(const Step *step, Decode *decode, DecimalParts parts, Wire wire,
                          Value *ret_value);

/* The largest decimal of the step's field, or the smallest. */
Value decode_decimal_bound(const Step *step, Arena *scratch, bool is_negative);

/* Writes the whole number, all its digits, and a NUL; "NaN" and "Infinity" too. False when the
 * bytes are no numeric. *ret_text lives in the arena. */
bool decode_numeric_text(Wire wire, Arena *arena, const char **ret_text);

enum { DOUBLE_TEXT_MAX = 32 };

/* The shortest text that reads back as the same finite number; returns its length. */
size_t decode_double_text(double real, char *text);

static inline uint16_t load16(const uint8_t *bytes)
{
    uint16_t number;
    memcpy(&number, bytes, sizeof number);
    return be16toh(number);
}

static inline uint32_t load32(const uint8_t *bytes)
{
    uint32_t number;
    memcpy(&number, bytes, sizeof number);
    return be32toh(number);
}

static inline uint64_t load64(const uint8_t *bytes)
{
    uint64_t number;
    memcpy(&number, bytes, sizeof number);
    return be64toh(number);
}

static inline Value value_text(const char *text, size_t length)
{
    return (Value){.kind = VALUE_BYTES, .length = (uint32_t)length, .bytes = text};
}
