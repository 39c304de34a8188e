/* SPDX-License-Identifier: Apache-2.0 */
#include "base/digits.h"

#include <string.h>

/* exactly as long as its initialiser without the NUL */
const char digits_pairs[200] = "00010203040506070809101112131415161718192021222324"
                               "25262728293031323334353637383940414243444546474849"
                               "50515253545556575859606162636465666768697071727374"
                               "75767778798081828384858687888990919293949596979899";

const uint64_t digits_power10[20] = {
    1,
    10,
    100,
    1000,
    10000,
    100000,
    1000000,
    10000000,
    100000000,
    1000000000,
    10000000000,
    100000000000,
    1000000000000,
    10000000000000,
    100000000000000,
    1000000000000000,
    10000000000000000,
    100000000000000000,
    1000000000000000000,
    10000000000000000000u,
};

int digits_count(uint64_t number)
{
    /* 1233/4096 is just above log10(2): exact or one too few for every bit length up to 64 */
    int bits = 64 - __builtin_clzll(number | 1);
    int guess = (bits * 1233) >> 12;
    return guess + (guess < DIGITS_MAX && (number | 1) >= digits_power10[guess]);
}

char *digits_write_padded(char *text, uint64_t number, int count)
{
    int left = count;
    while (left >= 2) {
        left -= 2;
        memcpy(text + left, digits_pairs + 2 * (number % 100), 2);
        number /= 100;
    }
    if (left)
        text[0] = (char)('0' + number);
    return text + count;
}

char *digits_write(char *text, uint64_t number)
{
    return digits_write_padded(text, number, digits_count(number));
}

char *digits_write_signed(char *text, int64_t number)
{
    uint64_t magnitude = (uint64_t)number;
    if (number < 0) {
        *text++ = '-';
        magnitude = -magnitude;
    }
    return digits_write(text, magnitude);
}
