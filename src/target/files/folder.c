/* SPDX-License-Identifier: Apache-2.0 */
#include "target/files/folder.h"

#include "base/backoff.h"
#include "base/cancel.h"
#include "base/cleanup.h"
#include "base/memory.h"
#include "target/files/file_error.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>

enum { LOCK_WAIT_MS = 30 * 1000 };

static void close_folder(DIR **folder)
{
    if (*folder)
        closedir(*folder);
}

bool folder_make(const char *path, Error *error)
{
    CLEANUP(free_ptr) char *part = memory_strdup(path);
    for (char *slash = strchr(part + 1, '/'); slash; slash = strchr(slash + 1, '/')) {
        *slash = '\0';
        if (mkdir(part, 0777) < 0 && errno != EEXIST)
            return file_error("make the folder", part, error);
        *slash = '/';
    }
    struct stat status;
    if (mkdir(path, 0777) == 0)
        return true;
    if (errno != EEXIST)
        return file_error("make the folder", path, error);
    if (stat(path, &status) == 0 && !S_ISDIR(status.st_mode)) {
        errno = ENOTDIR;
        return file_error("make the folder", path, error);
    }
    return true;
}

bool folder_sync(const char *path, Error *error)
{
    CLEANUP(close_fd) int descriptor = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (descriptor < 0)
        return file_error("open", path, error);
    /* some file systems cannot sync a folder, and say so with EINVAL */
    return fsync(descriptor) == 0 || errno == EINVAL || file_error("sync", path, error);
}

bool folder_walk(const char *path, FolderVisit *visit, void *context, Error *error)
{
    CLEANUP(close_folder) DIR *folder = opendir(path);
    if (!folder)
        return errno == ENOENT || file_error("open", path, error);
    for (;;) {
        errno = 0;
        const struct dirent *entry = readdir(folder);
        if (!entry)
            return errno == 0 || file_error("read", path, error);
        if (strcmp(entry->d_name, ".") == 0 || strcmp(entry->d_name, "..") == 0)
            continue;
        if (!visit(context, path, entry->d_name, error))
            return false;
    }
}

bool folder_remove_file(const char *folder, const char *name, Error *error)
{
    CLEANUP(close_fd) int descriptor = open(folder, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (descriptor < 0)
        return errno == ENOENT || file_error("open", folder, error);
    if (unlinkat(descriptor, name, 0) == 0 || errno == ENOENT)
        return true;
    file_error("remove", name, error);
    return error_prefix(error, "%s", folder);
}

/* The lock counts only while the path still leads to the folder that is locked: discard removes it.
 */
static bool try_lock(const char *path, int *ret_descriptor, bool *ret_locked, Error *error)
{
    *ret_locked = false;
    CLEANUP(close_fd) int descriptor = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (descriptor < 0)
        return file_error("open", path, error);
    if (flock(descriptor, LOCK_EX | LOCK_NB) < 0)
        return errno == EWOULDBLOCK || errno == EINTR || file_error("lock", path, error);
    struct stat held, named;
    if (fstat(descriptor, &held) < 0 || stat(path, &named) < 0 || held.st_ino != named.st_ino)
        return true;
    *ret_locked = true;
    *ret_descriptor = TAKE_FD(descriptor);
    return true;
}

bool folder_lock(const char *path, int *ret_descriptor, Error *error)
{
    Backoff backoff;
    backoff_init(&backoff, LOCK_WAIT_MS);
    bool locked;
    do {
        if (!try_lock(path, ret_descriptor, &locked, error))
            return false;
        if (locked)
            return true;
    } while (backoff_wait(&backoff));
    if (!cancel_check(error))
        return false;
    error_set_retryable(error, ERROR_LOCKED, "another run holds %s and has not let go of it", path);
    return error_hint(error, "let it end, then run again");
}
