/* SPDX-License-Identifier: Apache-2.0 */
#include "model/decimal.h"

#include "base/digits.h"

#include <string.h>

enum { LIMBS = 4, CHUNK_DIGITS = 19, CHUNKS_MAX = 5 };

typedef unsigned __int128 Wide;

static Decimal magnitude_of(const Decimal *decimal)
{
    Decimal magnitude = *decimal;
    if (decimal_is_negative(decimal))
        decimal_negate(&magnitude);
    return magnitude;
}

/* As unsigned 256-bit numbers. */
static bool is_below(const Decimal *left, const Decimal *right)
{
    for (int i = LIMBS - 1; i >= 0; i--) {
        if (left->limbs[i] != right->limbs[i])
            return left->limbs[i] < right->limbs[i];
    }
    return false;
}

/* number = number / divisor; returns the remainder. */
static uint64_t divide(Decimal *number, uint64_t divisor)
{
    Wide remainder = 0;
    for (int i = LIMBS - 1; i >= 0; i--) {
        Wide part = remainder << 64 | number->limbs[i];
        number->limbs[i] = (uint64_t)(part / divisor);
        remainder = part % divisor;
    }
    return (uint64_t)remainder;
}

static bool is_zero(const Decimal *decimal)
{
    return !(decimal->limbs[0] | decimal->limbs[1] | decimal->limbs[2] | decimal->limbs[3]);
}

/* Puts a point before the last `scale` of the digits at text; zeros go first when they are too few.
 */
static size_t place_point(char *text, size_t count, size_t scale)
{
    if (scale == 0)
        return count;
    if (count <= scale) {
        size_t zeros = scale + 1 - count;
        memmove(text + zeros, text, count);
        memset(text, '0', zeros);
        count += zeros;
    }
    memmove(text + count - scale + 1, text + count - scale, scale);
    text[count - scale] = '.';
    return count + 1;
}

Decimal decimal_from_int64(int64_t integer)
{
    uint64_t sign = integer < 0 ? UINT64_MAX : 0;
    return (Decimal){{(uint64_t)integer, sign, sign, sign}};
}

bool decimal_multiply_add(Decimal *decimal, uint64_t factor, uint64_t addend)
{
    Decimal result;
    Wide carry = addend;
    for (int i = 0; i < LIMBS; i++) {
        carry += (Wide)decimal->limbs[i] * factor;
        result.limbs[i] = (uint64_t)carry;
        carry >>= 64;
    }
    if (carry || decimal_is_negative(&result))
        return false;
    *decimal = result;
    return true;
}

void decimal_negate(Decimal *decimal)
{
    Wide carry = 1;
    for (int i = 0; i < LIMBS; i++) {
        carry += ~decimal->limbs[i];
        decimal->limbs[i] = (uint64_t)carry;
        carry >>= 64;
    }
}

bool decimal_is_negative(const Decimal *decimal)
{
    return decimal->limbs[LIMBS - 1] >> 63;
}

bool decimal_to_int64(const Decimal *decimal, int64_t *ret_integer)
{
    uint64_t sign = (int64_t)decimal->limbs[0] < 0 ? UINT64_MAX : 0;
    if (decimal->limbs[1] != sign || decimal->limbs[2] != sign || decimal->limbs[3] != sign)
        return false;
    *ret_integer = (int64_t)decimal->limbs[0];
    return true;
}

bool decimal_to_int128(const Decimal *decimal, int64_t *ret_high, uint64_t *ret_low)
{
    uint64_t sign = (int64_t)decimal->limbs[1] < 0 ? UINT64_MAX : 0;
    if (decimal->limbs[2] != sign || decimal->limbs[3] != sign)
        return false;
    *ret_high = (int64_t)decimal->limbs[1];
    *ret_low = decimal->limbs[0];
    return true;
}

bool decimal_fits_digits(const Decimal *decimal, int digits)
{
    Decimal limit = decimal_from_int64(1);
    for (; digits > CHUNK_DIGITS; digits -= CHUNK_DIGITS)
        decimal_multiply_add(&limit, digits_power10[CHUNK_DIGITS], 0);
    decimal_multiply_add(&limit, digits_power10[digits], 0);
    Decimal magnitude = magnitude_of(decimal);
    return is_below(&magnitude, &limit);
}

size_t decimal_to_big_endian(const Decimal *decimal, uint8_t *bytes)
{
    uint8_t all[DECIMAL_BYTES_MAX];
    for (int i = 0; i < LIMBS; i++) {
        uint64_t limb = __builtin_bswap64(decimal->limbs[LIMBS - 1 - i]);
        memcpy(all + 8 * i, &limb, sizeof limb);
    }
    /* a leading byte is needless while it only repeats the sign bit of the one after it */
    size_t first = 0;
    uint8_t sign = decimal_is_negative(decimal) ? 0xff : 0;
    while (first < DECIMAL_BYTES_MAX - 1 && all[first] == sign &&
           (all[first + 1] & 0x80) == (sign & 0x80))
        first++;
    memcpy(bytes, all + first, DECIMAL_BYTES_MAX - first);
    return DECIMAL_BYTES_MAX - first;
}

size_t decimal_to_text(const Decimal *decimal, int scale, char *text)
{
    char *begin = text;
    if (decimal_is_negative(decimal))
        *text++ = '-';
    Decimal rest = magnitude_of(decimal);
    uint64_t chunks[CHUNKS_MAX];
    int count = 0;
    do
        chunks[count++] = divide(&rest, digits_power10[CHUNK_DIGITS]);
    while (!is_zero(&rest));
    char *end = digits_write(text, chunks[count - 1]);
    for (int i = count - 2; i >= 0; i--)
        end = digits_write_padded(end, chunks[i], CHUNK_DIGITS);
    return (size_t)(text - begin) + place_point(text, (size_t)(end - text), (size_t)scale);
}

size_t decimal64_to_big_endian(int64_t integer, uint8_t *bytes)
{
    uint64_t magnitude_bits = (uint64_t)(integer ^ (integer >> 63));
    unsigned bits = 64 - (unsigned)__builtin_clzll(magnitude_bits | 1);
    unsigned size = bits / 8 + 1;
    uint64_t shifted = __builtin_bswap64((uint64_t)integer << (64 - 8 * size));
    memcpy(bytes, &shifted, sizeof shifted);
    return size;
}

size_t decimal64_to_text(int64_t integer, int scale, char *text)
{
    char *begin = text;
    uint64_t magnitude = (uint64_t)integer;
    if (integer < 0) {
        *text++ = '-';
        magnitude = -magnitude;
    }
    if (scale >= CHUNK_DIGITS) {
        char *end = digits_write(text, magnitude);
        return (size_t)(text - begin) + place_point(text, (size_t)(end - text), (size_t)scale);
    }
    text = digits_write(text, magnitude / digits_power10[scale]);
    if (scale) {
        *text++ = '.';
        text = digits_write_padded(text, magnitude % digits_power10[scale], scale);
    }
    return (size_t)(text - begin);
}
