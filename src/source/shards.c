/* SPDX-License-Identifier: Apache-2.0 */
#include "source/shards.h"

void shard_whole(const Extract *extract, const char *note, Arena *arena, ShardList *ret_shards)
{
    int64_t rows = extract->where || extract->range ? -1 : extract->plan->table->row_estimate;
    if (extract->limit > 0 && rows > extract->limit)
        rows = extract->limit;
    Shard *shard = ARENA_NEW(arena, Shard);
    *shard = (Shard){.method = "whole", .row_estimate = rows};
    *ret_shards = (ShardList){.shards = shard, .count = 1, .note = note};
}

const char *shard_range(const char *column, const char *const *bounds, size_t count, size_t index,
                        Arena *arena)
{
    if (count == 0)
        return NULL;
    if (index == 0)
        return arena_printf(arena, "%s < %s OR %s IS NULL", column, bounds[0], column);
    if (index == count)
        return arena_printf(arena, "%s >= %s", column, bounds[count - 1]);
    return arena_printf(arena, "%s >= %s AND %s < %s", column, bounds[index - 1], column,
                        bounds[index]);
}
