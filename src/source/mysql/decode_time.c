/* SPDX-License-Identifier: Apache-2.0 */
#include "source/mysql/decode_step.h"
#include "source/time_limits.h"

enum {
    DATE_SIZE = 4,
    SECONDS_SIZE = 7,
    MOMENT_SIZE = 11,
    SPAN_SECONDS_SIZE = 8,
    SPAN_SIZE = 12,
    MICROSECONDS = 1000000,
};

MysqlMoment mysql_load_moment(Wire wire)
{
    MysqlMoment moment = {0};
    const uint8_t *bytes = wire.bytes;
    if (wire.size >= DATE_SIZE) {
        moment.year = load_le16(bytes);
        moment.month = bytes[2];
        moment.day = bytes[3];
    }
    if (wire.size >= SECONDS_SIZE) {
        moment.hour = bytes[4];
        moment.minute = bytes[5];
        moment.second = bytes[6];
    }
    if (wire.size >= MOMENT_SIZE)
        moment.microsecond = load_le32(bytes + SECONDS_SIZE);
    return moment;
}

static bool is_moment(Wire wire, const MysqlMoment *moment)
{
    enum { YEAR_MAX = 9999 };
    bool has_size = wire.size == 0 || wire.size == DATE_SIZE || wire.size == SECONDS_SIZE ||
                    wire.size == MOMENT_SIZE;
    return has_size && moment->year <= YEAR_MAX && moment->hour < 24 && moment->minute < 60 &&
           moment->second < 60 && moment->microsecond < MICROSECONDS;
}

static bool is_day(const MysqlMoment *moment)
{
    static const uint8_t lengths[] = {0, 31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31};
    if (moment->month < 1 || moment->month > 12 || moment->day < 1)
        return false;
    bool is_leap = moment->year % 4 == 0 && (moment->year % 100 != 0 || moment->year % 400 == 0);
    return moment->day <= lengths[moment->month] + (unsigned)(moment->month == 2 && is_leap);
}

/* Days since 1970-01-01 of a day from year 1 on, by years that begin in March. */
static int64_t days_of(const MysqlMoment *moment)
{
    const int64_t to_1970 = 719468;
    unsigned after_february = moment->month > 2 ? moment->month - 3 : moment->month + 9;
    unsigned year = moment->year - (moment->month <= 2);
    unsigned of_year = (153 * after_february + 2) / 5 + moment->day - 1;
    return (int64_t)year * 365 + year / 4 - year / 100 + year / 400 + of_year - to_1970;
}

bool mysql_decode_date(const Step *step, Decode *decode, Wire wire, Value *ret_value)
{
    MysqlMoment moment = mysql_load_moment(wire);
    MALFORMED_UNLESS(is_moment(wire, &moment));
    if (!is_day(&moment))
        return decode_refuse(step, decode, INVALID_DATE, wire, NULL, ret_value);
    if (moment.year == 0) {
        Value nearest = value_integer(TIME_FIRST_DAY);
        return decode_refuse(step, decode, INVALID_RANGE, wire, &nearest, ret_value);
    }
    *ret_value = value_integer(days_of(&moment));
    return true;
}

bool mysql_decode_datetime(const Step *step, Decode *decode, Wire wire, Value *ret_value)
{
    MysqlMoment moment = mysql_load_moment(wire);
    MALFORMED_UNLESS(is_moment(wire, &moment));
    if (!is_day(&moment))
        return decode_refuse(step, decode, INVALID_DATE, wire, NULL, ret_value);
    if (moment.year == 0) {
        Value nearest = value_integer(TIME_FIRST);
        return decode_refuse(step, decode, INVALID_RANGE, wire, &nearest, ret_value);
    }
    int64_t seconds = ((int64_t)moment.hour * 60 + moment.minute) * 60 + moment.second;
    *ret_value =
        value_integer(days_of(&moment) * TIME_DAY + seconds * TIME_SECOND + moment.microsecond);
    return true;
}

bool mysql_load_span(Wire wire, int64_t *ret_microseconds)
{
    const uint8_t *bytes = wire.bytes;
    *ret_microseconds = 0;
    if (wire.size == 0)
        return true;
    if (wire.size != SPAN_SECONDS_SIZE && wire.size != SPAN_SIZE)
        return false;
    uint32_t days = load_le32(bytes + 1);
    unsigned hour = bytes[5], minute = bytes[6], second = bytes[7];
    uint32_t microsecond = wire.size == SPAN_SIZE ? load_le32(bytes + SPAN_SECONDS_SIZE) : 0;
    enum { DAYS_MAX = 1000000 };
    if (bytes[0] > 1 || days > DAYS_MAX || hour > 23 || minute > 59 || second > 59 ||
        microsecond >= MICROSECONDS)
        return false;
    int64_t seconds = (((int64_t)days * 24 + hour) * 60 + minute) * 60 + second;
    int64_t span = seconds * TIME_SECOND + microsecond;
    *ret_microseconds = bytes[0] ? -span : span;
    return true;
}

bool mysql_decode_interval(const Step *step, Decode *decode, Wire wire, Value *ret_value)
{
    int64_t span;
    MALFORMED_UNLESS(mysql_load_span(wire, &span));
    Interval *interval = arena_alloc(decode->scratch, sizeof *interval);
    *interval = (Interval){.microseconds = span};
    *ret_value = (Value){.kind = VALUE_INTERVAL, .interval = interval};
    return true;
}

bool mysql_decode_time(const Step *step, Decode *decode, Wire wire, Value *ret_value)
{
    int64_t span;
    MALFORMED_UNLESS(mysql_load_span(wire, &span));
    if (span >= 0 && span < TIME_DAY) {
        *ret_value = value_integer(span);
        return true;
    }
    Value nearest = value_integer(span < 0 ? 0 : TIME_DAY - 1);
    return decode_refuse(step, decode, span == TIME_DAY ? INVALID_MIDNIGHT_24 : INVALID_RANGE, wire,
                         &nearest, ret_value);
}
