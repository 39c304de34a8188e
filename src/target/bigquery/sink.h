/* SPDX-License-Identifier: Apache-2.0 */
/* target/bigquery/sink.h: one shard's rows on their way: encoded, and streamed into an object or
 * into a load job. Nothing is kept on disk, and two chunks of the upload are all that is kept in
 * memory. */
#pragma once

#include "target/bigquery/bq_state.h"

bool bq_sink_open(Target *target, const Delivery *delivery, size_t shard, Sink **ret_sink,
                  Error *error);

/* Name of a shard's object: prefix, attempt, number. */
char *bq_object_name(const BqWay *way, const Delivery *delivery, size_t shard, Arena *arena);

/* ShardResult.handle of an object: "NAME#GENERATION". */
bool bq_object_of_handle(const char *handle, Arena *arena, const char **ret_name,
                         int64_t *ret_generation);
