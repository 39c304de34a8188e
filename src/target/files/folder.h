/* SPDX-License-Identifier: Apache-2.0 */
/* target/files/folder.h: what is done to folders: making, syncing, emptying, locking. */
#pragma once

#include "base/error.h"

#include <stdbool.h>

/* Makes the folder and those above it that are missing. */
bool folder_make(const char *path, Error *error);

/* Makes the names in it durable. */
bool folder_sync(const char *path, Error *error);

/* Calls `visit` for every name in the folder but "." and ".."; none when there is no folder. */
typedef bool FolderVisit(void *context, const char *folder, const char *name, Error *error);
bool folder_walk(const char *path, FolderVisit *visit, void *context, Error *error);

/* Removes a file; one that is not there is no error. */
bool folder_remove_file(const char *folder, const char *name, Error *error);

/* Locks the folder at `path` (flock: nothing is left behind) until the descriptor is closed,
 * waiting up to half a minute for another holder; ERROR_LOCKED, retryable, after that. */
bool folder_lock(const char *path, int *ret_descriptor, Error *error);
