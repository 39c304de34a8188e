/* SPDX-License-Identifier: Apache-2.0 */
/* source/postgres/snapshot.h: one moment of a database, held open by the exporter's transaction.
 *
 * Where the server lets a snapshot be exported, each worker has a connection of its own that has
 * imported it, and keeps it from shard to shard. Otherwise the exporter itself reads, one shard at
 * a time. The exporter also holds the locks that keep tables from being rewritten meanwhile. */
#pragma once

#include "source/postgres/session.h"

typedef struct PostgresSnapshot {
    Snapshot base;
    PostgresSource *source;
    Arena arena;
    const char *id; /* as exported; NULL: not shared */

    pthread_mutex_t lock; /* of what follows */
    pthread_cond_t freed;
    PGconn *exporter;
    Error last_words; /* why the server ended the exporter's session; ERROR_NONE: it did not say */
    bool busy;        /* somebody has the exporter */
    PGconn **idle;
    size_t idle_count, idle_capacity;
} PostgresSnapshot;

/* The exporter, alone; waits while another thread has it. ERROR_SOURCE (retryable) when it is lost.
 */
bool snapshot_take_exporter(PostgresSnapshot *snapshot, PGconn **ret_connection, Error *error);
void snapshot_give_exporter(PostgresSnapshot *snapshot);

/* A connection inside the snapshot's transaction, at a savepoint: an idle one, a new one that
 * imports it, or the exporter. */
bool snapshot_take_reader(PostgresSnapshot *snapshot, PGconn **ret_connection, Error *error);

/* Gives it back, its locks released. `done` false: what it was doing failed, or was stopped. */
void snapshot_give_reader(PostgresSnapshot *snapshot, PGconn *connection, bool done);

/* ERROR_SOURCE (retryable) when a relation that this transaction has locked has lost rows that the
 * snapshot should see. */
bool snapshot_check_whole(PGconn *connection, const PostgresAction *action, Error *error);
