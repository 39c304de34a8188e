/* SPDX-License-Identifier: Apache-2.0 */
#include "support/apply.h"
#include "support/files_scene.h"
#include "target/files/appends.h"

#include <fcntl.h>
#include <signal.h>
#include <sys/file.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#define SHARDS_OF(run)                                                                             \
    "part-" run "-1-00000.ndjson part-" run "-1-00001.ndjson part-" run "-1-00002.ndjson "

static TargetTable describe(Scene *scene)
{
    TargetTable table;
    assert_true(scene->target->ops->describe(scene->target, &(TableRef){"raw", "t"}, &scene->arena,
                                             &table, &scene->error));
    return table;
}

static void nothing_shows_before_it_is_applied(void **state)
{
    Scene *scene = *state;
    Delivery delivery = scene_delivery("a", LOAD_REPLACE);
    assert_int_equal(scene_status(scene, &delivery), DELIVERY_UNKNOWN);
    scene_stage(scene, &delivery);
    assert_string_equal(scene_names(scene), ".staging-a ");
    assert_false(describe(scene).exists);
    assert_int_equal(scene_status(scene, &delivery), DELIVERY_STAGED);
    assert_int_equal(scene_apply(scene, &delivery), 6);
    assert_string_equal(scene_names(scene), ".staging-a manifest.json " SHARDS_OF("a"));
    assert_int_equal(scene_status(scene, &delivery), DELIVERY_APPLIED);
    scene_discard(scene, &delivery);
    assert_string_equal(scene_names(scene), "manifest.json " SHARDS_OF("a"));
    assert_string_equal(scene_read_file(scene, "part-a-1-00001.ndjson"),
                        "{\"id\":1,\"name\":\"a\"}\n{\"id\":101,\"name\":null}\n");
    TargetTable table = describe(scene);
    assert_true(table.exists);
    assert_int_equal(table.row_count, 6);
    assert_int_equal(table.byte_count, 3 * 43);
    assert_int_equal(table.schema.field_count, 2);
    assert_string_equal(table.schema.fields[1].name, "name");
}

static void shards_carry_their_size_and_checksum(void **state)
{
    Scene *scene = *state;
    Delivery delivery = scene_delivery("a", LOAD_REPLACE);
    scene_stage(scene, &delivery);
    /* of the text above, reckoned by hand, outside */
    assert_int_equal(delivery.shards[1].rows, 2);
    assert_int_equal(delivery.shards[1].bytes, 43);
    assert_string_equal(delivery.shards[1].checksum, "crc32c:0bcef1c4");
}

static void applying_again_changes_nothing(void **state)
{
    Scene *scene = *state;
    Delivery delivery = scene_delivery("a", LOAD_APPEND);
    scene_deliver(scene, &delivery);
    const char *before = scene_read_file(scene, "manifest.json");
    assert_int_equal(scene_apply(scene, &delivery), 6);
    scene_discard(scene, &delivery);
    assert_string_equal(scene_read_file(scene, "manifest.json"), before);
    uint64_t rows = 0;
    DeliveryStatus status;
    delivery.shards = NULL;
    assert_true(scene->target->ops->status(scene->target, &delivery, &status, &rows, NULL));
    assert_int_equal(status, DELIVERY_APPLIED);
    assert_int_equal(rows, 6);
}

static void append_keeps_and_replace_removes(void **state)
{
    Scene *scene = *state;
    Delivery first = scene_delivery("a", LOAD_APPEND);
    Delivery second = scene_delivery("b", LOAD_APPEND);
    Delivery third = scene_delivery("c", LOAD_REPLACE);
    scene_deliver(scene, &first);
    scene_deliver(scene, &second);
    assert_string_equal(scene_names(scene), "manifest.json " SHARDS_OF("a") SHARDS_OF("b"));
    assert_int_equal(describe(scene).row_count, 12);
    scene_write_file(scene, "notes.txt", "mine");
    scene_write_file(scene, "part-of-a-book.avro", "mine");
    scene_deliver(scene, &third);
    assert_string_equal(scene_names(scene),
                        "manifest.json notes.txt " SHARDS_OF("c") "part-of-a-book.avro ");
    assert_int_equal(describe(scene).row_count, 6);
    /* a run that was replaced later is still known as applied */
    assert_int_equal(scene_status(scene, &first), DELIVERY_APPLIED);
    assert_int_equal(scene_apply(scene, &first), 6);
    assert_int_equal(describe(scene).row_count, 6);
}

static void an_empty_table_is_one_empty_shard(void **state)
{
    Scene *scene = *state;
    Delivery delivery = scene_delivery("a", LOAD_REPLACE);
    ShardResult result;
    CLEANUP(sink_close_ptr) Sink *sink = NULL;
    delivery.shard_count = 1;
    assert_true(scene->target->ops->prepare(scene->target, &delivery, &scene->error));
    assert_true(scene->target->ops->sink_open(scene->target, &delivery, 0, &sink, &scene->error));
    assert_true(sink->ops->finish(sink, &scene->arena, &result, &scene->error));
    delivery.shards = &result;
    assert_int_equal(scene_apply(scene, &delivery), 0);
    assert_string_equal(scene_read_file(scene, "part-a-1-00000.ndjson"), "");
    assert_int_equal(describe(scene).row_count, 0);
    assert_int_equal(scene_status(scene, &delivery), DELIVERY_APPLIED);
}

static void abandoning_leaves_nothing(void **state)
{
    Scene *scene = *state;
    Delivery delivery = scene_delivery("a", LOAD_REPLACE);
    scene_stage(scene, &delivery);
    scene_discard(scene, &delivery);
    assert_string_equal(scene_names(scene), "");
    scene_discard(scene, &delivery); /* and again */
    Delivery other = scene_delivery("b", LOAD_REPLACE);
    scene_deliver(scene, &other);
    scene_stage(scene, &delivery);
    scene_discard(scene, &delivery);
    assert_string_equal(scene_names(scene), "manifest.json " SHARDS_OF("b"));
}

static void a_new_attempt_begins_empty(void **state)
{
    Scene *scene = *state;
    Delivery delivery = scene_delivery("a", LOAD_REPLACE);
    scene_stage(scene, &delivery);
    /* as if it had died between two renames */
    assert_int_equal(rename(scene_path(scene, ".staging-a/part-a-1-00000.ndjson"),
                            scene_path(scene, "part-a-1-00000.ndjson")),
                     0);
    assert_int_equal(scene_status(scene, &delivery), DELIVERY_STAGED);
    delivery.attempt = 2;
    delivery.shards = NULL;
    assert_true(scene->target->ops->prepare(scene->target, &delivery, &scene->error));
    assert_string_equal(scene_names(scene), ".staging-a ");
    assert_int_equal(rmdir(scene_path(scene, ".staging-a")), 0);
}

static void damaged_shards_are_not_staged(void **state)
{
    Scene *scene = *state;
    Delivery delivery = scene_delivery("a", LOAD_REPLACE);
    const char *name = ".staging-a/part-a-1-00002.ndjson";
    scene_stage(scene, &delivery);
    const char *text = scene_read_file(scene, name);
    char *other = arena_strdup(&scene->arena, text);
    other[6] = '3';
    scene_write_file(scene, name, other);
    assert_int_equal(scene_status(scene, &delivery), DELIVERY_UNKNOWN);
    scene_write_file(scene, name, text);
    assert_int_equal(scene_status(scene, &delivery), DELIVERY_STAGED);
    assert_int_equal(truncate(scene_path(scene, name), 10), 0);
    assert_int_equal(scene_status(scene, &delivery), DELIVERY_UNKNOWN);
    uint64_t rows;
    assert_false(apply_rows(scene->target, &delivery, &rows, &scene->error));
    assert_int_equal(scene->error.kind, ERROR_TARGET);
    assert_non_null(strstr(scene->error.message, "has 10 bytes, but 43 were written to it"));
    assert_false(describe(scene).exists);
    scene_discard(scene, &delivery);
    assert_string_equal(scene_names(scene), "");
}

static void append_needs_the_same_columns_and_format(void **state)
{
    Scene *scene = *state;
    static const Field reordered[] = {{.name = "NAME", .kind = TYPE_STRING},
                                      {.name = "id", .kind = TYPE_INT64}};
    static const Field more[] = {{.name = "id", .kind = TYPE_INT64},
                                 {.name = "name", .kind = TYPE_STRING},
                                 {.name = "extra", .kind = TYPE_DATE}};
    static const Field changed[] = {{.name = "id", .kind = TYPE_NUMERIC},
                                    {.name = "name", .kind = TYPE_STRING}};
    static const struct {
        Schema schema;
        const char *format;
        const char *message; /* NULL: fits */
    } cases[] = {
        {{reordered, 2, NULL}, NULL, NULL},
        {{more, 3, NULL}, NULL, "the files there have no column extra"},
        {{more, 1, NULL}, NULL, "the files there have a column name, which is not read"},
        {{changed, 2, NULL}, NULL, "column id has another type in the files there"},
        {{scene_fields, 2, NULL}, "avro", "the files there are ndjson, these would be avro"},
    };
    const TargetOps *ops = scene->target->ops;
    Delivery first = scene_delivery("a", LOAD_APPEND);
    assert_true(ops->validate(scene->target, &first, &scene->error));
    scene_deliver(scene, &first);
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        Delivery next = scene_delivery("b", LOAD_APPEND);
        next.schema = cases[i].schema;
        next.format = cases[i].format;
        Error error = {0};
        bool good = ops->validate(scene->target, &next, &error);
        assert_int_equal(good, cases[i].message == NULL);
        if (good)
            continue;
        assert_int_equal(error.kind, ERROR_CONFIG);
        assert_non_null(strstr(error.message, cases[i].message));
        assert_non_null(strstr(error.hint, "--full-refresh"));
        next.load = LOAD_REPLACE;
        assert_true(ops->validate(scene->target, &next, &error));
    }
}

/* The configuration has changed between a crash and the run that settles it. */
static void a_run_keeps_the_format_it_began_with(void **state)
{
    Scene *scene = *state;
    Delivery delivery = scene_delivery("a", LOAD_REPLACE);
    assert_true(
        scene->target->ops->arrange(scene->target, &delivery, &scene->arena, &scene->error));
    scene_stage(scene, &delivery);
    scene_open(scene, "avro", "zstd");
    assert_int_equal(scene_status(scene, &delivery), DELIVERY_STAGED);
    assert_int_equal(scene_apply(scene, &delivery), 6);
    scene_discard(scene, &delivery);
    assert_string_equal(scene_names(scene), "manifest.json " SHARDS_OF("a"));
    const char *manifest = scene_read_file(scene, "manifest.json");
    assert_non_null(strstr(manifest, "\"format\": \"ndjson\""));
    assert_non_null(strstr(manifest, "\"compression\": \"none\""));
}

static void a_list_does_not_grow_beyond_reading(void **state)
{
    Scene *scene = *state;
    Delivery first = scene_delivery("a", LOAD_APPEND);
    Error error = {0};
    scene_deliver(scene, &first);
    Manifest manifest;
    const char *path = scene_path(scene, "manifest.json");
    assert_true(manifest_read(path, &scene->arena, &manifest, &error));
    ManifestShard *shards = ARENA_ARRAY(&scene->arena, ManifestShard, MANIFEST_SHARDS_MAX);
    for (size_t i = 0; i < MANIFEST_SHARDS_MAX; i++)
        shards[i] = (ManifestShard){
            .file = arena_printf(&scene->arena,
                                 "part-20260131t123456-1a2b3c4d5e6f-1-%05zu.ndjson.gz", i),
            .run_id = "20260131t123456-1a2b3c4d5e6f",
            .checksum = "crc32c:1a2b3c4d",
            .rows = 1234567890,
            .bytes = 1234567890,
        };
    manifest.shards = shards;
    Delivery next = scene_delivery("b", LOAD_APPEND);
    /* read, and not added to */
    manifest.shard_count = MANIFEST_SHARDS_MAX;
    assert_true(manifest_write(path, &manifest, &error));
    assert_false(scene->target->ops->validate(scene->target, &next, &error));
    assert_int_equal(error.kind, ERROR_CONFIG);
    assert_non_null(strstr(error.message, "it has 150000 files already"));
}

static void shows_its_schema_for_a_plan(void **state)
{
    Scene *scene = *state;
    Delivery delivery = scene_delivery("a", LOAD_REPLACE);
    const char *text;
    assert_true(
        scene->target->ops->ddl(scene->target, &delivery, &scene->arena, &text, &scene->error));
    assert_non_null(strstr(text, "\"name\": \"id\""));
    assert_non_null(strstr(text, "\"type\": \"INT64\""));
}

static const CheckItem *check_item(const CheckReport *report, const char *what)
{
    for (size_t i = 0; i < report->count; i++) {
        if (strcmp(report->items[i].what, what) == 0)
            return &report->items[i];
    }
    return NULL;
}

static void check_says_what_is_there(void **state)
{
    Scene *scene = *state;
    CheckReport report = {.arena = &scene->arena};
    assert_true(scene->target->ops->check(scene->target, &report, &scene->error));
    assert_int_equal(check_item(&report, "folder")->level, CHECK_OK);
    assert_string_equal(check_item(&report, "folder")->text, scene->root);
    assert_non_null(check_item(&report, "free space"));
    char *root = arena_strdup(&scene->arena, scene->root);
    snprintf(scene->root, sizeof scene->root, "%s/not/yet", root);
    scene_open(scene, NULL, NULL);
    report = (CheckReport){.arena = &scene->arena};
    assert_true(scene->target->ops->check(scene->target, &report, &scene->error));
    assert_int_equal(check_item(&report, "folder")->level, CHECK_OK);
    assert_non_null(strstr(check_item(&report, "folder")->text, "(will be made)"));
    snprintf(scene->root, sizeof scene->root, "/proc/self/status");
    scene_open(scene, NULL, NULL);
    report = (CheckReport){.arena = &scene->arena};
    assert_true(scene->target->ops->check(scene->target, &report, &scene->error));
    assert_int_equal(check_item(&report, "folder")->level, CHECK_FAILED);
    assert_non_null(check_item(&report, "folder")->fix);
    snprintf(scene->root, sizeof scene->root, "%s", root);
}

static void a_file_in_the_way_is_named(void **state)
{
    Scene *scene = *state;
    const char *path = arena_printf(&scene->arena, "%s/raw", scene->root);
    FILE *file = fopen(path, "w");
    fclose(file);
    Delivery delivery = scene_delivery("a", LOAD_REPLACE);
    assert_false(scene->target->ops->prepare(scene->target, &delivery, &scene->error));
    assert_int_equal(scene->error.kind, ERROR_TARGET);
    assert_non_null(strstr(scene->error.message, "raw/t: Not a directory"));
    assert_non_null(strstr(scene->error.hint, "a file stands where a folder is needed"));
}

/* The largest file the process may write stands for a full disk. */
static void a_write_that_fails_leaves_no_file(void **state)
{
    Scene *scene = *state;
    Delivery delivery = scene_delivery("a", LOAD_REPLACE);
    CLEANUP(sink_close_ptr) Sink *sink = NULL;
    struct rlimit limit, small;
    assert_true(scene->target->ops->prepare(scene->target, &delivery, &scene->error));
    assert_true(scene->target->ops->sink_open(scene->target, &delivery, 0, &sink, &scene->error));
    CLEANUP(free_ptr) char *text = malloc(300000);
    memset(text, 'x', 300000);
    const Value row[] = {{.kind = VALUE_NULL},
                         {.kind = VALUE_BYTES, .length = 300000, .bytes = text}};
    const Batch batch = {.row_count = 1, .column_count = 2, .values = row};
    assert_int_equal(getrlimit(RLIMIT_FSIZE, &limit), 0);
    small = limit;
    small.rlim_cur = 100000;
    signal(SIGXFSZ, SIG_IGN);
    assert_int_equal(setrlimit(RLIMIT_FSIZE, &small), 0);
    bool good = sink->ops->write(sink, &batch, &scene->error);
    assert_int_equal(setrlimit(RLIMIT_FSIZE, &limit), 0);
    assert_false(good);
    assert_int_equal(scene->error.kind, ERROR_TARGET);
    assert_non_null(strstr(scene->error.message, "cannot write"));
    assert_non_null(strstr(scene->error.message, "File too large"));
    sink_close_ptr(&sink);
    sink = NULL;
    assert_null(scene_read_file(scene, ".staging-a/part-a-1-00000.ndjson"));
    scene_discard(scene, &delivery);
    assert_string_equal(scene_names(scene), "");
}

static void a_damaged_manifest_is_not_written_over(void **state)
{
    Scene *scene = *state;
    Delivery first = scene_delivery("a", LOAD_REPLACE);
    Delivery second = scene_delivery("b", LOAD_REPLACE);
    scene_deliver(scene, &first);
    scene_write_file(scene, "manifest.json", "{\"version\":1,");
    assert_false(scene->target->ops->prepare(scene->target, &second, &scene->error));
    assert_int_equal(scene->error.kind, ERROR_TARGET);
    assert_non_null(strstr(scene->error.message, "manifest.json"));
    assert_non_null(scene_read_file(scene, "part-a-1-00000.ndjson"));
}

static void apply_waits_for_the_lock(void **state)
{
    Scene *scene = *state;
    Delivery delivery = scene_delivery("a", LOAD_REPLACE);
    scene_stage(scene, &delivery);
    int ready[2];
    assert_int_equal(pipe(ready), 0);
    pid_t child = fork();
    if (child == 0) { /* holds the lock for a while, then just ends */
        int lock = open(scene_path(scene, "."), O_RDONLY | O_DIRECTORY);
        bool held = flock(lock, LOCK_EX) == 0;
        held = held && write(ready[1], "x", 1) == 1;
        usleep(300 * 1000);
        _exit(held ? 0 : 1);
    }
    char byte;
    assert_int_equal(read(ready[0], &byte, 1), 1);
    assert_int_equal(scene_apply(scene, &delivery), 6);
    int status;
    assert_int_equal(waitpid(child, &status, 0), child);
    assert_int_equal(status, 0);
    close(ready[0]);
    close(ready[1]);
}

static void wrong_settings_are_refused(void **state)
{
    (void)state;
    static const DestinationConfig configs[] = {
        {.type = "files"},
        {.type = "files", .path = ""},
        {.type = "files", .path = "/tmp", .format = "csv"},
        {.type = "files", .path = "/tmp", .format = "avro", .compression = "gzip"},
        {.type = "files", .path = "/tmp", .format = "ndjson", .compression = "zstd"},
    };
    for (size_t i = 0; i < sizeof configs / sizeof *configs; i++) {
        Target *target = NULL;
        Error error = {0};
        assert_false(target_files_driver.open(&configs[i], &target, &error));
        assert_int_equal(error.kind, ERROR_CONFIG);
        assert_null(target);
    }
}

#ifdef BQFERRY_FAULT_POINTS

/* Applies in a child that dies at the point; false when it did not get there. */
static bool apply_and_die(Scene *scene, const Delivery *delivery, const char *point)
{
    pid_t child = fork();
    if (child == 0) {
        uint64_t rows;
        setenv("BQFERRY_FAULT", point, 1);
        apply_rows(scene->target, delivery, &rows, NULL);
        _exit(0);
    }
    int status;
    assert_int_equal(waitpid(child, &status, 0), child);
    return WIFSIGNALED(status) && WTERMSIG(status) == SIGKILL;
}

static const char *const points[] = {"files.renamed", "files.renamed:2", "files.renamed:3",
                                     "target.apply", "state.written"};

static void check_death(Scene *scene, const char *point, LoadMode load)
{
    Delivery before = scene_delivery("a", LOAD_REPLACE);
    Delivery delivery = scene_delivery("b", load);
    scene_deliver(scene, &before);
    scene_stage(scene, &delivery);
    const char *manifest = scene_read_file(scene, "manifest.json");
    assert_true(apply_and_die(scene, &delivery, point));
    assert_string_equal(scene_read_file(scene, "manifest.json"), manifest);
    assert_int_equal(scene_status(scene, &delivery), DELIVERY_STAGED);
    assert_int_equal(scene_apply(scene, &delivery), 6);
    scene_discard(scene, &delivery);
    assert_string_equal(scene_names(scene), load == LOAD_APPEND ? "manifest.json " SHARDS_OF("a")
                                                                      SHARDS_OF("b")
                                                                : "manifest.json " SHARDS_OF("b"));
    assert_int_equal(describe(scene).row_count, load == LOAD_APPEND ? 12 : 6);
}

static void a_death_at_any_point_is_made_good(void **state)
{
    (void)state;
    for (size_t i = 0; i < 2 * sizeof points / sizeof *points; i++) {
        void *scene = NULL;
        assert_int_equal(scene_setup(&scene), 0);
        check_death(scene, points[i / 2], i % 2 ? LOAD_REPLACE : LOAD_APPEND);
        assert_int_equal(scene_teardown(&scene), 0);
    }
}

/* Died, then given up: what was moved already goes, what others have stays. */
static void a_death_can_be_abandoned(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof points / sizeof *points; i++) {
        void *made = NULL;
        assert_int_equal(scene_setup(&made), 0);
        Scene *scene = made;
        Delivery before = scene_delivery("a", LOAD_REPLACE);
        Delivery delivery = scene_delivery("b", LOAD_APPEND);
        scene_deliver(scene, &before);
        scene_stage(scene, &delivery);
        assert_true(apply_and_die(scene, &delivery, points[i]));
        scene_discard(scene, &delivery);
        const char *names = scene_names(scene);
        const char *kept = i == 4 ? ".manifest.json.tmp manifest.json " SHARDS_OF("a")
                                  : "manifest.json " SHARDS_OF("a");
        assert_string_equal(names, kept);
        assert_int_equal(describe(scene).row_count, 6);
        assert_int_equal(scene_teardown(&made), 0);
    }
}

/* Between the new manifest and the removal of the old files nothing is asked: old files are left as
 * if it had died there. */
static void what_a_replace_left_behind_goes_with_the_next_apply(void **state)
{
    Scene *scene = *state;
    Delivery first = scene_delivery("a", LOAD_REPLACE);
    scene_deliver(scene, &first);
    scene_write_file(scene, "part-old-1-00000.ndjson", "left behind");
    assert_int_equal(scene_apply(scene, &first), 6);
    assert_string_equal(scene_names(scene), "manifest.json " SHARDS_OF("a"));
}

#endif

int main(void)
{
#define SCENE_TEST(name) cmocka_unit_test_setup_teardown(name, scene_setup, scene_teardown)
    const struct CMUnitTest tests[] = {
        SCENE_TEST(nothing_shows_before_it_is_applied),
        SCENE_TEST(shards_carry_their_size_and_checksum),
        SCENE_TEST(applying_again_changes_nothing),
        SCENE_TEST(append_keeps_and_replace_removes),
        SCENE_TEST(an_empty_table_is_one_empty_shard),
        SCENE_TEST(abandoning_leaves_nothing),
        SCENE_TEST(a_new_attempt_begins_empty),
        SCENE_TEST(damaged_shards_are_not_staged),
        SCENE_TEST(append_needs_the_same_columns_and_format),
        SCENE_TEST(a_run_keeps_the_format_it_began_with),
        SCENE_TEST(a_list_does_not_grow_beyond_reading),
        SCENE_TEST(shows_its_schema_for_a_plan),
        SCENE_TEST(check_says_what_is_there),
        SCENE_TEST(a_file_in_the_way_is_named),
        SCENE_TEST(a_write_that_fails_leaves_no_file),
        SCENE_TEST(a_damaged_manifest_is_not_written_over),
        SCENE_TEST(apply_waits_for_the_lock),
        cmocka_unit_test(wrong_settings_are_refused),
#ifdef BQFERRY_FAULT_POINTS
        cmocka_unit_test(a_death_at_any_point_is_made_good),
        cmocka_unit_test(a_death_can_be_abandoned),
        SCENE_TEST(what_a_replace_left_behind_goes_with_the_next_apply),
#endif
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
