/* SPDX-License-Identifier: Apache-2.0 */
#include "format/gzip_stream.h"

#include "base/memory.h"

#include <stdint.h>
#ifdef BQFERRY_HAVE_ISAL
#include <isa-l/igzip_lib.h>
#else
#include <zlib.h>
#endif

enum {
    LEVEL_DEFAULT = 1,
    LEVEL_MAX = 3,
    OUTPUT_SIZE = 64 * 1024,
    INPUT_MAX = 1 << 30, /* both libraries count in 32 bits */
};

#ifdef BQFERRY_HAVE_ISAL

typedef struct Packer {
    struct isal_zstream stream;
    void *work; /* what the level needs */
} Packer;

static void packer_init(Packer *packer, int level)
{
    static const uint32_t work_sizes[] = {0, ISAL_DEF_LVL1_DEFAULT, ISAL_DEF_LVL2_DEFAULT,
                                          ISAL_DEF_LVL3_DEFAULT};
    isal_deflate_init(&packer->stream);
    packer->work = memory_alloc(work_sizes[level]);
    packer->stream.level = (uint32_t)level;
    packer->stream.level_buf = packer->work;
    packer->stream.level_buf_size = work_sizes[level];
    packer->stream.gzip_flag = IGZIP_GZIP;
}

static void packer_done(Packer *packer)
{
    free(packer->work);
}

/* Compresses what it can into out; *ret_more: there is more to come out of the same input. */
static bool packer_step(Packer *packer, bool last, uint8_t *out, size_t *ret_size, bool *ret_more)
{
    packer->stream.next_out = out;
    packer->stream.avail_out = OUTPUT_SIZE;
    packer->stream.end_of_stream = last;
    if (isal_deflate(&packer->stream) != COMP_OK)
        return false;
    *ret_size = OUTPUT_SIZE - packer->stream.avail_out;
    *ret_more = packer->stream.avail_out == 0 || packer->stream.avail_in > 0;
    return true;
}

#else

enum {
    WINDOW_BITS = 15 + 16, /* 16: with gzip's header and trailer */
    MEMORY_LEVEL = 8,
};

typedef struct Packer {
    z_stream stream;
} Packer;

static void packer_init(Packer *packer, int level)
{
    int status = deflateInit2(&packer->stream, level, Z_DEFLATED, WINDOW_BITS, MEMORY_LEVEL,
                              Z_DEFAULT_STRATEGY);
    if (status != Z_OK) /* only memory can be missing */
        memory_exhausted(0);
}

static void packer_done(Packer *packer)
{
    deflateEnd(&packer->stream);
}

/* Compresses what it can into out; *ret_more: there is more to come out of the same input. */
static bool packer_step(Packer *packer, bool last, uint8_t *out, size_t *ret_size, bool *ret_more)
{
    packer->stream.next_out = out;
    packer->stream.avail_out = OUTPUT_SIZE;
    int status = deflate(&packer->stream, last ? Z_FINISH : Z_NO_FLUSH);
    if (status == Z_STREAM_ERROR)
        return false;
    *ret_size = OUTPUT_SIZE - packer->stream.avail_out;
    *ret_more = packer->stream.avail_out == 0;
    return true;
}

#endif

struct GzipStream {
    Packer packer;
    GzipOutput *output;
    void *output_context;
    uint8_t buffer[OUTPUT_SIZE];
};

static bool run(GzipStream *gzip, const void *bytes, size_t size, bool last, Error *error)
{
    gzip->packer.stream.next_in = (uint8_t *)(uintptr_t)bytes;
    gzip->packer.stream.avail_in = (uint32_t)size;
    bool more;
    do {
        size_t written;
        if (!packer_step(&gzip->packer, last, gzip->buffer, &written, &more))
            return error_set(error, ERROR_INTERNAL, "gzip: the compressor refused its input");
        if (written && !gzip->output(gzip->output_context, gzip->buffer, written, error))
            return false;
    } while (more);
    return true;
}

bool gzip_stream_new(int level, GzipOutput *output, void *context, GzipStream **ret_gzip,
                     Error *error)
{
    if (level < 0 || level > LEVEL_MAX)
        return error_set(error, ERROR_CONFIG, "gzip has no level %d here: 1 to %d", level,
                         LEVEL_MAX);
    GzipStream *gzip = memory_zalloc(1, sizeof *gzip);
    gzip->output = output;
    gzip->output_context = context;
    packer_init(&gzip->packer, level ? level : LEVEL_DEFAULT);
    *ret_gzip = gzip;
    return true;
}

void gzip_stream_free(GzipStream *gzip)
{
    if (!gzip)
        return;
    packer_done(&gzip->packer);
    free(gzip);
}

bool gzip_stream_write(GzipStream *gzip, const void *bytes, size_t size, Error *error)
{
    const char *from = bytes;
    while (size) {
        size_t part = size < INPUT_MAX ? size : INPUT_MAX;
        if (!run(gzip, from, part, false, error))
            return false;
        from += part;
        size -= part;
    }
    return true;
}

bool gzip_stream_finish(GzipStream *gzip, Error *error)
{
    return run(gzip, NULL, 0, true, error);
}
