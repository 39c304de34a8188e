/* SPDX-License-Identifier: Apache-2.0 */
#include "format/zstd_block.h"

#include "base/memory.h"

#define ZSTD_STATIC_LINKING_ONLY /* for ZSTD_c_literalCompressionMode, which may be missing */
#include <zstd.h>

enum {
    LEVEL_MIN = -7,
    LEVEL_MAX = 19,
    WINDOW_LOG = 17, /* 128 KB: bounds the context's memory; blocks are hardly larger */
};

struct ZstdBlock {
    ZSTD_CCtx *context;
};

typedef struct Parameter {
    ZSTD_cParameter name;
    int value;
} Parameter;

/* Long steps between the positions that are looked at, a table that fits the first-level cache, and
 * literals coded all the same: the size of level 1 in half its time. */
static const Parameter tuned[] = {
    {ZSTD_c_strategy, ZSTD_fast},
    {ZSTD_c_hashLog, 11},
    {ZSTD_c_minMatch, 6},
    {ZSTD_c_targetLength, 16},
};

static bool set(ZstdBlock *zstd, ZSTD_cParameter name, int value, Error *error)
{
    size_t status = ZSTD_CCtx_setParameter(zstd->context, name, value);
    if (!ZSTD_isError(status))
        return true;
    return error_set(error, ERROR_INTERNAL, "zstd: %s", ZSTD_getErrorName(status));
}

static bool set_level(ZstdBlock *zstd, int level, Error *error)
{
    if (level)
        return set(zstd, ZSTD_c_compressionLevel, level, error);
    for (size_t i = 0; i < sizeof tuned / sizeof *tuned; i++) {
        if (!set(zstd, tuned[i].name, tuned[i].value, error))
            return false;
    }
    /* not part of the library's stable interface: without it frames are larger, and as valid */
    set(zstd, ZSTD_c_literalCompressionMode, ZSTD_ps_enable, NULL);
    return true;
}

bool zstd_block_new(int level, ZstdBlock **ret_zstd, Error *error)
{
    if (level < LEVEL_MIN || level > LEVEL_MAX)
        return error_set(error, ERROR_CONFIG, "zstd has no level %d here: %d to %d", level,
                         LEVEL_MIN, LEVEL_MAX);
    CLEANUP(zstd_block_free_ptr) ZstdBlock *zstd = memory_zalloc(1, sizeof *zstd);
    zstd->context = ZSTD_createCCtx();
    if (!zstd->context)
        memory_exhausted(0);
    if (!set_level(zstd, level, error) || !set(zstd, ZSTD_c_windowLog, WINDOW_LOG, error))
        return false;
    *ret_zstd = TAKE_PTR(zstd);
    return true;
}

void zstd_block_free(ZstdBlock *zstd)
{
    if (!zstd)
        return;
    ZSTD_freeCCtx(zstd->context);
    free(zstd);
}

size_t zstd_block_bound(size_t size)
{
    return ZSTD_compressBound(size);
}

bool zstd_block_write(ZstdBlock *zstd, StrView bytes, char *out, size_t capacity, size_t *ret_size,
                      Error *error)
{
    size_t size = ZSTD_compress2(zstd->context, out, capacity, bytes.data, bytes.length);
    if (ZSTD_isError(size))
        return error_set(error, ERROR_INTERNAL, "zstd: %s", ZSTD_getErrorName(size));
    *ret_size = size;
    return true;
}
