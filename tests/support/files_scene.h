/* SPDX-License-Identifier: Apache-2.0 */
/* support/files_scene.h: a folder of its own, filled through the files driver. NDJSON without
 * compression, so that a test can read what lies there as text. */
#pragma once

#include "base/cleanup.h"
#include "support/apply.h"
#include "support/tree.h"
#include "target/files/files.h"

#include <dirent.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

enum { SCENE_SHARDS = 3 };

typedef struct Scene {
    char root[64];
    Target *target;
    Arena arena;
    Error error;
} Scene;

static const Field scene_fields[] = {{.name = "id", .kind = TYPE_INT64},
                                     {.name = "name", .kind = TYPE_STRING}};

static inline void scene_open(Scene *scene, const char *format, const char *compression)
{
    target_close_ptr(&scene->target);
    scene->target = NULL;
    const DestinationConfig config = {
        .type = "files", .path = scene->root, .format = format, .compression = compression};
    assert_true(target_files_driver.open(&config, &scene->target, &scene->error));
}

static inline int scene_setup(void **state)
{
    Scene *scene = calloc(1, sizeof *scene);
    snprintf(scene->root, sizeof scene->root, "/tmp/bqferry-files-XXXXXX");
    assert_non_null(mkdtemp(scene->root));
    scene_open(scene, "ndjson", "none");
    *state = scene;
    return 0;
}

static inline int scene_teardown(void **state)
{
    Scene *scene = *state;
    target_close_ptr(&scene->target);
    int status = tree_remove(scene->root);
    arena_done(&scene->arena);
    free(scene);
    return status;
}

static inline Delivery scene_delivery(const char *run_id, LoadMode load)
{
    return (Delivery){.job = "j",
                      .run_id = run_id,
                      .attempt = 1,
                      .load = load,
                      .table = {"raw", "t"},
                      .schema = {.fields = scene_fields, .field_count = 2},
                      .shard_count = SCENE_SHARDS};
}

static inline const char *scene_path(Scene *scene, const char *name)
{
    return arena_printf(&scene->arena, "%s/raw/t/%s", scene->root, name);
}

static inline void scene_write_file(Scene *scene, const char *name, const char *text)
{
    FILE *file = fopen(scene_path(scene, name), "w");
    assert_non_null(file);
    fputs(text, file);
    fclose(file);
}

static inline const char *scene_read_file(Scene *scene, const char *name)
{
    FILE *file = fopen(scene_path(scene, name), "r");
    if (!file)
        return NULL;
    char *text = arena_zalloc(&scene->arena, 1, 65536);
    assert_true(fread(text, 1, 65535, file) < 65535);
    fclose(file);
    return text;
}

/* One shard: two rows, told apart by the run's id. */
static inline bool scene_write_shard(Scene *scene, const Delivery *delivery, size_t shard,
                                     ShardResult *result)
{
    CLEANUP(sink_close_ptr) Sink *sink = NULL;
    const Value rows[] = {
        {.kind = VALUE_INT64, .integer = (int64_t)shard},
        {.kind = VALUE_BYTES,
         .length = (uint32_t)strlen(delivery->run_id),
         .bytes = delivery->run_id},
        {.kind = VALUE_INT64, .integer = (int64_t)shard + 100},
        {.kind = VALUE_NULL},
    };
    const Batch batch = {.row_count = 2, .column_count = 2, .values = rows};
    const TargetOps *ops = scene->target->ops;
    return ops->sink_open(scene->target, delivery, shard, &sink, &scene->error) &&
           sink->ops->write(sink, &batch, &scene->error) &&
           sink->ops->finish(sink, &scene->arena, result, &scene->error);
}

/* Everything up to the counts in the intent. */
static inline void scene_stage(Scene *scene, Delivery *delivery)
{
    ShardResult *results = ARENA_ARRAY(&scene->arena, ShardResult, delivery->shard_count);
    assert_true(scene->target->ops->prepare(scene->target, delivery, &scene->error));
    for (size_t i = 0; i < delivery->shard_count; i++)
        assert_true(scene_write_shard(scene, delivery, i, &results[i]));
    delivery->shards = results;
}

static inline uint64_t scene_apply(Scene *scene, const Delivery *delivery)
{
    uint64_t rows = UINT64_MAX;
    assert_true(apply_rows(scene->target, delivery, &rows, &scene->error));
    return rows;
}

static inline void scene_discard(Scene *scene, const Delivery *delivery)
{
    assert_true(scene->target->ops->discard(scene->target, delivery, &scene->error));
}

static inline DeliveryStatus scene_status(Scene *scene, const Delivery *delivery)
{
    DeliveryStatus status;
    assert_true(scene->target->ops->status(scene->target, delivery, &status, NULL, &scene->error));
    return status;
}

static inline void scene_deliver(Scene *scene, Delivery *delivery)
{
    scene_stage(scene, delivery);
    assert_int_equal(scene_apply(scene, delivery), 2 * delivery->shard_count);
    scene_discard(scene, delivery);
}

static inline int scene_compare_names(const void *left, const void *right)
{
    return strcmp(*(const char *const *)left, *(const char *const *)right);
}

/* The names in the table's folder, sorted, with a space after each; "" when there is no folder. */
static inline const char *scene_names(Scene *scene)
{
    const char *names[64];
    size_t count = 0;
    DIR *folder = opendir(scene_path(scene, "."));
    if (!folder)
        return "";
    const struct dirent *entry;
    while ((entry = readdir(folder))) {
        if (strcmp(entry->d_name, ".") == 0 || strcmp(entry->d_name, "..") == 0)
            continue;
        assert_true(count < 64);
        names[count++] = arena_strdup(&scene->arena, entry->d_name);
    }
    closedir(folder);
    qsort(names, count, sizeof *names, scene_compare_names);
    const char *text = "";
    for (size_t i = 0; i < count; i++)
        text = arena_printf(&scene->arena, "%s%s ", text, names[i]);
    return text;
}
