/* SPDX-License-Identifier: Apache-2.0 */
/* target/files/shard_file.h: one shard: rows through an encoder into a file, with its checksum. */
#pragma once

#include "base/arena.h"
#include "target/files/layout.h"
#include "target/target.h"

/* Opens the file at `path`, which an earlier try may have left. The schema outlives the sink. A
 * sink that is closed unfinished removes its file. */
bool shard_file_open(const char *path, const Schema *schema, const FileKind *kind, Sink **ret_sink,
                     Error *error);

/* Whether the file at `path` has that size and checksum ("crc32c:…"). False in *ret_same when there
 * is no such file. */
bool shard_file_check(const char *path, uint64_t bytes, const char *checksum, bool *ret_same,
                      Error *error);
