/* SPDX-License-Identifier: Apache-2.0 */
#include "encode/text.h"

#include "base/digits.h"

#include <string.h>

enum {
    DAYS_TO_EPOCH = 719468, /* from 0000-03-01 */
    DAYS_PER_ERA = 146097,  /* 400 years */
    SECONDS_PER_DAY = 86400,
    MICROSECONDS = 1000000,
};

static const int64_t microseconds_per_day = (int64_t)SECONDS_PER_DAY * MICROSECONDS;

static const char base64_digits[] =
    "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";

static char *write_clock(char *out, unsigned seconds)
{
    out = digits_write_pair(out, seconds / 3600);
    *out++ = ':';
    out = digits_write_pair(out, seconds / 60 % 60);
    *out++ = ':';
    return digits_write_pair(out, seconds % 60);
}

/* ".7": the fraction of a second without the zeros at its end. */
static char *write_short_fraction(char *out, unsigned microseconds)
{
    if (microseconds == 0)
        return out;
    *out++ = '.';
    out = digits_write_padded(out, microseconds, 6);
    while (out[-1] == '0')
        out--;
    return out;
}

static char *write_iso_part(char *out, int64_t number, char unit)
{
    out = digits_write_signed(out, number);
    *out++ = unit;
    return out;
}

static uint64_t magnitude_of(int64_t number)
{
    return number < 0 ? -(uint64_t)number : (uint64_t)number;
}

char *text_write_date(char *out, int64_t days)
{
    /* Years begin in March here, so that the leap day is the last of its year. */
    unsigned shifted = (unsigned)(days + DAYS_TO_EPOCH);
    unsigned era = shifted / DAYS_PER_ERA;
    unsigned day_of_era = shifted % DAYS_PER_ERA;
    unsigned year_of_era =
        (day_of_era - day_of_era / 1460 + day_of_era / 36524 - day_of_era / 146096) / 365;
    unsigned day_of_year = day_of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
    unsigned march_month = (5 * day_of_year + 2) / 153;
    unsigned day = day_of_year - (153 * march_month + 2) / 5 + 1;
    unsigned month = march_month < 10 ? march_month + 3 : march_month - 9;
    unsigned year = era * 400 + year_of_era + (month <= 2);
    out = digits_write_pair(out, year / 100);
    out = digits_write_pair(out, year % 100);
    *out++ = '-';
    out = digits_write_pair(out, month);
    *out++ = '-';
    return digits_write_pair(out, day);
}

char *text_write_time(char *out, int64_t microseconds)
{
    unsigned fraction = (unsigned)(microseconds % MICROSECONDS);
    out = write_clock(out, (unsigned)(microseconds / MICROSECONDS));
    if (fraction == 0)
        return out;
    *out++ = '.';
    return digits_write_padded(out, fraction, 6);
}

char *text_write_datetime(char *out, int64_t microseconds)
{
    int64_t days = microseconds / microseconds_per_day;
    int64_t rest = microseconds % microseconds_per_day;
    if (rest < 0) {
        days--;
        rest += microseconds_per_day;
    }
    out = text_write_date(out, days);
    *out++ = 'T';
    return text_write_time(out, rest);
}

char *text_write_interval(char *out, const Interval *interval)
{
    uint64_t months = magnitude_of(interval->months);
    uint64_t microseconds = magnitude_of(interval->microseconds);
    uint64_t seconds = microseconds / MICROSECONDS;
    if (interval->months < 0)
        *out++ = '-';
    out = digits_write(out, months / 12);
    *out++ = '-';
    out = digits_write(out, months % 12);
    *out++ = ' ';
    out = digits_write_signed(out, interval->days);
    *out++ = ' ';
    if (interval->microseconds < 0)
        *out++ = '-';
    out = digits_write(out, seconds / 3600);
    *out++ = ':';
    out = digits_write(out, seconds / 60 % 60);
    *out++ = ':';
    out = digits_write(out, seconds % 60);
    return write_short_fraction(out, (unsigned)(microseconds % MICROSECONDS));
}

char *text_write_interval_iso(char *out, const Interval *interval)
{
    *out++ = 'P';
    out = write_iso_part(out, interval->months / 12, 'Y');
    out = write_iso_part(out, interval->months % 12, 'M');
    out = write_iso_part(out, interval->days, 'D');
    *out++ = 'T';
    int64_t seconds = interval->microseconds / MICROSECONDS;
    out = write_iso_part(out, seconds / 3600, 'H');
    out = write_iso_part(out, seconds / 60 % 60, 'M');
    if (interval->microseconds % (60 * MICROSECONDS) < 0)
        *out++ = '-';
    out = digits_write(out, magnitude_of(seconds % 60));
    out =
        write_short_fraction(out, (unsigned)(magnitude_of(interval->microseconds) % MICROSECONDS));
    *out++ = 'S';
    return out;
}

char *text_write_decimal(char *out, const Field *field, const Value *value)
{
    int scale = field_decimal_scale(field);
    char *end = out;
    if (value->kind == VALUE_DECIMAL64)
        end += decimal64_to_text(value->integer, scale, out);
    else
        end += decimal_to_text(value->decimal, scale, out);
    if (field->precision || scale == 0)
        return end;
    while (end[-1] == '0')
        end--;
    return end[-1] == '.' ? end - 1 : end;
}

char *text_write_base64(char *out, StrView bytes)
{
    const uint8_t *from = (const uint8_t *)bytes.data;
    size_t left = bytes.length;
    for (; left >= 3; left -= 3, from += 3, out += 4) {
        unsigned group = (unsigned)from[0] << 16 | (unsigned)from[1] << 8 | from[2];
        out[0] = base64_digits[group >> 18];
        out[1] = base64_digits[group >> 12 & 63];
        out[2] = base64_digits[group >> 6 & 63];
        out[3] = base64_digits[group & 63];
    }
    if (left == 0)
        return out;
    unsigned group = (unsigned)from[0] << 16 | (left == 2 ? (unsigned)from[1] << 8 : 0);
    out[0] = base64_digits[group >> 18];
    out[1] = base64_digits[group >> 12 & 63];
    out[2] = left == 2 ? base64_digits[group >> 6 & 63] : '=';
    out[3] = '=';
    return out + 4;
}
