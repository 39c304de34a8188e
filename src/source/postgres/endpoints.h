/* SPDX-License-Identifier: Apache-2.0 */
/* source/postgres/endpoints.h: libpq's lists of hosts ("a,b,c"), for going on to the next one when
 * one does not answer: libpq leaves that to the caller of PQconnectPoll. */
#pragma once

#include "base/arena.h"

#include <stddef.h>

/* How many entries there are; 1 for NULL. */
size_t endpoint_count(const char *list);

/* Index of `host` in the list, count when it is not there; when `port_list` has as many entries,
 * the port must match too. */
size_t endpoint_find(const char *host_list, const char *port_list, const char *host,
                     const char *port);

/* The list without entry `index`. A list of another length than `count` (one port for all) and NULL
 * stay as they are. */
const char *endpoint_without(const char *list, size_t count, size_t index, Arena *arena);
