/* SPDX-License-Identifier: Apache-2.0 */
/* encode/encode.h: rows into the bytes of a file format, streaming, in a fixed amount of memory. */
#pragma once

#include "base/error.h"
#include "model/batch.h"
#include "model/type.h"

#include <stddef.h>
#include <stdint.h>

/* Takes encoded bytes in order; returns false, with *error filled, to stop. */
typedef bool EncodeOutput(void *context, const void *bytes, size_t size, Error *error);

typedef struct EncoderOptions {
    const Schema *schema; /* outlives the encoder */
    EncodeOutput *output;
    void *output_context;
    bool compress;         /* Avro: zstd blocks; NDJSON: gzip */
    int compression_level; /* 0: the default; format/zstd_block.h, format/gzip_stream.h */
    size_t row_limit;      /* bytes of one encoded row; 0: the format's limit for BigQuery loads */
} EncoderOptions;

typedef struct Encoder Encoder;

typedef struct EncoderOps {
    /* Encodes all rows of the batch. ERROR_DATA, naming the row's size and the limit, for a row
     * that the format cannot hold. After a failure the encoder can only be freed. */
    bool (*write)(Encoder *encoder, const Batch *batch, Error *error);

    /* Writes what is buffered and the end of the file. Call once. */
    bool (*finish)(Encoder *encoder, Error *error);

    void (*free)(Encoder *encoder); /* accepts NULL */
} EncoderOps;

struct Encoder {
    const EncoderOps *ops;
    uint64_t rows;      /* encoded */
    uint64_t raw_bytes; /* before compression */
    uint64_t bytes;     /* given to output */
};

/* Avro 1.11 Object Container File; logical types as BigQuery reads them (facts: docs/types.md).
 * Nothing is written before the first row or finish. */
bool encoder_avro_new(const EncoderOptions *options, Encoder **ret_encoder, Error *error);

/* Newline-delimited JSON as BigQuery loads it. */
bool encoder_ndjson_new(const EncoderOptions *options, Encoder **ret_encoder, Error *error);

/* By name: "avro", "ndjson"; ERROR_CONFIG for another. */
bool encoder_new(const char *format, const EncoderOptions *options, Encoder **ret_encoder,
                 Error *error);

static inline void encoder_free_ptr(Encoder **encoder)
{
    if (*encoder)
        (*encoder)->ops->free(*encoder);
}
