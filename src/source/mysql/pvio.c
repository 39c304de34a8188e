/* SPDX-License-Identifier: Apache-2.0 */
#include "source/mysql/pvio.h"

#include "base/memory.h"

#include <errno.h>
#include <ma_pvio.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/time.h>

static MARIADB_PVIO *pvio_of(const MysqlConnection *connection)
{
    return connection->mysql.net.pvio;
}

static MysqlConnection *owner_of(MARIADB_PVIO *pvio)
{
    return (MysqlConnection *)pvio->mysql;
}

static ssize_t read_some(MARIADB_PVIO *pvio, unsigned char *buffer, size_t length)
{
    MysqlConnection *connection = owner_of(pvio);
    int socket = mysql_get_socket(&connection->mysql);
    for (;;) {
        ssize_t size = recv(socket, buffer, length, MSG_DONTWAIT);
        if (size >= 0)
            return size;
        bool must_wait = errno == EAGAIN;
        if (!must_wait && errno != EINTR)
            return -1;
        if (must_wait && !mysqld_wait(connection))
            return -1;
    }
}

/* TLS reads from the socket by itself, with a time limit (see below), and then asks to wait. */
static int wait_for_io(MARIADB_PVIO *pvio, my_bool is_read, int timeout)
{
    (void)is_read;
    (void)timeout;
    return mysqld_wait(owner_of(pvio)) ? 1 : -1;
}

static void set_socket(int socket)
{
    enum { IDLE_S = 30, INTERVAL_S = 10, COUNT = 3 };
    const int on = 1, idle = IDLE_S, interval = INTERVAL_S, count = COUNT;
    const struct timeval slice = {.tv_usec = MYSQLD_WAIT_MS * 1000L};
    setsockopt(socket, SOL_SOCKET, SO_RCVTIMEO, &slice, sizeof slice);
    setsockopt(socket, SOL_SOCKET, SO_KEEPALIVE, &on, sizeof on);
    /* Fails on unix sockets, which need none of it. */
    setsockopt(socket, IPPROTO_TCP, TCP_KEEPIDLE, &idle, sizeof idle);
    setsockopt(socket, IPPROTO_TCP, TCP_KEEPINTVL, &interval, sizeof interval);
    setsockopt(socket, IPPROTO_TCP, TCP_KEEPCNT, &count, sizeof count);
}

bool pvio_take_over(MysqlConnection *connection)
{
    MARIADB_PVIO *pvio = pvio_of(connection);
    if (!pvio || pvio->mysql != &connection->mysql || !pvio->methods)
        return false;
    PVIO_METHODS *methods = memory_alloc(sizeof *methods);
    *methods = *pvio->methods;
    methods->read = read_some;
    methods->wait_io_or_timeout = wait_for_io;
    connection->methods = methods;
    pvio->methods = methods;
    set_socket(mysql_get_socket(&connection->mysql));
    return true;
}

bool pvio_is_wrapped(const MysqlConnection *connection)
{
    return pvio_of(connection)->ctls != NULL || connection->mysql.net.compress;
}

static size_t ahead(const MARIADB_PVIO *pvio)
{
    return pvio->cache ? (size_t)(pvio->cache + pvio->cache_size - pvio->cache_pos) : 0;
}

bool pvio_has_ahead(const MysqlConnection *connection)
{
    return ahead(pvio_of(connection)) > 0;
}

size_t pvio_take_ahead(MysqlConnection *connection, char *bytes, size_t size)
{
    MARIADB_PVIO *pvio = pvio_of(connection);
    size_t length = ahead(pvio) < size ? ahead(pvio) : size;
    memcpy(bytes, pvio->cache_pos, length);
    pvio->cache_pos += length;
    return length;
}
