/* SPDX-License-Identifier: Apache-2.0 */
/* source/postgres/cut.h: dividing tables into shards of about the same size. Pure arithmetic: the
 * tables stand one behind the other as one line of blocks, which is cut into equal parts. */
#pragma once

#include "base/arena.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

typedef struct CutTable {
    int64_t blocks;
    bool divisible; /* rows can be chosen by block */
} CutTable;

/* Blocks `first` to before `end` of a table; `end` CUT_OPEN: and all that follow. Every table's
 * last piece is open, its first begins at 0. */
typedef struct CutPiece {
    size_t table;
    int64_t first;
    int64_t end;
} CutPiece;

enum { CUT_OPEN = -1 };

/* One shard: pieces[start … start + count − 1]. */
typedef struct CutShard {
    size_t start;
    size_t count;
} CutShard;

typedef struct CutPlan {
    const CutPiece *pieces;
    const CutShard *shards;
    size_t shard_count; /* 1 to `wanted` */
} CutPlan;

/* Every block of every table is in exactly one piece. No more shards than `wanted` (0 counts as 1),
 * and none is planned smaller than min_blocks. count must not be 0. */
CutPlan cut_tables(const CutTable *tables, size_t count, size_t wanted, int64_t min_blocks,
                   Arena *arena);

/* True when the piece is not the whole table. */
bool cut_is_part(const CutPiece *piece);

/* "ctid >= '(5,0)'::tid AND ctid < '(9,0)'::tid"; NULL for a whole table. */
const char *cut_predicate(const CutPiece *piece, Arena *arena);
