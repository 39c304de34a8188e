/* SPDX-License-Identifier: Apache-2.0 */
#include "source/row_room.h"

#include "base/memory.h"

#include <stdlib.h>
#include <string.h>

void row_room_open(RowRoom *ret_room, const Extract *extract)
{
    size_t columns = extract->plan->column_count, width = columns + extract->constant_count;
    size_t rows =
        width * BATCH_ROWS_MAX > BATCH_VALUES_MAX ? BATCH_VALUES_MAX / width : BATCH_ROWS_MAX;
    *ret_room = (RowRoom){.column_count = width, .rows_max = rows + (rows == 0)};
    ret_room->values = memory_zalloc(ret_room->rows_max * width, sizeof *ret_room->values);
    for (size_t row = 0; extract->constant_count && row < ret_room->rows_max; row++)
        memcpy(row_room_row(ret_room, row) + columns, extract->constants,
               extract->constant_count * sizeof *ret_room->values);
}

void row_room_done(RowRoom *room)
{
    free(room->values);
    *room = (RowRoom){0};
}
