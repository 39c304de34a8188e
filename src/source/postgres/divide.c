/* SPDX-License-Identifier: Apache-2.0 */
#include "source/postgres/divide.h"

#include "source/postgres/catalog.h"
#include "source/postgres/cut.h"
#include "source/postgres/keyset.h"
#include "source/postgres/sql.h"
#include "source/shards.h"

#include <string.h>

enum { SHARD_BLOCKS_MIN = 128, TID_RANGE_VERSION = 140000 }; /* 1 MB; Tid Range Scan */

/* Locking a table locks all that is below it now: a member that is not locked is gone from it. */
static bool check_members(const Division *division, Error *error)
{
    for (size_t i = 0; i < division->member_count; i++) {
        const Member *member = &division->members[i];
        if (!member->is_locked)
            return error_set_retryable(error, ERROR_SOURCE,
                                       "%s: %s was dropped or taken out of it after the snapshot "
                                       "was opened",
                                       division->action->doing, member->relation);
    }
    return true;
}

bool divide_members(Division *division, Error *error)
{
    const SourceTable *table = division->extract->plan->table;
    Arena *arena = division->arena;
    const char *sql =
        catalog_members(table->driver_id, PQserverVersion(division->connection), arena);
    CLEANUP(PQclear_ptr) PGresult *rows = NULL;
    if (!postgres_exec(division->connection, sql, division->action, &rows, error))
        return false;
    size_t count = (size_t)PQntuples(rows);
    Member *members = ARENA_ARRAY(arena, Member, count);
    for (size_t i = 0; i < count; i++) {
        int row = (int)i;
        const char *method = postgres_text(rows, row, MEMBER_METHOD);
        double tuples = strtod(postgres_text(rows, row, MEMBER_ROWS), NULL);
        int64_t pages = postgres_int(rows, row, MEMBER_PAGES, 0);
        members[i] = (Member){
            .relation = sql_relation(postgres_text(rows, row, MEMBER_SCHEMA),
                                     postgres_text(rows, row, MEMBER_NAME), arena),
            .method = method ? arena_strdup(arena, method) : "",
            .is_open = postgres_bool(rows, row, MEMBER_OPEN),
            .is_locked = postgres_bool(rows, row, MEMBER_LOCKED),
            .blocks = postgres_int(rows, row, MEMBER_BLOCKS, 0),
            .rows_per_block = pages > 0 && tuples >= 0 ? tuples / (double)pages : -1,
        };
    }
    division->members = members;
    division->member_count = count;
    return check_members(division, error);
}

static bool has_parts(const Division *division)
{
    return division->member_count > 1 ||
           division->extract->plan->table->kind == RELATION_PARTITIONED;
}

/* Whether each member can be read by its own name. */
static bool by_member(const Division *division)
{
    for (size_t i = 0; i < division->member_count; i++) {
        if (!division->members[i].is_open)
            return false;
    }
    return has_parts(division);
}

static bool by_block(const Division *division, const Member *member)
{
    return PQserverVersion(division->connection) >= TID_RANGE_VERSION &&
           strcmp(member->method, "heap") == 0;
}

static int64_t rows_of(const Division *division, const CutPiece *piece)
{
    const Member *member = &division->members[piece->table];
    int64_t end = piece->end == CUT_OPEN ? member->blocks : piece->end;
    if (member->blocks == 0)
        return 0;
    if (member->rows_per_block < 0)
        return -1;
    return (int64_t)((double)(end - piece->first) * member->rows_per_block);
}

/* Rows of pieces, −1 when those of one are unknown or a condition chooses among them. */
static int64_t estimate(const Division *division, const CutPiece *pieces, size_t count)
{
    int64_t sum = 0;
    for (size_t i = 0; i < count; i++) {
        int64_t rows = rows_of(division, &pieces[i]);
        if (rows < 0 || division->extract->where || division->extract->range)
            return -1;
        sum += rows;
    }
    return sum;
}

/* SELECT of every column (the job's condition may use any) from one piece. */
static void print_piece(FILE *out, const Division *division, const CutPiece *piece)
{
    const SourceTable *table = division->extract->plan->table;
    fputs("SELECT ", out);
    for (size_t i = 0; i < table->column_count; i++) {
        fputs(i > 0 ? ", " : "", out);
        sql_print_identifier(out, table->columns[i].name);
    }
    fprintf(out, " FROM ONLY %s", division->members[piece->table].relation);
    if (cut_is_part(piece))
        fprintf(out, " WHERE %s", cut_predicate(piece, division->arena));
}

/* Conditions may name the table ("orders.total > 0"): its name stands for whatever is read. */
static const char *alias(const Division *division)
{
    return sql_relation(NULL, division->extract->plan->table->name, division->arena);
}

static const char *union_of(const Division *division, const CutPiece *pieces, size_t count)
{
    SqlText sql;
    sql_open(&sql);
    for (size_t i = 0; i < count; i++) {
        fputs(i > 0 ? " UNION ALL " : "(", sql.out);
        print_piece(sql.out, division, &pieces[i]);
    }
    fprintf(sql.out, ") AS %s", alias(division));
    return sql_take(&sql, division->arena);
}

static Shard shard_of(const Division *division, const CutPiece *pieces, size_t count)
{
    bool is_cut = false;
    for (size_t i = 0; i < count; i++)
        is_cut = is_cut || cut_is_part(&pieces[i]);
    Shard shard = {
        .method = is_cut                ? "ctid"
                  : has_parts(division) ? "partitions"
                                        : "whole",
        .row_estimate = estimate(division, pieces, count),
    };
    if (count > 1) {
        shard.relation = union_of(division, pieces, count);
        return shard;
    }
    shard.predicate = cut_predicate(pieces, division->arena);
    if (has_parts(division))
        shard.relation = arena_printf(division->arena, "ONLY %s AS %s",
                                      division->members[pieces->table].relation, alias(division));
    return shard;
}

static void divide_by_block(const Division *division, size_t wanted, ShardList *ret_shards)
{
    CutTable *tables = ARENA_ARRAY(division->arena, CutTable, division->member_count);
    for (size_t i = 0; i < division->member_count; i++)
        tables[i] =
            (CutTable){division->members[i].blocks, by_block(division, &division->members[i])};
    CutPlan plan =
        cut_tables(tables, division->member_count, wanted, SHARD_BLOCKS_MIN, division->arena);
    if (plan.shard_count == 1) { /* the same rows in fewer words */
        shard_whole(division->extract, NULL, division->arena, ret_shards);
        return;
    }
    Shard *shards = ARENA_ARRAY(division->arena, Shard, plan.shard_count);
    for (size_t i = 0; i < plan.shard_count; i++)
        shards[i] = shard_of(division, plan.pieces + plan.shards[i].start, plan.shards[i].count);
    *ret_shards = (ShardList){.shards = shards, .count = plan.shard_count};
}

static bool divide_by_key(const Division *division, const SourceColumn *column, size_t wanted,
                          ShardList *ret_shards, Error *error)
{
    const Member *member = &division->members[0];
    int64_t most = member->blocks / SHARD_BLOCKS_MIN;
    size_t parts = (uint64_t)most < wanted ? (size_t)most : wanted;
    KeysetBounds bounds;
    if (!keyset_bounds(division, column, parts, &bounds, error))
        return false;
    size_t count = bounds.count + 1;
    const CutPiece all = {.end = CUT_OPEN};
    int64_t rows = estimate(division, &all, 1);
    Shard *shards = ARENA_ARRAY(division->arena, Shard, count);
    for (size_t i = 0; i < count; i++)
        shards[i] = (Shard){
            .method = bounds.count > 0 ? "keyset" : "whole",
            .predicate =
                shard_range(bounds.column, bounds.bounds, bounds.count, i, division->arena),
            .row_estimate = rows < 0 ? -1 : rows / (int64_t)count,
        };
    *ret_shards = (ShardList){.shards = shards, .count = count};
    return true;
}

bool divide_table(const Division *division, size_t wanted, ShardList *ret_shards, Error *error)
{
    const Extract *extract = division->extract;
    const SourceColumn *key = keyset_column(extract->plan->table);
    if (division->member_count == 0) {
        shard_whole(extract, NULL, division->arena, ret_shards);
        return true;
    }
    if (has_parts(division) && !by_member(division)) {
        shard_whole(extract,
                    "read by one worker, because this role may not read the partitions by "
                    "themselves (GRANT SELECT on each of them lets several workers read)",
                    division->arena, ret_shards);
        return true;
    }
    if (has_parts(division) || by_block(division, &division->members[0])) {
        divide_by_block(division, wanted, ret_shards);
        return true;
    }
    if (key)
        return divide_by_key(division, key, wanted, ret_shards, error);
    shard_whole(extract,
                "read by one worker: it cannot be divided by blocks (PostgreSQL 14 and later, heap "
                "tables) nor by a key (one column: integer, uuid, date or timestamp)",
                division->arena, ret_shards);
    return true;
}
