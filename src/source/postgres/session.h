/* SPDX-License-Identifier: Apache-2.0 */
/* source/postgres/session.h: a configured server and its idle connections; shared by this folder.
 */
#pragma once

#include "source/postgres/connection.h"
#include "source/source.h"

#include <pthread.h>

enum { POSTGRES_IDLE_MAX = 4 };

typedef struct PostgresSource {
    Source base;
    const ConnectionConfig *config; /* outlives the source */
    pthread_mutex_t lock;           /* of what follows */
    PGconn *idle[POSTGRES_IDLE_MAX];
    size_t idle_count;
} PostgresSource;

/* A connection outside a transaction, an idle one or a new one (*ret_fresh). */
bool session_borrow(PostgresSource *source, PGconn **ret_connection, bool *ret_fresh, Error *error);

/* Takes a connection back; closes it when it is broken or in the middle of something. */
void session_return(PostgresSource *source, PGconn *connection);

/* One question in a transaction of its own, with the settings of postgres_settings; one round trip.
 * An idle connection that turns out to be dead is replaced. */
bool session_ask(PostgresSource *source, const char *sql, const PostgresAction *action,
                 PGresult **ret_result, Error *error);

/* The operations of SourceOps that are not in postgres.c. */
bool postgres_check(Source *base, CheckReport *report, Error *error);
bool postgres_list(Source *base, const char *pattern, bool with_views, Arena *arena,
                   RelationList *ret_list, Error *error);
bool postgres_describe_relation(Source *base, const RelationRef *relation, Arena *arena,
                                SourceTable *ret_table, Error *error);
bool postgres_sample(Source *base, const SourceTable *table, size_t rows, Arena *arena,
                     SampleTable *ret_sample, Error *error);
bool postgres_bounds(Source *base, const BoundRequest *requests, size_t count, Arena *arena,
                     Bound *ret_bounds, Error *error);
bool postgres_survey(Snapshot *base, const Extract *extract, bool wants_first, Arena *arena,
                     CursorSurvey *ret_survey, Error *error);
bool postgres_snapshot_open(Source *base, size_t readers, Snapshot **ret_snapshot, Error *error);
bool postgres_shards(Snapshot *base, const Extract *extract, size_t wanted, Arena *arena,
                     ShardList *ret_shards, Error *error);
bool postgres_reader_open(Snapshot *base, const Extract *extract, const Shard *shard,
                          Reader **ret_reader, Error *error);
