/* SPDX-License-Identifier: Apache-2.0 */
/* source/mysql/mysql_source.h: a configured server and its idle connections; shared by this folder.
 */
#pragma once

#include "source/mysql/connection.h"
#include "source/source.h"

#include <pthread.h>

enum { MYSQLD_IDLE_MAX = 4 };

/* Bits of SourceTable.driver_id. */
enum {
    MYSQL_TABLE_HAS_SNAPSHOTS = 1, /* InnoDB and the like: a transaction sees one moment */
};

typedef struct MysqlSource {
    Source base;
    const ConnectionConfig *config; /* outlives the source */
    pthread_mutex_t lock;           /* of what follows */
    MysqlConnection *idle[MYSQLD_IDLE_MAX];
    size_t idle_count;
} MysqlSource;

/* A connection outside a transaction, an idle one or a new one (*ret_fresh). */
bool mysqld_borrow(MysqlSource *source, MysqlConnection **ret_connection, bool *ret_fresh,
                   Error *error);

/* Takes a connection back; closes it when it is broken. */
void mysqld_return(MysqlSource *source, MysqlConnection *connection);

/* A question, put for the server that is there. */
typedef struct MysqlQuestion {
    const char *(*sql)(const MysqlConnection *connection, const void *context, Arena *arena);
    const void *context;
    const MysqlAction *action;
} MysqlQuestion;

/* Asks as mysqld_ask; an idle connection that turns out to be dead is replaced. */
bool mysqld_ask_source(MysqlSource *source, const MysqlQuestion *question, Arena *arena,
                       MysqlResults *ret_results, Error *error);

/* The operations of SourceOps that are not in mysql.c. */
bool mysqld_check(Source *base, CheckReport *report, Error *error);
bool mysqld_list(Source *base, const char *pattern, bool with_views, Arena *arena,
                 RelationList *ret_list, Error *error);
bool mysqld_describe(Source *base, const RelationRef *relation, Arena *arena,
                     SourceTable *ret_table, Error *error);
bool mysqld_sample(Source *base, const SourceTable *table, size_t rows, Arena *arena,
                   SampleTable *ret_sample, Error *error);
bool mysqld_bounds(Source *base, const BoundRequest *requests, size_t count, Arena *arena,
                   Bound *ret_bounds, Error *error);
bool mysqld_survey(Snapshot *base, const Extract *extract, bool wants_first, Arena *arena,
                   CursorSurvey *ret_survey, Error *error);
bool mysqld_snapshot_open(Source *base, size_t readers, Snapshot **ret_snapshot, Error *error);
bool mysqld_shards(Snapshot *base, const Extract *extract, size_t wanted, Arena *arena,
                   ShardList *ret_shards, Error *error);
bool mysqld_reader_open(Snapshot *base, const Extract *extract, const Shard *shard,
                        Reader **ret_reader, Error *error);
