/* SPDX-License-Identifier: Apache-2.0 */
#include "source/postgres/cut.h"

#include <inttypes.h>

/* The plan while it grows: at most one piece a table and one more a cut. */
typedef struct Cutter {
    CutPiece *pieces;
    size_t piece_count;
    CutShard *shards;
    size_t shard_count; /* the last one is open */
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

/* Places one table between the cuts that are due; `line` is where its first block stands, and
 * *due the number of the next cut of `parts` − 1, each at total × number ÷ parts. */
static void place(Cutter *cutter, const CutTable *table, size_t index, int64_t line, int64_t total,
                  size_t parts, size_t *due)
{
    int64_t first = 0;
    bool cut_after = false;
    for (; *due < parts; (*due)++) {
        int64_t cut = (int64_t)((__int128)total * (int64_t)*due / (int64_t)parts) - line;
        if (cut >= table->blocks)
            break;
        if (!table->divisible && cut * 2 >= table->blocks)
            cut_after = true;
        else if (!table->divisible || cut <= first)
            next_shard(cutter);
        else {
            add_piece(cutter, index, first, cut);
            next_shard(cutter);
            first = cut;
        }
    }
    add_piece(cutter, index, first, CUT_OPEN);
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
    };
    int64_t line = 0;
    size_t due = 1;
    for (size_t i = 0; i < count; i++) {
        place(&cutter, &tables[i], i, line, total, parts, &due);
        line += tables[i].blocks;
    }
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

const char *cut_keyset(const char *column, const char *const *bounds, size_t count, size_t index,
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
