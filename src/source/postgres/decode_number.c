/* SPDX-License-Identifier: Apache-2.0 */
#include "source/postgres/decode_step.h"

#include <math.h>

bool decode_bool(const Step *step, Decode *decode, Wire wire, Value *ret_value)
{
    MALFORMED_UNLESS(wire.size == 1 && wire.bytes[0] <= 1);
    *ret_value = (Value){.kind = VALUE_BOOL, .boolean = wire.bytes[0] == 1};
    return true;
}

bool decode_int2(const Step *step, Decode *decode, Wire wire, Value *ret_value)
{
    MALFORMED_UNLESS(wire.size == sizeof(int16_t));
    *ret_value = value_integer((int16_t)load16(wire.bytes));
    return true;
}

bool decode_int4(const Step *step, Decode *decode, Wire wire, Value *ret_value)
{
    MALFORMED_UNLESS(wire.size == sizeof(int32_t));
    *ret_value = value_integer((int32_t)load32(wire.bytes));
    return true;
}

bool decode_int8(const Step *step, Decode *decode, Wire wire, Value *ret_value)
{
    MALFORMED_UNLESS(wire.size == sizeof(int64_t));
    *ret_value = value_integer((int64_t)load64(wire.bytes));
    return true;
}

bool decode_oid(const Step *step, Decode *decode, Wire wire, Value *ret_value)
{
    MALFORMED_UNLESS(wire.size == sizeof(uint32_t));
    *ret_value = value_integer(load32(wire.bytes));
    return true;
}

bool decode_uint64(const Step *step, Decode *decode, Wire wire, Value *ret_value)
{
    MALFORMED_UNLESS(wire.size == sizeof(uint64_t));
    uint64_t number = load64(wire.bytes);
    if (number > INT64_MAX) {
        Value nearest = value_integer(INT64_MAX);
        return decode_refuse(step, decode, INVALID_RANGE, wire, &nearest, ret_value);
    }
    *ret_value = value_integer((int64_t)number);
    return true;
}

/* int2, int4 or int8, told apart by their size. */
static bool load_integer(Wire wire, PostgresWire form, int64_t *ret_integer)
{
    if (form == WIRE_INT2 && wire.size == sizeof(int16_t))
        *ret_integer = (int16_t)load16(wire.bytes);
    else if (form == WIRE_INT4 && wire.size == sizeof(int32_t))
        *ret_integer = (int32_t)load32(wire.bytes);
    else if (form == WIRE_INT8 && wire.size == sizeof(int64_t))
        *ret_integer = (int64_t)load64(wire.bytes);
    else
        return false;
    return true;
}

bool decode_int_bool(const Step *step, Decode *decode, Wire wire, Value *ret_value)
{
    int64_t integer;
    MALFORMED_UNLESS(load_integer(wire, step->wire, &integer));
    if (integer != 0 && integer != 1)
        return decode_refuse(step, decode, INVALID_RANGE, wire, NULL, ret_value);
    *ret_value = (Value){.kind = VALUE_BOOL, .boolean = integer == 1};
    return true;
}

bool decode_int_float(const Step *step, Decode *decode, Wire wire, Value *ret_value)
{
    int64_t integer;
    MALFORMED_UNLESS(load_integer(wire, step->wire, &integer));
    *ret_value = (Value){.kind = VALUE_FLOAT64, .real = (double)integer};
    return true;
}

bool decode_int_decimal(const Step *step, Decode *decode, Wire wire, Value *ret_value)
{
    int64_t integer;
    MALFORMED_UNLESS(load_integer(wire, step->wire, &integer));
    bool is_negative = integer < 0;
    uint64_t magnitude = is_negative ? 0 - (uint64_t)integer : (uint64_t)integer;
    return decode_decimal_parts(step, decode, (DecimalParts){is_negative, magnitude, 0}, wire,
                                ret_value);
}

bool decode_uint_decimal(const Step *step, Decode *decode, Wire wire, Value *ret_value)
{
    size_t size = step->wire == WIRE_OID ? sizeof(uint32_t) : sizeof(uint64_t);
    MALFORMED_UNLESS(wire.size == size);
    uint64_t magnitude = step->wire == WIRE_OID ? load32(wire.bytes) : load64(wire.bytes);
    return decode_decimal_parts(step, decode, (DecimalParts){false, magnitude, 0}, wire, ret_value);
}

static double load_float4(const uint8_t *bytes)
{
    uint32_t bits = load32(bytes);
    float real;
    memcpy(&real, &bits, sizeof real);
    return (double)real;
}

static double load_float8(const uint8_t *bytes)
{
    uint64_t bits = load64(bytes);
    double real;
    memcpy(&real, &bits, sizeof real);
    return real;
}

bool decode_float4(const Step *step, Decode *decode, Wire wire, Value *ret_value)
{
    MALFORMED_UNLESS(wire.size == sizeof(float));
    *ret_value = (Value){.kind = VALUE_FLOAT64, .real = load_float4(wire.bytes)};
    return true;
}

bool decode_float8(const Step *step, Decode *decode, Wire wire, Value *ret_value)
{
    MALFORMED_UNLESS(wire.size == sizeof(double));
    *ret_value = (Value){.kind = VALUE_FLOAT64, .real = load_float8(wire.bytes)};
    return true;
}

static bool load_float(const Step *step, Decode *decode, Wire wire, double *ret_real)
{
    bool is_small = step->wire == WIRE_FLOAT4;
    MALFORMED_UNLESS(wire.size == (is_small ? sizeof(float) : sizeof(double)));
    *ret_real = is_small ? load_float4(wire.bytes) : load_float8(wire.bytes);
    return true;
}

bool decode_float_int64(const Step *step, Decode *decode, Wire wire, Value *ret_value)
{
    const double limit = 0x1p63;
    double real = 0;
    if (!load_float(step, decode, wire, &real))
        return false;
    if (isnan(real))
        return decode_refuse(step, decode, INVALID_NAN, wire, NULL, ret_value);
    bool fits = real >= -limit && real < limit;
    if (fits && real == trunc(real)) {
        *ret_value = value_integer((int64_t)real);
        return true;
    }
    Value nearest = value_integer(real < 0 ? INT64_MIN : INT64_MAX);
    if (fits)
        nearest.integer = (int64_t)round(real);
    return decode_refuse(step, decode, isinf(real) ? INVALID_INFINITY : INVALID_RANGE, wire,
                         &nearest, ret_value);
}

bool decode_float_decimal(const Step *step, Decode *decode, Wire wire, Value *ret_value)
{
    double real = 0;
    if (!load_float(step, decode, wire, &real))
        return false;
    if (isnan(real))
        return decode_refuse(step, decode, INVALID_NAN, wire, NULL, ret_value);
    if (isinf(real)) {
        Value nearest = decode_decimal_bound(step, decode->scratch, real < 0);
        return decode_refuse(step, decode, INVALID_INFINITY, wire, &nearest, ret_value);
    }
    return decode_decimal_parts(step, decode, decode_real_parts(real, step->wire == WIRE_FLOAT4),
                                wire, ret_value);
}
