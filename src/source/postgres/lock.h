/* SPDX-License-Identifier: Apache-2.0 */
/* source/postgres/lock.h: before a relation is divided it is locked, in the exporter's transaction,
 * against being rewritten, and all that can be wrong with the read is found out. */
#pragma once

#include "source/postgres/connection.h"
#include "source/source.h"

typedef struct LockRequest {
    PGconn *connection; /* in a transaction; after a failure it must go back to a savepoint */
    const Extract *extract;
    const PostgresAction *action;
    Arena *arena;
} LockRequest;

/* Locks the table and all below it (whatever a view or query reads) until the transaction ends, in
 * the mode of a SELECT. Checks that names, types and the job's condition are valid, that the role
 * may read each planned column, and that the name still means the table that was planned.
 * *ret_for_all: the role may read the table as such, not only some columns. */
bool lock_relation(const LockRequest *request, bool *ret_for_all, Error *error);
