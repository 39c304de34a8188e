/* SPDX-License-Identifier: Apache-2.0 */
/* source/postgres/range_shards.h: shards of a cursor's range, when an index finds its rows. */
#pragma once

#include "source/postgres/divide.h"

/* Asks the planner how it would read the range. *ret_indexed: by an index; then *ret_shards cuts
 * the range itself, into more than one part only when it holds many rows. Otherwise the whole table
 * is read, and the caller cuts that. */
bool range_shards(const Division *division, size_t wanted, ShardList *ret_shards, bool *ret_indexed,
                  Error *error);
