/* SPDX-License-Identifier: Apache-2.0 */
/* source/row_room.h: where the readers of all drivers decode a batch's rows. */
#pragma once

#include "model/value.h"
#include "source/source.h"

#include <stddef.h>

/* Small enough for the caches, whatever the number of columns. */
enum { BATCH_ROWS_MAX = 64, BATCH_VALUES_MAX = 4096, BATCH_BYTES_MAX = 1 << 20 };

typedef struct RowRoom {
    Value *values;       /* row after row */
    size_t column_count; /* of a row: the plan's columns, and the extract's constants */
    size_t rows_max;     /* 1 to BATCH_ROWS_MAX */
} RowRoom;

/* Every row already ends with the extract's constants. row_room_done ends it. */
void row_room_open(RowRoom *ret_room, const Extract *extract);

/* Also when zeroed. */
void row_room_done(RowRoom *room);

static inline Value *row_room_row(const RowRoom *room, size_t row)
{
    return room->values + row * room->column_count;
}
