/* SPDX-License-Identifier: Apache-2.0 */
/* format/compress.h: the two compressions that BigQuery loads: zstd for Avro's blocks, gzip for
 * text. The libraries behind them are seen only by format/. */
#pragma once

#include "base/cleanup.h"
#include "base/error.h"

#include <stdbool.h>
#include <stddef.h>

/* One zstd context, used for block after block; about 0.2 MB at the default level. */
typedef struct ZstdBlock ZstdBlock;

/* level: −7 (fastest) to 19; 0: the default, which docs/internals/performance.md gives reasons for.
 * ERROR_CONFIG for another. */
bool zstd_block_new(int level, ZstdBlock **ret_zstd, Error *error);
void zstd_block_free(ZstdBlock *zstd); /* accepts NULL */
DEFINE_CLEANUP(ZstdBlock, zstd_block_free)

/* Bytes that the compressed form of `size` bytes can take at most. */
size_t zstd_block_bound(size_t size);

/* Writes one whole frame, with its content size, into out[capacity]. */
bool zstd_block_write(ZstdBlock *zstd, const void *bytes, size_t size, void *out, size_t capacity,
                      size_t *ret_size, Error *error);

/* A gzip file of one member: not every reader goes on after the first member's end. */
typedef struct GzipStream GzipStream;

/* Takes compressed bytes in order; returns false, with *error filled, to stop. */
typedef bool GzipOutput(void *context, const void *bytes, size_t size, Error *error);

/* level: 1 (fastest) to 9; 0: the default, 1. ERROR_CONFIG for another. */
bool gzip_stream_new(int level, GzipOutput *output, void *context, GzipStream **ret_gzip,
                     Error *error);
void gzip_stream_free(GzipStream *gzip); /* accepts NULL */
DEFINE_CLEANUP(GzipStream, gzip_stream_free)

bool gzip_stream_write(GzipStream *gzip, const void *bytes, size_t size, Error *error);

/* Writes the end of the file. Call once; nothing may be written after it. */
bool gzip_stream_finish(GzipStream *gzip, Error *error);
