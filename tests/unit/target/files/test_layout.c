/* SPDX-License-Identifier: Apache-2.0 */
#include "base/cleanup.h"
#include "target/files/layout.h"

#include <setjmp.h>
#include <stdarg.h>
#include <string.h>

#include <cmocka.h>

static void places_folders_and_shards(void **state)
{
    (void)state;
    CLEANUP(arena_done) Arena arena = {0};
    Error error = {0};
    Layout layout;
    FileKind kind;
    assert_true(layout_init(&layout, "/data", &(TableRef){"", "orders"}, NULL, &arena, &error));
    assert_string_equal(layout.folder, "/data/orders");
    assert_string_equal(layout.manifest, "/data/orders/manifest.json");
    assert_null(layout.staging);
    assert_true(
        layout_init(&layout, "exports", &(TableRef){"raw", "orders"}, "r1", &arena, &error));
    assert_string_equal(layout.folder, "exports/raw/orders");
    assert_string_equal(layout.staging, "exports/raw/orders/.staging-r1");
    const Delivery delivery = {.run_id = "20260131t123456-1a2b3c4d5e6f", .attempt = 2};
    assert_true(layout_kind("ndjson", "gzip", &kind, &error));
    assert_string_equal(layout_shard_name(&delivery, &kind, 7, &arena),
                        "part-20260131t123456-1a2b3c4d5e6f-2-00007.ndjson.gz");
}

static void refuses_names_that_are_no_folders(void **state)
{
    (void)state;
    static const TableRef tables[] = {
        {"", ""}, {"", "."}, {"", ".."}, {"", ".hidden"}, {"", "a/b"}, {"..", "a"}, {"a/..", "b"},
    };
    for (size_t i = 0; i < sizeof tables / sizeof *tables; i++) {
        CLEANUP(arena_done) Arena arena = {0};
        Error error = {0};
        Layout layout;
        assert_false(layout_init(&layout, "/data", &tables[i], NULL, &arena, &error));
        assert_int_equal(error.kind, ERROR_CONFIG);
    }
}

static void knows_what_goes_with_what(void **state)
{
    (void)state;
    static const struct {
        const char *format;
        const char *compression;
        const char *extension; /* NULL: refused */
        bool compress;
    } cases[] = {
        {NULL, NULL, ".avro", true},          {"avro", "auto", ".avro", true},
        {"avro", "zstd", ".avro", true},      {"avro", "none", ".avro", false},
        {"ndjson", NULL, ".ndjson.gz", true}, {"ndjson", "auto", ".ndjson.gz", true},
        {"ndjson", "none", ".ndjson", false}, {"avro", "gzip", NULL, false},
        {"ndjson", "zstd", NULL, false},      {"parquet", NULL, NULL, false},
        {"avro", "snappy", NULL, false},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        Error error = {0};
        FileKind kind;
        bool good = layout_kind(cases[i].format, cases[i].compression, &kind, &error);
        assert_int_equal(good, cases[i].extension != NULL);
        if (!good) {
            assert_int_equal(error.kind, ERROR_CONFIG);
            continue;
        }
        assert_string_equal(kind.extension, cases[i].extension);
        assert_int_equal(kind.compress, cases[i].compress);
    }
}

static void tells_its_own_files_from_others(void **state)
{
    (void)state;
    static const char *const ours[] = {
        "part-20260131t123456-1a2b3c4d5e6f-1-00000.avro",
        "part-20260131t123456-1a2b3c4d5e6f-12-123456.ndjson",
        "part-r-1-00000.ndjson.gz",
    };
    static const char *const others[] = {
        "manifest.json",
        "part-r-1-00000.parquet",
        "part-r-1-00000.avro.bak",
        "part-r-1-0000.avro",
        "part-r--00000.avro",
        "part-r-00000.avro",
        "part--1-00000.avro",
        "part-R-1-00000.avro",
        "part-a b-1-00000.avro",
        "part-00000-6c1f0a3e-5d2b-4c7e-9a57-a2b4-c000.avro",
        "my-part-r-1-00000.avro",
        "part-r-1-00000",
        "part-",
        "",
    };
    for (size_t i = 0; i < sizeof ours / sizeof *ours; i++)
        assert_true(layout_is_shard(ours[i]));
    for (size_t i = 0; i < sizeof others / sizeof *others; i++)
        assert_false(layout_is_shard(others[i]));
    assert_true(layout_is_shard_of("part-r-1-00000.avro", "r"));
    assert_true(layout_is_shard_of("part-r-7-3-00000.avro", "r-7"));
    assert_false(layout_is_shard_of("part-r-7-3-00000.avro", "r"));
    assert_false(layout_is_shard_of("part-rr-1-00000.avro", "r"));
    assert_false(layout_is_shard_of("part-r-1-00000.txt", "r"));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(places_folders_and_shards),
        cmocka_unit_test(refuses_names_that_are_no_folders),
        cmocka_unit_test(knows_what_goes_with_what),
        cmocka_unit_test(tells_its_own_files_from_others),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
