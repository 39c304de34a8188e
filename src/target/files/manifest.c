/* SPDX-License-Identifier: Apache-2.0 */
#include "target/files/manifest.h"

#include "base/cleanup.h"
#include "base/clock.h"
#include "base/memory.h"
#include "schema/field_json.h"
#include "target/files/layout.h"

#include <string.h>

enum {
    MANIFEST_VERSION = 1,
    RUNS_REMEMBERED = 100,
};

static Json *shard_to_json(const ManifestShard *shard)
{
    Json *json = json_object_new();
    json_set_text(json, "file", shard->file);
    json_set_int(json, "rows", (int64_t)shard->rows);
    json_set_int(json, "bytes", (int64_t)shard->bytes);
    json_set_text(json, "checksum", shard->checksum);
    json_set_text(json, "run_id", shard->run_id);
    return json;
}

static Json *manifest_to_json(const Manifest *manifest)
{
    char now[CLOCK_TEXT_SIZE];
    clock_format_utc(clock_wall_us(), now);
    Json *json = json_object_new();
    Json *runs = json_array_new();
    Json *shards = json_array_new();
    for (size_t i = 0; i < manifest->run_count; i++)
        json_append_text(runs, manifest->run_ids[i]);
    for (size_t i = 0; i < manifest->shard_count; i++)
        json_append(shards, shard_to_json(&manifest->shards[i]));
    json_set_int(json, "version", MANIFEST_VERSION);
    json_set_text(json, "table", manifest->table);
    json_set_text(json, "format", manifest->format);
    json_set_text(json, "compression", manifest->compression);
    json_set_text(json, "written_at", now);
    json_set(json, "run_ids", runs);
    json_set_int(json, "rows", (int64_t)manifest_rows(manifest, NULL));
    json_set_int(json, "bytes", (int64_t)manifest_bytes(manifest));
    json_set(json, "schema", field_json_from_schema(&manifest->schema));
    json_set(json, "shards", shards);
    return json;
}

static bool parse_text(const Json *json, const char *key, Arena *arena, const char **ret_text,
                       Error *error)
{
    *ret_text = arena_strdup(arena, json_get_text(json, key));
    return *ret_text || error_set(error, ERROR_TARGET, "\"%s\" is missing", key);
}

static bool parse_count(const Json *json, const char *key, uint64_t *ret_count, Error *error)
{
    int64_t count = json_get_int(json, key, -1);
    *ret_count = (uint64_t)count;
    return count >= 0 || error_set(error, ERROR_TARGET, "\"%s\" is not a count", key);
}

static bool parse_shard(const Json *json, Arena *arena, ManifestShard *shard, Error *error)
{
    if (!parse_text(json, "file", arena, &shard->file, error) ||
        !parse_text(json, "run_id", arena, &shard->run_id, error) ||
        !parse_text(json, "checksum", arena, &shard->checksum, error) ||
        !parse_count(json, "rows", &shard->rows, error) ||
        !parse_count(json, "bytes", &shard->bytes, error))
        return false;
    /* names from outside become paths of ours: only names that we make */
    return layout_is_shard(shard->file) ||
           error_set(error, ERROR_TARGET, "\"%s\" is not the name of a shard", shard->file);
}

static bool parse_shards(const Json *json, Arena *arena, Manifest *manifest, Error *error)
{
    manifest->shard_count = json_count(json);
    manifest->shards = ARENA_ARRAY(arena, ManifestShard, manifest->shard_count);
    for (size_t i = 0; i < manifest->shard_count; i++) {
        if (!parse_shard(json_at(json, i), arena, &manifest->shards[i], error))
            return error_prefix(error, "shard %zu", i);
    }
    return true;
}

static bool parse_runs(const Json *json, Arena *arena, Manifest *manifest, Error *error)
{
    manifest->run_count = json_count(json);
    manifest->run_ids = ARENA_ARRAY(arena, const char *, manifest->run_count);
    for (size_t i = 0; i < manifest->run_count; i++) {
        manifest->run_ids[i] = arena_strdup(arena, json_text_of(json_at(json, i)));
        if (!manifest->run_ids[i])
            return error_set(error, ERROR_TARGET, "\"run_ids\" holds something else than texts");
    }
    return true;
}

static bool fail_damaged(const char *path, Error *error)
{
    if (error)
        error->kind = ERROR_TARGET;
    error_prefix(error, "%s", path);
    return error_hint(error, "restore it from a backup; or, to write the table anew, move its "
                             "folder away");
}

bool manifest_parse(const Json *json, Arena *arena, Manifest *ret_manifest, Error *error)
{
    Manifest manifest = {.exists = true};
    int64_t version = json_get_int(json, "version", 0);
    if (version > MANIFEST_VERSION)
        return error_set(error, ERROR_TARGET,
                         "its version is %lld, and this program knows up to %d", (long long)version,
                         MANIFEST_VERSION);
    if (version < 1)
        return error_set(error, ERROR_TARGET, "it is not a manifest: \"version\" is missing");
    if (!parse_text(json, "table", arena, &manifest.table, error) ||
        !parse_text(json, "format", arena, &manifest.format, error) ||
        !parse_text(json, "compression", arena, &manifest.compression, error) ||
        !parse_runs(json_get(json, "run_ids"), arena, &manifest, error) ||
        !parse_shards(json_get(json, "shards"), arena, &manifest, error))
        return false;
    if (!field_json_to_schema(json_get(json, "schema"), arena, &manifest.schema, error)) {
        if (error)
            error->kind = ERROR_TARGET;
        return error_prefix(error, "\"schema\"");
    }
    *ret_manifest = manifest;
    return true;
}

bool manifest_read(const char *path, Arena *arena, Manifest *ret_manifest, Error *error)
{
    CLEANUP(json_free_ptr) Json *json = NULL;
    *ret_manifest = (Manifest){0};
    if (!json_read_file(path, &json, error)) {
        if (error)
            error->kind = ERROR_TARGET;
        return false;
    }
    return !json || manifest_parse(json, arena, ret_manifest, error) || fail_damaged(path, error);
}

bool manifest_read_text(StrView text, const char *name, Arena *arena, Manifest *ret_manifest,
                        Error *error)
{
    CLEANUP(json_free_ptr) Json *json = NULL;
    *ret_manifest = (Manifest){0};
    return (json_parse(text.data, text.length, "the manifest", &json, error) &&
            manifest_parse(json, arena, ret_manifest, error)) ||
           fail_damaged(name, error);
}

const char *manifest_text(const Manifest *manifest, Arena *arena)
{
    CLEANUP(json_free_ptr) Json *json = manifest_to_json(manifest);
    CLEANUP(free_ptr) char *bytes = NULL;
    size_t size = 0;
    FILE *out = open_memstream(&bytes, &size);
    if (!out)
        memory_exhausted(0);
    json_print(out, json, true);
    fclose(out);
    return arena_strndup(arena, bytes, size);
}

bool manifest_write(const char *path, const Manifest *manifest, Error *error)
{
    CLEANUP(json_free_ptr) Json *json = manifest_to_json(manifest);
    if (json_write_file(path, json, error))
        return true;
    if (error)
        error->kind = ERROR_TARGET;
    return false;
}

bool manifest_has_run(const Manifest *manifest, const char *run_id)
{
    for (size_t i = 0; i < manifest->run_count; i++) {
        if (strcmp(manifest->run_ids[i], run_id) == 0)
            return true;
    }
    for (size_t i = 0; i < manifest->shard_count; i++) {
        if (strcmp(manifest->shards[i].run_id, run_id) == 0)
            return true;
    }
    return false;
}

uint64_t manifest_rows(const Manifest *manifest, const char *run_id_or_null)
{
    uint64_t rows = 0;
    for (size_t i = 0; i < manifest->shard_count; i++) {
        if (!run_id_or_null || strcmp(manifest->shards[i].run_id, run_id_or_null) == 0)
            rows += manifest->shards[i].rows;
    }
    return rows;
}

/* A run whose shards a later replace has taken off the list is known by its id alone. */
uint64_t manifest_applied_rows(const Manifest *manifest, const Delivery *delivery)
{
    uint64_t listed = manifest_rows(manifest, delivery->run_id), staged = 0;
    for (size_t i = 0; delivery->shards && i < delivery->shard_count; i++)
        staged += delivery->shards[i].rows;
    return listed ? listed : staged;
}

uint64_t manifest_bytes(const Manifest *manifest)
{
    uint64_t bytes = 0;
    for (size_t i = 0; i < manifest->shard_count; i++)
        bytes += manifest->shards[i].bytes;
    return bytes;
}

void manifest_apply(const Manifest *before, const Delivery *delivery, const char *const *files,
                    Arena *arena, Manifest *ret_after)
{
    size_t kept = delivery->load == LOAD_APPEND ? before->shard_count : 0;
    size_t known = before->run_count < RUNS_REMEMBERED ? before->run_count : RUNS_REMEMBERED - 1;
    Manifest after = *before;
    after.exists = true;
    after.table = delivery->table.table;
    after.schema = delivery->schema;
    after.shards = ARENA_ARRAY(arena, ManifestShard, kept + delivery->shard_count);
    for (size_t i = 0; i < kept; i++)
        after.shards[i] = before->shards[i];
    for (size_t i = 0; i < delivery->shard_count; i++)
        after.shards[kept + i] = (ManifestShard){.file = files[i],
                                                 .run_id = delivery->run_id,
                                                 .checksum = delivery->shards[i].checksum,
                                                 .rows = delivery->shards[i].rows,
                                                 .bytes = delivery->shards[i].bytes};
    after.shard_count = kept + delivery->shard_count;
    after.run_ids = ARENA_ARRAY(arena, const char *, known + 1);
    for (size_t i = 0; i < known; i++)
        after.run_ids[i] = before->run_ids[before->run_count - known + i];
    after.run_ids[known] = delivery->run_id;
    after.run_count = known + 1;
    *ret_after = after;
}
