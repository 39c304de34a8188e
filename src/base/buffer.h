/* SPDX-License-Identifier: Apache-2.0 */
/* base/buffer.h: a growing byte buffer with a maximum, so no peer and no value can take all memory.
 */
#pragma once

#include "base/error.h"
#include "base/view.h"

#include <stddef.h>
#include <stdint.h>
#include <string.h>

typedef struct Buffer {
    char *data;
    size_t length;
    size_t capacity;
    size_t max; /* bytes that `length` may never pass */
} Buffer;

/* max is in bytes and must not be 0. Nothing is allocated yet. */
void buffer_init(Buffer *buffer, size_t max);
void buffer_done(Buffer *buffer);

/* Makes room for `more` bytes after length. Fails (ERROR_DATA) when that would pass max. */
bool buffer_reserve(Buffer *buffer, size_t more, Error *error) __attribute__((warn_unused_result));

/* Appends; fails as buffer_reserve does. */
bool buffer_append(Buffer *buffer, const void *bytes, size_t size, Error *error)
    __attribute__((warn_unused_result));
bool buffer_printf(Buffer *buffer, Error *error, const char *format, ...)
    __attribute__((format(printf, 3, 4), warn_unused_result));

/* The hot-path halves of an append: reserve once, then write unchecked and advance. */
static inline char *buffer_end(Buffer *buffer)
{
    return buffer->data + buffer->length;
}

static inline void buffer_clear(Buffer *buffer)
{
    buffer->length = 0;
}

static inline StrView buffer_view(const Buffer *buffer)
{
    return (StrView){buffer->data, buffer->length};
}
