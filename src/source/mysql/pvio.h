/* SPDX-License-Identifier: Apache-2.0 */
/* source/mysql/pvio.h: the client library's input, with waits that end when a run is cancelled. */
#pragma once

#include "source/mysql/connection.h"

/* Once, after connecting. False when the library is not built as its headers say. */
bool pvio_take_over(MysqlConnection *connection);

/* True when bytes go through TLS or compression: the library must read them. */
bool pvio_is_wrapped(const MysqlConnection *connection);

/* Moves what the library has read ahead to bytes[size]; returns how much that is. */
size_t pvio_take_ahead(MysqlConnection *connection, char *bytes, size_t size);

/* True when the library has read ahead. */
bool pvio_has_ahead(const MysqlConnection *connection);
