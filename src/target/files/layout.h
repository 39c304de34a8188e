/* SPDX-License-Identifier: Apache-2.0 */
/* target/files/layout.h: where a table's files are, and how they are named.
 *
 *   ROOT/[DATASET/]TABLE/manifest.json              what a reader takes for the table
 *   ROOT/[DATASET/]TABLE/part-RUN-ATTEMPT-00000.avro   shards, listed in the manifest
 *   ROOT/[DATASET/]TABLE/.staging-RUN/              shards of a run that is not applied yet
 * The table's folder is locked (flock) while the manifest changes.
 * In a bucket, shards need no staging folder: objects appear whole or not at all, and only the
 * manifest says which of them belong to the table. */
#pragma once

#include "base/arena.h"
#include "target/target.h"

#include <stdbool.h>
#include <stddef.h>

typedef struct Layout {
    const char *folder;
    const char *manifest;
    const char *staging; /* NULL when there is no run id */
} Layout;

/* One of the forms a shard can have. */
typedef struct FileKind {
    const char *format;      /* "avro", "ndjson" */
    const char *compression; /* "zstd", "gzip", "none" */
    const char *extension;   /* ".avro" */
    bool compress;
} FileKind;

/* Paths in the arena; run_id may be NULL, root "" (the top of a bucket). ERROR_CONFIG when dataset
 * or table cannot name a folder.
 */
bool layout_init(Layout *layout, const char *root, const TableRef *table, const char *run_id,
                 Arena *arena, Error *error);

/* NULL stands for "avro", and for "auto". ERROR_CONFIG names what goes with what. */
bool layout_kind(const char *format, const char *compression, FileKind *ret_kind, Error *error);

/* What a run's shards are is kept with its intent: a configuration that has changed when an
 * interrupted run is settled must not change what its files are called. */
const char *layout_arrange(const FileKind *kind, Arena *arena);
bool layout_arranged_kind(const char *arranged, FileKind *ret_kind, Error *error);

/* The name, without folder, of one shard of a delivery. */
const char *layout_shard_name(const Delivery *delivery, const FileKind *kind, size_t shard,
                              Arena *arena);

/* True when a file of that name can only be a shard that this program wrote. */
bool layout_is_shard(const char *name);

/* The same, and of that run. */
bool layout_is_shard_of(const char *name, const char *run_id);
