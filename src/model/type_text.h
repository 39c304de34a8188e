/* SPDX-License-Identifier: Apache-2.0 */
/* model/type_text.h: types as BigQuery's SQL spells them. */
#pragma once

#include "base/arena.h"
#include "base/error.h"
#include "model/type.h"

/* Reads "NUMERIC(20,4)", "ARRAY<INT64>", "STRING" into *ret_field (name untouched). ERROR_CONFIG,
 * with the nearest name, when it is none that a column can be asked to become. */
bool type_text_parse(const char *text, Field *ret_field, Error *error);

/* "NUMERIC(15, 2)", "ARRAY<STRUCT<a INT64, b STRING>>". */
const char *type_text_of(const Field *field, Arena *arena);
