/* SPDX-License-Identifier: Apache-2.0 */
#include "format/file.h"

#include "base/buffer.h"
#include "base/cleanup.h"
#include "base/fault.h"
#include "base/memory.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>

enum { READ_SIZE = 16 * 1024 };

/* Of the errors, those that a person cures by other paths or permissions. */
static ErrorKind kind_of_errno(int reason)
{
    switch (reason) {
    case EACCES:
    case EPERM:
    case EROFS:
    case ENOENT:
    case ENOTDIR:
    case EISDIR:
    case ENAMETOOLONG:
    case ELOOP:
        return ERROR_CONFIG;
    default:
        return ERROR_INTERNAL;
    }
}

static bool fail(const char *verb, const char *path, Error *error)
{
    int reason = errno;
    error_set_errno(error, kind_of_errno(reason), reason, "cannot %s %s", verb, path);
    if (reason == ENOSPC || reason == EDQUOT)
        error_hint(error,
                   "free space on the disk that holds it, then run again; the file is as it was");
    else if (reason == EACCES || reason == EPERM)
        error_hint(error, "give the user that runs this the permission, or use another folder");
    else if (reason == EROFS)
        error_hint(error, "the file system is mounted read-only: use another folder");
    return false;
}

static bool read_to_end(int descriptor, const char *path, Buffer *buffer, Error *error)
{
    for (;;) {
        if (!buffer_reserve(buffer, READ_SIZE, NULL))
            return error_set(error, ERROR_CONFIG, "%s is larger than %zu bytes", path,
                             buffer->max - READ_SIZE);
        ssize_t got = read(descriptor, buffer_end(buffer), READ_SIZE);
        if (got < 0 && errno == EINTR)
            continue;
        if (got < 0)
            return fail("read", path, error);
        if (got == 0)
            return true;
        buffer->length += (size_t)got;
    }
}

static bool write_all(int descriptor, StrView bytes)
{
    while (bytes.length > 0) {
        ssize_t written = write(descriptor, bytes.data, bytes.length);
        if (written < 0 && errno == EINTR)
            continue;
        if (written < 0)
            return false;
        bytes.data += written;
        bytes.length -= (size_t)written;
    }
    return true;
}

/* Its own part of the path, and the length of what is before it. */
static size_t folder_length(const char *path)
{
    const char *slash = strrchr(path, '/');
    return slash ? (size_t)(slash - path) + 1 : 0;
}

static char *temporary_name(const char *path)
{
    size_t folder = folder_length(path);
    size_t size = strlen(path) + sizeof "..tmp";
    char *name = memory_alloc(size);
    snprintf(name, size, "%.*s.%s.tmp", (int)folder, path, path + folder);
    return name;
}

/* The lock tells a crashed writer's leftover, which is taken over, from a writer at work. */
static bool open_temporary(const char *name, int *ret_descriptor, Error *error)
{
    CLEANUP(close_fd) int descriptor = open(name, O_CREAT | O_RDWR | O_CLOEXEC | O_NOFOLLOW, 0666);
    if (descriptor < 0)
        return fail("create", name, error);
    struct stat opened, named;
    if (flock(descriptor, LOCK_EX | LOCK_NB) < 0 || fstat(descriptor, &opened) < 0 ||
        stat(name, &named) < 0 || opened.st_ino != named.st_ino)
        return error_set(error, ERROR_INTERNAL, "%s is being written by another process", name);
    if (ftruncate(descriptor, 0) < 0)
        return fail("write", name, error);
    *ret_descriptor = TAKE_FD(descriptor);
    return true;
}

static bool write_and_rename(int descriptor, const char *temporary, const char *path, StrView bytes,
                             Error *error)
{
    if (!write_all(descriptor, bytes) || fsync(descriptor) < 0)
        return fail("write", path, error);
    if (!fault_point("state.written", error))
        return error_prefix(error, "cannot write %s", path);
    return rename(temporary, path) == 0 || fail("replace", path, error);
}

static bool sync_folder(const char *path, Error *error)
{
    size_t length = folder_length(path);
    CLEANUP(free_ptr) char *folder = memory_strdup(length ? path : ".");
    if (length)
        folder[length] = '\0';
    CLEANUP(close_fd) int descriptor = open(folder, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (descriptor < 0)
        return fail("open", folder, error);
    /* some file systems cannot sync a folder, and say so with EINVAL */
    return fsync(descriptor) == 0 || errno == EINVAL || fail("sync", folder, error);
}

bool file_read(const char *path, size_t max, Arena *arena, StrView *ret_text, Error *error)
{
    *ret_text = (StrView){0};
    /* without O_NONBLOCK the open of a pipe would wait for a writer */
    CLEANUP(close_fd) int descriptor = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY);
    if (descriptor < 0 && errno == ENOENT)
        return true;
    struct stat status;
    if (descriptor < 0 || fstat(descriptor, &status) < 0)
        return fail("open", path, error);
    if (!S_ISREG(status.st_mode))
        return error_set(error, ERROR_CONFIG, "%s is not a regular file", path);
    CLEANUP(buffer_done) Buffer buffer;
    buffer_init(&buffer, max + READ_SIZE);
    if (!read_to_end(descriptor, path, &buffer, error))
        return false;
    *ret_text = (StrView){arena_strndup(arena, buffer.data, buffer.length), buffer.length};
    return true;
}

bool file_replace(const char *path, StrView bytes, Error *error)
{
    CLEANUP(free_ptr) char *temporary = temporary_name(path);
    CLEANUP(close_fd) int descriptor = -1;
    if (!open_temporary(temporary, &descriptor, error))
        return false;
    if (!write_and_rename(descriptor, temporary, path, bytes, error)) {
        unlink(temporary);
        return false;
    }
    return sync_folder(path, error);
}
