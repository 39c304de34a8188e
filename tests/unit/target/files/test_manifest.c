/* SPDX-License-Identifier: Apache-2.0 */
#include "target/files/manifest.h"

#include <setjmp.h>
#include <stdarg.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

static const Field fields[] = {{.name = "id", .kind = TYPE_INT64}};
static const ShardResult results[] = {{.rows = 10, .bytes = 100, .checksum = "crc32c:00000001"},
                                      {.rows = 20, .bytes = 200, .checksum = "crc32c:00000002"}};

static Delivery delivery_of(const char *run_id, LoadMode load)
{
    return (Delivery){.job = "j",
                      .run_id = run_id,
                      .attempt = 1,
                      .load = load,
                      .table = {"", "t"},
                      .schema = {.fields = fields, .field_count = 1},
                      .shard_count = 2,
                      .shards = results};
}

static void apply(Manifest *manifest, const char *run_id, LoadMode load, Arena *arena)
{
    const char *const files[] = {arena_printf(arena, "part-%s-1-00000.avro", run_id),
                                 arena_printf(arena, "part-%s-1-00001.avro", run_id)};
    Delivery delivery = delivery_of(arena_strdup(arena, run_id), load);
    Manifest before = *manifest;
    manifest_apply(&before, &delivery, files, arena, manifest);
    manifest->format = "avro";
    manifest->compression = "zstd";
}

static void append_adds_and_replace_takes_the_place(void **state)
{
    (void)state;
    CLEANUP(arena_done) Arena arena = {0};
    Manifest manifest = {0};
    apply(&manifest, "a", LOAD_APPEND, &arena);
    apply(&manifest, "b", LOAD_APPEND, &arena);
    assert_int_equal(manifest.shard_count, 4);
    assert_int_equal(manifest_rows(&manifest, NULL), 60);
    assert_int_equal(manifest_rows(&manifest, "a"), 30);
    assert_int_equal(manifest_bytes(&manifest), 600);
    assert_string_equal(manifest.shards[0].file, "part-a-1-00000.avro");
    assert_string_equal(manifest.shards[3].file, "part-b-1-00001.avro");
    apply(&manifest, "c", LOAD_REPLACE, &arena);
    assert_int_equal(manifest.shard_count, 2);
    assert_int_equal(manifest_rows(&manifest, NULL), 30);
    assert_int_equal(manifest.run_count, 3);
    assert_true(manifest_has_run(&manifest, "a")); /* its rows are gone, its having run is not */
    assert_true(manifest_has_run(&manifest, "c"));
    assert_false(manifest_has_run(&manifest, "d"));
}

static void remembers_a_hundred_runs(void **state)
{
    (void)state;
    CLEANUP(arena_done) Arena arena = {0};
    Manifest manifest = {0};
    for (int i = 0; i < 150; i++) {
        char run_id[16];
        snprintf(run_id, sizeof run_id, "r%d", i);
        apply(&manifest, run_id, i == 0 ? LOAD_APPEND : LOAD_REPLACE, &arena);
    }
    assert_int_equal(manifest.run_count, 100);
    assert_string_equal(manifest.run_ids[0], "r50");
    assert_string_equal(manifest.run_ids[99], "r149");
    assert_false(manifest_has_run(&manifest, "r49"));
    apply(&manifest, "last", LOAD_APPEND, &arena);
    for (int i = 0; i < 120; i++) {
        char run_id[16];
        snprintf(run_id, sizeof run_id, "s%d", i);
        apply(&manifest, run_id, LOAD_APPEND, &arena);
    }
    assert_true(manifest_has_run(&manifest, "last")); /* by its shards */
}

static void is_read_as_it_was_written(void **state)
{
    (void)state;
    CLEANUP(arena_done) Arena arena = {0};
    Error error = {0};
    Manifest manifest = {0}, again;
    char path[] = "/tmp/bqferry-manifest-XXXXXX";
    close(mkstemp(path));
    apply(&manifest, "a", LOAD_APPEND, &arena);
    assert_true(manifest_write(path, &manifest, &error));
    assert_true(manifest_read(path, &arena, &again, &error));
    assert_true(again.exists);
    assert_string_equal(again.table, "t");
    assert_string_equal(again.format, "avro");
    assert_string_equal(again.compression, "zstd");
    assert_int_equal(again.schema.field_count, 1);
    assert_true(field_same_type(&again.schema.fields[0], &fields[0]));
    assert_int_equal(again.run_count, 1);
    assert_string_equal(again.run_ids[0], "a");
    assert_int_equal(again.shard_count, 2);
    assert_string_equal(again.shards[1].file, "part-a-1-00001.avro");
    assert_string_equal(again.shards[1].run_id, "a");
    assert_string_equal(again.shards[1].checksum, "crc32c:00000002");
    assert_int_equal(again.shards[1].rows, 20);
    assert_int_equal(again.shards[1].bytes, 200);
    unlink(path);
    assert_true(manifest_read(path, &arena, &again, &error));
    assert_false(again.exists);
}

#define HEAD "\"version\":1,\"table\":\"t\",\"format\":\"avro\",\"compression\":\"none\","
#define SCHEMA "\"schema\":{\"fields\":[{\"name\":\"a\",\"type\":\"INT64\"}]}"
#define SHARD "\"file\":\"part-r-1-00000.avro\",\"run_id\":\"r\",\"checksum\":\"c\""

static void refuses_what_is_damaged(void **state)
{
    (void)state;
    static const struct {
        const char *text;
        const char *message; /* NULL: good */
    } cases[] = {
        {"{" HEAD SCHEMA "}", NULL},
        {"{" HEAD SCHEMA ",\"run_ids\":[\"r\"],\"shards\":[{" SHARD ",\"rows\":1,\"bytes\":2}]}",
         NULL},
        {"{}", "it is not a manifest: \"version\" is missing"},
        {"[]", "it is not a manifest: \"version\" is missing"},
        {"{\"version\":2}", "its version is 2, and this program knows up to 1"},
        {"{\"version\":1}", "\"table\" is missing"},
        {"{" HEAD "\"schema\":{}}", "\"schema\": there are no fields"},
        {"{" HEAD SCHEMA ",\"run_ids\":[1]}", "\"run_ids\" holds something else than texts"},
        {"{" HEAD SCHEMA ",\"shards\":[{}]}", "shard 0: \"file\" is missing"},
        {"{" HEAD SCHEMA ",\"shards\":[{" SHARD ",\"rows\":-1,\"bytes\":2}]}",
         "shard 0: \"rows\" is not a count"},
        {"{" HEAD SCHEMA ",\"shards\":[{" SHARD ",\"rows\":1,\"bytes\":\"2\"}]}",
         "shard 0: \"bytes\" is not a count"},
        {"{" HEAD SCHEMA ",\"shards\":[{\"file\":\"../../etc/passwd\",\"run_id\":\"r\","
         "\"checksum\":\"c\",\"rows\":1,\"bytes\":2}]}",
         "shard 0: \"../../etc/passwd\" is not the name of a shard"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        CLEANUP(arena_done) Arena arena = {0};
        CLEANUP(json_free_ptr) Json *json = NULL;
        Error error = {0};
        Manifest manifest;
        assert_true(json_parse(cases[i].text, strlen(cases[i].text), "test", &json, &error));
        bool good = manifest_parse(json, &arena, &manifest, &error);
        assert_int_equal(good, cases[i].message == NULL);
        if (good)
            continue;
        assert_int_equal(error.kind, ERROR_TARGET);
        assert_string_equal(error.message, cases[i].message);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(append_adds_and_replace_takes_the_place),
        cmocka_unit_test(remembers_a_hundred_runs),
        cmocka_unit_test(is_read_as_it_was_written),
        cmocka_unit_test(refuses_what_is_damaged),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
