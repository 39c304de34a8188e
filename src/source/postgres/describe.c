/* SPDX-License-Identifier: Apache-2.0 */
#include "base/nearest.h"
#include "format/json.h"
#include "source/postgres/catalog.h"
#include "source/postgres/session.h"
#include "source/postgres/sql.h"
#include "source/postgres/type_tree.h"

#include <stdio.h>
#include <string.h>

/* One relation being described. */
typedef struct Description {
    PostgresSource *source;
    const RelationRef *relation;
    const char *label; /* for messages */
    PostgresAction action;
    Arena *arena;
} Description;

static bool parse_json(const char *text, Json **ret_json, Error *error)
{
    *ret_json = NULL;
    return !text || json_parse(text, strlen(text), "pg_catalog", ret_json, error);
}

/* The names in a JSON array, for nearest_word. */
static const char *nearest_in(const Json *names, const char *word, Arena *arena)
{
    size_t count = json_count(names);
    const char **texts = ARENA_ARRAY(arena, const char *, count);
    for (size_t i = 0; i < count; i++)
        texts[i] = json_text_of(json_at(names, i));
    return nearest_word(word, texts, count);
}

static bool fail_missing(const Description *description, const PGresult *facts, Error *error)
{
    const RelationRef *relation = description->relation;
    const char *kind = postgres_text(facts, 0, MISSING_KIND);
    if (kind)
        return error_set(error, ERROR_SOURCE, "%s is %s, not a table or view", description->label,
                         catalog_kind_word(kind));
    CLEANUP(json_free_ptr) Json *names = NULL, *schemas = NULL, *others = NULL;
    if (!parse_json(postgres_text(facts, 0, MISSING_NAMES), &names, error) ||
        !parse_json(postgres_text(facts, 0, MISSING_SCHEMAS), &schemas, error) ||
        !parse_json(postgres_text(facts, 0, MISSING_OTHERS), &others, error))
        return false;
    if (relation->schema && !postgres_bool(facts, 0, MISSING_SCHEMA)) {
        const char *near = nearest_in(schemas, relation->schema, description->arena);
        error_set(error, ERROR_SOURCE, "there is no schema \"%s\" in this database",
                  relation->schema);
        return near && error_hint(error, "did you mean \"%s\"?", near);
    }
    error_set(error, ERROR_SOURCE, "there is no table or view %s", description->label);
    const char *near = nearest_in(names, relation->name, description->arena);
    if (near)
        return error_hint(error, "did you mean %s?",
                          sql_label(relation->schema, near, description->arena));
    if (json_count(others) > 0)
        return error_hint(error, "schema \"%s\" has one of that name: say \"%s.%s\"",
                          json_text_of(json_at(others, 0)), json_text_of(json_at(others, 0)),
                          relation->name);
    return error_hint(error, "`bqferry discover` lists what there is");
}

static bool explain_missing(const Description *description, Error *error)
{
    const RelationRef *relation = description->relation;
    const char *sql = catalog_missing(relation->schema, relation->name, description->arena);
    CLEANUP(PQclear_ptr) PGresult *facts = NULL;
    return session_ask(description->source, sql, &description->action, &facts, error) &&
           fail_missing(description, facts, error);
}

/* What would stop every read of the relation. */
static bool check_access(const Description *description, const PGresult *row, Error *error)
{
    Arena *arena = description->arena;
    const char *schema = postgres_text(row, 0, RELATION_SCHEMA);
    const char *name = sql_relation(schema, postgres_text(row, 0, RELATION_NAME), arena);
    const char *role = sql_relation(NULL, postgres_text(row, 0, RELATION_ROLE), arena);
    if (!postgres_bool(row, 0, RELATION_MAY_USE)) {
        error_set(error, ERROR_SOURCE, "%s: no permission to use schema \"%s\"", description->label,
                  schema);
        return error_hint(error, "as the schema's owner: GRANT USAGE ON SCHEMA %s TO %s",
                          sql_relation(NULL, schema, arena), role);
    }
    if (!postgres_bool(row, 0, RELATION_MAY_READ)) {
        error_set(error, ERROR_SOURCE, "%s: no permission to read it", description->label);
        return error_hint(error, "as its owner: GRANT SELECT ON %s TO %s", name, role);
    }
    if (postgres_bool(row, 0, RELATION_FILTERED)) {
        error_set(error, ERROR_SOURCE, "%s: row-level security hides rows from this role",
                  description->label);
        return error_hint(error,
                          "as a superuser: ALTER ROLE %s BYPASSRLS; or read a view that shows "
                          "what is wanted",
                          role);
    }
    return true;
}

static const char *const *read_names(const Json *names, Arena *arena)
{
    const char **texts = ARENA_ARRAY(arena, const char *, json_count(names));
    for (size_t i = 0; i < json_count(names); i++)
        texts[i] = arena_strdup(arena, json_text_of(json_at(names, i)));
    return texts;
}

/* `key` is NULL when there is none. */
static void read_key(const Json *key, Arena *arena, SourceTable *table)
{
    table->key = read_names(json_get(key, "columns"), arena);
    table->key_count = json_count(json_get(key, "columns"));
    table->key_is_primary = json_get_bool(key, "primary");
}

static bool read_columns(const Json *entries, const Json *types, Arena *arena, SourceTable *table,
                         Error *error)
{
    size_t count = json_count(entries);
    SourceColumn *columns = ARENA_ARRAY(arena, SourceColumn, count);
    for (size_t i = 0; i < count; i++) {
        const Json *entry = json_at(entries, i);
        columns[i] = (SourceColumn){
            .name = arena_strdup(arena, json_get_text(entry, "name")),
            .not_null = json_get_bool(entry, "not_null"),
            .generated = json_get_bool(entry, "generated"),
            .leads_an_index = json_get_bool(entry, "indexed"),
            .is_denied = json_get_bool(entry, "denied"),
            .comment = arena_strdup(arena, json_get_text(entry, "comment")),
        };
        if (!type_tree_build(types, json_get_text(entry, "type"), arena, &columns[i].type, error))
            return error_prefix(error, "column \"%s\"", columns[i].name);
    }
    table->columns = columns;
    table->column_count = count;
    return true;
}

static bool read_relation(const Description *description, const PGresult *row, SourceTable *table,
                          Error *error)
{
    Arena *arena = description->arena;
    CLEANUP(json_free_ptr) Json *columns = NULL, *types = NULL, *key = NULL;
    if (!parse_json(postgres_text(row, 0, RELATION_COLUMNS), &columns, error) ||
        !parse_json(postgres_text(row, 0, RELATION_TYPES), &types, error) ||
        !parse_json(postgres_text(row, 0, RELATION_UNIQUE), &key, error))
        return false;
    *table = (SourceTable){
        .schema = arena_strdup(arena, postgres_text(row, 0, RELATION_SCHEMA)),
        .name = arena_strdup(arena, postgres_text(row, 0, RELATION_NAME)),
        .kind = catalog_kind(postgres_text(row, 0, RELATION_KIND)),
        .comment = arena_strdup(arena, postgres_text(row, 0, RELATION_COMMENT)),
        .row_estimate = postgres_int(row, 0, RELATION_ROWS, -1),
        .byte_size = postgres_int(row, 0, RELATION_BYTES, -1),
        .driver_id = (uint64_t)postgres_int(row, 0, RELATION_OID, 0),
    };
    read_key(key, arena, table);
    return read_columns(columns, types, arena, table, error);
}

static bool describe_table(const Description *description, SourceTable *ret_table, Error *error)
{
    const RelationRef *relation = description->relation;
    PGconn *connection = NULL;
    bool fresh;
    if (!session_borrow(description->source, &connection, &fresh, error))
        return false;
    int version = PQserverVersion(connection);
    session_return(description->source, connection);

    const char *sql =
        catalog_relation(relation->schema, relation->name, version, description->arena);
    CLEANUP(PQclear_ptr) PGresult *row = NULL;
    if (!session_ask(description->source, sql, &description->action, &row, error))
        return false;
    if (PQntuples(row) == 0)
        return explain_missing(description, error);
    return check_access(description, row, error) &&
           read_relation(description, row, ret_table, error);
}

/* "(23,-1),(1043,14)": each of a statement's result types. */
static const char *result_types(const PGresult *shape, Arena *arena)
{
    SqlText values;
    sql_open(&values);
    for (int i = 0; i < PQnfields(shape); i++)
        fprintf(values.out, "%s(%u,%d)", i > 0 ? "," : "", PQftype(shape, i), PQfmod(shape, i));
    return sql_take(&values, arena);
}

static bool name_query_columns(const PGresult *shape, const Json *types, Arena *arena,
                               SourceTable *table, Error *error)
{
    size_t count = (size_t)PQnfields(shape);
    SourceColumn *columns = ARENA_ARRAY(arena, SourceColumn, count);
    for (size_t i = 0; i < count; i++) {
        columns[i].name = arena_strdup(arena, PQfname(shape, (int)i));
        for (size_t j = 0; j < i; j++) {
            if (strcmp(columns[i].name, columns[j].name) == 0)
                return error_set(error, ERROR_CONFIG,
                                 "the query gives two columns the name \"%s\": give one of them "
                                 "another with AS",
                                 columns[i].name);
        }
        const char *key =
            arena_printf(arena, "%u:%d", PQftype(shape, (int)i), PQfmod(shape, (int)i));
        if (!type_tree_build(types, key, arena, &columns[i].type, error))
            return error_prefix(error, "column \"%s\"", columns[i].name);
    }
    table->columns = columns;
    table->column_count = count;
    return true;
}

static bool describe_on(const Description *description, PGconn *connection, SourceTable *ret_table,
                        Error *error)
{
    Arena *arena = description->arena;
    const char *begin = arena_printf(arena, "BEGIN READ ONLY; %s", postgres_settings(connection));
    const char *rows = arena_printf(arena, "SELECT * FROM (\n%s\n) AS bqferry_query",
                                    sql_bare_query(description->relation->query, arena));
    CLEANUP(PQclear_ptr) PGresult *shape = NULL, *row = NULL;
    if (!postgres_run(connection, begin, &description->action, error) ||
        !postgres_describe(connection, rows, &description->action, &shape, error))
        return false;
    if (PQnfields(shape) == 0)
        return error_set(error, ERROR_CONFIG, "the query gives no columns");
    const char *sql = catalog_types(result_types(shape, arena), PQserverVersion(connection), arena);
    if (!postgres_exec(connection, sql, &description->action, &row, error) ||
        !postgres_run(connection, "ROLLBACK", &description->action, error))
        return false;
    CLEANUP(json_free_ptr) Json *types = NULL;
    *ret_table = (SourceTable){.kind = RELATION_QUERY, .row_estimate = -1, .byte_size = -1};
    return parse_json(postgres_text(row, 0, 0), &types, error) &&
           name_query_columns(shape, types, arena, ret_table, error);
}

static bool describe_query(const Description *description, SourceTable *ret_table, Error *error)
{
    for (;;) {
        PGconn *connection = NULL;
        bool fresh;
        if (!session_borrow(description->source, &connection, &fresh, error))
            return false;
        bool done = describe_on(description, connection, ret_table, error);
        bool again = !done && !fresh && PQstatus(connection) == CONNECTION_BAD;
        session_return(description->source, connection);
        if (!again)
            return done;
    }
}

bool postgres_describe_relation(Source *base, const RelationRef *relation, Arena *arena,
                                SourceTable *ret_table, Error *error)
{
    Description description = {
        .source = (PostgresSource *)base,
        .relation = relation,
        .label = relation->query ? "the query" : sql_label(relation->schema, relation->name, arena),
        .arena = arena,
    };
    description.action = (PostgresAction){
        .doing = relation->query ? "describing the query"
                                 : arena_printf(arena, "describing %s", description.label),
    };
    return relation->query ? describe_query(&description, ret_table, error)
                           : describe_table(&description, ret_table, error);
}

bool postgres_list(Source *base, const char *pattern, bool with_views, Arena *arena,
                   RelationList *ret_list, Error *error)
{
    PostgresSource *source = (PostgresSource *)base;
    const PostgresAction action = {
        .doing = arena_printf(arena, "listing the tables like \"%s\"", pattern),
    };
    CLEANUP(PQclear_ptr) PGresult *rows = NULL;
    if (!session_ask(source, catalog_list(pattern, with_views, arena), &action, &rows, error))
        return false;
    size_t count = (size_t)PQntuples(rows);
    SourceTable *tables = ARENA_ARRAY(arena, SourceTable, count);
    for (size_t i = 0; i < count; i++) {
        int row = (int)i;
        tables[i] = (SourceTable){
            .schema = arena_strdup(arena, postgres_text(rows, row, LISTED_SCHEMA)),
            .name = arena_strdup(arena, postgres_text(rows, row, LISTED_NAME)),
            .kind = catalog_kind(postgres_text(rows, row, LISTED_KIND)),
            .comment = arena_strdup(arena, postgres_text(rows, row, LISTED_COMMENT)),
            .row_estimate = postgres_int(rows, row, LISTED_ROWS, -1),
            .byte_size = postgres_int(rows, row, LISTED_BYTES, -1),
            .driver_id = (uint64_t)postgres_int(rows, row, LISTED_OID, 0),
        };
        CLEANUP(json_free_ptr) Json *key = NULL;
        if (!parse_json(postgres_text(rows, row, LISTED_UNIQUE), &key, error))
            return false;
        read_key(key, arena, &tables[i]);
    }
    *ret_list = (RelationList){.tables = tables, .count = count};
    return true;
}
