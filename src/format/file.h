/* SPDX-License-Identifier: Apache-2.0 */
/* format/file.h: small files of ours, whole: read with a maximum, replaced atomically. */
#pragma once

#include "base/arena.h"
#include "base/error.h"
#include "base/view.h"

#include <stdbool.h>
#include <stddef.h>

/* Reads a regular file of at most `max` bytes; the text lives in the arena and ends in a NUL that
 * its length does not count. A file that does not exist gives ret_text->data = NULL and true. */
bool file_read(const char *path, size_t max, Arena *arena, StrView *ret_text, Error *error);

/* Temp file ".NAME.tmp" in the same folder, fsync, rename, fsync of the folder: readers see the old
 * bytes or the new ones, and after success the new ones survive a power cut. A failure leaves the
 * old ones and no temp file. Two writers at once: one of them fails. */
bool file_replace(const char *path, StrView bytes, Error *error);
