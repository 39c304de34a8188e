/* SPDX-License-Identifier: Apache-2.0 */
#include "format/gzip_stream.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>
#include <zlib.h>

enum { CAPACITY = 4 * 1024 * 1024 };

typedef struct Packed {
    char *bytes;
    size_t size;
    size_t fail_after; /* 0: never */
} Packed;

static bool take(void *context, const void *bytes, size_t size, Error *error)
{
    Packed *packed = context;
    if (packed->fail_after && packed->size + size > packed->fail_after)
        return error_set(error, ERROR_TARGET, "the disk is full");
    assert_true(packed->size + size <= CAPACITY);
    memcpy(packed->bytes + packed->size, bytes, size);
    packed->size += size;
    return true;
}

/* Rows of a kind, so that there is something to find and something that changes. */
static char *make_rows(size_t size)
{
    char *bytes = malloc(size + 64);
    for (size_t at = 0, row = 0; at < size; row++)
        at += (size_t)snprintf(bytes + at, 64, "{\"id\":%zu,\"mode\":\"TRUCK\",\"x\":%zu}\n", row,
                               row * 2654435761u % 1000003);
    return bytes;
}

/* Another library reads it: one member, from the first byte to the last. */
static void check(const Packed *packed, const char *bytes, size_t size)
{
    CLEANUP(free_ptr) char *again = malloc(size + 1);
    z_stream stream = {.next_in = (Bytef *)packed->bytes, .avail_in = (uInt)packed->size};
    stream.next_out = (Bytef *)again;
    stream.avail_out = (uInt)size + 1;
    assert_int_equal(inflateInit2(&stream, 15 + 16), Z_OK);
    assert_int_equal(inflate(&stream, Z_FINISH), Z_STREAM_END);
    assert_int_equal(stream.avail_in, 0);
    assert_int_equal(stream.total_out, size);
    assert_memory_equal(again, bytes, size);
    inflateEnd(&stream);
}

static void check_pieces(int level, const char *bytes, size_t size, size_t piece)
{
    CLEANUP(gzip_stream_free_ptr) GzipStream *gzip = NULL;
    CLEANUP(free_ptr) char *buffer = malloc(CAPACITY);
    Packed packed = {.bytes = buffer};
    Error error = {0};
    assert_true(gzip_stream_new(level, take, &packed, &gzip, &error));
    for (size_t at = 0; at < size; at += piece)
        assert_true(
            gzip_stream_write(gzip, bytes + at, size - at < piece ? size - at : piece, &error));
    assert_true(gzip_stream_finish(gzip, &error));
    check(&packed, bytes, size);
    if (size > 100000)
        assert_in_range(packed.size, 1000, size / 2);
}

static void files_are_read_back(void **state)
{
    (void)state;
    static const size_t sizes[] = {0, 1, 100, 65536, 1500000};
    CLEANUP(free_ptr) char *rows = make_rows(1500000);
    for (int level = 0; level <= 3; level++) {
        for (size_t i = 0; i < sizeof sizes / sizeof *sizes; i++) {
            check_pieces(level, rows, sizes[i], 65536);
            check_pieces(level, rows, sizes[i], 1021);
        }
    }
    check_pieces(0, rows, 1500000, 1500000);
}

/* What cannot be made smaller passes the output's buffer many times over. */
static void takes_what_cannot_be_compressed(void **state)
{
    (void)state;
    enum { SIZE = 700000 };
    CLEANUP(free_ptr) char *bytes = malloc(SIZE);
    CLEANUP(free_ptr) char *buffer = malloc(CAPACITY);
    uint64_t random = 88172645463325252u;
    for (size_t i = 0; i < SIZE; i++) {
        random ^= random << 13;
        random ^= random >> 7;
        random ^= random << 17;
        bytes[i] = (char)random;
    }
    CLEANUP(gzip_stream_free_ptr) GzipStream *gzip = NULL;
    Packed packed = {.bytes = buffer};
    Error error = {0};
    assert_true(gzip_stream_new(0, take, &packed, &gzip, &error));
    assert_true(gzip_stream_write(gzip, bytes, SIZE, &error));
    assert_true(gzip_stream_finish(gzip, &error));
    check(&packed, bytes, SIZE);
}

static void stops_when_its_output_fails(void **state)
{
    (void)state;
    CLEANUP(free_ptr) char *rows = make_rows(1500000);
    CLEANUP(free_ptr) char *buffer = malloc(CAPACITY);
    CLEANUP(gzip_stream_free_ptr) GzipStream *gzip = NULL;
    Packed packed = {.bytes = buffer, .fail_after = 50000};
    Error error = {0};
    assert_true(gzip_stream_new(0, take, &packed, &gzip, &error));
    bool good = true;
    for (size_t at = 0; good && at < 1500000; at += 50000)
        good = gzip_stream_write(gzip, rows + at, 50000, &error);
    assert_false(good);
    assert_string_equal(error.message, "the disk is full");
}

static void refuses_levels_that_are_not_there(void **state)
{
    (void)state;
    GzipStream *gzip = NULL;
    Error error = {0};
    assert_false(gzip_stream_new(4, take, NULL, &gzip, &error));
    assert_int_equal(error.kind, ERROR_CONFIG);
    assert_false(gzip_stream_new(-1, take, NULL, &gzip, &error));
    assert_null(gzip);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(files_are_read_back),
        cmocka_unit_test(takes_what_cannot_be_compressed),
        cmocka_unit_test(stops_when_its_output_fails),
        cmocka_unit_test(refuses_levels_that_are_not_there),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
