/* SPDX-License-Identifier: Apache-2.0 */
#include "source/postgres/decode_time.h"

#include "base/digits.h"

#include <stdbool.h>
#include <stdio.h>
#include <string.h>

#define SECOND INT64_C(1000000)
#define MINUTE (60 * SECOND)
#define HOUR (60 * MINUTE)

enum { DAYS_OF_400_YEARS = 146097, FRACTION_DIGITS = 6 };

typedef struct Civil {
    int64_t year; /* astronomical: 0 is 1 BC */
    int month;
    int day;
} Civil;

static int64_t floor_divide(int64_t number, int64_t divisor)
{
    int64_t quotient = number / divisor;
    return quotient - (number % divisor < 0);
}

/* Days since 2000-01-01 to the proleptic Gregorian calendar, by years that begin in March. */
static Civil civil_of(int64_t days)
{
    const int64_t from_march_0000 = 730425; /* to 2000-01-01 */
    int64_t shifted = days + from_march_0000;
    int64_t era = floor_divide(shifted, DAYS_OF_400_YEARS);
    int64_t of_era = shifted - era * DAYS_OF_400_YEARS;
    int64_t year = (of_era - of_era / 1460 + of_era / 36524 - of_era / 146096) / 365;
    int64_t of_year = of_era - (365 * year + year / 4 - year / 100);
    int64_t month = (5 * of_year + 2) / 153; /* 0 is March */
    int64_t day = of_year - (153 * month + 2) / 5 + 1;
    bool is_next_year = month >= 10;
    return (Civil){
        .year = year + era * 400 + is_next_year,
        .month = (int)(is_next_year ? month - 9 : month + 3),
        .day = (int)day,
    };
}

static size_t finite_text(int64_t days, const char *time, char *text)
{
    Civil civil = civil_of(days);
    bool is_before_christ = civil.year <= 0;
    long year = (long)(is_before_christ ? 1 - civil.year : civil.year);
    return (size_t)snprintf(text, TIME_TEXT_MAX, "%04ld-%02d-%02d%s%s", year, civil.month,
                            civil.day, time, is_before_christ ? " BC" : "");
}

static size_t infinite_text(bool is_negative, char *text)
{
    return (size_t)snprintf(text, TIME_TEXT_MAX, is_negative ? "-infinity" : "infinity");
}

size_t time_date_text(int32_t days, char *text)
{
    if (days == INT32_MAX || days == INT32_MIN)
        return infinite_text(days < 0, text);
    return finite_text(days, "", text);
}

size_t time_timestamp_text(int64_t microseconds, char *text)
{
    if (microseconds == INT64_MAX || microseconds == INT64_MIN)
        return infinite_text(microseconds < 0, text);
    int64_t days = floor_divide(microseconds, TIME_DAY);
    char time[TIME_TEXT_MAX] = " ";
    int64_t of_day = microseconds % TIME_DAY;
    time_of_day_text(of_day < 0 ? of_day + TIME_DAY : of_day, time + 1);
    return finite_text(days, time, text);
}

size_t time_of_day_text(int64_t microseconds, char *text)
{
    char *end = digits_write_pair(text, (unsigned)(microseconds / HOUR));
    *end++ = ':';
    end = digits_write_pair(end, (unsigned)(microseconds / MINUTE % 60));
    *end++ = ':';
    end = digits_write_pair(end, (unsigned)(microseconds / SECOND % 60));
    if (microseconds % SECOND) {
        *end++ = '.';
        end = digits_write_padded(end, (uint64_t)(microseconds % SECOND), FRACTION_DIGITS);
        while (end[-1] == '0')
            end--;
    }
    *end = '\0';
    return (size_t)(end - text);
}

size_t time_offset_text(int32_t seconds_east, char *text)
{
    unsigned seconds = (unsigned)(seconds_east < 0 ? -seconds_east : seconds_east);
    char *end = text;
    *end++ = seconds_east < 0 ? '-' : '+';
    end = digits_write_pair(end, seconds / 3600);
    *end++ = ':';
    end = digits_write_pair(end, seconds / 60 % 60);
    if (seconds % 60) {
        *end++ = ':';
        end = digits_write_pair(end, seconds % 60);
    }
    *end = '\0';
    return (size_t)(end - text);
}
