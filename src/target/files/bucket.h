/* SPDX-License-Identifier: Apache-2.0 */
/* target/files/bucket.h: a files destination in Cloud Storage, gs://BUCKET/PREFIX (docs/files.md).
 *
 * Shards are uploaded under their own names, and only while there is no such object. Nothing tells
 * them from the table's until the manifest lists them, which is replaced only when its generation
 * is still the one that was read: two runs cannot take each other's shards off the list, and no
 * reader who begins with the manifest takes half an export for a whole one. */
#pragma once

#include "net/gcs.h"
#include "target/files/manifest.h"
#include "target/files/stage.h"

bool bucket_open(const DestinationConfig *config, Target **ret_target, Error *error);

/* What every step needs to know; all of it outlives the call. */
typedef struct BucketStage {
    Stage stage; /* layout: names of objects */
    GcsScope scope;
} BucketStage;

/* *ret_generation: GCS_ABSENT when there is none. */
bool bucket_manifest(const BucketStage *stage, Arena *arena, Manifest *ret_manifest,
                     int64_t *ret_generation, Error *error);

bool bucket_prepare(const BucketStage *stage, Error *error);
bool bucket_status(const BucketStage *stage, DeliveryStatus *ret_status, uint64_t *ret_rows,
                   Error *error);
bool bucket_apply(const BucketStage *stage, uint64_t *ret_rows, Error *error);
bool bucket_discard(const BucketStage *stage, Error *error);
bool bucket_validate(const BucketStage *stage, Error *error);

/* One shard, streamed. */
bool bucket_shard_open(const BucketStage *stage, size_t shard, Sink **ret_sink, Error *error);
