/* SPDX-License-Identifier: Apache-2.0 */
/* source/mysql/snapshot.h: one moment of a server, held open by several transactions.
 *
 * A snapshot of MySQL's belongs to one connection and cannot be joined later: as many connections
 * as there will be readers open theirs together, and it is made sure that all see the same
 * (docs/mysql.md says how). Each worker borrows one for a shard. */
#pragma once

#include "source/mysql/mysql_source.h"

enum { MYSQLD_READERS_MAX = 32 };

typedef struct MysqlSnapshot {
    Snapshot base;
    MysqlSource *source;
    Arena arena;
    MysqlConnection *members[MYSQLD_READERS_MAX]; /* while it is being opened */
    size_t member_count;

    pthread_mutex_t lock; /* of what follows */
    pthread_cond_t freed;
    MysqlConnection *idle[MYSQLD_READERS_MAX];
    size_t idle_count;
    size_t alive; /* idle or borrowed, and not known to be lost */
} MysqlSnapshot;

/* A connection inside the snapshot; waits while others have all of them. ERROR_SOURCE (retryable)
 * when all are lost. */
bool mysqld_take_reader(MysqlSnapshot *snapshot, MysqlConnection **ret_connection, Error *error);

/* Gives it back, its locks released. `done` false: what it was doing failed, or was stopped. */
void mysqld_give_reader(MysqlSnapshot *snapshot, MysqlConnection *connection, bool done);
