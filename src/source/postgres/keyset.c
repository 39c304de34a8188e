/* SPDX-License-Identifier: Apache-2.0 */
#include "source/postgres/keyset.h"

#include "source/postgres/sql.h"

#include <string.h>

/* How bounds are found between the extremes of a key, for the types it can be. */
typedef struct KeyType {
    const char *base;
    const char *extremes; /* condition for those that count; NULL: there are none to ask for */
    const char *between;  /* lo, hi, i of n */
} KeyType;

#define BETWEEN_INTEGERS "(lo::numeric + (hi::numeric - lo::numeric) * i / n)::int8"
#define BETWEEN_TIMES "lo + (hi - lo) * (i::float8 / n)"

static const KeyType key_types[] = {
    {"int2", "true", BETWEEN_INTEGERS},
    {"int4", "true", BETWEEN_INTEGERS},
    {"int8", "true", BETWEEN_INTEGERS},
    {"date", "isfinite(k)", "lo + (hi - lo) * i / n"},
    {"timestamp", "isfinite(k)", BETWEEN_TIMES},
    {"timestamptz", "isfinite(k)", BETWEEN_TIMES},
    {"uuid", NULL, NULL},
};

static const KeyType *key_type(const SourceType *type)
{
    for (size_t i = 0; i < sizeof key_types / sizeof *key_types; i++) {
        if (type->class == SOURCE_TYPE_BASE && strcmp(type->base, key_types[i].base) == 0 &&
            strcmp(type->schema, "pg_catalog") == 0)
            return &key_types[i];
    }
    return NULL;
}

const SourceColumn *keyset_column(const SourceTable *table)
{
    for (size_t i = 0; table->key_count == 1 && i < table->column_count; i++) {
        const SourceColumn *column = &table->columns[i];
        if (strcmp(column->name, table->key[0]) == 0)
            return key_type(&column->type) ? column : NULL;
    }
    return NULL;
}

size_t keyset_pick(const char *const *sorted, size_t count, size_t parts, const char **ret_picked)
{
    size_t picked = 0;
    for (size_t i = 1; i < parts && count > 0; i++) {
        const char *next = sorted[(count - 1) * i / parts];
        if (picked == 0 || strcmp(ret_picked[picked - 1], next) != 0)
            ret_picked[picked++] = next;
    }
    return picked;
}

/* Literals for the one column of a result. */
static const char **literals(const PGresult *rows, Arena *arena)
{
    const char **texts = ARENA_ARRAY(arena, const char *, PQntuples(rows));
    for (int i = 0; i < PQntuples(rows); i++)
        texts[i] = sql_literal(postgres_text(rows, i, 0), arena);
    return texts;
}

static bool ask_histogram(const Division *division, const SourceColumn *column, PGresult **ret_rows,
                          Error *error)
{
    Arena *arena = division->arena;
    const SourceTable *table = division->extract->plan->table;
    const char *sql = arena_printf(
        arena,
        "SELECT bound FROM pg_stats, unnest(histogram_bounds::text::text[]) WITH ORDINALITY\n"
        " AS u(bound, place) WHERE schemaname = %s AND tablename = %s AND attname = %s\n"
        " AND NOT inherited ORDER BY place",
        sql_literal(table->schema, arena), sql_literal(table->name, arena),
        sql_literal(column->name, arena));
    return postgres_exec(division->connection, sql, division->action, ret_rows, error);
}

static bool ask_extremes(const Division *division, const char *column, const KeyType *type,
                         size_t parts, PGresult **ret_rows, Error *error)
{
    const SourceTable *table = division->extract->plan->table;
    const char *sql = arena_printf(
        division->arena,
        "SELECT DISTINCT ON (bound) (%s)::text FROM (SELECT min(k) AS lo, max(k) AS hi\n"
        " FROM (SELECT %s AS k FROM %s) AS keys WHERE %s) AS ends,\n"
        " generate_series(1, %zu) AS i, (SELECT %zu AS n) AS parts,\n"
        " LATERAL (SELECT %s AS bound) AS b WHERE lo IS NOT NULL ORDER BY bound",
        type->between, column, sql_relation(table->schema, table->name, division->arena),
        type->extremes, parts - 1, parts, type->between);
    return postgres_exec(division->connection, sql, division->action, ret_rows, error);
}

static const char **even_uuids(size_t parts, Arena *arena)
{
    const char **bounds = ARENA_ARRAY(arena, const char *, parts);
    for (size_t i = 1; i < parts; i++)
        bounds[i - 1] = arena_printf(arena, "'%08x-0000-0000-0000-000000000000'",
                                     (unsigned)(((uint64_t)i << 32) / parts));
    return bounds;
}

bool keyset_bounds(const Division *division, const SourceColumn *column, size_t parts,
                   KeysetBounds *ret_bounds, Error *error)
{
    enum { HISTOGRAM_LEAST = 3 };
    Arena *arena = division->arena;
    const char *quoted = sql_relation(NULL, column->name, arena);
    const KeyType *type = key_type(&column->type);
    *ret_bounds = (KeysetBounds){.column = quoted};
    CLEANUP(PQclear_ptr) PGresult *histogram = NULL, *extremes = NULL;
    if (parts < 2)
        return true;
    if (!ask_histogram(division, column, &histogram, error))
        return false;
    const char **picked = ARENA_ARRAY(arena, const char *, parts);
    if (PQntuples(histogram) >= HISTOGRAM_LEAST) {
        ret_bounds->count =
            keyset_pick(literals(histogram, arena), (size_t)PQntuples(histogram), parts, picked);
        ret_bounds->bounds = picked;
        return true;
    }
    if (!type->extremes) {
        ret_bounds->bounds = even_uuids(parts, arena);
        ret_bounds->count = parts - 1;
        return true;
    }
    if (!ask_extremes(division, quoted, type, parts, &extremes, error))
        return false;
    ret_bounds->bounds = literals(extremes, arena);
    ret_bounds->count = (size_t)PQntuples(extremes);
    return true;
}
