/* SPDX-License-Identifier: Apache-2.0 */
#include "target/files/stage.h"

#include "base/cleanup.h"
#include "base/fault.h"
#include "base/log.h"
#include "target/files/appends.h"
#include "target/files/file_error.h"
#include "target/files/folder.h"
#include "target/files/manifest.h"
#include "target/files/shard_file.h"

#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

/* Which shards in a table's folder are to go: those that the manifest does not list. */
typedef struct Sweep {
    const char **listed; /* sorted */
    size_t listed_count;
    const char *run_id; /* only this run's; NULL: every run's */
} Sweep;

static int compare_texts(const void *left, const void *right)
{
    return strcmp(*(const char *const *)left, *(const char *const *)right);
}

static bool sweep_file(void *context, const char *folder, const char *name, Error *error)
{
    const Sweep *sweep = context;
    bool ours = sweep->run_id ? layout_is_shard_of(name, sweep->run_id) : layout_is_shard(name);
    if (!ours || bsearch(&name, sweep->listed, sweep->listed_count, sizeof name, compare_texts))
        return true;
    return folder_remove_file(folder, name, error);
}

static bool sweep_folder(const Stage *stage, const Manifest *manifest, const char *run_id,
                         Arena *arena, Error *error)
{
    Sweep sweep = {.listed_count = manifest->shard_count, .run_id = run_id};
    sweep.listed = ARENA_ARRAY(arena, const char *, manifest->shard_count);
    for (size_t i = 0; i < manifest->shard_count; i++)
        sweep.listed[i] = manifest->shards[i].file;
    qsort(sweep.listed, sweep.listed_count, sizeof *sweep.listed, compare_texts);
    return folder_walk(stage->layout.folder, sweep_file, &sweep, error);
}

static bool remove_any(void *context, const char *folder, const char *name, Error *error)
{
    (void)context;
    return folder_remove_file(folder, name, error);
}

static const char *shard_name(const Stage *stage, size_t shard, Arena *arena)
{
    return layout_shard_name(stage->delivery, &stage->kind, shard, arena);
}

static const char *path_in(const char *folder, const char *name, Arena *arena)
{
    return arena_printf(arena, "%s/%s", folder, name);
}

static bool is_staged(const Stage *stage, size_t shard, bool *ret_whole, Error *error)
{
    CLEANUP(arena_done) Arena arena = {0};
    const char *name = shard_name(stage, shard, &arena);
    const ShardResult *result = &stage->delivery->shards[shard];
    return shard_file_check(path_in(stage->layout.staging, name, &arena), result->bytes,
                            result->checksum, ret_whole, error) &&
           (*ret_whole || shard_file_check(path_in(stage->layout.folder, name, &arena),
                                           result->bytes, result->checksum, ret_whole, error));
}

/* Puts the shard into the table's folder; one that an earlier try has put there stays. */
static bool move_shard(const Stage *stage, size_t shard, const char *name, Error *error)
{
    CLEANUP(arena_done) Arena arena = {0};
    const char *from = path_in(stage->layout.staging, name, &arena);
    const char *to = path_in(stage->layout.folder, name, &arena);
    if (rename(from, to) < 0 && errno != ENOENT)
        return file_error("move into place", from, error);
    struct stat status;
    if (stat(to, &status) < 0)
        return file_error("find", to, error);
    uint64_t wanted = stage->delivery->shards[shard].bytes;
    if ((uint64_t)status.st_size != wanted)
        return error_set(error, ERROR_TARGET,
                         "%s has %lld bytes, but %" PRIu64 " were written to it", to,
                         (long long)status.st_size, wanted);
    return fault_point("files.renamed", error);
}

static bool move_shards(const Stage *stage, const char **names, Arena *arena, Error *error)
{
    for (size_t i = 0; i < stage->delivery->shard_count; i++) {
        names[i] = shard_name(stage, i, arena);
        if (!move_shard(stage, i, names[i], error))
            return false;
    }
    /* the list must not be on the disk before what it lists */
    return folder_sync(stage->layout.folder, error);
}

static bool publish(const Stage *stage, const Manifest *before, Arena *arena, Manifest *ret_after,
                    Error *error)
{
    const Delivery *delivery = stage->delivery;
    const char **names = ARENA_ARRAY(arena, const char *, delivery->shard_count);
    if (!files_check_appends(stage, before, error) || !move_shards(stage, names, arena, error) ||
        !fault_point("target.apply", error))
        return false;
    manifest_apply(before, delivery, names, arena, ret_after);
    ret_after->format = stage->kind.format;
    ret_after->compression = stage->kind.compression;
    return manifest_write(stage->layout.manifest, ret_after, error);
}

bool stage_init_kind(Stage *stage, const Delivery *delivery, const char *format,
                     const char *compression, Error *error)
{
    *stage = (Stage){.delivery = delivery};
    if (delivery->arranged)
        return layout_arranged_kind(delivery->arranged, &stage->kind, error);
    return layout_kind(delivery->format ? delivery->format : format, compression, &stage->kind,
                       error);
}

bool stage_prepare(const Stage *stage, Error *error)
{
    CLEANUP(arena_done) Arena arena = {0};
    Manifest manifest;
    return folder_make(stage->layout.staging, error) &&
           manifest_read(stage->layout.manifest, &arena, &manifest, error) &&
           folder_walk(stage->layout.staging, remove_any, NULL, error) &&
           sweep_folder(stage, &manifest, stage->delivery->run_id, &arena, error) &&
           folder_sync(stage->layout.folder, error);
}

bool stage_status(const Stage *stage, DeliveryStatus *ret_status, uint64_t *ret_rows, Error *error)
{
    CLEANUP(arena_done) Arena arena = {0};
    const Delivery *delivery = stage->delivery;
    Manifest manifest;
    *ret_status = DELIVERY_UNKNOWN;
    if (!manifest_read(stage->layout.manifest, &arena, &manifest, error))
        return false;
    if (manifest_has_run(&manifest, delivery->run_id)) {
        *ret_status = DELIVERY_APPLIED;
        if (ret_rows)
            *ret_rows = manifest_applied_rows(&manifest, delivery);
        return true;
    }
    bool whole = delivery->shards != NULL;
    for (size_t i = 0; whole && i < delivery->shard_count; i++) {
        if (!is_staged(stage, i, &whole, error))
            return false;
    }
    if (whole)
        *ret_status = DELIVERY_STAGED;
    return true;
}

bool stage_apply(const Stage *stage, uint64_t *ret_rows, Error *error)
{
    CLEANUP(arena_done) Arena arena = {0};
    CLEANUP(close_fd) int lock = -1;
    Manifest manifest;
    if (!folder_lock(stage->layout.folder, &lock, error) ||
        !manifest_read(stage->layout.manifest, &arena, &manifest, error))
        return false;
    if (!manifest_has_run(&manifest, stage->delivery->run_id)) {
        Manifest before = manifest;
        if (!publish(stage, &before, &arena, &manifest, error))
            return false;
    }
    *ret_rows = manifest_applied_rows(&manifest, stage->delivery);
    /* The rows are there: files that nobody lists any more are no reason to fail. */
    Error leftover = {0};
    if (!sweep_folder(stage, &manifest, NULL, &arena, &leftover))
        log_warning(stage->delivery->job, "files that are replaced stay behind: %s",
                    leftover.message);
    return true;
}

bool stage_discard(const Stage *stage, Error *error)
{
    CLEANUP(arena_done) Arena arena = {0};
    Manifest manifest;
    if (!manifest_read(stage->layout.manifest, &arena, &manifest, error) ||
        !folder_walk(stage->layout.staging, remove_any, NULL, error) ||
        !sweep_folder(stage, &manifest, stage->delivery->run_id, &arena, error))
        return false;
    if (rmdir(stage->layout.staging) < 0 && errno != ENOENT && errno != ENOTDIR)
        return file_error("remove", stage->layout.staging, error);
    if (!manifest.exists) /* nothing was ever applied: leave no folder, unless it holds more */
        rmdir(stage->layout.folder);
    return true;
}

bool stage_validate(const Stage *stage, Error *error)
{
    CLEANUP(arena_done) Arena arena = {0};
    Manifest manifest;
    return manifest_read(stage->layout.manifest, &arena, &manifest, error) &&
           files_check_appends(stage, &manifest, error);
}
