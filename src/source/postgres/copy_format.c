/* SPDX-License-Identifier: Apache-2.0 */
#include "source/postgres/copy_format.h"

#include <stdint.h>

enum { SIGNATURE_LENGTH = 11, HEADER_LENGTH = 19 };

static const char signature[SIGNATURE_LENGTH] = "PGCOPY\n\377\r\n"; /* and a NUL */

static uint32_t read_uint32(const char *bytes)
{
    const unsigned char *byte = (const unsigned char *)bytes;
    return (uint32_t)byte[0] << 24 | (uint32_t)byte[1] << 16 | (uint32_t)byte[2] << 8 | byte[3];
}

bool copy_take_header(StrView *message, Error *error)
{
    const uint32_t critical_flags = 0xffff0000;
    if (message->length < HEADER_LENGTH || memcmp(message->data, signature, SIGNATURE_LENGTH) != 0)
        return error_set(error, ERROR_SOURCE,
                         "what the server sent does not begin as COPY BINARY does");
    uint32_t flags = read_uint32(message->data + SIGNATURE_LENGTH);
    if (flags & critical_flags)
        return error_set(error, ERROR_SOURCE,
                         "the server sent COPY BINARY with flags %08x, which are unknown here",
                         flags);
    uint32_t extension = read_uint32(message->data + SIGNATURE_LENGTH + sizeof flags);
    if (extension > message->length - HEADER_LENGTH)
        return error_set(error, ERROR_SOURCE,
                         "the server sent a COPY BINARY header that is cut short");
    message->data += HEADER_LENGTH + extension;
    message->length -= HEADER_LENGTH + extension;
    return true;
}
