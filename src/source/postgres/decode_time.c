/* SPDX-License-Identifier: Apache-2.0 */
#include "source/postgres/decode_time.h"

#include "source/postgres/decode_step.h"

#include <stdio.h>

#define HOUR INT64_C(3600000000)

enum {
    OFFSET_LIMIT = 86400,
    INTERVAL_MONTHS_MAX = 120000,
    INTERVAL_DAYS_MAX = 3660000,
    INTERVAL_SIZE = 16,
    TIMETZ_SIZE = 12,
};
#define INTERVAL_TIME_MAX (INT64_C(87840000) * HOUR)

static bool refuse_time(const Step *step, Decode *decode, InvalidReason reason, int64_t nearest,
                        Wire wire, Value *ret_value)
{
    Value value = value_integer(nearest);
    return decode_refuse(step, decode, reason, wire, &value, ret_value);
}

bool decode_date(const Step *step, Decode *decode, Wire wire, Value *ret_value)
{
    MALFORMED_UNLESS(wire.size == sizeof(int32_t));
    int32_t date = (int32_t)load32(wire.bytes);
    int64_t days = (int64_t)date + TIME_EPOCH_DAYS;
    if (days >= TIME_FIRST_DAY && days <= TIME_LAST_DAY) {
        *ret_value = value_integer(days);
        return true;
    }
    bool is_infinite = date == INT32_MAX || date == INT32_MIN;
    return refuse_time(step, decode, is_infinite ? INVALID_INFINITY : INVALID_RANGE,
                       days < 0 ? TIME_FIRST_DAY : TIME_LAST_DAY, wire, ret_value);
}

bool decode_timestamp(const Step *step, Decode *decode, Wire wire, Value *ret_value)
{
    MALFORMED_UNLESS(wire.size == sizeof(int64_t));
    int64_t moment = (int64_t)load64(wire.bytes);
    if (moment >= TIME_FIRST - TIME_EPOCH && moment <= TIME_LAST - TIME_EPOCH) {
        *ret_value = value_integer(moment + TIME_EPOCH);
        return true;
    }
    bool is_infinite = moment == INT64_MAX || moment == INT64_MIN;
    return refuse_time(step, decode, is_infinite ? INVALID_INFINITY : INVALID_RANGE,
                       moment < 0 ? TIME_FIRST : TIME_LAST, wire, ret_value);
}

bool decode_time(const Step *step, Decode *decode, Wire wire, Value *ret_value)
{
    MALFORMED_UNLESS(wire.size == sizeof(int64_t));
    int64_t time = (int64_t)load64(wire.bytes);
    MALFORMED_UNLESS(time >= 0 && time <= TIME_DAY);
    if (time == TIME_DAY)
        return refuse_time(step, decode, INVALID_MIDNIGHT_24, TIME_DAY - 1, wire, ret_value);
    *ret_value = value_integer(time);
    return true;
}

bool decode_timetz(const Step *step, Decode *decode, Wire wire, Value *ret_value)
{
    MALFORMED_UNLESS(wire.size == TIMETZ_SIZE);
    int64_t time = (int64_t)load64(wire.bytes);
    int32_t seconds_west = (int32_t)load32(wire.bytes + sizeof time);
    MALFORMED_UNLESS(time >= 0 && time <= TIME_DAY);
    MALFORMED_UNLESS(seconds_west > -OFFSET_LIMIT && seconds_west < OFFSET_LIMIT);
    char *text = arena_alloc(decode->scratch, TIME_TEXT_MAX * 2);
    size_t length = time_of_day_text(time, text);
    length += time_offset_text(-seconds_west, text + length);
    *ret_value = value_text(text, length);
    return true;
}

static int64_t clamp(int64_t number, int64_t limit)
{
    if (number > limit)
        return limit;
    return number < -limit ? -limit : number;
}

static Interval load_interval(const uint8_t *bytes)
{
    return (Interval){
        .microseconds = (int64_t)load64(bytes),
        .days = (int32_t)load32(bytes + 8),
        .months = (int32_t)load32(bytes + 12),
    };
}

/* PostgreSQL 17 and later: all parts at their end. */
static bool is_infinite_interval(const Interval *interval)
{
    return (interval->microseconds == INT64_MAX && interval->days == INT32_MAX &&
            interval->months == INT32_MAX) ||
           (interval->microseconds == INT64_MIN && interval->days == INT32_MIN &&
            interval->months == INT32_MIN);
}

bool decode_interval(const Step *step, Decode *decode, Wire wire, Value *ret_value)
{
    MALFORMED_UNLESS(wire.size == INTERVAL_SIZE);
    Interval *interval = arena_alloc(decode->scratch, sizeof *interval);
    Value value = {.kind = VALUE_INTERVAL, .interval = interval};
    Interval loaded = load_interval(wire.bytes);
    interval->months = (int32_t)clamp(loaded.months, INTERVAL_MONTHS_MAX);
    interval->days = (int32_t)clamp(loaded.days, INTERVAL_DAYS_MAX);
    interval->microseconds = clamp(loaded.microseconds, INTERVAL_TIME_MAX);
    bool fits = interval->months == loaded.months && interval->days == loaded.days &&
                interval->microseconds == loaded.microseconds;
    if (!fits)
        return decode_refuse(step, decode,
                             is_infinite_interval(&loaded) ? INVALID_INFINITY : INVALID_RANGE, wire,
                             &value, ret_value);
    *ret_value = value;
    return true;
}

bool decode_interval_time(const Step *step, Decode *decode, Wire wire, Value *ret_value)
{
    MALFORMED_UNLESS(wire.size == INTERVAL_SIZE);
    Interval loaded = load_interval(wire.bytes);
    bool is_time = loaded.months == 0 && loaded.days == 0;
    if (is_time && loaded.microseconds >= 0 && loaded.microseconds < TIME_DAY) {
        *ret_value = value_integer(loaded.microseconds);
        return true;
    }
    if (is_time && loaded.microseconds == TIME_DAY)
        return refuse_time(step, decode, INVALID_MIDNIGHT_24, TIME_DAY - 1, wire, ret_value);
    if (is_infinite_interval(&loaded))
        return refuse_time(step, decode, INVALID_INFINITY, loaded.months < 0 ? 0 : TIME_DAY - 1,
                           wire, ret_value);
    if (is_time)
        return refuse_time(step, decode, INVALID_RANGE, loaded.microseconds < 0 ? 0 : TIME_DAY - 1,
                           wire, ret_value);
    return decode_refuse(step, decode, INVALID_RANGE, wire, NULL, ret_value);
}
