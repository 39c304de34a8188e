/* SPDX-License-Identifier: Apache-2.0 */
#include "base/buffer.h"

#include "base/memory.h"

#include <stdio.h>
#include <stdlib.h>

enum { BUFFER_FIRST_SIZE = 256 };

void buffer_init(Buffer *buffer, size_t max)
{
    *buffer = (Buffer){.max = max};
}

void buffer_done(Buffer *buffer)
{
    free(buffer->data);
    *buffer = (Buffer){.max = buffer->max};
}

bool buffer_reserve(Buffer *buffer, size_t more, Error *error)
{
    if (more <= buffer->capacity - buffer->length)
        return true;
    if (more > buffer->max - buffer->length)
        return error_set(error, ERROR_DATA, "%zu bytes do not fit: the limit here is %zu",
                         buffer->length + more, buffer->max);
    size_t wanted = buffer->length + more;
    size_t capacity = buffer->capacity ? buffer->capacity : BUFFER_FIRST_SIZE;
    while (capacity < wanted)
        capacity *= 2;
    if (capacity > buffer->max)
        capacity = buffer->max;
    buffer->data = memory_realloc(buffer->data, capacity);
    buffer->capacity = capacity;
    return true;
}

bool buffer_append(Buffer *buffer, const void *bytes, size_t size, Error *error)
{
    if (!buffer_reserve(buffer, size, error))
        return false;
    if (size)
        memcpy(buffer->data + buffer->length, bytes, size);
    buffer->length += size;
    return true;
}

bool buffer_printf(Buffer *buffer, Error *error, const char *format, ...)
{
    va_list arguments, again;
    va_start(arguments, format);
    va_copy(again, arguments);
    int length = vsnprintf(NULL, 0, format, arguments);
    va_end(arguments);
    /* One byte more, because vsnprintf also writes the NUL, which is not counted in length. */
    bool fits = length >= 0 && buffer_reserve(buffer, (size_t)length + 1, error);
    if (fits) {
        vsnprintf(buffer_end(buffer), (size_t)length + 1, format, again);
        buffer->length += (size_t)length;
    }
    va_end(again);
    return fits;
}
