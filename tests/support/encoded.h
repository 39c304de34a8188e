/* SPDX-License-Identifier: Apache-2.0 */
/* support/encoded.h: what an encoder wrote, and short ways to say rows. */
#pragma once

#include "encode/encode.h"

#include <stdlib.h>
#include <string.h>

#define VALUE_OF_TEXT(text)                                                                        \
    {                                                                                              \
        .kind = VALUE_BYTES, .length = sizeof(text) - 1, .bytes = (text)                           \
    }
#define VALUE_OF_INT(number)                                                                       \
    {                                                                                              \
        .kind = VALUE_INT64, .integer = (number)                                                   \
    }
#define VALUE_OF_DECIMAL(number)                                                                   \
    {                                                                                              \
        .kind = VALUE_DECIMAL64, .integer = (number)                                               \
    }
#define VALUE_OF_ITEMS(array)                                                                      \
    {                                                                                              \
        .kind = VALUE_LIST, .length = sizeof(array) / sizeof *(array), .items = (array)            \
    }

typedef struct Encoded {
    char *bytes;
    size_t size;
    size_t fail_after; /* the output that would pass this size fails; 0: none */
} Encoded;

static inline bool encoded_output(void *context, const void *bytes, size_t size, Error *error)
{
    Encoded *encoded = context;
    if (encoded->fail_after && encoded->size + size > encoded->fail_after)
        return error_set(error, ERROR_TARGET, "the disk is full");
    encoded->bytes = realloc(encoded->bytes, encoded->size + size + 1);
    memcpy(encoded->bytes + encoded->size, bytes, size);
    encoded->size += size;
    encoded->bytes[encoded->size] = 0;
    return true;
}

static inline void encoded_done(Encoded *encoded)
{
    free(encoded->bytes);
}

/* Encodes the rows as one batch into *encoded, whose fail_after may be set. */
static inline bool encoded_rows(const char *format, const EncoderOptions *wanted,
                                const Value *values, size_t rows, Encoded *encoded, Error *error)
{
    EncoderOptions options = *wanted;
    options.output = encoded_output;
    options.output_context = encoded;
    __attribute__((cleanup(encoder_free_ptr))) Encoder *encoder = NULL;
    Batch batch = {
        .row_count = rows, .column_count = options.schema->field_count, .values = values};
    return encoder_new(format, &options, &encoder, error) &&
           encoder->ops->write(encoder, &batch, error) && encoder->ops->finish(encoder, error);
}
