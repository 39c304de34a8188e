/* SPDX-License-Identifier: Apache-2.0 */
/* source/mysql/stream.h: the rows of a result as packets, as they come.
 *
 * From a plain connection they are read into one buffer, many at a time, and lent from there.
 * Through TLS the library reads them, one at a time, and they are copied. */
#pragma once

#include "base/view.h"
#include "source/mysql/connection.h"
#include "source/mysql/packet.h"

typedef struct PacketStream {
    MysqlConnection *connection;
    bool is_wrapped;
    char *bytes;
    size_t capacity;
    size_t start; /* of what is not taken yet */
    size_t end;
    size_t held; /* bytes of a packet that the library holds, because there was no room for it */
} PacketStream;

/* After the statement was executed and before a row was fetched. */
void stream_open(PacketStream *stream, MysqlConnection *connection);
void stream_done(PacketStream *stream);

/* What was lent before may be overwritten from here on. */
void stream_forget(PacketStream *stream);

/* The next packet of rows or their end, lent until stream_forget. `may_wait` false: *ret_packet has
 * no data when none is there yet. False when the connection is lost or was told to stop; the
 * server's own errors are packets. */
bool stream_next(PacketStream *stream, bool may_wait, StrView *ret_packet,
                 const MysqlAction *action, Error *error);
