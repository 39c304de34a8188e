/* SPDX-License-Identifier: Apache-2.0 */
#include "source/mysql/decode_step.h"

#define INTEGERS(to_int64)                                                                         \
    [TYPE_INT64] = (to_int64), [TYPE_FLOAT64] = mysql_decode_int_float,                            \
    [TYPE_NUMERIC] = mysql_decode_int_decimal, [TYPE_BIGNUMERIC] = mysql_decode_int_decimal,       \
    [TYPE_BOOL] = mysql_decode_int_bool
#define REALS(to_float64)                                                                          \
    [TYPE_INT64] = mysql_decode_real_int64, [TYPE_FLOAT64] = (to_float64),                         \
    [TYPE_NUMERIC] = mysql_decode_real_decimal, [TYPE_BIGNUMERIC] = mysql_decode_real_decimal

static StepDecode *const functions[MYSQL_WIRE_COUNT_][TYPE_COUNT_] = {
    [MYSQL_WIRE_INT8] = {INTEGERS(mysql_decode_int8)},
    [MYSQL_WIRE_UINT8] = {INTEGERS(mysql_decode_uint8)},
    [MYSQL_WIRE_INT16] = {INTEGERS(mysql_decode_int16)},
    [MYSQL_WIRE_UINT16] = {INTEGERS(mysql_decode_uint16)},
    [MYSQL_WIRE_INT32] = {INTEGERS(mysql_decode_int32)},
    [MYSQL_WIRE_UINT32] = {INTEGERS(mysql_decode_uint32)},
    [MYSQL_WIRE_INT64] = {INTEGERS(mysql_decode_int64)},
    [MYSQL_WIRE_UINT64] = {INTEGERS(mysql_decode_uint64)},
    [MYSQL_WIRE_FLOAT] = {REALS(mysql_decode_float)},
    [MYSQL_WIRE_DOUBLE] = {REALS(mysql_decode_double)},
    [MYSQL_WIRE_DECIMAL] = {[TYPE_INT64] = mysql_decode_decimal_int64,
                            [TYPE_FLOAT64] = mysql_decode_decimal_float,
                            [TYPE_NUMERIC] = mysql_decode_decimal,
                            [TYPE_BIGNUMERIC] = mysql_decode_decimal,
                            [TYPE_STRING] = decode_text},
    [MYSQL_WIRE_BIT] = {[TYPE_INT64] = mysql_decode_bit,
                        [TYPE_FLOAT64] = mysql_decode_bit_float,
                        [TYPE_NUMERIC] = mysql_decode_bit_decimal,
                        [TYPE_BIGNUMERIC] = mysql_decode_bit_decimal,
                        [TYPE_BOOL] = mysql_decode_bit_bool,
                        [TYPE_BYTES] = decode_bytes},
    [MYSQL_WIRE_DATE] = {[TYPE_DATE] = mysql_decode_date},
    [MYSQL_WIRE_DATETIME] =
        {[TYPE_DATETIME] = mysql_decode_datetime, [TYPE_TIMESTAMP] = mysql_decode_datetime},
    [MYSQL_WIRE_TIMESTAMP] =
        {[TYPE_DATETIME] = mysql_decode_datetime, [TYPE_TIMESTAMP] = mysql_decode_datetime},
    [MYSQL_WIRE_TIME] = {[TYPE_INTERVAL] = mysql_decode_interval, [TYPE_TIME] = mysql_decode_time},
    [MYSQL_WIRE_TEXT] =
        {[TYPE_STRING] = decode_text, [TYPE_BYTES] = decode_bytes, [TYPE_JSON] = decode_json},
    [MYSQL_WIRE_BYTES] =
        {[TYPE_STRING] = decode_text, [TYPE_BYTES] = decode_bytes, [TYPE_JSON] = decode_json},
    [MYSQL_WIRE_JSON] = {[TYPE_JSON] = decode_json, [TYPE_STRING] = decode_text},
    [MYSQL_WIRE_GEOMETRY] =
        {[TYPE_GEOGRAPHY] = mysql_decode_geography, [TYPE_BYTES] = mysql_decode_wkb},
    [MYSQL_WIRE_VECTOR] = {[TYPE_FLOAT64] = mysql_decode_vector},
};

StepDecode *mysql_decode_function(MysqlWire wire, TypeKind kind)
{
    return functions[wire][kind];
}
