/* SPDX-License-Identifier: Apache-2.0 */
/* source/postgres/decode.h: one tuple of COPY … (FORMAT binary) into values.
 * Wire forms: PostgreSQL's send functions; docs/internals/decoder.md. No libpq here: bytes in,
 * values out, so that a fuzzer and unit tests drive it alone. */
#pragma once

#include "base/arena.h"
#include "base/cleanup.h"
#include "model/value.h"
#include "schema/mapping.h"

typedef struct Decoder Decoder;

/* The plan outlives the decoder. ERROR_INTERNAL when the plan asks for a form there is no decoder
 * for. */
bool decoder_new(const TablePlan *plan, Decoder **ret_decoder, Error *error);
void decoder_free(Decoder *decoder); /* accepts NULL */
DEFINE_CLEANUP(Decoder, decoder_free)

/* `tuple` begins with the int16 field count and ends with the last field. Fills
 * values[column_count]; they borrow from `tuple` and from `scratch`. ERROR_DATA, naming column,
 * value and policy, when a policy refuses a value; ERROR_SOURCE when the bytes are not what the
 * plan says (a table that was altered, a broken stream): nothing is ever read outside `tuple`. */
bool decoder_tuple(Decoder *decoder, StrView tuple, Value *values, Arena *scratch, Error *error);

/* One per column of the plan; raised by decoder_tuple. */
InvalidCounts *decoder_invalid(Decoder *decoder);
