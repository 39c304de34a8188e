/* SPDX-License-Identifier: Apache-2.0 */
#include "model/cursor.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#define SECOND INT64_C(1000000)
#define DAY (86400 * SECOND)

enum { YEAR_MAX = 294246 }; /* the last whole one in 64 bits of microseconds */

static const char *const kind_names[CURSOR_KIND_COUNT_] = {"instant", "wall_time", "date",
                                                           "integer"};

const char *cursor_kind_name(CursorKind kind)
{
    return kind_names[kind];
}

bool cursor_kind_parse(const char *name, CursorKind *ret_kind)
{
    for (int kind = 0; name && kind < CURSOR_KIND_COUNT_; kind++) {
        if (strcmp(name, kind_names[kind]) == 0) {
            *ret_kind = (CursorKind)kind;
            return true;
        }
    }
    return false;
}

const char *cursor_kind_example(CursorKind kind)
{
    static const char *const examples[CURSOR_KIND_COUNT_] = {
        "a time such as 2026-01-31T12:34:56Z",
        "a time without a time zone such as 2026-01-31 12:34:56",
        "a date such as 2026-01-31",
        "a whole number such as 42",
    };
    return examples[kind];
}

/* Days since 1970-01-01; eras of 400 years have 146097 days, and years begin in March. */
static int64_t days_of_civil(int64_t year, int64_t month, int64_t day)
{
    year -= month <= 2;
    int64_t era = (year >= 0 ? year : year - 399) / 400;
    int64_t year_of_era = year - era * 400;
    int64_t day_of_year = (153 * (month + (month > 2 ? -3 : 9)) + 2) / 5 + day - 1;
    int64_t day_of_era = year_of_era * 365 + year_of_era / 4 - year_of_era / 100 + day_of_year;
    return era * 146097 + day_of_era - 719468;
}

static void civil_of_days(int64_t days, int64_t *ret_year, int64_t *ret_month, int64_t *ret_day)
{
    days += 719468;
    int64_t era = (days >= 0 ? days : days - 146096) / 146097;
    int64_t day_of_era = days - era * 146097;
    int64_t year_of_era =
        (day_of_era - day_of_era / 1460 + day_of_era / 36524 - day_of_era / 146096) / 365;
    int64_t day_of_year = day_of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
    int64_t month = (5 * day_of_year + 2) / 153;
    *ret_day = day_of_year - (153 * month + 2) / 5 + 1;
    *ret_month = month + (month < 10 ? 3 : -9);
    *ret_year = year_of_era + era * 400 + (*ret_month <= 2);
}

/* Between `least` and `most` digits. */
static bool take_number(const char **text, int least, int most, int64_t *ret_number)
{
    int digits = 0;
    *ret_number = 0;
    for (; digits < most && **text >= '0' && **text <= '9'; digits++, ++*text)
        *ret_number = *ret_number * 10 + (**text - '0');
    return digits >= least;
}

static bool take_char(const char **text, char wanted)
{
    bool found = **text == wanted;
    *text += found;
    return found;
}

static bool take_date(const char **text, int64_t *ret_days)
{
    static const int lengths[] = {31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31};
    int64_t year, month, day;
    if (!take_number(text, 4, 6, &year) || !take_char(text, '-') ||
        !take_number(text, 2, 2, &month) || !take_char(text, '-') ||
        !take_number(text, 2, 2, &day) || year < 1 || year > YEAR_MAX || month < 1 || month > 12)
        return false;
    bool is_leap = year % 4 == 0 && (year % 100 != 0 || year % 400 == 0);
    *ret_days = days_of_civil(year, month, day);
    return day >= 1 && day <= lengths[month - 1] + (month == 2 && is_leap);
}

/* Six digits of a second at most; further ones must be zeros, for nothing may be cut off. */
static bool take_fraction(const char **text, int64_t *ret_microseconds)
{
    int64_t scale = SECOND / 10;
    const char *start = *text;
    *ret_microseconds = 0;
    for (; **text >= '0' && **text <= '9'; ++*text, scale /= 10) {
        if (scale == 0 && **text != '0')
            return false;
        *ret_microseconds += (**text - '0') * scale;
    }
    return *text > start;
}

/* "12:34", "12:34:56", "12:34:56.789" */
static bool take_time(const char **text, int64_t *ret_microseconds)
{
    int64_t hour, minute, second = 0, fraction = 0;
    if (!take_number(text, 2, 2, &hour) || !take_char(text, ':') ||
        !take_number(text, 2, 2, &minute))
        return false;
    if (take_char(text, ':')) {
        if (!take_number(text, 2, 2, &second))
            return false;
        if (take_char(text, '.') && !take_fraction(text, &fraction))
            return false;
    }
    *ret_microseconds = ((hour * 60 + minute) * 60 + second) * SECOND + fraction;
    return hour < 24 && minute < 60 && second < 60;
}

/* "Z", "+02", "+02:00", "-0330"; nothing is UTC. */
static bool take_offset(const char **text, int64_t *ret_microseconds)
{
    int64_t hours, minutes = 0;
    *ret_microseconds = 0;
    if (**text == '\0' || take_char(text, 'Z') || take_char(text, 'z'))
        return true;
    bool is_west = **text == '-';
    if (!take_char(text, '-') && !take_char(text, '+'))
        return false;
    if (!take_number(text, 2, 2, &hours))
        return false;
    if (**text != '\0') {
        take_char(text, ':');
        if (!take_number(text, 2, 2, &minutes))
            return false;
    }
    *ret_microseconds = (hours * 60 + minutes) * 60 * SECOND * (is_west ? -1 : 1);
    return hours < 16 && minutes < 60;
}

static bool parse_time(const char *text, bool has_zone, int64_t *ret_place)
{
    int64_t days, time = 0, offset = 0;
    if (!take_date(&text, &days))
        return false;
    bool has_time = take_char(&text, 'T') || take_char(&text, ' ');
    if (has_time && !take_time(&text, &time))
        return false;
    if (has_time && has_zone && !take_offset(&text, &offset))
        return false;
    *ret_place = days * DAY + time - offset;
    return *text == '\0';
}

static bool parse_integer(const char *text, int64_t *ret_place)
{
    bool is_negative = take_char(&text, '-');
    int64_t place = 0;
    const char *start = text;
    for (; *text >= '0' && *text <= '9'; text++) {
        int64_t digit = *text - '0';
        if (__builtin_mul_overflow(place, 10, &place) ||
            __builtin_sub_overflow(place, digit, &place)) /* downwards: INT64_MIN is one further */
            return false;
    }
    if (text == start || *text != '\0' || (!is_negative && place == INT64_MIN))
        return false;
    *ret_place = is_negative ? place : -place;
    return true;
}

bool cursor_parse(CursorKind kind, const char *text, int64_t *ret_place)
{
    switch (kind) {
    case CURSOR_INTEGER:
        return parse_integer(text, ret_place);
    case CURSOR_DATE:
        return take_date(&text, ret_place) && *text == '\0';
    default:
        return parse_time(text, kind == CURSOR_INSTANT, ret_place);
    }
}

static const char *format_date(int64_t days, Arena *arena)
{
    int64_t year, month, day;
    civil_of_days(days, &year, &month, &day);
    if (year < 1)
        return "0001-01-01";
    return arena_printf(arena, "%04" PRId64 "-%02" PRId64 "-%02" PRId64, year, month, day);
}

static const char *format_time(int64_t place, const char *zone, Arena *arena)
{
    int64_t days = place / DAY, time = place % DAY;
    if (time < 0) {
        time += DAY;
        days--;
    }
    char fraction[16] = "";
    if (time % SECOND) {
        int length = snprintf(fraction, sizeof fraction, ".%06d", (int)(time % SECOND));
        while (length > 1 && fraction[length - 1] == '0')
            fraction[--length] = '\0';
    }
    time /= SECOND;
    return arena_printf(arena, "%s %02d:%02d:%02d%s%s", format_date(days, arena),
                        (int)(time / 3600), (int)(time / 60 % 60), (int)(time % 60), fraction,
                        zone);
}

const char *cursor_format(CursorKind kind, int64_t place, Arena *arena)
{
    switch (kind) {
    case CURSOR_INTEGER:
        return arena_printf(arena, "%" PRId64, place);
    case CURSOR_DATE:
        return format_date(place, arena);
    default:
        return format_time(place, kind == CURSOR_INSTANT ? "+00" : "", arena);
    }
}

int64_t cursor_distance(CursorKind kind, int64_t milliseconds)
{
    const int64_t day = DAY / 1000;
    int64_t distance;
    switch (kind) {
    case CURSOR_INTEGER:
        return 0;
    case CURSOR_DATE:
        return milliseconds / day + (milliseconds % day != 0);
    default:
        return __builtin_mul_overflow(milliseconds, 1000, &distance) ? INT64_MAX : distance;
    }
}

int64_t cursor_shift(int64_t place, int64_t distance)
{
    int64_t sum;
    if (__builtin_add_overflow(place, distance, &sum))
        return distance > 0 ? INT64_MAX : INT64_MIN;
    return sum;
}
