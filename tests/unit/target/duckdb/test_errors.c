/* SPDX-License-Identifier: Apache-2.0 */
/* What can go wrong around the file and the library: words, kind, and what is left behind. */
#include "support/apply.h"
#include "support/duckdb_scene.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <sys/mount.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

static const Field FIELDS[] = {
    {.name = "id", .kind = TYPE_INT64},
    {.name = "noise", .kind = TYPE_STRING},
};

enum { COLUMNS = 2 };

static Delivery delivery_of(const char *run_id)
{
    return (Delivery){.job = "errors",
                      .run_id = run_id,
                      .attempt = 1,
                      .load = LOAD_REPLACE,
                      .table = {"main", "t"},
                      .schema = {.fields = FIELDS, .field_count = COLUMNS},
                      .shard_count = 1};
}

static void expect_error(const Scene *scene, ErrorKind kind, const char *words)
{
    if (scene->error.kind != kind || !strstr(scene->error.message, words) || !*scene->error.hint)
        fail_msg("kind %s, message \"%s\", hint \"%s\"", error_kind_name(scene->error.kind),
                 scene->error.message, scene->error.hint);
}

static void reopen(Scene *scene, const char *path)
{
    scene_close_target(scene);
    snprintf(scene->path, sizeof scene->path, "%s", path);
    scene_open_target(scene);
}

static bool prepare(Scene *scene, const char *run_id)
{
    Delivery delivery = delivery_of(run_id);
    return scene->target->ops->prepare(scene->target, &delivery, &scene->error);
}

static void test_held_by_another_process(void **state)
{
    Scene *scene = *state;
    int ready[2];
    char byte;
    assert_int_equal(pipe(ready), 0);
    pid_t holder = fork();
    if (holder == 0) {
        scene_run(scene, "CREATE TABLE mine (id BIGINT)");
        if (write(ready[1], "r", 1) == 1)
            pause();
        _exit(1);
    }
    close(ready[1]);
    assert_int_equal(read(ready[0], &byte, 1), 1);
    assert_false(prepare(scene, "run-1"));
    expect_error(scene, ERROR_LOCKED, scene->path);
    assert_non_null(strstr(scene->error.message, arena_printf(&scene->arena, "%d", (int)holder)));
    assert_true(scene->error.retryable);
    CheckReport report = {.arena = &scene->arena};
    assert_ok(scene, scene->target->ops->check(scene->target, &report, &scene->error));
    assert_true(check_any_failed(&report));
    close(ready[0]);
    kill(holder, SIGKILL);
    assert_int_equal(waitpid(holder, NULL, 0), holder);
    assert_ok(scene, prepare(scene, "run-1")); /* the same target, once the file is free */
}

static void test_folder_is_missing(void **state)
{
    Scene *scene = *state;
    reopen(scene, arena_printf(&scene->arena, "%s/no/such/x.duckdb", scene->folder));
    assert_false(prepare(scene, "run-1"));
    expect_error(scene, ERROR_TARGET, "/no/such: No such file or directory");
    CheckReport report = {.arena = &scene->arena};
    assert_ok(scene, scene->target->ops->check(scene->target, &report, &scene->error));
    assert_true(check_any_failed(&report));
    assert_int_not_equal(access(arena_printf(&scene->arena, "%s/no", scene->folder), F_OK), 0);
}

static void write_file(const char *path, const char *text, size_t times)
{
    FILE *file = fopen(path, "wb");
    assert_non_null(file);
    for (size_t i = 0; i < times; i++)
        assert_true(fputs(text, file) >= 0);
    assert_int_equal(fclose(file), 0);
}

static void test_not_a_database(void **state)
{
    Scene *scene = *state;
    struct stat before, after;
    write_file(scene->path, "a letter, not a database\n", 1000);
    assert_int_equal(stat(scene->path, &before), 0);
    assert_false(prepare(scene, "run-1"));
    expect_error(scene, ERROR_TARGET, scene->path);
    assert_int_equal(stat(scene->path, &after), 0);
    assert_int_equal(after.st_size, before.st_size);
    assert_int_equal(after.st_mtim.tv_sec, before.st_mtim.tv_sec);
}

/* The version number stands at offset 12 of the main header. */
static void test_newer_storage_version(void **state)
{
    Scene *scene = *state;
    uint64_t version = 9999;
    scene_run(scene, "CREATE TABLE mine (id BIGINT)");
    scene_close_target(scene);
    int file = open(scene->path, O_RDWR);
    assert_int_equal(pwrite(file, &version, sizeof version, 12), sizeof version);
    close(file);
    scene_open_target(scene);
    assert_false(prepare(scene, "run-1"));
    expect_error(scene, ERROR_TARGET, scene->path);
}

static bool mount_small(const char *folder, const char *options)
{
    if (geteuid() == 0 && mount("tmpfs", folder, "tmpfs", 0, options) == 0)
        return true;
    print_message("a file system of its own needs root: not tested\n");
    return false;
}

static void test_read_only(void **state)
{
    Scene *scene = *state;
    scene_close_target(scene);
    if (!mount_small(scene->folder, "size=16m")) {
        scene_open_target(scene);
        return;
    }
    scene_open_target(scene);
    scene_run(scene, "CREATE TABLE mine (id BIGINT)");
    scene_close_target(scene);
    assert_int_equal(mount("tmpfs", scene->folder, "tmpfs", MS_REMOUNT | MS_RDONLY, ""), 0);
    scene_open_target(scene);
    bool prepared = prepare(scene, "run-1");
    umount2(scene->folder, MNT_DETACH);
    assert_false(prepared);
    expect_error(scene, ERROR_TARGET, "Read-only file system");
}

/* Rows that do not compress. */
static bool fill(Scene *scene, const Delivery *delivery, size_t row_count)
{
    enum { NOISE = 1000, BATCH = 100 };
    CLEANUP(sink_close_ptr) Sink *sink = NULL;
    CLEANUP(arena_done) Arena arena = {0};
    Error *error = &scene->error;
    ShardResult result;
    unsigned seed = 1;
    char *noise = arena_alloc(&arena, NOISE * BATCH);
    Value *values = ARENA_ARRAY(&arena, Value, BATCH * COLUMNS);
    if (!scene->target->ops->sink_open(scene->target, delivery, 0, &sink, error))
        return false;
    for (size_t first = 0; first < row_count; first += BATCH) {
        for (size_t i = 0; i < NOISE * BATCH; i++)
            noise[i] = (char)(' ' + rand_r(&seed) % 95);
        for (size_t i = 0; i < BATCH; i++) {
            values[i * COLUMNS] = value_integer((int64_t)(first + i));
            values[i * COLUMNS + 1] =
                (Value){.kind = VALUE_BYTES, .length = NOISE, .bytes = noise + i * NOISE};
        }
        Batch batch = {.row_count = BATCH, .column_count = COLUMNS, .values = values};
        if (!sink->ops->write(sink, &batch, error))
            return false;
    }
    return sink->ops->finish(sink, &arena, &result, error);
}

static bool deliver(Scene *scene, const char *run_id, size_t row_count)
{
    Delivery delivery = delivery_of(run_id);
    uint64_t rows;
    return scene->target->ops->prepare(scene->target, &delivery, &scene->error) &&
           fill(scene, &delivery, row_count) &&
           apply_rows(scene->target, &delivery, &rows, &scene->error);
}

static void test_full_disk(void **state)
{
    Scene *scene = *state;
    if (!mount_small(scene->folder, "size=48m"))
        return;
    const char *filler = arena_printf(&scene->arena, "%s/filler", scene->folder);
    write_file(filler, "0123456789abcdef", 200000);
    Delivery second = delivery_of("run-2");
    assert_ok(scene, deliver(scene, "run-1", 100));
    bool done = deliver(scene, "run-2", 200000);
    Error first_error = scene->error;
    bool discarded = scene->target->ops->discard(scene->target, &second, &scene->error);
    DeliveryStatus status = scene_status(scene, &second);
    const char *rows = scene_text(scene, "SELECT count(*)::VARCHAR FROM t");

    unlink(filler);
    scene_close_target(scene);
    scene_open_target(scene);
    bool again = deliver(scene, "run-3", 1000);
    Error again_error = scene->error;
    const char *rows_again = scene_text(scene, "SELECT count(*)::VARCHAR FROM t");
    scene_close_target(scene);
    umount2(scene->folder, MNT_DETACH);
    assert_false(done);
    scene->error = first_error;
    expect_error(scene, ERROR_TARGET, "No space left");
    assert_true(discarded);
    assert_int_equal(status, DELIVERY_UNKNOWN);
    assert_string_equal(rows, "100");
    if (!again)
        fail_msg("with room again: %s", again_error.message);
    assert_string_equal(rows_again, "1000");
}

/* In a process of its own, which can have a limit of its own. */
static void test_file_size_limit(void **state)
{
    Scene *scene = *state;
    int status;
    pid_t child = fork();
    if (child == 0) {
        signal(SIGXFSZ, SIG_IGN);
        setrlimit(RLIMIT_FSIZE, &(struct rlimit){8 << 20, 8 << 20});
        bool good = deliver(scene, "run-1", 100) && !deliver(scene, "run-2", 200000) &&
                    scene->error.kind == ERROR_TARGET &&
                    strstr(scene->error.message, "too large") && *scene->error.hint;
        if (!good)
            fprintf(stderr, "%s (%s)\n", scene->error.message, scene->error.hint);
        _exit(good ? 0 : 1);
    }
    assert_int_equal(waitpid(child, &status, 0), child);
    assert_true(WIFEXITED(status));
    assert_int_equal(WEXITSTATUS(status), 0);
    assert_string_equal(scene_text(scene, "SELECT count(*)::VARCHAR FROM t"), "100");
    assert_ok(scene, deliver(scene, "run-2", 1000));
}

/* The library --------------------------------------------------------------------------------- */

static void open_with_library(Scene *scene, const char *library)
{
    scene_close_target(scene);
    DestinationConfig config = {.type = "duckdb", .path = scene->path, .library = library};
    assert_true(target_duckdb_driver.open(&config, &scene->target, &scene->error));
}

static void test_configured_library_is_missing(void **state)
{
    Scene *scene = *state;
    open_with_library(scene, "/nowhere/libduckdb.so");
    assert_false(prepare(scene, "run-1"));
    expect_error(scene, ERROR_TARGET, "/nowhere/libduckdb.so (destination.library)");
    assert_int_not_equal(access(scene->path, F_OK), 0);
    CheckReport report = {.arena = &scene->arena};
    assert_ok(scene, scene->target->ops->check(scene->target, &report, &scene->error));
    assert_true(check_any_failed(&report));
    assert_non_null(strstr(report.items[0].text, "/nowhere/libduckdb.so: no such file"));
}

static void test_library_is_something_else(void **state)
{
    Scene *scene = *state;
    char path[128];
    snprintf(path, sizeof path, "%s/libduckdb.so", scene->folder);
    write_file(path, "not a library\n", 1);
    open_with_library(scene, path);
    assert_false(prepare(scene, "run-1"));
    expect_error(scene, ERROR_TARGET, path);
    open_with_library(scene, "libm.so.6");
    assert_false(prepare(scene, "run-1"));
    expect_error(scene, ERROR_TARGET, "it has no duckdb_");
}

/* Places are looked at in order, and each is named with what was found. */
static void test_check_lists_places(void **state)
{
    Scene *scene = *state;
    const char *kept = getenv("BQFERRY_DUCKDB_LIBRARY");
    const char *library = kept ? kept : TEST_DATA "/../../.deps/duckdb/libduckdb.so";
    open_with_library(scene, library);
    CheckReport report = {.arena = &scene->arena};
    assert_ok(scene, scene->target->ops->check(scene->target, &report, &scene->error));
    assert_false(check_any_failed(&report));
    assert_string_equal(report.items[0].text,
                        arena_printf(&scene->arena, "destination.library: %s: loaded", library));
    assert_non_null(strstr(report.items[1].text, "DuckDB v1."));

    setenv("BQFERRY_DUCKDB_LIBRARY", "/elsewhere/libduckdb.so", 1);
    open_with_library(scene, NULL);
    bool prepared = prepare(scene, "run-1");
    unsetenv("BQFERRY_DUCKDB_LIBRARY");
    assert_false(prepared);
    expect_error(scene, ERROR_TARGET, "/elsewhere/libduckdb.so ($BQFERRY_DUCKDB_LIBRARY)");

    report = (CheckReport){.arena = &scene->arena};
    open_with_library(scene, NULL);
    assert_ok(scene, scene->target->ops->check(scene->target, &report, &scene->error));
    if (kept)
        setenv("BQFERRY_DUCKDB_LIBRARY", kept, 1);
    static const char *const wanted[] = {"/../lib/bqferry/libduckdb.so",
                                         "/../.deps/duckdb/libduckdb.so",
                                         "/../../.deps/duckdb/libduckdb.so", "/lib/bqferry/"};
    for (size_t i = 0; i < COUNT_OF(wanted) && i < report.count; i++)
        assert_non_null(strstr(report.items[i].text, wanted[i]));
}

/* Also when a test failed in the middle. */
static int unmount(void **state)
{
    Scene *scene = *state;
    umount2(scene->folder, MNT_DETACH);
    return scene_teardown(state);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        SCENE_TEST(test_held_by_another_process),
        SCENE_TEST(test_folder_is_missing),
        SCENE_TEST(test_not_a_database),
        SCENE_TEST(test_newer_storage_version),
        cmocka_unit_test_setup_teardown(test_read_only, scene_setup, unmount),
        cmocka_unit_test_setup_teardown(test_full_disk, scene_setup, unmount),
        SCENE_TEST(test_file_size_limit),
        SCENE_TEST(test_configured_library_is_missing),
        SCENE_TEST(test_library_is_something_else),
        SCENE_TEST(test_check_lists_places),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
