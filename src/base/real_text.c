/* SPDX-License-Identifier: Apache-2.0 */
/* base/real_text.c: after R. Giulietti, "The Schubfach way to render doubles" (2020): of the
 * decimals that round to the double, the shortest, and of those the nearest; in integers only. */
#include "base/real_text.h"

#include "base/digits.h"
#include "base/power10_table.h"

#include <stdbool.h>
#include <string.h>

enum {
    FRACTION_BITS = 52,
    EXPONENT_MASK = 0x7ff,
    EXPONENT_BIAS = 1075,    /* of the fraction read as an integer */
    PLAIN_EXPONENT_MIN = -4, /* smaller and larger ones are printed with an exponent */
    PLAIN_EXPONENT_MAX = 15,
};

typedef struct Digits {
    uint64_t number;
    int exponent; /* number × 10^exponent */
} Digits;

static int floor_log2_power10(int exponent)
{
    return (exponent * 1741647) >> 19;
}

static int floor_log10_power2(int exponent)
{
    return (exponent * 1262611) >> 22;
}

static int floor_log10_three_quarters_power2(int exponent)
{
    return (exponent * 1262611 - 524031) >> 22;
}

/* The upper 64 bits of power × factor; the lowest bit also stands for all bits below it. */
static uint64_t multiply_round_to_odd(Power10 power, uint64_t factor)
{
    unsigned __int128 low = (unsigned __int128)power.low * factor;
    unsigned __int128 high = (unsigned __int128)power.high * factor + (uint64_t)(low >> 64);
    return (uint64_t)(high >> 64) | ((uint64_t)high > 1);
}

/* real = fraction × 2^exponent; fraction not 0. */
static Digits shortest_digits(uint64_t fraction, int exponent, bool narrow_below)
{
    bool odd = fraction & 1;
    int k =
        narrow_below ? floor_log10_three_quarters_power2(exponent) : floor_log10_power2(exponent);
    int shift = exponent + floor_log2_power10(-k) + 1;
    Power10 power = power10_table[-k - POWER10_FIRST];
    /* four times the number, and the ends of the interval that rounds to it, in units of 10^k */
    uint64_t middle = multiply_round_to_odd(power, fraction << 2 << shift);
    uint64_t lower = multiply_round_to_odd(power, ((fraction << 2) - 2 + narrow_below) << shift);
    uint64_t upper = multiply_round_to_odd(power, ((fraction << 2) + 2) << shift);
    lower += odd;
    upper -= odd;
    uint64_t units = middle / 4;
    if (units >= 10) {
        uint64_t tens = units / 10;
        bool down_fits = lower <= 40 * tens, up_fits = 40 * tens + 40 <= upper;
        if (down_fits != up_fits)
            return (Digits){tens + up_fits, k + 1};
    }
    bool down_fits = lower <= 4 * units, up_fits = 4 * units + 4 <= upper;
    if (down_fits != up_fits)
        return (Digits){units + up_fits, k};
    uint64_t half = 4 * units + 2;
    bool up = middle > half || (middle == half && (units & 1));
    return (Digits){units + up, k};
}

static Digits decompose(uint64_t bits)
{
    uint64_t fraction = bits & ((1ull << FRACTION_BITS) - 1);
    int exponent = (int)(bits >> FRACTION_BITS & EXPONENT_MASK);
    if (exponent == 0)
        return shortest_digits(fraction, 1 - EXPONENT_BIAS, false);
    bool narrow_below = fraction == 0 && exponent > 1;
    fraction |= 1ull << FRACTION_BITS;
    exponent -= EXPONENT_BIAS;
    /* an integer below 2^53 is its own shortest form */
    if (exponent <= 0 && exponent > -FRACTION_BITS - 1 &&
        (fraction & ((1ull << -exponent) - 1)) == 0)
        return (Digits){fraction >> -exponent, 0};
    return shortest_digits(fraction, exponent, narrow_below);
}

static char *write_scientific(char *text, uint64_t number, int count, int exponent)
{
    char *end = digits_write(text + 1, number);
    text[0] = text[1];
    text[1] = '.';
    text = count == 1 ? text + 1 : end;
    *text++ = 'e';
    *text++ = exponent < 0 ? '-' : '+';
    unsigned magnitude = (unsigned)(exponent < 0 ? -exponent : exponent);
    return digits_write_padded(text, magnitude, magnitude < 100 ? 2 : 3);
}

static char *write_plain(char *text, uint64_t number, int count, int exponent)
{
    if (exponent < 0) { /* 0.00123 */
        memcpy(text, "0.000", 5);
        return digits_write(text + 1 - exponent, number);
    }
    int before = exponent + 1;
    if (count <= before) { /* 1200.0 */
        text = digits_write(text, number);
        memset(text, '0', (size_t)(before - count));
        text += before - count;
        return mempcpy(text, ".0", 2);
    }
    char *end = digits_write(text, number);
    memmove(text + before + 1, text + before, (size_t)(count - before));
    text[before] = '.';
    return end + 1;
}

char *real_text_write(char *text, double real)
{
    uint64_t bits;
    memcpy(&bits, &real, sizeof bits);
    if (bits >> 63)
        *text++ = '-';
    bits &= INT64_MAX;
    if (bits == 0)
        return mempcpy(text, "0.0", 3);
    Digits digits = decompose(bits);
    while (digits.number % 10 == 0) {
        digits.number /= 10;
        digits.exponent++;
    }
    int count = digits_count(digits.number);
    int exponent = digits.exponent + count - 1; /* of the first digit */
    if (exponent < PLAIN_EXPONENT_MIN || exponent > PLAIN_EXPONENT_MAX)
        return write_scientific(text, digits.number, count, exponent);
    return write_plain(text, digits.number, count, exponent);
}
