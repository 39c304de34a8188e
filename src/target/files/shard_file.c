/* SPDX-License-Identifier: Apache-2.0 */
#include "target/files/shard_file.h"

#include "base/cleanup.h"
#include "base/crc32c.h"
#include "base/memory.h"
#include "encode/encode.h"
#include "target/files/file_error.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>

enum {
    READ_SIZE = 256 * 1024,
    CHECKSUM_SIZE = 24,
};

typedef struct ShardFile {
    Sink base;
    Encoder *encoder;
    char *path;
    int descriptor;
    uint32_t crc;
    uint64_t size;
    bool finished;
} ShardFile;

static void print_checksum(uint32_t crc, char *text)
{
    snprintf(text, CHECKSUM_SIZE, "crc32c:%08x", crc);
}

/* Encoders give tens of kilobytes at once: no buffer of our own between them and the file. */
static bool put(void *context, const void *bytes, size_t size, Error *error)
{
    ShardFile *file = context;
    const char *from = bytes;
    size_t left = size;
    while (left) {
        ssize_t written = write(file->descriptor, from, left);
        if (written < 0 && errno == EINTR)
            continue;
        if (written < 0)
            return file_error("write", file->path, error);
        from += written;
        left -= (size_t)written;
    }
    file->crc = crc32c_extend(file->crc, bytes, size);
    file->size += size;
    return true;
}

static bool shard_write(Sink *sink, const Batch *batch, Error *error)
{
    ShardFile *file = (ShardFile *)sink;
    if (!file->encoder->ops->write(file->encoder, batch, error))
        return false;
    sink->rows = file->encoder->rows;
    sink->bytes = file->size;
    return true;
}

static bool shard_finish(Sink *sink, Arena *arena, ShardResult *ret_result, Error *error)
{
    ShardFile *file = (ShardFile *)sink;
    if (!file->encoder->ops->finish(file->encoder, error))
        return false;
    if (fsync(file->descriptor) < 0)
        return file_error("write", file->path, error);
    file->finished = true;
    sink->bytes = file->size;
    char *checksum = arena_alloc(arena, CHECKSUM_SIZE);
    print_checksum(file->crc, checksum);
    *ret_result = (ShardResult){.rows = sink->rows, .bytes = file->size, .checksum = checksum};
    return true;
}

static void shard_close(Sink *sink)
{
    ShardFile *file = (ShardFile *)sink;
    if (!file)
        return;
    if (file->encoder)
        file->encoder->ops->free(file->encoder);
    if (file->descriptor >= 0) {
        close(file->descriptor);
        if (!file->finished)
            unlink(file->path);
    }
    free(file->path);
    free(file);
}

bool shard_file_open(const char *path, const Schema *schema, const FileKind *kind, Sink **ret_sink,
                     Error *error)
{
    static const SinkOps ops = {shard_write, shard_finish, shard_close};
    ShardFile *file = memory_zalloc(1, sizeof *file);
    file->base.ops = &ops;
    file->descriptor = -1;
    CLEANUP(sink_close_ptr) Sink *sink = &file->base;
    file->path = memory_strdup(path);
    EncoderOptions options = {
        .schema = schema, .output = put, .output_context = file, .compress = kind->compress};
    if (!encoder_new(kind->format, &options, &file->encoder, error))
        return false;
    file->descriptor = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC | O_NOFOLLOW, 0666);
    if (file->descriptor < 0)
        return file_error("create", path, error);
    *ret_sink = TAKE_PTR(sink);
    return true;
}

static bool read_checksum(int descriptor, const char *path, char *checksum, Error *error)
{
    CLEANUP(free_ptr) char *buffer = memory_alloc(READ_SIZE);
    uint32_t crc = 0;
    for (;;) {
        ssize_t got = read(descriptor, buffer, READ_SIZE);
        if (got < 0 && errno == EINTR)
            continue;
        if (got < 0)
            return file_error("read", path, error);
        if (got == 0)
            break;
        crc = crc32c_extend(crc, buffer, (size_t)got);
    }
    print_checksum(crc, checksum);
    return true;
}

bool shard_file_check(const char *path, uint64_t bytes, const char *checksum, bool *ret_same,
                      Error *error)
{
    *ret_same = false;
    CLEANUP(close_fd) int descriptor = open(path, O_RDONLY | O_CLOEXEC | O_NOFOLLOW);
    if (descriptor < 0)
        return errno == ENOENT || file_error("open", path, error);
    struct stat status;
    if (fstat(descriptor, &status) < 0)
        return file_error("look at", path, error);
    if (!S_ISREG(status.st_mode) || (uint64_t)status.st_size != bytes || !checksum)
        return true;
    char found[CHECKSUM_SIZE];
    if (!read_checksum(descriptor, path, found, error))
        return false;
    *ret_same = strcmp(found, checksum) == 0;
    return true;
}
