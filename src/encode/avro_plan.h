/* SPDX-License-Identifier: Apache-2.0 */
/* encode/avro_plan.h: a schema compiled into one operation a column, and rows written with it. */
#pragma once

#include "base/arena.h"
#include "model/type.h"
#include "model/value.h"

#include <stddef.h>
#include <stdint.h>

typedef struct AvroOp AvroOp;

typedef struct AvroPlan {
    const AvroOp *ops;
    size_t count;
    size_t fixed_size;     /* the most that a row takes besides what its sized columns' values do */
    const uint32_t *sized; /* columns whose values bring bytes of their own */
    size_t sized_count;
} AvroPlan;

/* The plan borrows the schema and lives in the arena. */
void avro_plan_init(AvroPlan *plan, const Schema *schema, Arena *arena);

/* Bytes that writing the row may touch; never much more than it takes. */
size_t avro_plan_bound(const AvroPlan *plan, const Value *row);

/* Bytes that the row takes, exactly. */
size_t avro_plan_size(const AvroPlan *plan, const Value *row);

/* Writes the row, unchecked, to where avro_plan_bound bytes are free; returns the end.
 * *ret_missing, which the caller sets to NULL before, becomes the field that has no value although
 * it must. */
char *avro_plan_write(const AvroPlan *plan, const Value *row, char *out, const Field **ret_missing);
