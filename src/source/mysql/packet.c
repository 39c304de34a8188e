/* SPDX-License-Identifier: Apache-2.0 */
#include "source/mysql/packet.h"

enum {
    HEADER_ROW = 0x00,
    HEADER_END = 0xfe,
    HEADER_ERROR = 0xff,
    ERROR_PREFIX = 3, /* header and number */
    SQLSTATE_LENGTH = 5,
    PROGRESS_NUMBER = 0xffff,
};

static unsigned byte_at(const char *bytes, size_t index)
{
    return (unsigned char)bytes[index];
}

static size_t part_length(const char *header)
{
    return byte_at(header, 0) | byte_at(header, 1) << 8 | byte_at(header, 2) << 16;
}

PacketState packet_take(char *bytes, size_t length, StrView *ret_packet, size_t *ret_used,
                        size_t *ret_wanted)
{
    size_t used = 0, part = PACKET_PART_MAX, payload = 0;
    while (part == PACKET_PART_MAX) {
        if (length - used < PACKET_HEADER) {
            *ret_wanted = used + PACKET_HEADER;
            return PACKET_PARTIAL;
        }
        part = part_length(bytes + used);
        if (length - used - PACKET_HEADER < part) {
            *ret_wanted = used + PACKET_HEADER + part;
            return PACKET_PARTIAL;
        }
        used += PACKET_HEADER + part;
        payload += part;
    }
    /* The headers inside go only once everything is there. */
    size_t kept = PACKET_PART_MAX;
    for (size_t at = PACKET_HEADER + (size_t)PACKET_PART_MAX; at < used;) {
        size_t size = part_length(bytes + at);
        memmove(bytes + PACKET_HEADER + kept, bytes + at + PACKET_HEADER, size);
        kept += size;
        at += PACKET_HEADER + size;
    }
    *ret_packet = (StrView){bytes + PACKET_HEADER, payload};
    *ret_used = used;
    return PACKET_WHOLE;
}

PacketKind packet_kind(StrView packet)
{
    if (packet.length == 0)
        return PACKET_UNKNOWN;
    switch (byte_at(packet.data, 0)) {
    case HEADER_ROW:
        return PACKET_ROW;
    case HEADER_END:
        return PACKET_END;
    case HEADER_ERROR:
        if (packet.length < ERROR_PREFIX)
            return PACKET_UNKNOWN;
        return packet_error_of(packet).number == PROGRESS_NUMBER ? PACKET_PROGRESS : PACKET_ERROR;
    default:
        return PACKET_UNKNOWN;
    }
}

PacketError packet_error_of(StrView packet)
{
    PacketError error = {
        .number = byte_at(packet.data, 1) | byte_at(packet.data, 2) << 8,
        .sqlstate = "HY000",
        .text = {packet.data + ERROR_PREFIX, packet.length - ERROR_PREFIX},
    };
    if (error.text.length > SQLSTATE_LENGTH && error.text.data[0] == '#') {
        memcpy(error.sqlstate, error.text.data + 1, SQLSTATE_LENGTH);
        error.text.data += 1 + SQLSTATE_LENGTH;
        error.text.length -= 1 + SQLSTATE_LENGTH;
    }
    return error;
}
