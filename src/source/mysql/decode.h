/* SPDX-License-Identifier: Apache-2.0 */
/* source/mysql/decode.h: one row of the binary protocol into values. No libmariadb here: bytes in,
 * values out, so that a fuzzer and unit tests drive it alone. */
#pragma once

#include "base/arena.h"
#include "base/cleanup.h"
#include "base/view.h"
#include "model/value.h"
#include "schema/mapping.h"

typedef struct RowDecoder RowDecoder;

/* The plan outlives the decoder. ERROR_INTERNAL when the plan asks for a form there is no decoder
 * for. */
bool row_decoder_new(const TablePlan *plan, RowDecoder **ret_decoder, Error *error);
void row_decoder_free(RowDecoder *decoder); /* accepts NULL */
DEFINE_CLEANUP(RowDecoder, row_decoder_free)

/* `packet` is the row's, from its first byte (0) to its last. Fills values[column_count]; they
 * borrow from `packet` and from `scratch`. ERROR_DATA, naming column, value and policy, when a
 * policy refuses a value; ERROR_SOURCE when the bytes are not what the plan says: nothing is ever
 * read outside `packet`. */
bool row_decode(RowDecoder *decoder, StrView packet, Value *values, Arena *scratch, Error *error);

/* One per column of the plan; raised by row_decode. */
InvalidCounts *row_decoder_invalid(RowDecoder *decoder);
