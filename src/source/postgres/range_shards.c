/* SPDX-License-Identifier: Apache-2.0 */
#include "source/postgres/range_shards.h"

#include "format/json.h"
#include "source/postgres/range.h"
#include "source/postgres/select.h"

#include <string.h>

enum { SHARD_ROWS_MIN = 200000 };

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

bool range_shards(const Division *division, size_t wanted, ShardList *ret_shards, bool *ret_indexed,
                  Error *error)
{
    CLEANUP(json_free_ptr) Json *explained = NULL;
    const CursorRange *range = division->extract->range;
    if (!explain(division, &explained, error))
        return false;
    const Json *plan = json_get(json_at(explained, 0), "Plan");
    double rows = json_get_real(plan, "Plan Rows", 0);
    *ret_indexed = plan && scan_cost(plan) * 2 <= json_get_real(plan, "Total Cost", 0);
    if (!*ret_indexed)
        return true;
    size_t parts = (size_t)(rows / SHARD_ROWS_MIN) + 1;
    if (parts > wanted)
        parts = wanted;
    if (parts > 1 && !range_part(range, parts, 0, division->arena))
        parts = 1;
    Shard *shards = ARENA_ARRAY(division->arena, Shard, parts);
    for (size_t i = 0; i < parts; i++)
        shards[i] = (Shard){
            .method = parts > 1 ? "cursor" : "whole",
            .predicate = parts > 1 ? range_part(range, parts, i, division->arena) : NULL,
            .row_estimate = (int64_t)(rows / (double)parts),
        };
    *ret_shards = (ShardList){.shards = shards, .count = parts};
    return true;
}
