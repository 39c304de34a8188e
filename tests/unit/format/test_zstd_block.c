/* SPDX-License-Identifier: Apache-2.0 */
#include "format/zstd_block.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>
#include <zstd.h>

static void check(ZstdBlock *zstd, const char *bytes, size_t size)
{
    CLEANUP(free_ptr) char *packed = malloc(zstd_block_bound(size));
    CLEANUP(free_ptr) char *again = malloc(size + 1);
    size_t packed_size;
    Error error = {0};
    assert_true(zstd_block_write(zstd, (StrView){bytes, size}, packed, zstd_block_bound(size),
                                 &packed_size, &error));
    /* readers may allocate by the size in the frame's header */
    assert_int_equal(ZSTD_getFrameContentSize(packed, packed_size), size);
    assert_int_equal(ZSTD_decompress(again, size + 1, packed, packed_size), size);
    assert_memory_equal(again, bytes, size);
}

static void frames_are_read_back_at_every_level(void **state)
{
    (void)state;
    enum { SIZE = 300 * 1024 };
    CLEANUP(free_ptr) char *bytes = malloc(SIZE);
    unsigned random = 1;
    for (size_t i = 0; i < SIZE; i++) {
        random = random * 1103515245 + 12345;
        bytes[i] = i % 3 ? (char)('a' + (random >> 16) % 7) : (char)(random >> 20);
    }
    for (int level = -7; level <= 19; level++) {
        CLEANUP(zstd_block_free_ptr) ZstdBlock *zstd = NULL;
        Error error = {0};
        assert_true(zstd_block_new(level, &zstd, &error));
        check(zstd, bytes, SIZE);
        check(zstd, bytes, 1);
        check(zstd, bytes, 0);
        check(zstd, bytes + 1, 1000);
    }
}

static void makes_repeated_rows_small(void **state)
{
    (void)state;
    static const char row[] = "0123456789abcdef,DELIVER IN PERSON,TRUCK;";
    CLEANUP(zstd_block_free_ptr) ZstdBlock *zstd = NULL;
    Error error = {0};
    assert_true(zstd_block_new(0, &zstd, &error));
    enum { SIZE = 128 * 1024 };
    CLEANUP(free_ptr) char *bytes = malloc(SIZE);
    CLEANUP(free_ptr) char *packed = malloc(zstd_block_bound(SIZE));
    for (size_t i = 0; i < SIZE; i++)
        bytes[i] = row[i % (sizeof row - 1)];
    size_t size;
    assert_true(zstd_block_write(zstd, (StrView){bytes, SIZE}, packed, zstd_block_bound(SIZE),
                                 &size, &error));
    assert_in_range(size, 10, 1000);
}

static void refuses_levels_and_room_that_are_not_there(void **state)
{
    (void)state;
    CLEANUP(zstd_block_free_ptr) ZstdBlock *zstd = NULL;
    Error error = {0};
    assert_false(zstd_block_new(20, &zstd, &error));
    assert_int_equal(error.kind, ERROR_CONFIG);
    assert_false(zstd_block_new(-8, &zstd, &error));
    assert_true(zstd_block_new(0, &zstd, &error));
    char packed[4];
    size_t size;
    assert_false(
        zstd_block_write(zstd, view_of("0123456789"), packed, sizeof packed, &size, &error));
    assert_int_equal(error.kind, ERROR_INTERNAL);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(frames_are_read_back_at_every_level),
        cmocka_unit_test(makes_repeated_rows_small),
        cmocka_unit_test(refuses_levels_and_room_that_are_not_there),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
