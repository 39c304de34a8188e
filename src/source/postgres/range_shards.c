/* SPDX-License-Identifier: Apache-2.0 */
#include "source/postgres/range_shards.h"

#include "format/json.h"
#include "source/postgres/range.h"
#include "source/postgres/select.h"
#include "source/postgres/sql.h"

#include <string.h>

enum {
    SHARD_ROWS_MIN = 200000,
    COUNTED_MAX = 8, /* shards whose entries are counted: a small part of what reading them takes */
};

/* Costs of the plan's nodes that read whole tables. */
static double scan_cost(const Json *node)
{
    const char *type = json_get_text(node, "Node Type");
    const Json *children = json_get(node, "Plans");
    bool is_scan = type && (strcmp(type, "Seq Scan") == 0 || strcmp(type, "Foreign Scan") == 0 ||
                            strcmp(type, "Sample Scan") == 0);
    double cost = is_scan ? json_get_real(node, "Total Cost", 0) : 0;
    for (size_t i = 0; i < json_count(children); i++)
        cost += scan_cost(json_at(children, i));
    return cost;
}

static bool explain(const Division *division, Json **ret_plan, Error *error)
{
    Arena *arena = division->arena;
    const char *sql = arena_printf(arena, "EXPLAIN (FORMAT JSON) SELECT 1 FROM %s%s",
                                   select_from(division->extract, arena),
                                   select_conditions(division->extract, NULL, arena));
    CLEANUP(PQclear_ptr) PGresult *row = NULL;
    if (!postgres_exec(division->connection, sql, division->action, &row, error))
        return false;
    const char *text = postgres_text(row, 0, 0);
    return json_parse(text, strlen(text), "EXPLAIN", ret_plan, error);
}

static bool leads_an_index(const Extract *extract)
{
    const SourceTable *table = extract->plan->table;
    for (size_t i = 0; i < table->column_count; i++) {
        if (strcmp(table->columns[i].name, extract->range->cursor->column) == 0)
            return table->columns[i].leads_an_index;
    }
    return false;
}

/* What is newest is what the planner's statistics do not know yet: it expects one row where there
 * are a million. And what was changed is seldom spread over the time between two runs. So the index
 * is asked for the least and the greatest place (not by min and max: for one row the planner would
 * go through all of them), and its entries are counted, as far as that matters. */
static bool look(const Division *division, size_t wanted, RangeSpan *ret_span, double *ret_rows,
                 Error *error)
{
    Arena *arena = division->arena;
    const CursorRange *range = division->extract->range;
    const char *name = sql_relation(NULL, range->cursor->column, arena);
    const char *rest =
        arena_printf(arena, "FROM %s WHERE %s", select_from(division->extract, arena),
                     range_condition(range, arena));
    size_t counted = wanted - 1 < COUNTED_MAX ? wanted - 1 : COUNTED_MAX;
    const char *sql = arena_printf(
        arena,
        "SELECT (SELECT %s %s ORDER BY 1 LIMIT 1)::text, (SELECT %s %s ORDER BY 1 DESC LIMIT "
        "1)::text, (SELECT count(*) FROM (SELECT 1 %s LIMIT %zu) AS entries)",
        name, rest, name, rest, rest, counted * SHARD_ROWS_MIN);
    CLEANUP(PQclear_ptr) PGresult *row = NULL;
    RangeSpan seen;
    if (!postgres_exec(division->connection, sql, division->action, &row, error))
        return false;
    double rows = (double)postgres_int(row, 0, 2, 0);
    if (rows > *ret_rows)
        *ret_rows = rows;
    const char *first = postgres_text(row, 0, 0), *last = postgres_text(row, 0, 1);
    if (first && last && cursor_parse(range->kind, first, &seen.low) &&
        cursor_parse(range->kind, last, &seen.high)) {
        seen.high = cursor_shift(seen.high, 1);
        *ret_span = seen;
    }
    return true;
}

static size_t count_parts(const CursorRange *range, const RangeSpan *span, double rows,
                          size_t wanted, Arena *arena)
{
    size_t parts = (size_t)(rows / SHARD_ROWS_MIN) + 1;
    if (parts > wanted)
        parts = wanted;
    return parts > 1 && !range_part(range, span, parts, 0, arena) ? 1 : parts;
}

bool range_shards(const Division *division, size_t wanted, ShardList *ret_shards, bool *ret_indexed,
                  Error *error)
{
    CLEANUP(json_free_ptr) Json *explained = NULL;
    const Extract *extract = division->extract;
    const CursorRange *range = extract->range;
    RangeSpan span = {0};
    if (!explain(division, &explained, error))
        return false;
    const Json *plan = json_get(json_at(explained, 0), "Plan");
    double rows = json_get_real(plan, "Plan Rows", 0);
    *ret_indexed = plan && scan_cost(plan) * 2 <= json_get_real(plan, "Total Cost", 0);
    if (!*ret_indexed)
        return true;
    if (!range_span(range, &span))
        span = (RangeSpan){0};
    bool is_large = extract->plan->table->row_estimate >= SHARD_ROWS_MIN;
    if (wanted > 1 && is_large && leads_an_index(extract) &&
        !look(division, wanted, &span, &rows, error))
        return false;
    size_t parts = count_parts(range, &span, rows, wanted, division->arena);
    Shard *shards = ARENA_ARRAY(division->arena, Shard, parts);
    for (size_t i = 0; i < parts; i++)
        shards[i] = (Shard){
            .method = parts > 1 ? "cursor" : "whole",
            .predicate = parts > 1 ? range_part(range, &span, parts, i, division->arena) : NULL,
            .row_estimate = (int64_t)(rows / (double)parts),
        };
    *ret_shards = (ShardList){.shards = shards, .count = parts};
    return true;
}
