/* SPDX-License-Identifier: Apache-2.0 */
/* model/decimal.h: a 256-bit integer that stands for a decimal number; the scale is the field's. */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* Two's complement, least significant limb first. */
typedef struct Decimal {
    uint64_t limbs[4];
} Decimal;

Decimal decimal_from_int64(int64_t integer);

/* *decimal = *decimal × factor + addend, for magnitudes (non-negative); false on overflow of 255
 * bits. */
bool decimal_multiply_add(Decimal *decimal, uint64_t factor, uint64_t addend);

void decimal_negate(Decimal *decimal);
bool decimal_is_negative(const Decimal *decimal);

/* True when the value fits 64 bits; then *ret_integer is it. */
bool decimal_to_int64(const Decimal *decimal, int64_t *ret_integer);

/* True when the value fits 128 bits signed; *ret_high and *ret_low are its halves. */
bool decimal_to_int128(const Decimal *decimal, int64_t *ret_high, uint64_t *ret_low);

/* True when |decimal| < 10^digits; digits from 0 to 76. */
bool decimal_fits_digits(const Decimal *decimal, int digits);

enum { DECIMAL_BYTES_MAX = 32, DECIMAL_TEXT_MAX = 88 };

/* Writes the shortest big-endian two's complement form, at least one byte, into
 * bytes[DECIMAL_BYTES_MAX]; returns its length. This is Avro's `decimal` (Avro 1.11 specification).
 */
size_t decimal_to_big_endian(const Decimal *decimal, uint8_t *bytes);

/* Writes plain digits with `scale` digits after the point, no exponent, no trailing NUL, into
 * text[DECIMAL_TEXT_MAX]; returns the length. scale from 0 to 38. "-0.05", "12.00", "7". */
size_t decimal_to_text(const Decimal *decimal, int scale, char *text);

/* The same two for a value that fits 64 bits. */
size_t decimal64_to_big_endian(int64_t integer, uint8_t *bytes);
size_t decimal64_to_text(int64_t integer, int scale, char *text);
