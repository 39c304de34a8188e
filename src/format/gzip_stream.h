/* SPDX-License-Identifier: Apache-2.0 */
/* format/gzip_stream.h: a gzip file (RFC 1952), streaming, always of one member: not every reader
 * goes on after the end of the first.
 *
 * ISA-L's igzip does it where it was there when the program was built, else zlib does: on rows
 * igzip is five times as fast at a tenth less size (docs/internals/encoders.md). libdeflate,
 * fast too, can only make a member at a time. */
#pragma once

#include "base/cleanup.h"
#include "base/error.h"

#include <stdbool.h>
#include <stddef.h>

/* Keeps about half a megabyte. */
typedef struct GzipStream GzipStream;

/* Takes compressed bytes in order; returns false, with *error filled, to stop. */
typedef bool GzipOutput(void *context, const void *bytes, size_t size, Error *error);

/* level: 1 (fastest) to 3; 0: the default, 1. ERROR_CONFIG for another. */
bool gzip_stream_new(int level, GzipOutput *output, void *context, GzipStream **ret_gzip,
                     Error *error);
void gzip_stream_free(GzipStream *gzip); /* accepts NULL */
DEFINE_CLEANUP(GzipStream, gzip_stream_free)

bool gzip_stream_write(GzipStream *gzip, const void *bytes, size_t size, Error *error);

/* Writes the end of the file. Call once; nothing may be written after it. */
bool gzip_stream_finish(GzipStream *gzip, Error *error);
