/* SPDX-License-Identifier: Apache-2.0 */
/* encode/ndjson_plan.h: a schema compiled into one operation a column, and rows written with it. */
#pragma once

#include "base/arena.h"
#include "model/type.h"
#include "model/value.h"

#include <stdbool.h>
#include <stddef.h>

typedef struct NdjsonOp NdjsonOp;

typedef struct NdjsonPlan {
    const NdjsonOp *ops;
    size_t count;
    size_t room; /* free bytes that one column may ask for at once */
} NdjsonPlan;

/* Where rows are written: a buffer of at least plan.room bytes that is drained when it is full, so
 * that a row of any size needs no more memory. */
typedef struct NdjsonOut {
    char *next;
    char *end; /* of the buffer */
    void (*drain)(
        struct NdjsonOut *out); /* hands on what is buffered; the whole buffer is free then */
    const Field *missing;       /* set to a field that has no value although it must */
} NdjsonOut;

/* The plan borrows the schema and lives in the arena. */
void ndjson_plan_init(NdjsonPlan *plan, const Schema *schema, Arena *arena);

/* Writes the row as one object and the newline after it. */
void ndjson_plan_write(const NdjsonPlan *plan, const Value *row, NdjsonOut *out);
