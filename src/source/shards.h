/* SPDX-License-Identifier: Apache-2.0 */
/* source/shards.h: shards that every driver makes in the same way. Pure. */
#pragma once

#include "source/source.h"

/* One shard with everything; `note` says why, or is NULL. */
void shard_whole(const Extract *extract, const char *note, Arena *arena, ShardList *ret_shards);

/* The condition of range `index` of `count` + 1, between ascending bounds (SQL literals) of a
 * quoted column: every value, and NULL, is in exactly one. NULL when count is 0. */
const char *shard_range(const char *column, const char *const *bounds, size_t count, size_t index,
                        Arena *arena);
