/* SPDX-License-Identifier: Apache-2.0 */
#include "source/mysql/packet.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

#include <cmocka.h>

#define TAKE(bytes, length) packet_take((bytes), (length), &packet, &used, &wanted)

static StrView packet;
static size_t used, wanted;

static void takes_one_after_the_other(void **state)
{
    (void)state;
    char bytes[] = "\2\0\0\7ab\0\0\0\10\1\0\0\11c";
    assert_int_equal(TAKE(bytes, sizeof bytes - 1), PACKET_WHOLE);
    assert_int_equal(used, 6);
    assert_int_equal(packet.length, 2);
    assert_memory_equal(packet.data, "ab", 2);
    assert_int_equal(TAKE(bytes + 6, sizeof bytes - 7), PACKET_WHOLE);
    assert_int_equal(packet.length, 0);
    assert_int_equal(TAKE(bytes + 10, sizeof bytes - 11), PACKET_WHOLE);
    assert_memory_equal(packet.data, "c", 1);
}

static void says_how_much_is_wanted(void **state)
{
    (void)state;
    char bytes[] = "\5\0\0\0abcde";
    for (size_t length = 0; length < 9; length++) {
        assert_int_equal(TAKE(bytes, length), PACKET_PARTIAL);
        assert_int_equal(wanted, length < 4 ? 4 : 9);
    }
    assert_int_equal(TAKE(bytes, 9), PACKET_WHOLE);
}

/* 2^24 + 1 bytes come as a full packet and one of two bytes; a multiple of a full one ends with an
 * empty packet. */
static void joins_long_ones(void **state)
{
    (void)state;
    const size_t full = PACKET_PART_MAX;
    char *bytes = malloc(2 * full + 64);
    memset(bytes, 'x', 2 * full + 64);
    memcpy(bytes, "\377\377\377\0", 4);
    assert_int_equal(TAKE(bytes, full + 4), PACKET_PARTIAL);
    assert_int_equal(wanted, full + 8);
    memcpy(bytes + full + 4, "\2\0\0\1yz", 6);
    assert_int_equal(TAKE(bytes, full + 9), PACKET_PARTIAL);
    assert_int_equal(wanted, full + 10);
    assert_int_equal(TAKE(bytes, full + 10), PACKET_WHOLE);
    assert_int_equal(used, full + 10);
    assert_int_equal(packet.length, full + 2);
    assert_memory_equal(packet.data + full - 1, "xyz", 3);

    memset(bytes, 'x', 2 * full + 64);
    memcpy(bytes, "\377\377\377\0", 4);
    memcpy(bytes + full + 4, "\377\377\377\1", 4);
    memcpy(bytes + 2 * full + 8, "\0\0\0\2", 4);
    assert_int_equal(TAKE(bytes, 2 * full + 8), PACKET_PARTIAL);
    assert_int_equal(TAKE(bytes, 2 * full + 12), PACKET_WHOLE);
    assert_int_equal(packet.length, 2 * full);
    assert_int_equal(packet.data[full], 'x');
    assert_int_equal(packet.data[2 * full - 1], 'x');
    free(bytes);
}

#define KIND_OF(bytes) packet_kind((StrView){(bytes), sizeof(bytes) - 1})

static void tells_kinds_apart(void **state)
{
    (void)state;
    assert_int_equal(KIND_OF("\0\0\1"), PACKET_ROW);
    assert_int_equal(KIND_OF("\376\0\0\2\0"), PACKET_END);
    assert_int_equal(KIND_OF("\376\0\0\2\0\0\0"), PACKET_END); /* an OK in its place */
    assert_int_equal(KIND_OF("\377\51\4#70100Query execution was interrupted"), PACKET_ERROR);
    assert_int_equal(KIND_OF("\377\377\377\1\1\2"), PACKET_PROGRESS);
    assert_int_equal(KIND_OF("\377\1"), PACKET_UNKNOWN);
    assert_int_equal(KIND_OF(""), PACKET_UNKNOWN);
    assert_int_equal(KIND_OF("\3abc"), PACKET_UNKNOWN);
}

static void reads_errors(void **state)
{
    (void)state;
    PacketError error = packet_error_of((StrView){"\377\51\4#70100Gone", 13});
    assert_int_equal(error.number, 1065);
    assert_string_equal(error.sqlstate, "70100");
    assert_int_equal(error.text.length, 4);
    assert_memory_equal(error.text.data, "Gone", 4);
    error = packet_error_of((StrView){"\377\1\0text", 7});
    assert_string_equal(error.sqlstate, "HY000");
    assert_int_equal(error.text.length, 4);
    error = packet_error_of((StrView){"\377\1\0#42", 6}); /* too short for a state */
    assert_string_equal(error.sqlstate, "HY000");
    assert_int_equal(error.text.length, 3);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(takes_one_after_the_other),
        cmocka_unit_test(says_how_much_is_wanted),
        cmocka_unit_test(joins_long_ones),
        cmocka_unit_test(tells_kinds_apart),
        cmocka_unit_test(reads_errors),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
