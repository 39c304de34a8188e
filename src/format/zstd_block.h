/* SPDX-License-Identifier: Apache-2.0 */
/* format/zstd_block.h: zstd frames (RFC 8878) one after another from one context, for Avro's
 * blocks. */
#pragma once

#include "base/cleanup.h"
#include "base/error.h"
#include "base/view.h"

#include <stdbool.h>
#include <stddef.h>

/* Keeps about half a megabyte, whatever the level and the size of what is compressed. */
typedef struct ZstdBlock ZstdBlock;

/* level: −7 (fastest) to 19; 0: the default, tuned for rows (docs/internals/encoders.md).
 * ERROR_CONFIG for another. */
bool zstd_block_new(int level, ZstdBlock **ret_zstd, Error *error);
void zstd_block_free(ZstdBlock *zstd); /* accepts NULL */
DEFINE_CLEANUP(ZstdBlock, zstd_block_free)

/* Bytes that the compressed form of `size` bytes can take at most. */
size_t zstd_block_bound(size_t size);

/* Writes one whole frame, with its content size, into out[capacity]. */
bool zstd_block_write(ZstdBlock *zstd, StrView bytes, char *out, size_t capacity, size_t *ret_size,
                      Error *error);
