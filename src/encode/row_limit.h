/* SPDX-License-Identifier: Apache-2.0 */
/* encode/row_limit.h: what is said of a row that its format cannot hold. */
#pragma once

#include "base/error.h"
#include "model/type.h"
#include "model/value.h"

#include <stddef.h>

typedef struct RowSize {
    const char *format; /* for people: "Avro" */
    size_t size;
    size_t limit;
} RowSize;

/* ERROR_DATA with both numbers; the hint names the largest column. Returns false. */
bool row_limit_fail(const RowSize *size, const Schema *schema, const Value *row, Error *error);
