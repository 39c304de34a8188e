/* SPDX-License-Identifier: Apache-2.0 */
/* run/extract.h: workers that stream shards from readers into sinks. */
#pragma once

#include "run/plan.h"

typedef struct ExtractJob {
    Source *source;
    Snapshot *snapshot;
    Target *target;
    const Extract *extract;
    const ShardList *shards;
    const Delivery *delivery;
    size_t workers;
    int64_t retry_budget_ms; /* of all shards together */
    JobProgress *progress;
    Arena *arena;           /* for what outlives the call: texts of results */
    ShardResult *results;   /* out: one a shard */
    uint64_t *rows_read;    /* out: one a shard */
    uint64_t *bytes_read;   /* out: one a shard */
    InvalidCounts *invalid; /* out: one a column, added up */
    unsigned retries;       /* out: shards that were read again */
} ExtractJob;

/* Reads every shard into a sink of its own. A shard is read again by itself, into a new sink, when
 * its connection was lost and the snapshot still holds, or when the target could not take that one
 * (Sink.again). On failure all sinks are closed unfinished; whether a new attempt may help is in
 * error->retryable. */
bool extract_run(ExtractJob *job, Error *error);
