/* SPDX-License-Identifier: Apache-2.0 */
/* source/step.h: what the decoders of all drivers share. A driver compiles each column of its plan
 * into a Step: a function for its wire form and target type, and that function's parameters. All
 * steps of a column share its Column: policy and counts are the column's. */
#pragma once

#include "base/arena.h"
#include "base/error.h"
#include "model/policy.h"
#include "model/table.h"
#include "model/type.h"
#include "model/value.h"

#include <stddef.h>
#include <stdint.h>

/* A field's bytes, without its length word. */
typedef struct Wire {
    const uint8_t *bytes;
    size_t size;
} Wire;

typedef struct Step Step;

enum { DECODE_TEXT_MAX = 120 };

/* The value for people, cut to text[DECODE_TEXT_MAX]. */
typedef void StepDescribe(const Step *step, Wire wire, char *text);

typedef struct Column {
    const char *name; /* as the source and the configuration call it */
    InvalidPolicy policy;
    InvalidCounts *counts;
    StepDescribe *describe; /* the driver's */
} Column;

/* What a row's decoding needs besides the step. */
typedef struct Decode {
    Arena *scratch;
    Error *error;
} Decode;

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
    unsigned wire;          /* the driver's number of the wire form */
    size_t part_count;
    const Step *parts; /* one element, or the members */
};

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

/* Text is checked to be UTF-8, JSON to be JSON (repeated keys are counted); bytes are taken. */
StepDecode decode_text, decode_json, decode_bytes;

/* WKB, and EWKB as PostGIS writes it, as WKT: longitude and latitude of WGS 84. */
StepDecode decode_ewkb;

/* Two big-endian doubles as a point of WGS 84. */
StepDecode decode_point;

/* Parts of a StepDescribe. */
void describe_text(Wire wire, char *text);
void describe_bytes(Wire wire, char *text);

/* Makes a step one of decimals of its field's precision and scale. */
void step_set_decimal(Step *step);

/* ±magnitude × 10^exponent as the step's decimal. `wire` is for the refusal. */
typedef struct DecimalParts {
    bool is_negative;
    uint64_t magnitude;
    int exponent;
} DecimalParts;

bool decode_decimal_parts(const Step *step, Decode *decode, DecimalParts parts, Wire wire,
                          Value *ret_value);

/* A number as an integer of the wanted scale. */
typedef struct Scaled {
    Decimal magnitude; /* cut towards zero */
    bool is_too_large; /* more digits before the point than there may be; magnitude is not set */
    bool is_inexact;   /* digits were cut off */
    bool rounds_up;    /* they were half or more */
} Scaled;

/* The value of a number that is at the step's scale; what does not fit is refused, with the nearest
 * one that does. */
bool decode_scaled(const Step *step, Decode *decode, Scaled *scaled, bool is_negative, Wire wire,
                   Value *ret_value);

void decimal_multiply_by_power(Decimal *decimal, int power);

/* The largest decimal of the step's field, or the smallest. */
Value decode_decimal_bound(const Step *step, Arena *scratch, bool is_negative);

enum { DOUBLE_TEXT_MAX = 32 };

/* The shortest text that reads back as the same finite number; returns its length. */
size_t decode_double_text(double real, char *text);

/* A finite number's shortest digits as a decimal; of a float when `is_single`. */
DecimalParts decode_real_parts(double real, bool is_single);

static inline Value value_text(const char *text, size_t length)
{
    return (Value){.kind = VALUE_BYTES, .length = (uint32_t)length, .bytes = text};
}
