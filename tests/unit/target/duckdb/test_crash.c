/* SPDX-License-Identifier: Apache-2.0 */
/* A process that delivers is killed, at chosen points and at random moments; the next one must know
 * what became of the delivery, and bring it to its end. */
#include "support/apply.h"
#include "support/duckdb_scene.h"

#include "base/clock.h"

#include <fcntl.h>
#include <signal.h>
#include <sys/stat.h>
#include <sys/time.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

static const Field FIELDS[] = {
    {.name = "run", .kind = TYPE_INT64},
    {.name = "id", .kind = TYPE_INT64},
    {.name = "note", .kind = TYPE_STRING},
};

enum { COLUMNS = 3, SHARDS = 2, BATCH_ROWS = 1000 };

/* More than a row group, so that DuckDB writes to the file before the commit. */
enum { ROWS_PER_SHARD = 125000, ROWS = SHARDS * ROWS_PER_SHARD };

typedef enum Point {
    AFTER_PREPARE,
    AMID_ROWS,
    AFTER_ONE_SHARD,
    AFTER_ALL_SHARDS,
    INSIDE_APPLY,
    AFTER_APPLY,
    AFTER_CLOSE,
    NEVER,
} Point;

static const ShardResult WHOLE[SHARDS] = {{.rows = ROWS_PER_SHARD}, {.rows = ROWS_PER_SHARD}};

static Delivery delivery_of(Arena *arena, int run, LoadMode load)
{
    return (Delivery){.job = "crash",
                      .run_id = arena_printf(arena, "20260101t000000-%012d", run),
                      .attempt = 1,
                      .load = load,
                      .table = {"main", "t"},
                      .schema = {.fields = FIELDS, .field_count = COLUMNS},
                      .shard_count = SHARDS};
}

static void die_at(Point wanted, Point reached)
{
    if (wanted == reached)
        kill(getpid(), SIGKILL);
}

static bool write_rows(Sink *sink, size_t shard, int run, Point point, Error *error)
{
    CLEANUP(arena_done) Arena arena = {0};
    Value *values = ARENA_ARRAY(&arena, Value, BATCH_ROWS * COLUMNS);
    static const char note[] = "a note that is longer than twelve bytes";
    for (int64_t first = 0; first < ROWS_PER_SHARD; first += BATCH_ROWS) {
        for (int64_t i = 0; i < BATCH_ROWS; i++) {
            Value *row = values + i * COLUMNS;
            row[0] = value_integer(run);
            row[1] = value_integer((int64_t)shard * ROWS_PER_SHARD + first + i);
            row[2] = (Value){.kind = VALUE_BYTES, .length = sizeof note - 1, .bytes = note};
        }
        Batch batch = {.row_count = BATCH_ROWS, .column_count = COLUMNS, .values = values};
        if (!sink->ops->write(sink, &batch, error))
            return false;
        if (first == ROWS_PER_SHARD - BATCH_ROWS)
            die_at(point, AMID_ROWS);
    }
    return true;
}

static bool stage(Target *target, const Delivery *delivery, int run, Point point, Error *error)
{
    CLEANUP(arena_done) Arena arena = {0};
    ShardResult result;
    if (!target->ops->prepare(target, delivery, error))
        return false;
    die_at(point, AFTER_PREPARE);
    for (size_t shard = 0; shard < SHARDS; shard++) {
        CLEANUP(sink_close_ptr) Sink *sink = NULL;
        if (!target->ops->sink_open(target, delivery, shard, &sink, error) ||
            !write_rows(sink, shard, run, point, error) ||
            !sink->ops->finish(sink, &arena, &result, error))
            return false;
        die_at(point, AFTER_ONE_SHARD);
    }
    return true;
}

static void tell(int pipe_end, char what)
{
    if (pipe_end >= 0 && write(pipe_end, &what, 1) != 1)
        _exit(3);
}

/* The whole delivery; says on the pipe, as an intent would, what is done: S(taged), A(pplied). */
static bool deliver(Scene *scene, Delivery *delivery, int run, Point point, int pipe_end)
{
    Error *error = &scene->error;
    uint64_t rows;
    if (!stage(scene->target, delivery, run, point, error))
        return false;
    tell(pipe_end, 'S');
    die_at(point, AFTER_ALL_SHARDS);
    delivery->shards = WHOLE;
    if (point == INSIDE_APPLY)
        setenv("BQFERRY_FAULT", "target.apply", 1);
    if (!apply_rows(scene->target, delivery, &rows, error) || rows != ROWS)
        return false;
    tell(pipe_end, 'A');
    die_at(point, AFTER_APPLY);
    if (!scene->target->ops->discard(scene->target, delivery, error))
        return false;
    scene_close_target(scene);
    die_at(point, AFTER_CLOSE);
    return true;
}

/* Runs the delivery in a process of its own that dies at the point, or after some microseconds;
 * returns the last thing it said, 0 when it said nothing. */
static char deliver_and_die(Scene *scene, Delivery delivery, int run, Point point,
                            int64_t microseconds)
{
    int ends[2], status;
    char said = 0;
    scene_close_target(scene);
    assert_int_equal(pipe(ends), 0);
    pid_t child = fork();
    assert_true(child >= 0);
    if (child == 0) {
        close(ends[0]);
        scene_open_target(scene);
        bool done = deliver(scene, &delivery, run, point, ends[1]);
        if (!done)
            fprintf(stderr, "%s (%s)\n", scene->error.message, scene->error.hint);
        _exit(done ? 0 : 2);
    }
    close(ends[1]);
    if (microseconds > 0) {
        usleep((useconds_t)microseconds);
        kill(child, SIGKILL);
    }
    while (read(ends[0], &said, 1) == 1)
        continue;
    close(ends[0]);
    assert_int_equal(waitpid(child, &status, 0), child);
    assert_true(WIFSIGNALED(status) || (WIFEXITED(status) && WEXITSTATUS(status) == 0));
    scene_open_target(scene);
    return said;
}

/* What the next run does first; then the rows must be there exactly once. */
static void settle(Scene *scene, Delivery delivery, int run, char said)
{
    const TargetOps *ops = scene->target->ops;
    uint64_t rows;
    delivery.shards = said ? WHOLE : NULL;
    DeliveryStatus status = scene_status(scene, &delivery);
    if (said == 'A')
        assert_int_equal(status, DELIVERY_APPLIED);
    if (said == 'S')
        assert_int_not_equal(status, DELIVERY_UNKNOWN);
    if (!said)
        assert_int_not_equal(status, DELIVERY_STAGED);
    if (status == DELIVERY_UNKNOWN) {
        delivery.attempt = 2;
        delivery.shards = NULL;
        assert_ok(scene, stage(scene->target, &delivery, run, NEVER, &scene->error));
        delivery.shards = WHOLE;
        assert_int_equal(scene_status(scene, &delivery), DELIVERY_STAGED);
    }
    assert_ok(scene, apply_rows(scene->target, &delivery, &rows, &scene->error));
    assert_int_equal(rows, ROWS);
    assert_ok(scene, ops->discard(scene->target, &delivery, &scene->error));
    assert_int_equal(scene_status(scene, &delivery), DELIVERY_APPLIED);
}

/* Each of the runs in [first, last] is there once and whole. */
static void check_content(Scene *scene, int first, int last)
{
    int64_t runs = last - first + 1;
    const char *wanted =
        arena_printf(&scene->arena, "%lld,%lld,%lld,%d,%d,0", (long long)(runs * ROWS),
                     (long long)runs, (long long)(runs * ROWS), first, last);
    assert_string_equal(
        scene_text(scene, "SELECT count(*)::VARCHAR, count(DISTINCT run)::VARCHAR, "
                          "count(DISTINCT run * 1000000 + id)::VARCHAR, min(run)::VARCHAR, "
                          "max(run)::VARCHAR, count(*) FILTER (note <> "
                          "'a note that is longer than twelve bytes')::VARCHAR FROM t"),
        wanted);
    assert_string_equal(scene_text(scene, "SELECT count(*)::VARCHAR FROM duckdb_tables() WHERE "
                                          "starts_with(table_name, '_bqferry_stage')"),
                        "0");
}

static void die_at_each_point(Scene *scene, LoadMode load)
{
    static const struct {
        Point point;
        char said;
        DeliveryStatus status;
    } cases[] = {
        {AFTER_PREPARE, 0, DELIVERY_UNKNOWN},   {AMID_ROWS, 0, DELIVERY_UNKNOWN},
        {AFTER_ONE_SHARD, 0, DELIVERY_UNKNOWN}, {AFTER_ALL_SHARDS, 'S', DELIVERY_STAGED},
#ifdef BQFERRY_FAULT_POINTS
        {INSIDE_APPLY, 'S', DELIVERY_STAGED},
#endif
        {AFTER_APPLY, 'A', DELIVERY_APPLIED},   {AFTER_CLOSE, 'A', DELIVERY_APPLIED},
    };
    for (int i = 0; i < (int)COUNT_OF(cases); i++) {
        Delivery delivery = delivery_of(&scene->arena, i, load), known = delivery;
        char said = deliver_and_die(scene, delivery, i, cases[i].point, 0);
        assert_int_equal(said, cases[i].said);
        known.shards = said ? WHOLE : NULL;
        assert_int_equal(scene_status(scene, &known), cases[i].status);
        int shown = cases[i].status == DELIVERY_APPLIED ? i : i - 1;
        if (shown >= 0)
            assert_string_equal(scene_text(scene, "SELECT max(run)::VARCHAR FROM t"),
                                arena_printf(&scene->arena, "%d", shown));
        settle(scene, delivery, i, said);
        check_content(scene, load == LOAD_APPEND ? 0 : i, i);
    }
}

static void test_killed_at_each_point_of_an_append(void **state)
{
    die_at_each_point(*state, LOAD_APPEND);
}

static void test_killed_at_each_point_of_a_replace(void **state)
{
    die_at_each_point(*state, LOAD_REPLACE);
}

static int kill_count(void)
{
    const char *wanted = getenv("BQFERRY_TEST_KILLS"); /* more of them, by hand */
    return wanted ? (int)strtol(wanted, NULL, 10) : 6;
}

/* Moments over a whole delivery, its opening and its closing. */
static void test_killed_at_any_moment(void **state)
{
    Scene *scene = *state;
    Delivery first = delivery_of(&scene->arena, 0, LOAD_REPLACE);
    int64_t started = clock_monotonic_ns();
    assert_int_equal(deliver_and_die(scene, first, 0, NEVER, 0), 'A');
    int64_t whole_us = (clock_monotonic_ns() - started) / 1000;
    unsigned seed = (unsigned)getpid();
    int from = 0;
    print_message("seed %u, a delivery takes %lld us\n", seed, (long long)whole_us);
    for (int run = 1; run <= kill_count(); run++) {
        LoadMode load = rand_r(&seed) % 2 ? LOAD_APPEND : LOAD_REPLACE;
        Delivery delivery = delivery_of(&scene->arena, run, load);
        char said = deliver_and_die(scene, delivery, run, NEVER, 1 + rand_r(&seed) % whole_us);
        settle(scene, delivery, run, said);
        if (load == LOAD_REPLACE)
            from = run;
        check_content(scene, from, run);
    }
}

/* The spill files of a process that was killed do not stay for ever. */
static void test_spill_files_are_removed(void **state)
{
    Scene *scene = *state;
    char folder[128], spilled[192], other[192];
    snprintf(folder, sizeof folder, "%s.tmp", scene->path);
    snprintf(spilled, sizeof spilled, "%s/duckdb_temp_storage_DEFAULT-0.tmp", folder);
    snprintf(other, sizeof other, "%s/notes.txt", folder);
    const char *const names[] = {spilled, other};
    assert_int_equal(mkdir(folder, 0700), 0);
    for (size_t i = 0; i < 2; i++) {
        struct timeval old = {.tv_sec = time(NULL) - 3600};
        assert_int_equal(close(creat(names[i], 0600)), 0);
        assert_int_equal(utimes(names[i], (struct timeval[2]){old, old}), 0);
    }
    assert_string_equal(scene_text(scene, "SELECT 'open'"), "open");
    assert_int_not_equal(access(spilled, F_OK), 0);
    assert_int_equal(access(other, F_OK), 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        SCENE_TEST(test_killed_at_each_point_of_an_append),
        SCENE_TEST(test_killed_at_each_point_of_a_replace),
        SCENE_TEST(test_killed_at_any_moment),
        SCENE_TEST(test_spill_files_are_removed),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
