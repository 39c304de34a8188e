/* SPDX-License-Identifier: Apache-2.0 */
#include "source/shards.h"
#include "source/postgres/divide.h"
#include "source/postgres/lock.h"
#include "source/postgres/range_shards.h"
#include "source/postgres/snapshot.h"
#include "source/postgres/sql.h"

#define SAVEPOINT "SAVEPOINT bqferry_shards"
#define RELEASE "RELEASE SAVEPOINT bqferry_shards"
#define BACK "ROLLBACK TO SAVEPOINT bqferry_shards; RELEASE SAVEPOINT bqferry_shards"

/* One call of shards(). */
typedef struct Planning {
    PGconn *connection;
    const Extract *extract;
    PostgresAction action;
    Arena *arena;
} Planning;

static const char *why_whole(const Extract *extract)
{
    if (extract->relation.query)
        return "a query is read by one worker";
    switch (extract->plan->table->kind) {
    case RELATION_VIEW:
        return "a view is read by one worker";
    case RELATION_FOREIGN:
        return "a foreign table is read by one worker";
    default:
        return NULL;
    }
}

/* ctid is a column too, and permission for some columns does not cover it: `for_all` is needed. */
static bool cut(const Planning *planning, bool for_all, size_t wanted, ShardList *ret_shards,
                Error *error)
{
    const Extract *extract = planning->extract;
    const char *why = why_whole(extract);
    bool is_divided = wanted > 1 && extract->limit == 0, is_indexed = false;
    Division division = {
        .connection = planning->connection,
        .extract = extract,
        .action = &planning->action,
        .arena = planning->arena,
    };
    if (!why && !divide_members(&division, error))
        return false;
    if (!why && extract->range && extract->limit == 0 &&
        !range_shards(&division, wanted, ret_shards, &is_indexed, error))
        return false;
    if (is_indexed)
        return true;
    if (!why && !for_all)
        why = "read by one worker, because this role may read only some of its columns";
    if (!why && is_divided)
        return divide_table(&division, wanted, ret_shards, error);
    shard_whole(extract, is_divided ? why : NULL, planning->arena, ret_shards);
    return true;
}

static bool plan_shards(const Planning *planning, size_t wanted, ShardList *ret_shards,
                        Error *error)
{
    const LockRequest request = {
        .connection = planning->connection,
        .extract = planning->extract,
        .action = &planning->action,
        .arena = planning->arena,
    };
    bool for_all;
    return postgres_run(planning->connection, SAVEPOINT, &planning->action, error) &&
           lock_relation(&request, &for_all, error) &&
           cut(planning, for_all, wanted, ret_shards, error) &&
           snapshot_check_whole(planning->connection, &planning->action, error) &&
           postgres_run(planning->connection, RELEASE, &planning->action, error);
}

/* Undoes what failed, so that the snapshot lives on for other tables. */
static void recover(const Planning *planning)
{
    Error ignored = {0};
    if (PQstatus(planning->connection) == CONNECTION_OK &&
        PQtransactionStatus(planning->connection) != PQTRANS_ACTIVE)
        postgres_run(planning->connection, BACK, &planning->action, &ignored);
}

bool postgres_shards(Snapshot *base, const Extract *extract, size_t wanted, Arena *arena,
                     ShardList *ret_shards, Error *error)
{
    PostgresSnapshot *snapshot = (PostgresSnapshot *)base;
    const SourceTable *table = extract->plan->table;
    bool is_query = extract->relation.query != NULL;
    Planning planning = {
        .extract = extract,
        .action.doing = is_query ? "planning the read of the query"
                                 : arena_printf(arena, "planning the read of %s",
                                                sql_label(table->schema, table->name, arena)),
        .action.relation = is_query ? NULL : sql_relation(table->schema, table->name, arena),
        .arena = arena,
    };
    if (!snapshot_take_exporter(snapshot, &planning.connection, error))
        return false;
    bool done = plan_shards(&planning, wanted, ret_shards, error);
    if (!done)
        recover(&planning);
    snapshot_give_exporter(snapshot);
    return done;
}
