/* SPDX-License-Identifier: Apache-2.0 */
/* model/batch.h: rows on their way from a source's reader to a target's sink. */
#pragma once

#include "model/value.h"

#include <stddef.h>
#include <stdint.h>

typedef enum RowOperation { ROW_INSERT, ROW_UPDATE, ROW_DELETE } RowOperation;

/* Where in a change stream a row stands: compares as (commit, ordinal). */
typedef struct Position {
    uint64_t commit;
    uint64_t ordinal;
} Position;

/* Values are borrowed: they hold until the reader that made the batch is asked for the next one. */
typedef struct Batch {
    uint32_t schema_id; /* rises when a change stream's table changes shape; 0 in a table read */
    size_t row_count;   /* 0: the end */
    size_t column_count;
    const Value *values;            /* row_count × column_count, row after row */
    const RowOperation *operations; /* one a row; NULL: all are inserts */
    const Position *positions;      /* one a row; NULL in a table read */
} Batch;

static inline const Value *batch_row(const Batch *batch, size_t row)
{
    return batch->values + row * batch->column_count;
}
