/* SPDX-License-Identifier: Apache-2.0 */
#include "source/mysql/ranges.h"

#include "source/mysql/candidates.h"
#include "source/mysql/catalog.h"
#include "source/mysql/sql.h"
#include "source/shards.h"

#include <stdlib.h>
#include <string.h>

enum { ROUNDS_MAX = 4, HEAVY_MAX = 4, BOUNDS_MAX = 512 };

/* The ranges so far: `count` bounds, and the rows expected before each and behind the last. */
typedef struct Ranges {
    const char *bounds[BOUNDS_MAX];
    double weights[BOUNDS_MAX + 1];
    size_t count;
} Ranges;

const SourceColumn *ranges_column(const SourceTable *table)
{
    for (size_t i = 0; table->key_count > 0 && i < table->column_count; i++) {
        const SourceColumn *column = &table->columns[i];
        if (strcmp(column->name, table->key[0]) == 0)
            return candidates_kind(&column->type) == KEY_NONE ? NULL : column;
    }
    return NULL;
}

size_t ranges_pick(const char *const *bounds, const double *weights, size_t count, size_t parts,
                   const char **ret_picked)
{
    double total = 0, sum = 0;
    for (size_t i = 0; i <= count; i++)
        total += weights[i];
    size_t picked = 0;
    for (size_t i = 0; i < count && picked + 1 < parts; i++) {
        sum += weights[i];
        double due = total * (double)(picked + 1) / (double)parts;
        /* whichever of two neighbours is nearer to where the cut is due */
        bool next_is_nearer = sum + weights[i + 1] - due < due - sum;
        if (sum > 0 && sum < total && !next_is_nearer && (sum >= due || due - sum < weights[i + 1]))
            ret_picked[picked++] = bounds[i];
    }
    return picked;
}

/* The index that begins with the column, by which ranges are read; one of a key if possible. */
static bool find_index(RangeQuestion *question, const SourceColumn *column, Error *error)
{
    const SourceTable *table = question->table;
    bool is_primary = table->key_is_primary && strcmp(table->key[0], column->name) == 0;
    Arena *arena = question->arena;
    const char *index = "PRIMARY";
    CLEANUP(mysql_free_result_ptr) MYSQL_RES *rows = NULL;
    if (!is_primary) {
        const MysqlConnection *connection = question->connection;
        const MysqlDialect dialect = {connection->is_mariadb, connection->version};
        const char *sql =
            mysql_catalog_leading_index(table->schema, table->name, column->name, dialect, arena);
        if (!mysqld_ask_rows(question->connection, sql, &question->action, &rows, error))
            return false;
        MYSQL_ROW row = mysql_fetch_row(rows);
        index = row ? row[0] : NULL;
    }
    question->relation =
        arena_printf(arena, "%s%s%s%s", mysql_relation(table->schema, table->name, arena),
                     index ? " FORCE INDEX (" : "", index ? mysql_identifier(index, arena) : "",
                     index ? ")" : "");
    return true;
}

/* EXPLAIN of one SELECT a range. */
static const char *explain(const RangeQuestion *question, const Ranges *ranges)
{
    SqlText sql;
    sql_open(&sql);
    fputs(question->connection->is_mariadb ? "EXPLAIN " : "EXPLAIN FORMAT=TRADITIONAL ", sql.out);
    for (size_t i = 0; i <= ranges->count; i++) {
        const char *predicate =
            shard_range(question->column, ranges->bounds, ranges->count, i, question->arena);
        fprintf(sql.out, "%sSELECT 1 FROM %s WHERE (%s)%s%s%s", i > 0 ? " UNION ALL " : "",
                question->relation, predicate, question->further ? " AND (" : "",
                question->further ? question->further : "", question->further ? ")" : "");
    }
    return sql_take(&sql, question->arena);
}

static bool weigh(RangeQuestion *question, Ranges *ranges, Error *error)
{
    CLEANUP(mysql_free_result_ptr) MYSQL_RES *rows = NULL;
    if (!mysqld_ask_rows(question->connection, explain(question, ranges), &question->action, &rows,
                         error))
        return false;
    unsigned table = mysqld_column(rows, "table"), expected = mysqld_column(rows, "rows");
    unsigned width = mysql_num_fields(rows);
    size_t index = 0;
    MYSQL_ROW row;
    while (index <= ranges->count && table < width && expected < width &&
           (row = mysql_fetch_row(rows))) {
        bool is_union = row[table] && row[table][0] == '<';
        if (!is_union) /* NULL: no row can be there */
            ranges->weights[index++] = row[expected] ? strtod(row[expected], NULL) : 0;
    }
    for (; index <= ranges->count; index++)
        ranges->weights[index] = 0;
    return true;
}

/* The heaviest range of those that weigh too much and were not tried yet; the count + 1 when none
 * is. */
static size_t heaviest(const Ranges *ranges, double limit, const bool *tried)
{
    size_t found = ranges->count + 1;
    for (size_t i = 0; i <= ranges->count; i++) {
        if (ranges->weights[i] > limit && !tried[i] &&
            (found > ranges->count || ranges->weights[i] > ranges->weights[found]))
            found = i;
    }
    return found;
}

static void insert(Ranges *ranges, size_t at, const char *const *bounds, size_t count)
{
    if (ranges->count + count > BOUNDS_MAX)
        count = BOUNDS_MAX - ranges->count;
    memmove(ranges->bounds + at + count, ranges->bounds + at,
            (ranges->count - at) * sizeof *ranges->bounds);
    memcpy(ranges->bounds + at, bounds, count * sizeof *bounds);
    ranges->count += count;
}

static bool split(RangeQuestion *question, Ranges *ranges, size_t index, const SourceColumn *column,
                  size_t *ret_count, Error *error)
{
    const char *found[CANDIDATES_MAX];
    const CandidateRange range = {
        .kind = candidates_kind(&column->type),
        .lower = index > 0 ? ranges->bounds[index - 1] : NULL,
        .upper = index < ranges->count ? ranges->bounds[index] : NULL,
    };
    if (!candidates_find(question, &range, found, ret_count, error))
        return false;
    insert(ranges, index, found, *ret_count);
    return true;
}

/* Splits what weighs too much; false in *ret_changed when nothing did, or could be. */
static bool refine(RangeQuestion *question, Ranges *ranges, const SourceColumn *column,
                   size_t parts, bool *ret_changed, Error *error)
{
    bool tried[BOUNDS_MAX + 1] = {false};
    double total = 0;
    for (size_t i = 0; i <= ranges->count; i++)
        total += ranges->weights[i];
    double limit = total / (double)parts / 4;
    *ret_changed = false;
    for (int i = 0; i < HEAVY_MAX && ranges->count < BOUNDS_MAX; i++) {
        size_t index = heaviest(ranges, limit, tried), added;
        if (index > ranges->count)
            return true;
        if (!split(question, ranges, index, column, &added, error))
            return false;
        /* Until they are weighed, none of the new ones is too heavy. */
        memmove(ranges->weights + index + added + 1, ranges->weights + index + 1,
                (ranges->count - added - index) * sizeof *ranges->weights);
        memmove(tried + index + added + 1, tried + index + 1, ranges->count - added - index);
        for (size_t j = index; j <= index + added; j++) {
            ranges->weights[j] = 0;
            tried[j] = true;
        }
        *ret_changed = *ret_changed || added > 0;
    }
    return true;
}

bool ranges_divide(RangeQuestion *question, size_t parts, Error *error)
{
    const SourceColumn *column = question->by;
    Ranges *ranges = ARENA_NEW(question->arena, Ranges);
    size_t found;
    question->column = mysql_identifier(column->name, question->arena);
    question->bound_count = 0;
    if (!find_index(question, column, error) || !split(question, ranges, 0, column, &found, error))
        return false;
    bool changed = found > 0;
    for (int round = 0; round < ROUNDS_MAX && changed; round++) {
        if (!weigh(question, ranges, error) ||
            !refine(question, ranges, column, parts, &changed, error))
            return false;
    }
    if (ranges->count == 0)
        return true;
    if (!weigh(question, ranges, error))
        return false;
    const char **picked = ARENA_ARRAY(question->arena, const char *, parts);
    question->bound_count =
        ranges_pick(ranges->bounds, ranges->weights, ranges->count, parts, picked);
    question->bounds = picked;
    return true;
}
