/* SPDX-License-Identifier: Apache-2.0 */
#include "source/shards.h"
#include "source/mysql/ranges.h"
#include "source/mysql/snapshot.h"
#include "source/mysql/sql.h"

#include <string.h>

enum { SHARD_BYTES_MIN = 1 << 20 };

/* Why one worker must read all of it; NULL when several can. */
static const char *why_whole(const Extract *extract)
{
    const SourceTable *table = extract->plan->table;
    if (extract->relation.query)
        return "a query is read by one worker";
    if (table->kind == RELATION_VIEW)
        return "a view is read by one worker";
    if (table->kind == RELATION_FOREIGN)
        return "a table of another server is read by one worker";
    if (!(table->driver_id & MYSQL_TABLE_HAS_SNAPSHOTS))
        return "read by one worker in one statement: its storage engine knows no snapshots (only "
               "InnoDB's rows belong to the moment of the run)";
    if (!ranges_column(table))
        return "read by one worker: it has no key whose first column could be divided (numbers, "
               "dates, text, uuid)";
    return NULL;
}

bool mysqld_shards(Snapshot *base, const Extract *extract, size_t wanted, Arena *arena,
                   ShardList *ret_shards, Error *error)
{
    MysqlSnapshot *snapshot = (MysqlSnapshot *)base;
    const SourceTable *table = extract->plan->table;
    const char *why = why_whole(extract);
    int64_t by_size = table->byte_size / SHARD_BYTES_MIN;
    size_t parts = by_size < (int64_t)wanted ? (size_t)(by_size > 0 ? by_size : 0) : wanted;
    if (why || parts < 2) {
        shard_whole(extract, wanted > 1 ? why : NULL, arena, ret_shards);
        return true;
    }
    RangeQuestion question = {
        .table = table,
        .action = {.doing = arena_printf(arena, "dividing %s",
                                         sql_label(table->schema, table->name, arena)),
                   .relation = mysql_relation(table->schema, table->name, arena)},
        .arena = arena,
    };
    if (!mysqld_take_reader(snapshot, &question.connection, error))
        return false;
    bool divided = ranges_divide(&question, parts, error);
    mysqld_give_reader(snapshot, question.connection, divided);
    if (!divided)
        return false;
    size_t count = question.bound_count + 1;
    Shard *shards = ARENA_ARRAY(arena, Shard, count);
    for (size_t i = 0; i < count; i++)
        shards[i] = (Shard){
            .method = count > 1 ? "keyset" : "whole",
            .relation = count > 1 ? question.relation : NULL,
            .predicate = shard_range(question.column, question.bounds, count - 1, i, arena),
            .row_estimate = extract->where ? -1 : table->row_estimate / (int64_t)count,
        };
    *ret_shards = (ShardList){.shards = shards, .count = count};
    return true;
}
