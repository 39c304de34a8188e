/* SPDX-License-Identifier: Apache-2.0 */
#include "source/postgres/cut.h"
#include "source/shards.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#define COUNT_OF(array) (sizeof(array) / sizeof *(array))

/* "0:0-50 | 0:50- 1:0-": shards with their pieces as table:first-end. */
static const char *cut_text(const CutTable *tables, size_t count, size_t wanted, int64_t min_blocks)
{
    static char text[4096];
    Arena arena = {0};
    CutPlan plan = cut_tables(tables, count, wanted, min_blocks, &arena);
    FILE *out = fmemopen(text, sizeof text, "w");
    for (size_t i = 0; i < plan.shard_count; i++) {
        for (size_t j = 0; j < plan.shards[i].count; j++) {
            const CutPiece *piece = &plan.pieces[plan.shards[i].start + j];
            const char *before = j > 0 ? " " : i > 0 ? " | " : "";
            fprintf(out, "%s%zu:%ld-", before, piece->table, (long)piece->first);
            if (piece->end != CUT_OPEN)
                fprintf(out, "%ld", (long)piece->end);
        }
    }
    fclose(out);
    arena_done(&arena);
    return text;
}

static void one_table_in_equal_parts(void **state)
{
    (void)state;
    const CutTable table = {1000, true};
    assert_string_equal(cut_text(&table, 1, 4, 1), "0:0-250 | 0:250-500 | 0:500-750 | 0:750-");
    assert_string_equal(cut_text(&table, 1, 3, 1), "0:0-333 | 0:333-666 | 0:666-");
    assert_string_equal(cut_text(&table, 1, 1, 1), "0:0-");
    assert_string_equal(cut_text(&table, 1, 0, 1), "0:0-");
}

static void small_tables_in_fewer_parts(void **state)
{
    (void)state;
    assert_string_equal(cut_text(&(CutTable){1000, true}, 1, 8, 300),
                        "0:0-333 | 0:333-666 | 0:666-");
    assert_string_equal(cut_text(&(CutTable){1000, true}, 1, 8, 501), "0:0-");
    assert_string_equal(cut_text(&(CutTable){0, true}, 1, 8, 128), "0:0-");
    assert_string_equal(cut_text(&(CutTable){3, true}, 1, 8, 0), "0:0-1 | 0:1-2 | 0:2-");
}

static void indivisible_tables_stay_whole(void **state)
{
    (void)state;
    assert_string_equal(cut_text(&(CutTable){1000, false}, 1, 4, 1), "0:0-");
    const CutTable tables[] = {{100, false}, {100, false}, {100, false}, {100, false}};
    assert_string_equal(cut_text(tables, 4, 2, 1), "0:0- 1:0- | 2:0- 3:0-");
    assert_string_equal(cut_text(tables, 4, 4, 1), "0:0- | 1:0- | 2:0- | 3:0-");
    /* A cut goes to the nearer end of the table it falls into. */
    const CutTable uneven[] = {{10, false}, {1000, false}, {10, false}};
    assert_string_equal(cut_text(uneven, 3, 2, 1), "0:0- 1:0- | 2:0-");
    assert_string_equal(cut_text(uneven, 3, 3, 1), "0:0- | 1:0- | 2:0-");
}

static void tables_share_shards(void **state)
{
    (void)state;
    const CutTable tables[] = {{100, true}, {300, true}, {0, true}, {200, true}};
    assert_string_equal(cut_text(tables, 4, 3, 1), "0:0- 1:0-100 | 1:100- 2:0- | 3:0-");
    assert_string_equal(cut_text(tables, 4, 2, 1), "0:0- 1:0-200 | 1:200- 2:0- 3:0-");
    const CutTable empty[] = {{0, true}, {0, false}, {0, true}};
    assert_string_equal(cut_text(empty, 3, 4, 1), "0:0- 1:0- 2:0-");
}

/* Every table begins at 0, goes on where its last piece ended, and ends open. */
static void check_complete(const CutTable *tables, size_t count, size_t wanted, int64_t min_blocks)
{
    Arena arena = {0};
    CutPlan plan = cut_tables(tables, count, wanted, min_blocks, &arena);
    assert_in_range(plan.shard_count, 1, wanted);
    size_t piece = 0, table = 0;
    int64_t next = 0;
    for (size_t i = 0; i < plan.shard_count; i++) {
        assert_int_equal(plan.shards[i].start, piece);
        assert_int_not_equal(plan.shards[i].count, 0);
        for (size_t j = 0; j < plan.shards[i].count; j++, piece++) {
            assert_int_equal(plan.pieces[piece].table, table);
            assert_int_equal(plan.pieces[piece].first, next);
            next = plan.pieces[piece].end;
            assert_true(next == CUT_OPEN ||
                        (next > plan.pieces[piece].first && next < tables[table].blocks));
            assert_true(next == CUT_OPEN || tables[table].divisible);
            table += next == CUT_OPEN;
            next = next == CUT_OPEN ? 0 : next;
        }
    }
    assert_int_equal(table, count);
    arena_done(&arena);
}

static void nothing_is_lost_and_nothing_twice(void **state)
{
    (void)state;
    unsigned random = 1;
    for (int round = 0; round < 3000; round++) {
        CutTable tables[12];
        size_t count = 1 + (size_t)(round % (int)COUNT_OF(tables));
        for (size_t i = 0; i < count; i++) {
            random = random * 1103515245 + 12345;
            tables[i] = (CutTable){random >> 16 & 0xff, (random >> 8 & 3) != 0};
            if (random & 0x10000000)
                tables[i].blocks *= 1000003;
        }
        check_complete(tables, count, 1 + (size_t)round % 17, round % 5 * 40);
    }
}

static void predicates(void **state)
{
    (void)state;
    Arena arena = {0};
    assert_null(cut_predicate(&(CutPiece){0, 0, CUT_OPEN}, &arena));
    assert_string_equal(cut_predicate(&(CutPiece){0, 0, 7}, &arena), "ctid < '(7,0)'::tid");
    assert_string_equal(cut_predicate(&(CutPiece){0, 7, CUT_OPEN}, &arena), "ctid >= '(7,0)'::tid");
    assert_string_equal(cut_predicate(&(CutPiece){0, 7, 4294967295}, &arena),
                        "ctid >= '(7,0)'::tid AND ctid < '(4294967295,0)'::tid");

    const char *const bounds[] = {"'10'", "'20'"};
    assert_null(shard_range("\"id\"", bounds, 0, 0, &arena));
    assert_string_equal(shard_range("\"id\"", bounds, 2, 0, &arena),
                        "\"id\" < '10' OR \"id\" IS NULL");
    assert_string_equal(shard_range("\"id\"", bounds, 2, 1, &arena),
                        "\"id\" >= '10' AND \"id\" < '20'");
    assert_string_equal(shard_range("\"id\"", bounds, 2, 2, &arena), "\"id\" >= '20'");
    arena_done(&arena);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(one_table_in_equal_parts),
        cmocka_unit_test(small_tables_in_fewer_parts),
        cmocka_unit_test(indivisible_tables_stay_whole),
        cmocka_unit_test(tables_share_shards),
        cmocka_unit_test(nothing_is_lost_and_nothing_twice),
        cmocka_unit_test(predicates),
    };
    return cmocka_run_group_tests_name("source/postgres/cut", tests, NULL, NULL);
}
