/* SPDX-License-Identifier: Apache-2.0 */
/* support/duckdb_scene.h: a DuckDB file in a folder of its own, filled through the target driver
 * and read back with DuckDB's own SQL. */
#pragma once

#include "base/cleanup.h"
#include "support/apply.h"
#include "support/tree.h"
#include "target/duckdb/duckdb_state.h"
#include "target/duckdb/duckdb_target.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#ifdef __SANITIZE_THREAD__
/* libduckdb is not built for the sanitizer, which therefore does not see its atomics. */
const char *__tsan_default_suppressions(void);
const char *__tsan_default_suppressions(void)
{
    return "called_from_lib:libduckdb.so\nrace:libduckdb.so\n"
           "mutex:__run_postfork_handlers\n";
}
#endif

#define COUNT_OF(array) (sizeof(array) / sizeof *(array))

typedef struct Scene {
    char folder[64];
    char path[96];
    Target *target;
    Arena arena;
    Error error;
} Scene;

static inline void scene_open_target(Scene *scene)
{
    DestinationConfig config = {.type = "duckdb", .path = scene->path};
    if (!getenv("BQFERRY_DUCKDB_LIBRARY"))
        config.library = TEST_DATA "/../../.deps/duckdb/libduckdb.so";
    assert_true(target_duckdb_driver.open(&config, &scene->target, &scene->error));
}

static inline void scene_close_target(Scene *scene)
{
    target_close_ptr(&scene->target);
    scene->target = NULL;
}

static inline int scene_setup(void **state)
{
    Scene *scene = calloc(1, sizeof *scene);
    snprintf(scene->folder, sizeof scene->folder, "/tmp/bqferry-duckdb-XXXXXX");
    assert_non_null(mkdtemp(scene->folder));
    snprintf(scene->path, sizeof scene->path, "%s/warehouse.duckdb", scene->folder);
    scene_open_target(scene);
    *state = scene;
    return 0;
}

static inline int scene_teardown(void **state)
{
    Scene *scene = *state;
    scene_close_target(scene);
    int status = tree_remove(scene->folder);
    arena_done(&scene->arena);
    free(scene);
    return status;
}

#define SCENE_TEST(name) cmocka_unit_test_setup_teardown(name, scene_setup, scene_teardown)

/* Fails the test with the error's own words. */
#define assert_ok(scene, call)                                                                     \
    do {                                                                                           \
        if (!(call))                                                                               \
            fail_msg("%s: %s (%s)", #call, (scene)->error.message, (scene)->error.hint);           \
    } while (0)

/* Runs SQL on the target's file. */
static inline void scene_run(Scene *scene, const char *sql)
{
    CLEANUP(duck_disconnect) DuckConnection connection = {0};
    assert_ok(scene, duck_target_connect((DuckTarget *)scene->target, &connection, &scene->error));
    assert_ok(scene, duck_run(&connection, sql, &scene->error));
}

/* All cells of a SELECT of texts, joined: rows by ";", columns by ",", NULL as "NULL". */
static inline const char *scene_text(Scene *scene, const char *sql)
{
    CLEANUP(duck_disconnect) DuckConnection connection = {0};
    DuckRows rows;
    assert_ok(scene, duck_target_connect((DuckTarget *)scene->target, &connection, &scene->error));
    assert_ok(scene, duck_run(&connection, "SET TimeZone = 'UTC'", &scene->error));
    assert_ok(scene, duck_rows(&connection, &(DuckQuery){.sql = sql}, &scene->arena, &rows,
                               &scene->error));
    const char *text = "";
    for (size_t i = 0; i < rows.row_count * rows.column_count; i++)
        text = arena_printf(&scene->arena, "%s%s%s", text,
                            i == 0                       ? ""
                            : i % rows.column_count == 0 ? ";"
                                                         : ",",
                            rows.cells[i] ? rows.cells[i] : "NULL");
    return text;
}

/* Writes rows into a sink of its own and finishes it, unless `finish` is false. */
static inline ShardResult scene_fill(Scene *scene, const Delivery *delivery, const Value *values,
                                     size_t row_count, bool finish)
{
    CLEANUP(sink_close_ptr) Sink *sink = NULL;
    Batch batch = {
        .row_count = row_count, .column_count = delivery->schema.field_count, .values = values};
    ShardResult result = {0};
    assert_ok(scene,
              scene->target->ops->sink_open(scene->target, delivery, 0, &sink, &scene->error));
    assert_ok(scene, sink->ops->write(sink, &batch, &scene->error));
    if (finish)
        assert_ok(scene, sink->ops->finish(sink, &scene->arena, &result, &scene->error));
    return result;
}

static inline DeliveryStatus scene_status(Scene *scene, const Delivery *delivery)
{
    DeliveryStatus status;
    assert_ok(scene,
              scene->target->ops->status(scene->target, delivery, &status, NULL, &scene->error));
    return status;
}

/* prepare, fill, apply: one shard. */
static inline uint64_t scene_deliver(Scene *scene, const Delivery *delivery, const Value *values,
                                     size_t row_count)
{
    Delivery whole = *delivery;
    uint64_t rows = 0;
    assert_ok(scene, scene->target->ops->prepare(scene->target, delivery, &scene->error));
    ShardResult result = scene_fill(scene, delivery, values, row_count, true);
    whole.shards = &result;
    whole.shard_count = 1;
    assert_int_equal(scene_status(scene, &whole), DELIVERY_STAGED);
    assert_ok(scene, apply_rows(scene->target, &whole, &rows, &scene->error));
    assert_int_equal(scene_status(scene, &whole), DELIVERY_APPLIED);
    return rows;
}
