/* SPDX-License-Identifier: Apache-2.0 */
/* target/files/manifest.h: manifest.json, the one file that says what a table's rows are. It is
 * replaced atomically and last, so that a reader who begins with it never takes half an export for
 * a whole one (docs/files.md). */
#pragma once

#include "base/arena.h"
#include "base/error.h"
#include "format/json.h"
#include "model/type.h"
#include "target/target.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

typedef struct ManifestShard {
    const char *file; /* beside the manifest */
    const char *run_id;
    const char *checksum; /* "crc32c:1a2b3c4d" */
    uint64_t rows;
    uint64_t bytes;
} ManifestShard;

typedef struct Manifest {
    bool exists;
    const char *table;
    const char *format;
    const char *compression;
    Schema schema;
    const char **run_ids; /* applied, oldest first */
    size_t run_count;
    ManifestShard *shards;
    size_t shard_count;
} Manifest;

/* Reads the file at `path` into the arena; exists = false when there is none. ERROR_TARGET, with
 * what to do, when it is damaged or of a newer version. */
bool manifest_read(const char *path, Arena *arena, Manifest *ret_manifest, Error *error);

/* The same from a document; `exists` becomes true. */
bool manifest_parse(const Json *json, Arena *arena, Manifest *ret_manifest, Error *error);

/* Replaces the file; the time of writing is now. */
bool manifest_write(const char *path, const Manifest *manifest, Error *error);

/* The text of a manifest, from `name` for messages; and for whoever keeps it elsewhere. */
bool manifest_read_text(StrView text, const char *name, Arena *arena, Manifest *ret_manifest,
                        Error *error);
const char *manifest_text(const Manifest *manifest, Arena *arena);

/* True when the run was applied, as far back as the manifest remembers. */
bool manifest_has_run(const Manifest *manifest, const char *run_id);

/* Rows of all listed shards, or of one run's. */
uint64_t manifest_rows(const Manifest *manifest, const char *run_id_or_null);
uint64_t manifest_bytes(const Manifest *manifest);

/* Rows that an applied delivery has brought, also when a later replace has taken its shards off the
 * list. */
uint64_t manifest_applied_rows(const Manifest *manifest, const Delivery *delivery);

/* What the manifest becomes when the delivery is applied: its shards alone (replace) or after the
 * listed ones (append). `files` are the names of the delivery's shards. */
void manifest_apply(const Manifest *before, const Delivery *delivery, const char *const *files,
                    Arena *arena, Manifest *ret_after);
