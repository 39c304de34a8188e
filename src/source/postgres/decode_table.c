/* SPDX-License-Identifier: Apache-2.0 */
#include "source/postgres/decode_step.h"

#define NUMBERS(to_int64, to_float64, to_decimal)                                                  \
    [TYPE_INT64] = (to_int64), [TYPE_FLOAT64] = (to_float64), [TYPE_NUMERIC] = (to_decimal),       \
    [TYPE_BIGNUMERIC] = (to_decimal)

static StepDecode *const functions[WIRE_COUNT_][TYPE_COUNT_] = {
    [WIRE_BOOL] = {[TYPE_BOOL] = decode_bool},
    [WIRE_INT2] = {NUMBERS(decode_int2, decode_int_float, decode_int_decimal), [TYPE_BOOL] =
                                                                                   decode_int_bool},
    [WIRE_INT4] = {NUMBERS(decode_int4, decode_int_float, decode_int_decimal), [TYPE_BOOL] =
                                                                                   decode_int_bool},
    [WIRE_INT8] = {NUMBERS(decode_int8, decode_int_float, decode_int_decimal), [TYPE_BOOL] =
                                                                                   decode_int_bool},
    [WIRE_OID] = {NUMBERS(decode_oid, NULL, decode_uint_decimal)},
    [WIRE_XID8] = {NUMBERS(decode_uint64, NULL, decode_uint_decimal)},
    [WIRE_LSN] = {NUMBERS(decode_uint64, NULL, decode_uint_decimal), [TYPE_STRING] = decode_lsn},
    [WIRE_FLOAT4] = {NUMBERS(decode_float_int64, decode_float4, decode_float_decimal)},
    [WIRE_FLOAT8] = {NUMBERS(decode_float_int64, decode_float8, decode_float_decimal)},
    [WIRE_NUMERIC] = {NUMBERS(decode_numeric_int64, decode_numeric_float, decode_numeric)},
    [WIRE_DATE] = {[TYPE_DATE] = decode_date},
    [WIRE_TIME] = {[TYPE_TIME] = decode_time},
    [WIRE_TIMETZ] = {[TYPE_STRING] = decode_timetz},
    [WIRE_TIMESTAMP] = {[TYPE_DATETIME] = decode_timestamp, [TYPE_TIMESTAMP] = decode_timestamp},
    [WIRE_TIMESTAMPTZ] = {[TYPE_DATETIME] = decode_timestamp, [TYPE_TIMESTAMP] = decode_timestamp},
    [WIRE_INTERVAL] = {[TYPE_INTERVAL] = decode_interval, [TYPE_TIME] = decode_interval_time},
    [WIRE_UUID] = {[TYPE_STRING] = decode_uuid, [TYPE_BYTES] = decode_uuid_bytes},
    [WIRE_TEXT] =
        {[TYPE_STRING] = decode_text, [TYPE_BYTES] = decode_bytes, [TYPE_JSON] = decode_json},
    [WIRE_BPCHAR] = {[TYPE_STRING] = decode_bpchar},
    [WIRE_CHAR] = {[TYPE_STRING] = decode_char, [TYPE_BYTES] = decode_bytes},
    [WIRE_VERSIONED_TEXT] = {[TYPE_STRING] = decode_versioned_text},
    [WIRE_JSON] = {[TYPE_JSON] = decode_json},
    [WIRE_JSONB] = {[TYPE_JSON] = decode_jsonb},
    [WIRE_BYTEA] = {[TYPE_BYTES] = decode_bytes},
    [WIRE_BIT] = {[TYPE_STRING] = decode_bit, [TYPE_BOOL] = decode_bit_bool},
    [WIRE_INET] = {[TYPE_STRING] = decode_inet},
    [WIRE_MACADDR] = {[TYPE_STRING] = decode_macaddr},
    [WIRE_HSTORE] = {[TYPE_JSON] = decode_hstore},
    [WIRE_POINT] = {[TYPE_GEOGRAPHY] = decode_point},
    [WIRE_EWKB] = {[TYPE_GEOGRAPHY] = decode_ewkb, [TYPE_BYTES] = decode_bytes},
    [WIRE_VECTOR] = {[TYPE_FLOAT64] = decode_vector},
    [WIRE_HALF_VECTOR] = {[TYPE_FLOAT64] = decode_half_vector},
};

StepDecode *decode_function(PostgresWire wire, TypeKind kind)
{
    return functions[wire][kind];
}
