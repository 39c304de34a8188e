/* SPDX-License-Identifier: Apache-2.0 */
#include "source/mysql/decode_step.h"

#include <math.h>
#include <stdlib.h>

#define INTEGER_DECODER(name, Type, load)                                                          \
    bool name(const Step *step, Decode *decode, Wire wire, Value *ret_value)                       \
    {                                                                                              \
        MALFORMED_UNLESS(wire.size == sizeof(Type));                                               \
        *ret_value = value_integer((Type)(load));                                                  \
        return true;                                                                               \
    }

INTEGER_DECODER(mysql_decode_int8, int8_t, wire.bytes[0])
INTEGER_DECODER(mysql_decode_uint8, uint8_t, wire.bytes[0])
INTEGER_DECODER(mysql_decode_int16, int16_t, load_le16(wire.bytes))
INTEGER_DECODER(mysql_decode_uint16, uint16_t, load_le16(wire.bytes))
INTEGER_DECODER(mysql_decode_int32, int32_t, load_le32(wire.bytes))
INTEGER_DECODER(mysql_decode_uint32, uint32_t, load_le32(wire.bytes))
INTEGER_DECODER(mysql_decode_int64, int64_t, load_le64(wire.bytes))

/* The largest there is stands for what is larger. */
static bool take_unsigned(const Step *step, Decode *decode, uint64_t number, Wire wire,
                          Value *ret_value)
{
    if (number > INT64_MAX) {
        Value nearest = value_integer(INT64_MAX);
        return decode_refuse(step, decode, INVALID_RANGE, wire, &nearest, ret_value);
    }
    *ret_value = value_integer((int64_t)number);
    return true;
}

bool mysql_decode_uint64(const Step *step, Decode *decode, Wire wire, Value *ret_value)
{
    MALFORMED_UNLESS(wire.size == sizeof(uint64_t));
    return take_unsigned(step, decode, load_le64(wire.bytes), wire, ret_value);
}

/* Any integer as sign and magnitude. */
static bool load_integer(const Step *step, Wire wire, DecimalParts *ret_parts)
{
    static const uint8_t widths[MYSQL_WIRE_UINT64 + 1] = {1, 1, 2, 2, 4, 4, 8, 8};
    if (step->wire > MYSQL_WIRE_UINT64 || wire.size != widths[step->wire] || wire.size == 0)
        return false;
    uint64_t number = 0;
    for (size_t i = wire.size; i > 0; i--)
        number = number << 8 | wire.bytes[i - 1];
    unsigned unused_bits = 64 - 8 * (unsigned)wire.size;
    bool is_signed = step->wire % 2 == 0; /* signed and unsigned forms alternate */
    int64_t extended = (int64_t)(number << unused_bits) >> unused_bits;
    bool is_negative = is_signed && extended < 0;
    *ret_parts = (DecimalParts){is_negative, is_negative ? 0 - (uint64_t)extended : number, 0};
    return true;
}

bool mysql_decode_int_bool(const Step *step, Decode *decode, Wire wire, Value *ret_value)
{
    DecimalParts parts;
    MALFORMED_UNLESS(load_integer(step, wire, &parts));
    if (parts.is_negative || parts.magnitude > 1)
        return decode_refuse(step, decode, INVALID_RANGE, wire, NULL, ret_value);
    *ret_value = (Value){.kind = VALUE_BOOL, .boolean = parts.magnitude == 1};
    return true;
}

bool mysql_decode_int_float(const Step *step, Decode *decode, Wire wire, Value *ret_value)
{
    DecimalParts parts;
    MALFORMED_UNLESS(load_integer(step, wire, &parts));
    double real = (double)parts.magnitude;
    *ret_value = (Value){.kind = VALUE_FLOAT64, .real = parts.is_negative ? -real : real};
    return true;
}

bool mysql_decode_int_decimal(const Step *step, Decode *decode, Wire wire, Value *ret_value)
{
    DecimalParts parts;
    MALFORMED_UNLESS(load_integer(step, wire, &parts));
    if (step->scale == 0 && parts.magnitude <= (uint64_t)step->limit) {
        int64_t integer = (int64_t)parts.magnitude;
        *ret_value =
            (Value){.kind = VALUE_DECIMAL64, .integer = parts.is_negative ? -integer : integer};
        return true;
    }
    return decode_decimal_parts(step, decode, parts, wire, ret_value);
}

bool mysql_decode_float(const Step *step, Decode *decode, Wire wire, Value *ret_value)
{
    MALFORMED_UNLESS(wire.size == sizeof(float));
    *ret_value = (Value){.kind = VALUE_FLOAT64, .real = load_real(wire)};
    return true;
}

bool mysql_decode_double(const Step *step, Decode *decode, Wire wire, Value *ret_value)
{
    MALFORMED_UNLESS(wire.size == sizeof(double));
    *ret_value = (Value){.kind = VALUE_FLOAT64, .real = load_real(wire)};
    return true;
}

static bool has_real(const Step *step, Wire wire)
{
    return wire.size == (step->wire == MYSQL_WIRE_FLOAT ? sizeof(float) : sizeof(double)) &&
           isfinite(load_real(wire)); /* the server has no others */
}

bool mysql_decode_real_int64(const Step *step, Decode *decode, Wire wire, Value *ret_value)
{
    MALFORMED_UNLESS(has_real(step, wire));
    double real = load_real(wire);
    bool fits = real >= -0x1p63 && real < 0x1p63;
    if (fits && real == trunc(real)) {
        *ret_value = value_integer((int64_t)real);
        return true;
    }
    Value nearest = value_integer(real < 0 ? INT64_MIN : INT64_MAX);
    if (fits)
        nearest.integer = (int64_t)round(real);
    return decode_refuse(step, decode, INVALID_RANGE, wire, &nearest, ret_value);
}

bool mysql_decode_real_decimal(const Step *step, Decode *decode, Wire wire, Value *ret_value)
{
    MALFORMED_UNLESS(has_real(step, wire));
    DecimalParts parts = decode_real_parts(load_real(wire), step->wire == MYSQL_WIRE_FLOAT);
    return decode_decimal_parts(step, decode, parts, wire, ret_value);
}

/* DECIMAL's text: digits, at most 65, with at most one point and a sign before them. */
typedef struct DecimalText {
    bool is_negative;
    const uint8_t *digits; /* from the first that counts */
    const uint8_t *end;
    const uint8_t *point; /* end when there is none */
} DecimalText;

static bool read_decimal(Wire wire, DecimalText *ret_text)
{
    const uint8_t *next = wire.bytes, *end = next + wire.size;
    DecimalText text = {.end = end, .point = end};
    if (next < end && *next == '-') {
        text.is_negative = true;
        next++;
    }
    text.digits = next;
    for (; next < end; next++) {
        if (*next == '.' && text.point == end)
            text.point = next;
        else if (*next < '0' || *next > '9')
            return false;
    }
    while (text.digits < text.point && *text.digits == '0')
        text.digits++;
    *ret_text = text;
    return wire.size > 0;
}

/* The number with `scale` digits after the point, `digits_before_point` at most before it. */
static Scaled scale_decimal(const DecimalText *text, int scale, int digits_before_point)
{
    Scaled scaled = {0};
    int place = scale + (int)(text->point - text->digits); /* digits that are kept */
    if (text->point - text->digits > digits_before_point) {
        scaled.is_too_large = true;
        return scaled;
    }
    bool first_cut = true;
    for (const uint8_t *next = text->digits; next < text->end; next++) {
        if (next == text->point)
            continue;
        unsigned digit = (unsigned)(*next - '0');
        if (place-- > 0) {
            decimal_multiply_add(&scaled.magnitude, 10, digit);
        } else {
            scaled.rounds_up |= first_cut && digit >= 5;
            scaled.is_inexact |= digit != 0;
            first_cut = false;
        }
    }
    if (place > 0)
        decimal_multiply_by_power(&scaled.magnitude, place);
    return scaled;
}

static __attribute__((noinline)) bool decode_any_decimal(const Step *step, Decode *decode,
                                                         Wire wire, Value *ret_value)
{
    DecimalText text;
    MALFORMED_UNLESS(read_decimal(wire, &text));
    int before_point = field_decimal_precision(step->field) - step->scale;
    Scaled scaled = scale_decimal(&text, step->scale, before_point);
    return decode_scaled(step, decode, &scaled, text.is_negative, wire, ret_value);
}

/* The way of nearly all: at most 19 digits, and as many after the point as the target has. */
bool mysql_decode_decimal(const Step *step, Decode *decode, Wire wire, Value *ret_value)
{
    enum { FAST_SIZE_MAX = 19 };
    const uint8_t *next = wire.bytes, *end = next + wire.size;
    if (wire.size == 0 || wire.size > FAST_SIZE_MAX)
        return decode_any_decimal(step, decode, wire, ret_value);
    bool is_negative = *next == '-';
    next += is_negative;
    uint64_t magnitude = 0;
    size_t after_point = step->scale;
    const uint8_t *point = after_point ? end - after_point - 1 : end;
    if (point <= next || (after_point && *point != '.'))
        return decode_any_decimal(step, decode, wire, ret_value);
    unsigned wrong = 0;
    for (; next < point; next++) {
        unsigned digit = (unsigned)*next - '0';
        wrong |= digit > 9;
        magnitude = magnitude * 10 + digit;
    }
    for (next = point + (after_point > 0); next < end; next++) {
        unsigned digit = (unsigned)*next - '0';
        wrong |= digit > 9;
        magnitude = magnitude * 10 + digit;
    }
    if (wrong || magnitude > (uint64_t)step->limit)
        return decode_any_decimal(step, decode, wire, ret_value);
    int64_t integer = (int64_t)magnitude;
    *ret_value = (Value){.kind = VALUE_DECIMAL64, .integer = is_negative ? -integer : integer};
    return true;
}

bool mysql_decode_decimal_int64(const Step *step, Decode *decode, Wire wire, Value *ret_value)
{
    enum { INT64_DIGITS = 19 };
    DecimalText text;
    MALFORMED_UNLESS(read_decimal(wire, &text));
    Scaled scaled = scale_decimal(&text, 0, INT64_DIGITS);
    Value nearest = value_integer(text.is_negative ? INT64_MIN : INT64_MAX);
    if (scaled.rounds_up)
        decimal_multiply_add(&scaled.magnitude, 1, 1);
    if (text.is_negative)
        decimal_negate(&scaled.magnitude);
    int64_t integer;
    bool fits = !scaled.is_too_large && decimal_to_int64(&scaled.magnitude, &integer);
    if (fits)
        nearest.integer = integer;
    if (!fits || scaled.is_inexact)
        return decode_refuse(step, decode, INVALID_RANGE, wire, &nearest, ret_value);
    *ret_value = nearest;
    return true;
}

bool mysql_decode_decimal_float(const Step *step, Decode *decode, Wire wire, Value *ret_value)
{
    enum { TEXT_MAX = 72 };
    DecimalText checked;
    char text[TEXT_MAX];
    MALFORMED_UNLESS(wire.size < sizeof text && read_decimal(wire, &checked));
    memcpy(text, wire.bytes, wire.size);
    text[wire.size] = '\0';
    *ret_value = (Value){.kind = VALUE_FLOAT64, .real = strtod(text, NULL)};
    return true;
}

bool mysql_decode_bit(const Step *step, Decode *decode, Wire wire, Value *ret_value)
{
    MALFORMED_UNLESS(wire.size <= sizeof(uint64_t));
    return take_unsigned(step, decode, load_bits(wire), wire, ret_value);
}

bool mysql_decode_bit_bool(const Step *step, Decode *decode, Wire wire, Value *ret_value)
{
    MALFORMED_UNLESS(wire.size == 1 && wire.bytes[0] <= 1);
    *ret_value = (Value){.kind = VALUE_BOOL, .boolean = wire.bytes[0] == 1};
    return true;
}

bool mysql_decode_bit_float(const Step *step, Decode *decode, Wire wire, Value *ret_value)
{
    MALFORMED_UNLESS(wire.size <= sizeof(uint64_t));
    *ret_value = (Value){.kind = VALUE_FLOAT64, .real = (double)load_bits(wire)};
    return true;
}

bool mysql_decode_bit_decimal(const Step *step, Decode *decode, Wire wire, Value *ret_value)
{
    MALFORMED_UNLESS(wire.size <= sizeof(uint64_t));
    DecimalParts parts = {.magnitude = load_bits(wire)};
    return decode_decimal_parts(step, decode, parts, wire, ret_value);
}
