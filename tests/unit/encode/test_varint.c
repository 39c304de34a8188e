/* SPDX-License-Identifier: Apache-2.0 */
#include "encode/varint.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

static void writes_what_the_specification_shows(void **state)
{
    (void)state;
    static const struct {
        int64_t integer;
        size_t size;
        const char *bytes;
    } cases[] = {
        /* the table in "Binary Encoding", Avro 1.11 */
        {0, 1, "\x00"},
        {-1, 1, "\x01"},
        {1, 1, "\x02"},
        {-2, 1, "\x03"},
        {2, 1, "\x04"},
        {-64, 1, "\x7f"},
        {64, 2, "\x80\x01"},
        /* both sides of what the fast paths take */
        {8191, 2, "\xfe\x7f"},
        {8192, 3, "\x80\x80\x01"},
        {-134217728, 4, "\xff\xff\xff\x7f"},
        {134217728, 5, "\x80\x80\x80\x80\x01"},
        {1700000000123456, 8, "\x80\x89\x81\x82\x83\x89\x85\x06"},
        {36028797018963967, 8, "\xfe\xff\xff\xff\xff\xff\xff\x7f"},
        {36028797018963968, 9, "\x80\x80\x80\x80\x80\x80\x80\x80\x01"},
        {INT64_MAX, 10, "\xfe\xff\xff\xff\xff\xff\xff\xff\xff\x01"},
        {INT64_MIN, 10, "\xff\xff\xff\xff\xff\xff\xff\xff\xff\x01"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        char bytes[VARINT_MAX + VARINT_SLACK];
        char *end = varint_write(bytes, cases[i].integer);
        assert_int_equal(end - bytes, cases[i].size);
        assert_memory_equal(bytes, cases[i].bytes, cases[i].size);
        assert_int_equal(varint_size(cases[i].integer), cases[i].size);
    }
}

/* Reads as the specification says, a byte at a time. */
static int64_t read_back(const char *bytes, const char *end)
{
    uint64_t bits = 0;
    for (int shift = 0; bytes < end; shift += 7)
        bits |= (uint64_t)(*bytes++ & 0x7f) << shift;
    return (int64_t)(bits >> 1) ^ -(int64_t)(bits & 1);
}

static void reads_back_at_every_length(void **state)
{
    (void)state;
    for (int bit = 0; bit < 64; bit++) {
        uint64_t power = 1ull << bit;
        const int64_t integers[] = {(int64_t)power, (int64_t)(power - 1), (int64_t)(power + 1),
                                    (int64_t)-power, (int64_t)(power * 0x9e3779b97f4a7c15)};
        for (size_t i = 0; i < sizeof integers / sizeof *integers; i++) {
            char bytes[VARINT_MAX + VARINT_SLACK];
            char *end = varint_write(bytes, integers[i]);
            assert_int_equal(end - bytes, varint_size(integers[i]));
            assert_true(read_back(bytes, end) == integers[i]);
            for (char *byte = bytes; byte < end; byte++)
                assert_int_equal(*byte < 0, byte < end - 1);
        }
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(writes_what_the_specification_shows),
        cmocka_unit_test(reads_back_at_every_length),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
