/* SPDX-License-Identifier: Apache-2.0 */
#include "encode/encode.h"

#include <string.h>

bool encoder_new(const char *format, const EncoderOptions *options, Encoder **ret_encoder,
                 Error *error)
{
    if (strcmp(format, "avro") == 0)
        return encoder_avro_new(options, ret_encoder, error);
    if (strcmp(format, "ndjson") == 0)
        return encoder_ndjson_new(options, ret_encoder, error);
    error_set(error, ERROR_CONFIG, "unknown file format \"%s\"", format);
    return error_hint(error, "the formats are avro and ndjson");
}
