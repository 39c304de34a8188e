/* SPDX-License-Identifier: Apache-2.0 */
#include "source/postgres/cut.h"

#include <inttypes.h>

/* The plan while it grows: at most one piece a table and one more a cut. The next cut is number
 * `due` of parts − 1, at total × due ÷ parts of the line. */
typedef struct Cutter {
    CutPiece *pieces;
    size_t piece_count;
    CutShard *shards;
    size_t shard_count; /* the last one is open */
    int64_t total;
    int64_t line; /* where the next table's first block stands */
    size_t parts;
    size_t due;
} Cutter;

static void add_piece(Cutter *cutter, size_t table, int64_t first, int64_t end)
{
    cutter->pieces[cutter->piece_count++] = (CutPiece){table, first, end};
    cutter->shards[cutter->shard_count - 1].count++;
}

static void next_shard(Cutter *cutter)
{
    if (cutter->shards[cutter->shard_count - 1].count > 0)
        cutter->shards[cutter->shard_count++] = (CutShard){.start = cutter->piece_count};
}

/* Adds one table with the cuts that fall into it. */
static void place(Cutter *cutter, const CutTable *table, size_t index)
{
    int64_t first = 0;
    bool cut_after = false;
    for (; cutter->due < cutter->parts; cutter->due++) {
        __int128 position = (__int128)cutter->total * (int64_t)cutter->due;
        int64_t cut = (int64_t)(position / (int64_t)cutter->parts) - cutter->line;
        if (cut >= table->blocks)
            break;
        if (!table->divisible && cut * 2 >= table->blocks) {
            cut_after = true;
        } else if (!table->divisible || cut <= first) {
            next_shard(cutter);
        } else {
            add_piece(cutter, index, first, cut);
            next_shard(cutter);
            first = cut;
        }
    }
    add_piece(cutter, index, first, CUT_OPEN);
    cutter->line += table->blocks;
    if (cut_after)
        next_shard(cutter);
}

CutPlan cut_tables(const CutTable *tables, size_t count, size_t wanted, int64_t min_blocks,
                   Arena *arena)
{
    int64_t total = 0;
    for (size_t i = 0; i < count; i++)
        total += tables[i].blocks;
    int64_t most = min_blocks > 0 ? total / min_blocks : total;
    size_t parts = wanted;
    if ((uint64_t)most < parts)
        parts = (size_t)most;
    if (parts == 0)
        parts = 1;

    Cutter cutter = {
        .pieces = ARENA_ARRAY(arena, CutPiece, count + parts),
        .shards = ARENA_ARRAY(arena, CutShard, parts + 1),
        .shard_count = 1,
        .total = total,
        .parts = parts,
        .due = 1,
    };
    for (size_t i = 0; i < count; i++)
        place(&cutter, &tables[i], i);
    if (cutter.shards[cutter.shard_count - 1].count == 0)
        cutter.shard_count--;
    return (CutPlan){cutter.pieces, cutter.shards, cutter.shard_count};
}

bool cut_is_part(const CutPiece *piece)
{
    return piece->first > 0 || piece->end != CUT_OPEN;
}

const char *cut_predicate(const CutPiece *piece, Arena *arena)
{
    if (piece->first == 0 && piece->end == CUT_OPEN)
        return NULL;
    if (piece->first == 0)
        return arena_printf(arena, "ctid < '(%" PRId64 ",0)'::tid", piece->end);
    if (piece->end == CUT_OPEN)
        return arena_printf(arena, "ctid >= '(%" PRId64 ",0)'::tid", piece->first);
    return arena_printf(arena, "ctid >= '(%" PRId64 ",0)'::tid AND ctid < '(%" PRId64 ",0)'::tid",
                        piece->first, piece->end);
}
