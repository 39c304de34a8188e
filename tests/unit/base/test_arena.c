/* SPDX-License-Identifier: Apache-2.0 */
#include "base/arena.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

static void aligns_and_keeps_what_it_gave(void **state)
{
    (void)state;
    Arena arena = {0};
    char *pieces[200];
    for (size_t i = 0; i < 200; i++) {
        pieces[i] = arena_alloc(&arena, i * 7);
        assert_int_equal((uintptr_t)pieces[i] % 16, 0);
        memset(pieces[i], (int)i, i * 7);
    }
    char *large = arena_alloc(&arena, 1 << 20);
    memset(large, 0xff, 1 << 20);
    for (size_t i = 0; i < 200; i++) {
        for (size_t j = 0; j < i * 7; j++)
            assert_int_equal((unsigned char)pieces[i][j], i);
    }
    arena_done(&arena);
}

static void zeroes_and_copies(void **state)
{
    (void)state;
    Arena arena = {0};
    memset(arena_alloc(&arena, 64), 0xaa, 64);
    arena_reset(&arena);
    const int *numbers = ARENA_ARRAY(&arena, int, 16);
    for (size_t i = 0; i < 16; i++)
        assert_int_equal(numbers[i], 0);
    assert_string_equal(arena_strndup(&arena, "abcdef", 3), "abc");
    assert_null(arena_strdup(&arena, NULL));
    assert_string_equal(arena_strdup(&arena, ""), "");
    assert_string_equal(arena_printf(&arena, "%s-%05d", "x", 42), "x-00042");
    assert_string_equal(arena_printf(&arena, "%s", ""), "");
    arena_done(&arena);
    assert_null(arena.block);
}

static void resets_to_one_block(void **state)
{
    (void)state;
    Arena arena = {0};
    arena_reset(&arena);
    void *first = arena_alloc(&arena, 100);
    for (int i = 0; i < 100; i++)
        arena_alloc(&arena, 10000);
    arena_reset(&arena);
    assert_ptr_equal(arena_alloc(&arena, 100), first);
    arena_done(&arena);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(aligns_and_keeps_what_it_gave),
        cmocka_unit_test(zeroes_and_copies),
        cmocka_unit_test(resets_to_one_block),
    };
    return cmocka_run_group_tests_name("base/arena", tests, NULL, NULL);
}
