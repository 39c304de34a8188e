/* SPDX-License-Identifier: Apache-2.0 */
#include "config/scalar.h"

#include <stddef.h>
#include <string.h>

typedef struct Unit {
    const char *name;
    int64_t factor;
} Unit;

/* Longer names first: "ms" begins with "m". */
static const Unit duration_units[] = {
    {"ms", 1}, {"s", 1000}, {"m", 60 * 1000}, {"h", 3600 * 1000}, {"d", 24 * 3600 * 1000},
    {NULL, 0},
};

static const Unit size_units[] = {
    {"KiB", 1LL << 10},
    {"MiB", 1LL << 20},
    {"GiB", 1LL << 30},
    {"TiB", 1LL << 40},
    {"kB", 1000},
    {"KB", 1000},
    {"MB", 1000 * 1000},
    {"GB", 1000LL * 1000000},
    {"TB", 1000000LL * 1000000},
    {"B", 1},
    {NULL, 0},
};

/* Moves *text over the digits. */
static bool take_digits(const char **text, int64_t *ret_number)
{
    int64_t number = 0;
    const char *start = *text;
    for (; **text >= '0' && **text <= '9'; ++*text) {
        if (__builtin_mul_overflow(number, 10, &number) ||
            __builtin_add_overflow(number, **text - '0', &number))
            return false;
    }
    *ret_number = number;
    return *text > start;
}

static bool take_unit(const char **text, const Unit *units, int64_t *ret_factor)
{
    for (const Unit *unit = units; unit->name; unit++) {
        size_t length = strlen(unit->name);
        if (strncmp(*text, unit->name, length) == 0) {
            *text += length;
            *ret_factor = unit->factor;
            return true;
        }
    }
    return false;
}

bool scalar_boolean(const char *text, bool *ret_boolean)
{
    *ret_boolean =
        strcmp(text, "true") == 0 || strcmp(text, "True") == 0 || strcmp(text, "TRUE") == 0;
    return *ret_boolean || strcmp(text, "false") == 0 || strcmp(text, "False") == 0 ||
           strcmp(text, "FALSE") == 0;
}

bool scalar_integer(const char *text, int64_t *ret_integer)
{
    bool negative = *text == '-';
    text += negative || *text == '+';
    if (!take_digits(&text, ret_integer) || *text != '\0')
        return false;
    if (negative)
        *ret_integer = -*ret_integer;
    return true;
}

bool scalar_duration_ms(const char *text, int64_t *ret_milliseconds)
{
    *ret_milliseconds = 0;
    if (strcmp(text, "0") == 0)
        return true;
    do {
        int64_t number, factor;
        if (!take_digits(&text, &number) || !take_unit(&text, duration_units, &factor) ||
            __builtin_mul_overflow(number, factor, &number) ||
            __builtin_add_overflow(*ret_milliseconds, number, ret_milliseconds))
            return false;
    } while (*text != '\0');
    return true;
}

bool scalar_size(const char *text, int64_t *ret_bytes)
{
    int64_t factor = 1;
    if (!take_digits(&text, ret_bytes))
        return false;
    if (*text == '\0')
        return true;
    text += *text == ' ';
    return take_unit(&text, size_units, &factor) && *text == '\0' &&
           !__builtin_mul_overflow(*ret_bytes, factor, ret_bytes);
}
