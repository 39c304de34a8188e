/* SPDX-License-Identifier: Apache-2.0 */
/* source/postgres/decode_step.h: how the decoder's files work together; private to decode*.c.
 *
 * decoder_new compiles each column of the plan into a Step (source/step.h). Arrays and composites
 * have steps for their parts. */
#pragma once

#include "schema/mapping.h"
#include "schema/postgres_types.h"
#include "source/step.h"

#include <endian.h>
#include <string.h>

/* The function for a pair that postgres_accepts takes; NULL for others. */
StepDecode *decode_function(PostgresWire wire, TypeKind kind);

/* One per pair of wire and kind, besides those of source/step.h. */
StepDecode decode_bool, decode_int_bool, decode_bit_bool;
StepDecode decode_int2, decode_int4, decode_int8, decode_oid, decode_uint64;
StepDecode decode_int_float, decode_float4, decode_float8, decode_float_int64, decode_numeric_float;
StepDecode decode_numeric, decode_numeric_int64, decode_int_decimal, decode_uint_decimal,
    decode_float_decimal;
StepDecode decode_date, decode_time, decode_timetz, decode_timestamp, decode_interval,
    decode_interval_time;
StepDecode decode_bpchar, decode_char, decode_versioned_text, decode_uuid_bytes;
StepDecode decode_uuid, decode_bit, decode_inet, decode_macaddr, decode_lsn;
StepDecode decode_jsonb, decode_hstore;
StepDecode decode_vector, decode_half_vector;
StepDecode decode_array, decode_composite;

/* The StepDescribe of PostgreSQL's forms. */
void decode_describe(const Step *step, Wire wire, char *text);

/* Writes the whole number, all its digits, and a NUL; "NaN" and "Infinity" too. False when the
 * bytes are no numeric. *ret_text lives in the arena. */
bool decode_numeric_text(Wire wire, Arena *arena, const char **ret_text);

static inline uint16_t load16(const uint8_t *bytes)
{
    uint16_t number;
    memcpy(&number, bytes, sizeof number);
    return be16toh(number);
}

static inline uint32_t load32(const uint8_t *bytes)
{
    uint32_t number;
    memcpy(&number, bytes, sizeof number);
    return be32toh(number);
}

static inline uint64_t load64(const uint8_t *bytes)
{
    uint64_t number;
    memcpy(&number, bytes, sizeof number);
    return be64toh(number);
}

/* Takes a length word and as many bytes off *rest; *ret_part has no bytes for NULL (length -1). False
 * when they are not there. */
bool decode_take_part(Wire *rest, Wire *ret_part);
