/* SPDX-License-Identifier: Apache-2.0 */
/* source/mysql/packet.h: packets of the client/server protocol, from a result's rows to its end.
 * Pure. Forms: MySQL's "Protocol Basics": a packet is three bytes of length, a sequence number, and
 * that many bytes; one of 2^24 − 1 bytes goes on in the next. */
#pragma once

#include "base/view.h"

#include <stdbool.h>
#include <stdint.h>

enum { PACKET_HEADER = 4, PACKET_PART_MAX = 0xffffff };

/* What stands at the beginning of bytes that came. */
typedef enum PacketState {
    PACKET_WHOLE,
    PACKET_PARTIAL, /* more must come; *ret_wanted says how many bytes there must be, at least */
} PacketState;

/* Looks at `bytes`. PACKET_WHOLE: *ret_packet is the payload and *ret_used the bytes it took, both
 * parts' headers of a long one included; the payload of a long one is put together in place, which
 * overwrites the headers inside. */
PacketState packet_take(char *bytes, size_t length, StrView *ret_packet, size_t *ret_used,
                        size_t *ret_wanted);

typedef enum PacketKind {
    PACKET_ROW,
    PACKET_END,      /* EOF, or the OK that stands in its place */
    PACKET_ERROR,    /* the server's */
    PACKET_PROGRESS, /* MariaDB's report of progress: to be passed over */
    PACKET_UNKNOWN,  /* none of these: the stream is broken */
} PacketKind;

PacketKind packet_kind(StrView packet);

typedef struct PacketError {
    unsigned number;
    char sqlstate[6]; /* "HY000" when there is none */
    StrView text;
} PacketError;

/* Of a PACKET_ERROR; texts borrow from it. */
PacketError packet_error_of(StrView packet);
