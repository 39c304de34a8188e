/* SPDX-License-Identifier: Apache-2.0 */
#include "source/shards.h"
#include "source/mysql/candidates.h"
#include "source/mysql/range.h"
#include "source/mysql/ranges.h"
#include "source/mysql/select.h"
#include "source/mysql/snapshot.h"
#include "source/mysql/sql.h"

#include <string.h>
#include <strings.h>

enum { SHARD_BYTES_MIN = 1 << 20, SHARD_ROWS_MIN = 200000 };

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

/* The cursor's column, when its values can be divided and an index leads with it. */
static const SourceColumn *cursor_column(const Extract *extract)
{
    const SourceTable *table = extract->plan->table;
    for (size_t i = 0; extract->range && i < table->column_count; i++) {
        const SourceColumn *column = &table->columns[i];
        if (strcmp(column->name, extract->range->cursor->column) == 0)
            return column->leads_an_index && candidates_kind(&column->type) != KEY_NONE ? column
                                                                                        : NULL;
    }
    return NULL;
}

/* Rows of the cursor's range, when an index is the way to them; −1 when the table is read. */
static bool weigh_range(const RangeQuestion *question, const Extract *extract, int64_t *ret_rows,
                        Error *error)
{
    Arena *arena = question->arena;
    CLEANUP(mysql_free_result_ptr) MYSQL_RES *rows = NULL;
    const char *sql = arena_printf(arena, "EXPLAIN %sSELECT 1 FROM %s%s",
                                   question->connection->is_mariadb ? "" : "FORMAT=TRADITIONAL ",
                                   mysql_select_from(extract, arena),
                                   mysql_select_conditions(extract, NULL, arena));
    *ret_rows = -1;
    if (!mysqld_ask_rows(question->connection, sql, &question->action, &rows, error))
        return false;
    unsigned type = mysqld_column(rows, "type"), expected = mysqld_column(rows, "rows");
    unsigned width = mysql_num_fields(rows);
    MYSQL_ROW row = type < width && expected < width ? mysql_fetch_row(rows) : NULL;
    bool is_whole =
        row && row[type] && (!strcasecmp(row[type], "ALL") || !strcasecmp(row[type], "index"));
    if (row && !is_whole)
        *ret_rows = mysqld_int(row[expected], 0);
    return true;
}

/* Cuts the cursor's range when an index leads to it, else the table. */
static bool divide(RangeQuestion *question, const Extract *extract, size_t wanted,
                   int64_t *ret_rows, Error *error)
{
    const SourceTable *table = extract->plan->table;
    const SourceColumn *cursor = cursor_column(extract);
    int64_t found = -1, by_size = table->byte_size / SHARD_BYTES_MIN;
    if (cursor && !weigh_range(question, extract, &found, error))
        return false;
    *ret_rows = extract->where || extract->range ? found : table->row_estimate;
    question->by = found >= 0 ? cursor : ranges_column(table);
    question->further = found >= 0 ? mysql_range_condition(extract, question->arena) : NULL;
    int64_t parts = found >= 0 ? found / SHARD_ROWS_MIN + 1 : by_size;
    if (parts > (int64_t)wanted)
        parts = (int64_t)wanted;
    return parts < 2 || !question->by || ranges_divide(question, (size_t)parts, error);
}

bool mysqld_shards(Snapshot *base, const Extract *extract, size_t wanted, Arena *arena,
                   ShardList *ret_shards, Error *error)
{
    MysqlSnapshot *snapshot = (MysqlSnapshot *)base;
    const SourceTable *table = extract->plan->table;
    const char *why = why_whole(extract);
    bool is_small = table->byte_size / SHARD_BYTES_MIN < 2;
    if (why || wanted < 2 || is_small) {
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
    int64_t rows;
    if (!mysqld_take_reader(snapshot, &question.connection, error))
        return false;
    bool divided = divide(&question, extract, wanted, &rows, error);
    mysqld_give_reader(snapshot, question.connection, divided);
    if (!divided)
        return false;
    size_t count = question.bound_count + 1;
    const char *method = question.further ? "cursor" : "keyset";
    Shard *shards = ARENA_ARRAY(arena, Shard, count);
    for (size_t i = 0; i < count; i++)
        shards[i] = (Shard){
            .method = count > 1 ? method : "whole",
            .relation = count > 1 ? question.relation : NULL,
            .predicate = shard_range(question.column, question.bounds, count - 1, i, arena),
            .row_estimate = rows < 0 ? -1 : rows / (int64_t)count,
        };
    *ret_shards = (ShardList){.shards = shards, .count = count};
    return true;
}
