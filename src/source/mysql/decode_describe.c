/* SPDX-License-Identifier: Apache-2.0 */
#include "source/mysql/decode_step.h"
#include "source/time_limits.h"

#include <stdio.h>
#include <stdlib.h>

static void describe_moment(Wire wire, bool with_time, char *text)
{
    MysqlMoment moment = mysql_load_moment(wire);
    int length =
        snprintf(text, DECODE_TEXT_MAX, "%04u-%02u-%02u", moment.year, moment.month, moment.day);
    if (!with_time)
        return;
    length += snprintf(text + length, DECODE_TEXT_MAX - (size_t)length, " %02u:%02u:%02u",
                       moment.hour, moment.minute, moment.second);
    if (moment.microsecond)
        snprintf(text + length, DECODE_TEXT_MAX - (size_t)length, ".%06u", moment.microsecond);
}

static void describe_span(Wire wire, char *text)
{
    int64_t span;
    mysql_load_span(wire, &span);
    long long seconds = llabs((long long)span) / TIME_SECOND;
    unsigned microseconds = (unsigned)(llabs((long long)span) % TIME_SECOND);
    int length = snprintf(text, DECODE_TEXT_MAX, "%s%02lld:%02lld:%02lld", span < 0 ? "-" : "",
                          seconds / 3600, seconds / 60 % 60, seconds % 60);
    if (microseconds)
        snprintf(text + length, DECODE_TEXT_MAX - (size_t)length, ".%06u", microseconds);
}

static void describe_integer(const Step *step, Wire wire, char *text)
{
    uint64_t number = 0;
    for (size_t i = wire.size; i > 0; i--)
        number = number << 8 | wire.bytes[i - 1];
    unsigned unused_bits = wire.size > 0 ? 64 - 8 * (unsigned)wire.size : 0;
    if (step->wire % 2 == 0)
        snprintf(text, DECODE_TEXT_MAX, "%lld",
                 (long long)((int64_t)(number << unused_bits) >> unused_bits));
    else
        snprintf(text, DECODE_TEXT_MAX, "%llu", (unsigned long long)number);
}

/* The decoder has seen that the size is right. */
void mysql_describe(const Step *step, Wire wire, char *text)
{
    switch ((MysqlWire)step->wire) {
    case MYSQL_WIRE_INT8:
    case MYSQL_WIRE_UINT8:
    case MYSQL_WIRE_INT16:
    case MYSQL_WIRE_UINT16:
    case MYSQL_WIRE_INT32:
    case MYSQL_WIRE_UINT32:
    case MYSQL_WIRE_INT64:
    case MYSQL_WIRE_UINT64:
        describe_integer(step, wire, text);
        break;
    case MYSQL_WIRE_FLOAT:
    case MYSQL_WIRE_DOUBLE:
        decode_double_text(load_real(wire), text);
        break;
    case MYSQL_WIRE_DECIMAL:
        snprintf(text, DECODE_TEXT_MAX, "%.*s", (int)wire.size, (const char *)wire.bytes);
        break;
    case MYSQL_WIRE_BIT:
        snprintf(text, DECODE_TEXT_MAX, "%llu", (unsigned long long)load_bits(wire));
        break;
    case MYSQL_WIRE_DATE:
        describe_moment(wire, false, text);
        break;
    case MYSQL_WIRE_DATETIME:
    case MYSQL_WIRE_TIMESTAMP:
        describe_moment(wire, true, text);
        break;
    case MYSQL_WIRE_TIME:
        describe_span(wire, text);
        break;
    case MYSQL_WIRE_TEXT:
    case MYSQL_WIRE_JSON:
        describe_text(wire, text);
        break;
    default:
        describe_bytes(wire, text);
    }
}
