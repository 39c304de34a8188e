/* SPDX-License-Identifier: Apache-2.0 */
#include "base/crc32c.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>

#include <cmocka.h>

static void knows_the_published_checksums(void **state)
{
    (void)state;
    unsigned char bytes[32]; /* RFC 3720, appendix B.4; the first from the Rocksoft catalogue */
    assert_int_equal(crc32c_extend(0, "123456789", 9), 0xe3069283);
    assert_int_equal(crc32c_extend(0, "", 0), 0);
    memset(bytes, 0, sizeof bytes);
    assert_int_equal(crc32c_extend(0, bytes, sizeof bytes), 0x8a9136aa);
    memset(bytes, 0xff, sizeof bytes);
    assert_int_equal(crc32c_extend(0, bytes, sizeof bytes), 0x62a8ab43);
    for (unsigned i = 0; i < sizeof bytes; i++)
        bytes[i] = (unsigned char)i;
    assert_int_equal(crc32c_extend(0, bytes, sizeof bytes), 0x46dd794e);
}

static void is_the_same_in_pieces_and_without_the_instruction(void **state)
{
    (void)state;
    unsigned char bytes[100];
    for (unsigned i = 0; i < sizeof bytes; i++)
        bytes[i] = (unsigned char)(i * 7 + 3);
    for (size_t size = 0; size <= sizeof bytes; size++) {
        uint32_t whole = crc32c_extend_portable(0, bytes, size);
        assert_int_equal(crc32c_extend(0, bytes, size), whole);
        uint32_t first = crc32c_extend(0, bytes, size / 3);
        assert_int_equal(crc32c_extend(first, bytes + size / 3, size - size / 3), whole);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(knows_the_published_checksums),
        cmocka_unit_test(is_the_same_in_pieces_and_without_the_instruction),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
