/* SPDX-License-Identifier: Apache-2.0 */
#include "base/backoff.h"
#include "base/cancel.h"
#include "base/cleanup.h"
#include "base/fault.h"
#include "base/log.h"
#include "target/files/appends.h"
#include "target/files/bucket.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

enum {
    MANIFEST_BYTES_MAX = 64 * 1024 * 1024,
    TURNS_MS = 60 * 1000, /* of waiting for a manifest that others keep changing */
};

/* The objects below a prefix, in order of their names. */
typedef struct Objects {
    Arena *arena;
    GcsObject *items;
    size_t count, room;
} Objects;

/* For messages. */
static const char *bucket_url(const BucketStage *stage, const char *name, Arena *arena)
{
    return arena_printf(arena, "gs://%s/%s", stage->scope.bucket, name);
}

static bool take_object(void *context, const GcsObject *object, Error *error)
{
    Objects *objects = context;
    (void)error;
    if (objects->count == objects->room) {
        size_t room = objects->room ? 2 * objects->room : 64;
        GcsObject *grown = ARENA_ARRAY(objects->arena, GcsObject, room);
        if (objects->count)
            memcpy(grown, objects->items, objects->count * sizeof *grown);
        objects->items = grown;
        objects->room = room;
    }
    GcsObject *kept = &objects->items[objects->count++];
    *kept = *object;
    kept->name = arena_strdup(objects->arena, object->name);
    kept->updated = kept->writer = NULL;
    return true;
}

static bool list_objects(const BucketStage *stage, const char *prefix, Arena *arena,
                         Objects *ret_objects, Error *error)
{
    *ret_objects = (Objects){.arena = arena};
    return gcs_list(&stage->scope, prefix, take_object, ret_objects, error);
}

/* Of the run, or (NULL) of all runs. */
static const char *shards_prefix(const BucketStage *stage, const char *run_id, Arena *arena)
{
    return arena_printf(arena, "%s/part-%s%s", stage->stage.layout.folder, run_id ? run_id : "",
                        run_id ? "-" : "");
}

bool bucket_manifest(const BucketStage *stage, Arena *arena, Manifest *ret_manifest,
                     int64_t *ret_generation, Error *error)
{
    const char *name = stage->stage.layout.manifest;
    CLEANUP(buffer_done) Buffer body;
    GcsObject object;
    buffer_init(&body, MANIFEST_BYTES_MAX);
    *ret_manifest = (Manifest){0};
    *ret_generation = GCS_ABSENT;
    if (!gcs_read(&stage->scope, name, arena, &object, &body, error))
        return false;
    if (object.generation == 0)
        return true;
    *ret_generation = object.generation;
    return manifest_read_text(buffer_view(&body), bucket_url(stage, name, arena), arena,
                              ret_manifest, error);
}

static int compare_names(const void *left, const void *right)
{
    return strcmp(*(const char *const *)left, *(const char *const *)right);
}

/* The manifest's shards as names of objects, sorted. */
static const char **listed_names(const BucketStage *stage, const Manifest *manifest, Arena *arena)
{
    const char **names = ARENA_ARRAY(arena, const char *, manifest->shard_count);
    for (size_t i = 0; i < manifest->shard_count; i++)
        names[i] =
            arena_printf(arena, "%s/%s", stage->stage.layout.folder, manifest->shards[i].file);
    if (manifest->shard_count)
        qsort(names, manifest->shard_count, sizeof *names, compare_names);
    return names;
}

/* A shard of a run that was applied once and is listed no more was replaced. One of another run may
 * be of a run that is under way. */
static bool is_garbage(const BucketStage *stage, const Manifest *manifest, const char *file)
{
    if (!layout_is_shard(file))
        return false;
    if (layout_is_shard_of(file, stage->stage.delivery->run_id))
        return true;
    for (size_t i = 0; i < manifest->run_count; i++) {
        if (layout_is_shard_of(file, manifest->run_ids[i]))
            return true;
    }
    return false;
}

static bool sweep(const BucketStage *stage, const Manifest *manifest, const char *run_id,
                  Error *error)
{
    CLEANUP(arena_done) Arena arena = {0};
    Objects objects;
    const char **listed = listed_names(stage, manifest, &arena);
    size_t start = strlen(stage->stage.layout.folder) + 1;
    if (!list_objects(stage, shards_prefix(stage, run_id, &arena), &arena, &objects, error))
        return false;
    for (size_t i = 0; i < objects.count; i++) {
        const char *name = objects.items[i].name;
        bool kept = manifest->shard_count &&
                    bsearch(&name, listed, manifest->shard_count, sizeof name, compare_names);
        if (!kept && is_garbage(stage, manifest, name + start) &&
            !gcs_delete(&stage->scope, name, objects.items[i].generation, NULL, error))
            return false;
    }
    return true;
}

static bool sweep_run(const BucketStage *stage, Error *error)
{
    CLEANUP(arena_done) Arena arena = {0};
    Manifest manifest;
    int64_t generation;
    return bucket_manifest(stage, &arena, &manifest, &generation, error) &&
           sweep(stage, &manifest, stage->stage.delivery->run_id, error);
}

bool bucket_prepare(const BucketStage *stage, Error *error)
{
    return sweep_run(stage, error);
}

static const GcsObject *find_object(const Objects *objects, const char *name)
{
    size_t low = 0, high = objects->count;
    while (low < high) {
        size_t middle = (low + high) / 2;
        int order = strcmp(name, objects->items[middle].name);
        if (order == 0)
            return &objects->items[middle];
        if (order < 0)
            high = middle;
        else
            low = middle + 1;
    }
    return NULL;
}

static bool is_whole(const GcsObject *object, const ShardResult *result)
{
    char checksum[24], handle[24];
    if (!object)
        return false;
    snprintf(checksum, sizeof checksum, "crc32c:%08x", (unsigned)object->crc32c);
    snprintf(handle, sizeof handle, "%" PRId64, object->generation);
    return object->size == result->bytes &&
           (!object->has_crc32c || (result->checksum && strcmp(checksum, result->checksum) == 0)) &&
           (!result->handle || strcmp(handle, result->handle) == 0);
}

/* *ret_missing: the first shard that is not there as it was staged; NULL: all are. */
static bool look_at_shards(const BucketStage *stage, Arena *arena, const char **ret_missing,
                           Error *error)
{
    const Delivery *delivery = stage->stage.delivery;
    Objects objects;
    if (!list_objects(stage, shards_prefix(stage, delivery->run_id, arena), arena, &objects, error))
        return false;
    *ret_missing = NULL;
    for (size_t i = 0; i < delivery->shard_count && !*ret_missing; i++) {
        const char *name = arena_printf(arena, "%s/%s", stage->stage.layout.folder,
                                        layout_shard_name(delivery, &stage->stage.kind, i, arena));
        if (!is_whole(find_object(&objects, name), &delivery->shards[i]))
            *ret_missing = name;
    }
    return true;
}

bool bucket_status(const BucketStage *stage, DeliveryStatus *ret_status, uint64_t *ret_rows,
                   Error *error)
{
    CLEANUP(arena_done) Arena arena = {0};
    const Delivery *delivery = stage->stage.delivery;
    const char *missing = NULL;
    Manifest manifest;
    int64_t generation;
    *ret_status = DELIVERY_UNKNOWN;
    if (!bucket_manifest(stage, &arena, &manifest, &generation, error))
        return false;
    if (manifest_has_run(&manifest, delivery->run_id)) {
        *ret_status = DELIVERY_APPLIED;
        if (ret_rows)
            *ret_rows = manifest_applied_rows(&manifest, delivery);
        return true;
    }
    if (!delivery->shards)
        return true;
    if (!look_at_shards(stage, &arena, &missing, error))
        return false;
    if (!missing)
        *ret_status = DELIVERY_STAGED;
    return true;
}

static bool check_shards(const BucketStage *stage, Arena *arena, Error *error)
{
    const char *missing = NULL;
    if (!look_at_shards(stage, arena, &missing, error))
        return false;
    return !missing || error_set(error, ERROR_TARGET, "%s is not there as it was written",
                                 bucket_url(stage, missing, arena));
}

/* *ret_written = false: somebody else has changed the manifest since it was read. */
static bool publish(const BucketStage *stage, Manifest *manifest, int64_t generation,
                    bool *ret_written, Error *error)
{
    CLEANUP(arena_done) Arena arena = {0};
    const Delivery *delivery = stage->stage.delivery;
    const Manifest before = *manifest;
    const char **names = ARENA_ARRAY(&arena, const char *, delivery->shard_count);
    if (!files_check_appends(&stage->stage, &before, error))
        return false;
    for (size_t i = 0; i < delivery->shard_count; i++)
        names[i] = layout_shard_name(delivery, &stage->stage.kind, i, &arena);
    if (!fault_point("target.apply", error))
        return false;
    Manifest after;
    manifest_apply(&before, delivery, names, &arena, &after);
    after.format = stage->stage.kind.format;
    after.compression = stage->stage.kind.compression;
    const GcsWrite write = {
        .name = stage->stage.layout.manifest,
        .content_type = "application/json",
        .bytes = view_of(manifest_text(&after, &arena)),
        .if_generation = generation,
    };
    int64_t written;
    return gcs_write(&stage->scope, &write, &written, ret_written, error);
}

/* Reads and replaces until nobody was in between; *ret_manifest is then what is there. */
static bool list_shards(const BucketStage *stage, Arena *arena, Manifest *ret_manifest,
                        Error *error)
{
    Backoff backoff;
    backoff_init(&backoff, TURNS_MS);
    do {
        bool written = false;
        int64_t generation;
        if (!bucket_manifest(stage, arena, ret_manifest, &generation, error))
            return false;
        if (manifest_has_run(ret_manifest, stage->stage.delivery->run_id))
            return true;
        if (!check_shards(stage, arena, error) ||
            !publish(stage, ret_manifest, generation, &written, error))
            return false;
        if (written)
            return bucket_manifest(stage, arena, ret_manifest, &generation, error);
    } while (backoff_wait(&backoff));
    if (!cancel_check(error))
        return false;
    error_set_retryable(error, ERROR_LOCKED, "%s: other runs keep changing it",
                        bucket_url(stage, stage->stage.layout.manifest, arena));
    return error_hint(error, "let them end, then run again");
}

bool bucket_apply(const BucketStage *stage, uint64_t *ret_rows, Error *error)
{
    CLEANUP(arena_done) Arena arena = {0};
    const Delivery *delivery = stage->stage.delivery;
    Manifest manifest;
    if (!list_shards(stage, &arena, &manifest, error))
        return false;
    *ret_rows = manifest_applied_rows(&manifest, delivery);
    if (delivery->load == LOAD_APPEND)
        return true;
    /* The rows are there: objects that nobody lists any more are no reason to fail. */
    Error leftover = {0};
    if (!sweep(stage, &manifest, NULL, &leftover))
        log_warning(delivery->job, "objects that are replaced stay behind: %s", leftover.message);
    return true;
}

bool bucket_discard(const BucketStage *stage, Error *error)
{
    return sweep_run(stage, error);
}

bool bucket_validate(const BucketStage *stage, Error *error)
{
    CLEANUP(arena_done) Arena arena = {0};
    Manifest manifest;
    int64_t generation;
    return bucket_manifest(stage, &arena, &manifest, &generation, error) &&
           files_check_appends(&stage->stage, &manifest, error);
}
