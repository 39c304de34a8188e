/* SPDX-License-Identifier: Apache-2.0 */
#include "source/postgres/decode_step.h"

#include "base/digits.h"

#include <float.h>
#include <math.h>
#include <stdlib.h>

/* A numeric is a header of four 16-bit words and `count` groups of four decimal digits; the first
 * group counts 10000^weight (PostgreSQL: utils/adt/numeric.c, numeric_send). */
enum {
    HEADER_SIZE = 8,
    GROUP_SIZE = 2,
    GROUP_DIGITS = 4,
    GROUP_BASE = 10000,
    SIGN_POSITIVE = 0x0000,
    SIGN_NEGATIVE = 0x4000,
    SIGN_SPECIAL = 0xc000, /* these bits are set in all of the following */
    SIGN_NAN = 0xc000,
    SIGN_INFINITE = 0xd000,
    SIGN_MINUS_INFINITE = 0xf000,
    SCALE_MAX = 0x3fff,
    INT64_DIGITS = 19,
};

typedef struct Numeric {
    int count;
    int weight;
    uint16_t sign;
    uint16_t scale; /* digits to print after the point */
    const uint8_t *groups;
} Numeric;

static unsigned group_at(const Numeric *numeric, int index)
{
    return load16(numeric->groups + (size_t)index * GROUP_SIZE);
}

static bool read_numeric(Wire wire, Numeric *ret_numeric)
{
    if (wire.size < HEADER_SIZE)
        return false;
    Numeric numeric = {
        .count = load16(wire.bytes),
        .weight = (int16_t)load16(wire.bytes + 2),
        .sign = load16(wire.bytes + 4),
        .scale = load16(wire.bytes + 6),
        .groups = wire.bytes + HEADER_SIZE,
    };
    if (wire.size != HEADER_SIZE + (size_t)numeric.count * GROUP_SIZE)
        return false;
    bool is_special = numeric.sign == SIGN_NAN || numeric.sign == SIGN_INFINITE ||
                      numeric.sign == SIGN_MINUS_INFINITE;
    if (!is_special && numeric.sign != SIGN_POSITIVE && numeric.sign != SIGN_NEGATIVE)
        return false;
    if (numeric.scale > SCALE_MAX)
        return false;
    for (int i = 0; i < numeric.count; i++) {
        if (group_at(&numeric, i) >= GROUP_BASE)
            return false;
    }
    *ret_numeric = numeric;
    return true;
}

/* Adds the group whose last digit counts 10^power; negative powers are cut off. */
static void add_group(Scaled *scaled, unsigned group, int power)
{
    if (power >= 0) {
        decimal_multiply_add(&scaled->magnitude, GROUP_BASE, group);
        return;
    }
    if (power <= -GROUP_DIGITS) {
        scaled->rounds_up |= power == -GROUP_DIGITS && group >= GROUP_BASE / 2;
        scaled->is_inexact |= group != 0;
        return;
    }
    unsigned cut = (unsigned)digits_power10[-power];
    decimal_multiply_add(&scaled->magnitude, digits_power10[GROUP_DIGITS + power], group / cut);
    scaled->rounds_up |= group % cut >= cut / 2;
    scaled->is_inexact |= group % cut != 0;
}

static Scaled scale_numeric(const Numeric *numeric, int scale, int digits_before_point)
{
    Scaled scaled = {0};
    int first = 0;
    while (first < numeric->count && group_at(numeric, first) == 0)
        first++;
    if (first == numeric->count)
        return scaled;
    int before_point =
        (numeric->weight - first) * GROUP_DIGITS + digits_count(group_at(numeric, first));
    if (before_point > digits_before_point) {
        scaled.is_too_large = true;
        return scaled;
    }
    for (int i = first; i < numeric->count; i++)
        add_group(&scaled, group_at(numeric, i), (numeric->weight - i) * GROUP_DIGITS + scale);
    int power = (numeric->weight - numeric->count + 1) * GROUP_DIGITS + scale;
    if (power > 0)
        decimal_multiply_by_power(&scaled.magnitude, power);
    return scaled;
}

static bool refuse_special(const Step *step, Decode *decode, uint16_t sign, Wire wire,
                           const Value *nearest, Value *ret_value)
{
    if (sign == SIGN_NAN)
        return decode_refuse(step, decode, INVALID_NAN, wire, NULL, ret_value);
    return decode_refuse(step, decode, INVALID_INFINITY, wire, nearest, ret_value);
}

static __attribute__((noinline)) bool decode_any_numeric(const Step *step, Decode *decode,
                                                         Wire wire, Value *ret_value)
{
    Numeric numeric;
    MALFORMED_UNLESS(read_numeric(wire, &numeric));
    if ((numeric.sign & SIGN_SPECIAL) == SIGN_SPECIAL) {
        Value nearest =
            decode_decimal_bound(step, decode->scratch, numeric.sign == SIGN_MINUS_INFINITE);
        return refuse_special(step, decode, numeric.sign, wire, &nearest, ret_value);
    }
    int digits_before_point = field_decimal_precision(step->field) - step->scale;
    Scaled scaled = scale_numeric(&numeric, step->scale, digits_before_point);
    return decode_scaled(step, decode, &scaled, numeric.sign == SIGN_NEGATIVE, wire, ret_value);
}

/* Up to four groups, right-aligned in one word: the header before them makes the load safe. */
static inline uint64_t load_groups(Wire wire, unsigned count)
{
    uint64_t groups = load64(wire.bytes + (size_t)count * GROUP_SIZE);
    return count == GROUP_DIGITS ? groups : groups & ((1ULL << (16 * count)) - 1);
}

static inline bool has_wrong_group(uint64_t groups)
{
    const uint64_t high_bits = 0x8000800080008000, to_high_bit = 0x58f058f058f058f0; /* − 10000 */
    return ((groups | (groups + to_high_bit)) & high_bits) != 0;
}

/* How a number scales when its last group counts 10^power: the groups before the last by `high`,
 * the last by up / cut, that is by inverse / 2^24 (exact for every group below 10000). */
typedef struct Shift {
    uint64_t high;
    uint64_t inverse;
    uint32_t up;
    uint32_t cut;
} Shift;

enum { SHIFT_MIN = -3, SHIFT_MAX = 8, INVERSE_BITS = 24 };

#define UP(power, factor)                                                                          \
    {                                                                                              \
        power, (uint64_t)(factor) << INVERSE_BITS, factor, 1                                       \
    }

static const Shift shifts[SHIFT_MAX - SHIFT_MIN + 1] = {
    {10, 16778, 1, 1000}, /* 2^24 / 1000, rounded up */
    {100, 167773, 1, 100},
    {1000, 1677722, 1, 10},
    UP(10000, 1),
    UP(100000, 10),
    UP(1000000, 100),
    UP(10000000, 1000),
    UP(100000000, 10000),
    UP(1000000000, 100000),
    UP(10000000000, 1000000),
    UP(100000000000, 10000000),
    UP(1000000000000, 100000000),
};

/* The way of nearly all numbers: up to four groups and a result below 10^18, without a branch that
 * depends on the digits. Whatever is unusual, malformed or refused goes the long way. */
bool decode_numeric(const Step *step, Decode *decode, Wire wire, Value *ret_value)
{
    enum { FAST_GROUPS = 4, FAST_SIZE_MAX = HEADER_SIZE + FAST_GROUPS * GROUP_SIZE };
    if (wire.size < HEADER_SIZE || wire.size > FAST_SIZE_MAX)
        return decode_any_numeric(step, decode, wire, ret_value);
    unsigned count = load16(wire.bytes);
    int weight = (int16_t)load16(wire.bytes + 2);
    uint16_t sign = load16(wire.bytes + 4);
    int power = (weight - (int)count + 1) * GROUP_DIGITS + step->scale;
    bool is_usual = wire.size == HEADER_SIZE + count * GROUP_SIZE && !(sign & ~SIGN_NEGATIVE) &&
                    power >= SHIFT_MIN && power <= SHIFT_MAX;
    if (!is_usual)
        return decode_any_numeric(step, decode, wire, ret_value);
    const Shift *shift = &shifts[power - SHIFT_MIN];
    uint64_t groups = load_groups(wire, count);
    uint64_t last = groups & 0xffff, kept = last * shift->inverse >> INVERSE_BITS, magnitude;
    uint64_t before = (groups >> 48) * (GROUP_BASE * GROUP_BASE) +
                      (groups >> 32 & 0xffff) * GROUP_BASE + (groups >> 16 & 0xffff);
    bool is_wrong = __builtin_mul_overflow(before, shift->high, &magnitude) ||
                    __builtin_add_overflow(magnitude, kept, &magnitude) ||
                    kept * shift->cut != last * shift->up || has_wrong_group(groups);
    if (is_wrong || magnitude > (uint64_t)step->limit)
        return decode_any_numeric(step, decode, wire, ret_value);
    int64_t integer = (int64_t)magnitude;
    *ret_value =
        (Value){.kind = VALUE_DECIMAL64, .integer = sign == SIGN_NEGATIVE ? -integer : integer};
    return true;
}

bool decode_numeric_int64(const Step *step, Decode *decode, Wire wire, Value *ret_value)
{
    Numeric numeric;
    MALFORMED_UNLESS(read_numeric(wire, &numeric));
    bool is_negative = numeric.sign == SIGN_NEGATIVE || numeric.sign == SIGN_MINUS_INFINITE;
    Value nearest = value_integer(is_negative ? INT64_MIN : INT64_MAX);
    if ((numeric.sign & SIGN_SPECIAL) == SIGN_SPECIAL)
        return refuse_special(step, decode, numeric.sign, wire, &nearest, ret_value);
    Scaled scaled = scale_numeric(&numeric, 0, INT64_DIGITS);
    if (scaled.rounds_up)
        decimal_multiply_add(&scaled.magnitude, 1, 1);
    if (is_negative)
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

bool decode_numeric_float(const Step *step, Decode *decode, Wire wire, Value *ret_value)
{
    const char *text = "";
    MALFORMED_UNLESS(decode_numeric_text(wire, decode->scratch, &text));
    double real = strtod(text, NULL); /* takes "NaN" and "-Infinity" too */
    if (isinf(real) && !strstr(text, "Infinity")) {
        Value nearest = {.kind = VALUE_FLOAT64, .real = copysign(DBL_MAX, real)};
        return decode_refuse(step, decode, INVALID_RANGE, wire, &nearest, ret_value);
    }
    *ret_value = (Value){.kind = VALUE_FLOAT64, .real = real};
    return true;
}

static char *write_groups(char *end, const Numeric *numeric)
{
    end = stpcpy(end, numeric->sign == SIGN_NEGATIVE ? "-" : "");
    if (numeric->weight < 0)
        *end++ = '0';
    for (int i = 0; i <= numeric->weight; i++) {
        unsigned group = i < numeric->count ? group_at(numeric, i) : 0;
        end = i ? digits_write_padded(end, group, GROUP_DIGITS) : digits_write(end, group);
    }
    if (numeric->scale)
        *end++ = '.';
    char *stop = end + numeric->scale;
    for (int i = numeric->weight + 1; end < stop; i++) {
        /* groups before the first and after the last are zeros */
        unsigned group = i >= 0 && i < numeric->count ? group_at(numeric, i) : 0;
        end = digits_write_padded(end, group, GROUP_DIGITS);
    }
    return stop;
}

bool decode_numeric_text(Wire wire, Arena *arena, const char **ret_text)
{
    Numeric numeric;
    if (!read_numeric(wire, &numeric))
        return false;
    if (numeric.sign == SIGN_NAN)
        *ret_text = "NaN";
    else if (numeric.sign == SIGN_INFINITE)
        *ret_text = "Infinity";
    else if (numeric.sign == SIGN_MINUS_INFINITE)
        *ret_text = "-Infinity";
    if ((numeric.sign & SIGN_SPECIAL) == SIGN_SPECIAL)
        return true;
    size_t before = numeric.weight < 0 ? 1 : ((size_t)numeric.weight + 1) * GROUP_DIGITS;
    char *text = arena_alloc(arena, before + numeric.scale + GROUP_DIGITS + sizeof "-.");
    *write_groups(text, &numeric) = '\0';
    *ret_text = text;
    return true;
}
