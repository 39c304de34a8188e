/* SPDX-License-Identifier: Apache-2.0 */
#include "source/mysql/stream.h"

#include "base/memory.h"
#include "source/mysql/pvio.h"

#include <errmsg.h>
#include <errno.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>

enum {
    CAPACITY = 256 * 1024,
    READ_MIN = 64 * 1024, /* room that a read should have */
    NAP_NS = 250000,
};

void stream_open(PacketStream *stream, MysqlConnection *connection)
{
    *stream = (PacketStream){
        .connection = connection,
        .is_wrapped = pvio_is_wrapped(connection),
        .bytes = memory_alloc(CAPACITY),
        .capacity = CAPACITY,
    };
    if (!stream->is_wrapped)
        stream->end = pvio_take_ahead(connection, stream->bytes, stream->capacity);
}

void stream_done(PacketStream *stream)
{
    free(stream->bytes);
    stream->bytes = NULL;
}

static void grow(PacketStream *stream, size_t capacity)
{
    stream->bytes = memory_realloc(stream->bytes, capacity);
    stream->capacity = capacity;
}

void stream_forget(PacketStream *stream)
{
    if (stream->is_wrapped) {
        stream->end = 0;
        if (stream->capacity > CAPACITY && stream->held < CAPACITY)
            grow(stream, CAPACITY);
        return;
    }
    size_t rest = stream->end - stream->start;
    if (rest > 0 && stream->capacity - stream->end >= READ_MIN)
        return; /* there is room enough where it is */
    memmove(stream->bytes, stream->bytes + stream->start, rest);
    stream->start = 0;
    stream->end = rest;
    if (stream->capacity > CAPACITY && rest < CAPACITY / 2)
        grow(stream, CAPACITY); /* a long row is over */
}

static bool lost(PacketStream *stream, const MysqlAction *action, Error *error)
{
    MysqlConnection *connection = stream->connection;
    if (connection->stopped)
        return error_set(error, ERROR_CANCELLED, "%s: stopped", action->doing);
    const MysqlFailure failure = {CR_SERVER_LOST, "HY000", errno ? strerror(errno) : "", NULL};
    return mysqld_fail_with(&failure, action, error);
}

/* Takes in what has come; *ret_size 0: nothing, yet. */
static bool receive(PacketStream *stream, size_t *ret_size)
{
    int socket = mysql_get_socket(&stream->connection->mysql);
    ssize_t size =
        recv(socket, stream->bytes + stream->end, stream->capacity - stream->end, MSG_DONTWAIT);
    *ret_size = size > 0 ? (size_t)size : 0;
    stream->end += *ret_size;
    if (size == 0)
        errno = ECONNRESET;
    return size > 0 || (size < 0 && (errno == EAGAIN || errno == EINTR));
}

/* Waits for more. A server sends 16 kB at a time and wakes whoever waits each time: a nap before
 * that lets several come. */
static bool receive_more(PacketStream *stream, const MysqlAction *action, Error *error)
{
    static const struct timespec nap = {.tv_nsec = NAP_NS};
    size_t size = 0;
    for (int tries = 0; size == 0; tries++) {
        if (tries == 1)
            nanosleep(&nap, NULL);
        else if (tries > 1 && !mysqld_wait(stream->connection))
            return lost(stream, action, error);
        if (!receive(stream, &size))
            return lost(stream, action, error);
    }
    return true;
}

static bool next_plain(PacketStream *stream, bool may_wait, StrView *ret_packet,
                       const MysqlAction *action, Error *error)
{
    size_t used, wanted = 0;
    *ret_packet = (StrView){0};
    while (packet_take(stream->bytes + stream->start, stream->end - stream->start, ret_packet,
                       &used, &wanted) == PACKET_PARTIAL) {
        if (!may_wait)
            return true;
        /* Nothing is lent now: all of the buffer may be used. */
        if (stream->start + wanted > stream->capacity) {
            memmove(stream->bytes, stream->bytes + stream->start, stream->end - stream->start);
            stream->end -= stream->start;
            stream->start = 0;
        }
        if (wanted > stream->capacity)
            grow(stream, wanted + CAPACITY);
        if (!receive_more(stream, action, error))
            return false;
    }
    stream->start += used;
    return true;
}

/* The library keeps an error of the server's for itself and gives no packet. */
static bool next_wrapped(PacketStream *stream, bool may_wait, StrView *ret_packet,
                         const MysqlAction *action, Error *error)
{
    MysqlConnection *connection = stream->connection;
    *ret_packet = (StrView){0};
    if (stream->held == 0) {
        if (!may_wait && !pvio_has_ahead(connection))
            return true;
        unsigned long length = mysql_net_read_packet(&connection->mysql);
        if (length == packet_error)
            return mysqld_fail(connection, action, error);
        stream->held = length;
    }
    if (stream->end + stream->held > stream->capacity) {
        if (stream->end > 0) /* what is lent may not move */
            return true;
        grow(stream, stream->held);
    }
    memcpy(stream->bytes + stream->end, connection->mysql.net.read_pos, stream->held);
    *ret_packet = (StrView){stream->bytes + stream->end, stream->held};
    stream->end += stream->held;
    stream->held = 0;
    return true;
}

bool stream_next(PacketStream *stream, bool may_wait, StrView *ret_packet,
                 const MysqlAction *action, Error *error)
{
    return stream->is_wrapped ? next_wrapped(stream, may_wait, ret_packet, action, error)
                              : next_plain(stream, may_wait, ret_packet, action, error);
}
