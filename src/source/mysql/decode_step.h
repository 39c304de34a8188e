/* SPDX-License-Identifier: Apache-2.0 */
/* source/mysql/decode_step.h: how the decoder's files work together; private to decode*.c. Wire
 * forms: MySQL's "Binary Protocol Resultset"; docs/internals/mysql.md. All numbers are
 * little-endian. */
#pragma once

#include "schema/mysql_types.h"
#include "source/step.h"

#include <endian.h>
#include <string.h>

/* The function for a pair that mysql_accepts takes; NULL for others. */
StepDecode *mysql_decode_function(MysqlWire wire, TypeKind kind);

/* One per pair of wire and kind, besides those of source/step.h. */
StepDecode mysql_decode_int8, mysql_decode_uint8, mysql_decode_int16, mysql_decode_uint16;
StepDecode mysql_decode_int32, mysql_decode_uint32, mysql_decode_int64, mysql_decode_uint64;
StepDecode mysql_decode_int_bool, mysql_decode_int_float, mysql_decode_int_decimal;
StepDecode mysql_decode_float, mysql_decode_double, mysql_decode_real_int64,
    mysql_decode_real_decimal;
StepDecode mysql_decode_decimal, mysql_decode_decimal_int64, mysql_decode_decimal_float;
StepDecode mysql_decode_bit, mysql_decode_bit_bool, mysql_decode_bit_float,
    mysql_decode_bit_decimal;
StepDecode mysql_decode_date, mysql_decode_datetime, mysql_decode_interval, mysql_decode_time;
StepDecode mysql_decode_geography, mysql_decode_wkb, mysql_decode_vector;

/* The StepDescribe of these forms. */
void mysql_describe(const Step *step, Wire wire, char *text);

static inline uint16_t load_le16(const uint8_t *bytes)
{
    uint16_t number;
    memcpy(&number, bytes, sizeof number);
    return le16toh(number);
}

static inline uint32_t load_le32(const uint8_t *bytes)
{
    uint32_t number;
    memcpy(&number, bytes, sizeof number);
    return le32toh(number);
}

static inline uint64_t load_le64(const uint8_t *bytes)
{
    uint64_t number;
    memcpy(&number, bytes, sizeof number);
    return le64toh(number);
}

/* FLOAT or DOUBLE, by the number of bytes. */
static inline double load_real(Wire wire)
{
    double real;
    if (wire.size == sizeof(float)) {
        uint32_t bits = load_le32(wire.bytes);
        float single;
        memcpy(&single, &bits, sizeof single);
        return (double)single;
    }
    uint64_t bits = load_le64(wire.bytes);
    memcpy(&real, &bits, sizeof real);
    return real;
}

/* A BIT value: up to eight bytes, the most significant first. */
static inline uint64_t load_bits(Wire wire)
{
    uint64_t bits = 0;
    for (size_t i = 0; i < wire.size; i++)
        bits = bits << 8 | wire.bytes[i];
    return bits;
}

/* A date and a time of day as they come: 0, 4, 7 or 11 bytes, zeros where there are none. */
typedef struct MysqlMoment {
    unsigned year, month, day, hour, minute, second, microsecond;
} MysqlMoment;

MysqlMoment mysql_load_moment(Wire wire);

/* A span: 0, 8 or 12 bytes; in microseconds. False when a part is out of range. */
bool mysql_load_span(Wire wire, int64_t *ret_microseconds);
