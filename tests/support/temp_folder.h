/* SPDX-License-Identifier: Apache-2.0 */
/* support/temp_folder.h: a folder for one test, and files in it. */
#pragma once

#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

enum { TEMP_FILES = 32, TEMP_PATH = 256 };

typedef struct TempFolder {
    char path[TEMP_PATH];
    char made[TEMP_FILES][TEMP_PATH]; /* files and folders, in order */
    size_t count;
    char text[TEMP_PATH]; /* temp_path's answer */
} TempFolder;

static inline void temp_open(TempFolder *folder)
{
    const char *root = getenv("TMPDIR");
    memset(folder, 0, sizeof *folder);
    snprintf(folder->path, sizeof folder->path, "%s/bqferry-test-XXXXXX", root ? root : "/tmp");
    if (!mkdtemp(folder->path))
        abort();
}

static inline const char *temp_path(TempFolder *folder, const char *name)
{
    if (snprintf(folder->text, sizeof folder->text, "%s/%s", folder->path, name) >= TEMP_PATH)
        abort();
    return folder->text;
}

static inline const char *temp_keep(TempFolder *folder, const char *name)
{
    if (folder->count == TEMP_FILES)
        abort();
    memcpy(folder->made[folder->count], temp_path(folder, name), TEMP_PATH);
    return folder->made[folder->count++];
}

static inline const char *temp_folder(TempFolder *folder, const char *name)
{
    const char *path = temp_keep(folder, name);
    if (mkdir(path, 0700) != 0)
        abort();
    return path;
}

static inline const char *temp_write(TempFolder *folder, const char *name, const char *bytes,
                                     size_t size)
{
    const char *path = temp_keep(folder, name);
    FILE *file = fopen(path, "w");
    if (!file || fwrite(bytes, 1, size, file) != size || fclose(file) != 0)
        abort();
    return path;
}

static inline void temp_close(TempFolder *folder)
{
    while (folder->count > 0)
        remove(folder->made[--folder->count]);
    rmdir(folder->path);
}
