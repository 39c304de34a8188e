/* SPDX-License-Identifier: Apache-2.0 */
#include "target/bigquery/sql_partition.h"

#include "model/cursor.h"
#include "schema/layout_json.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

enum { RUNS_MAX = 100 }; /* of partitions one behind the other, in one condition */

const char *bq_sql_place(TypeKind kind, int64_t place, Arena *arena)
{
    switch (kind) {
    case TYPE_TIMESTAMP:
        return arena_printf(arena, "TIMESTAMP '%s'", cursor_format(CURSOR_INSTANT, place, arena));
    case TYPE_DATETIME:
        return arena_printf(arena, "DATETIME '%s'", cursor_format(CURSOR_WALL, place, arena));
    case TYPE_DATE:
        return arena_printf(arena, "DATE '%s'", cursor_format(CURSOR_DATE, place, arena));
    default:
        return arena_printf(arena, "%" PRId64, place);
    }
}

typedef struct Run {
    int64_t low, high; /* exclusive */
} Run;

static int compare_numbers(const void *left, const void *right)
{
    int64_t a = *(const int64_t *)left, b = *(const int64_t *)right;
    return (a > b) - (a < b);
}

/* Partitions that touch are one run; when there are too many runs, all are one. */
static size_t make_runs(const BqPartitionSql *sql, const int64_t *numbers, size_t count, Run *runs)
{
    size_t run_count = 0;
    for (size_t i = 0; i < count; i++) {
        int64_t low, high;
        partition_bounds(sql->by, sql->type, numbers[i], &low, &high);
        if (run_count == 0 || runs[run_count - 1].high != low)
            runs[run_count++] = (Run){low, high};
        else
            runs[run_count - 1].high = high;
    }
    if (run_count <= RUNS_MAX)
        return run_count;
    runs[0].high = runs[run_count - 1].high;
    return 1;
}

static const char *or_else(const BqPartitionSql *sql, const char *left, const char *right)
{
    return *left ? arena_printf(sql->arena, "%s OR %s", left, right) : right;
}

static const char *in_run(const BqPartitionSql *sql, const Run *run)
{
    return arena_printf(sql->arena, "(%s >= %s AND %s < %s)", sql->column,
                        bq_sql_place(sql->type, run->low, sql->arena), sql->column,
                        bq_sql_place(sql->type, run->high, sql->arena));
}

static const char *outside(const BqPartitionSql *sql)
{
    Run all;
    partition_extent(sql->by, sql->type, &all.low, &all.high);
    return arena_printf(sql->arena, "%s < %s OR %s >= %s", sql->column,
                        bq_sql_place(sql->type, all.low, sql->arena), sql->column,
                        bq_sql_place(sql->type, all.high, sql->arena));
}

const char *bq_sql_in_partitions(const BqPartitionSql *sql, const char *const *ids, size_t count)
{
    int64_t *numbers = ARENA_ARRAY(sql->arena, int64_t, count);
    Run *runs = ARENA_ARRAY(sql->arena, Run, count);
    size_t number_count = 0;
    const char *text = "";
    for (size_t i = 0; i < count; i++) {
        if (strcmp(ids[i], PARTITION_ID_NULL) == 0)
            text = or_else(sql, text, arena_printf(sql->arena, "%s IS NULL", sql->column));
        else if (strcmp(ids[i], PARTITION_ID_OUTSIDE) == 0)
            text = or_else(sql, text, outside(sql));
        else if (partition_number(sql->by, ids[i], &numbers[number_count]))
            number_count++;
    }
    if (number_count)
        qsort(numbers, number_count, sizeof *numbers, compare_numbers);
    size_t run_count = make_runs(sql, numbers, number_count, runs);
    for (size_t i = 0; i < run_count; i++)
        text = or_else(sql, text, in_run(sql, &runs[i]));
    return *text ? text : "FALSE";
}

const char *bq_sql_partition_of(const BqPartitionSql *sql)
{
    const Partitioning *by = sql->by;
    /* partitions are of UTC, whatever default_time_zone the project has */
    const char *zone = sql->type == TYPE_TIMESTAMP ? ", 'UTC'" : "";
    if (by->kind != PARTITION_RANGE)
        return arena_printf(sql->arena, "%s_TRUNC(%s, %s%s)", type_kind_name(sql->type),
                            sql->column, partition_unit_name(by->kind), zone);
    return arena_printf(sql->arena,
                        "CASE WHEN %s IS NULL THEN NULL WHEN %s < %" PRId64 " OR %s >= %" PRId64
                        " THEN -1 ELSE DIV(%s - (%" PRId64 "), %" PRId64 ") END",
                        sql->column, sql->column, by->start, sql->column, by->end, sql->column,
                        by->start, by->interval);
}
