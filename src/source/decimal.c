/* SPDX-License-Identifier: Apache-2.0 */
#include "base/digits.h"
#include "source/step.h"

#include <float.h>
#include <stdio.h>
#include <stdlib.h>

enum { FAST_DIGITS_MAX = 18, POWER_MAX = 19 /* of digits_power10 */ };

void step_set_decimal(Step *step)
{
    static const int64_t nines[FAST_DIGITS_MAX + 1] = {
        0,
        9,
        99,
        999,
        9999,
        99999,
        999999,
        9999999,
        99999999,
        999999999,
        9999999999,
        99999999999,
        999999999999,
        9999999999999,
        99999999999999,
        999999999999999,
        9999999999999999,
        99999999999999999,
        999999999999999999,
    };
    int precision = field_decimal_precision(step->field);
    step->scale = (uint8_t)field_decimal_scale(step->field);
    step->limit = nines[precision < FAST_DIGITS_MAX ? precision : FAST_DIGITS_MAX];
}

void decimal_multiply_by_power(Decimal *decimal, int power)
{
    for (; power > POWER_MAX; power -= POWER_MAX)
        decimal_multiply_add(decimal, digits_power10[POWER_MAX], 0);
    decimal_multiply_add(decimal, digits_power10[power], 0);
}

static Value decimal_value(Decimal magnitude, bool is_negative, Arena *scratch)
{
    if (is_negative)
        decimal_negate(&magnitude);
    Value value = {.kind = VALUE_DECIMAL64};
    if (decimal_to_int64(&magnitude, &value.integer))
        return value;
    Decimal *decimal = arena_alloc(scratch, sizeof *decimal);
    *decimal = magnitude;
    return (Value){.kind = VALUE_DECIMAL, .decimal = decimal};
}

Value decode_decimal_bound(const Step *step, Arena *scratch, bool is_negative)
{
    Decimal bound = {0};
    for (int i = 0; i < field_decimal_precision(step->field); i++)
        decimal_multiply_add(&bound, 10, 9);
    return decimal_value(bound, is_negative, scratch);
}

bool decode_scaled(const Step *step, Decode *decode, Scaled *scaled, bool is_negative, Wire wire,
                   Value *ret_value)
{
    if (!scaled->is_too_large && !scaled->is_inexact) {
        *ret_value = decimal_value(scaled->magnitude, is_negative, decode->scratch);
        return true;
    }
    Value nearest;
    if (!scaled->is_too_large && scaled->rounds_up)
        decimal_multiply_add(&scaled->magnitude, 1, 1);
    if (scaled->is_too_large ||
        !decimal_fits_digits(&scaled->magnitude, field_decimal_precision(step->field)))
        nearest = decode_decimal_bound(step, decode->scratch, is_negative);
    else
        nearest = decimal_value(scaled->magnitude, is_negative, decode->scratch);
    return decode_refuse(step, decode, INVALID_RANGE, wire, &nearest, ret_value);
}

bool decode_decimal_parts(const Step *step, Decode *decode, DecimalParts parts, Wire wire,
                          Value *ret_value)
{
    Scaled scaled = {.magnitude = decimal_from_int64(0)};
    int power = parts.exponent + step->scale;
    int before_point = digits_count(parts.magnitude) + parts.exponent;
    decimal_multiply_add(&scaled.magnitude, 0, parts.magnitude);
    if (parts.magnitude == 0) {
        /* no digits, whatever the exponent says */
    } else if (before_point > field_decimal_precision(step->field) - step->scale) {
        scaled.is_too_large = true;
    } else if (power >= 0) {
        decimal_multiply_by_power(&scaled.magnitude, power);
    } else {
        uint64_t cut = power >= -POWER_MAX ? digits_power10[-power] : 0;
        uint64_t rest = cut ? parts.magnitude % cut : parts.magnitude;
        scaled.magnitude = decimal_from_int64(0);
        decimal_multiply_add(&scaled.magnitude, 0, cut ? parts.magnitude / cut : 0);
        scaled.is_inexact = rest != 0;
        scaled.rounds_up = cut && rest >= cut - rest;
    }
    return decode_scaled(step, decode, &scaled, parts.is_negative, wire, ret_value);
}

size_t decode_double_text(double real, char *text)
{
    int length = 0;
    for (int digits = DBL_DIG; digits <= DBL_DECIMAL_DIG; digits++) {
        length = snprintf(text, DOUBLE_TEXT_MAX, "%.*g", digits, real);
        if (strtod(text, NULL) == real)
            break;
    }
    return (size_t)length;
}

/* float4 has fewer digits than the double it is widened to. */
static void shortest_text(double real, bool is_single, char *text)
{
    if (!is_single) {
        decode_double_text(real, text);
        return;
    }
    for (int digits = FLT_DIG; digits <= FLT_DECIMAL_DIG; digits++) {
        snprintf(text, DOUBLE_TEXT_MAX, "%.*g", digits, real);
        if ((double)strtof(text, NULL) == real)
            break;
    }
}

/* "-1.25e-07" as an integer and a power of ten: 17 digits at most. */
static DecimalParts read_parts(const char *text)
{
    DecimalParts parts = {.is_negative = *text == '-'};
    bool after_point = false;
    for (; *text && *text != 'e'; text++) {
        if (*text == '.')
            after_point = true;
        if (*text < '0' || *text > '9')
            continue;
        parts.magnitude = parts.magnitude * 10 + (uint64_t)(*text - '0');
        parts.exponent -= after_point;
    }
    if (*text == 'e')
        parts.exponent += (int)strtol(text + 1, NULL, 10);
    return parts;
}

DecimalParts decode_real_parts(double real, bool is_single)
{
    char text[DOUBLE_TEXT_MAX];
    shortest_text(real, is_single, text);
    return read_parts(text);
}
