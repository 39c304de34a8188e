/* SPDX-License-Identifier: Apache-2.0 */
#include "base/nearest.h"
#include "source/mysql/catalog.h"
#include "source/mysql/column_type.h"
#include "source/mysql/failure.h"
#include "source/mysql/keys.h"
#include "source/mysql/looks.h"
#include "source/mysql/mysql_source.h"
#include "source/mysql/sql.h"

#include <stdlib.h>
#include <string.h>
#include <strings.h>

/* One relation being described. */
typedef struct Description {
    MysqlSource *source;
    const RelationRef *relation;
    const char *label; /* for messages */
    MysqlAction action;
    Arena *arena;
} Description;

static MysqlDialect dialect_of(const MysqlConnection *connection)
{
    return (MysqlDialect){connection->is_mariadb, connection->version};
}

static const char *relation_question(const MysqlConnection *connection, const void *context,
                                     Arena *arena)
{
    const RelationRef *relation = context;
    return mysql_catalog_relation(relation->schema, relation->name, dialect_of(connection), arena);
}

static const char *missing_question(const MysqlConnection *connection, const void *context,
                                    Arena *arena)
{
    const RelationRef *relation = context;
    (void)connection;
    return mysql_catalog_missing(relation->schema, relation->name, arena);
}

/* The first column's cells. */
static const char **cells_of(MYSQL_RES *rows, Arena *arena, size_t *ret_count)
{
    size_t count = mysql_num_rows(rows);
    const char **cells = ARENA_ARRAY(arena, const char *, count);
    for (size_t i = 0; i < count; i++)
        cells[i] = arena_strdup(arena, mysql_fetch_row(rows)[0]);
    *ret_count = count;
    return cells;
}

static bool has_cell(const char *const *cells, size_t count, const char *wanted)
{
    for (size_t i = 0; i < count; i++) {
        if (strcasecmp(cells[i], wanted) == 0)
            return true;
    }
    return false;
}

static bool fail_missing(const Description *description, const MysqlResults *facts, Error *error)
{
    const RelationRef *relation = description->relation;
    Arena *arena = description->arena;
    size_t schema_count, name_count, other_count;
    MYSQL_ROW current = mysql_fetch_row(facts->items[MISSING_CURRENT]);
    const char **schemas = cells_of(facts->items[MISSING_SCHEMAS], arena, &schema_count);
    const char **names = cells_of(facts->items[MISSING_NAMES], arena, &name_count);
    const char **others = cells_of(facts->items[MISSING_OTHERS], arena, &other_count);
    if (!relation->schema && !current[0]) {
        error_set(error, ERROR_CONFIG, "%s: the connection names no database", description->label);
        return error_hint(error, "say DATABASE.%s, or `database` in the connection",
                          relation->name);
    }
    if (relation->schema && !has_cell(schemas, schema_count, relation->schema)) {
        const char *near = nearest_word(relation->schema, schemas, schema_count);
        error_set(error, ERROR_SOURCE, "there is no database \"%s\", or the account may not see it",
                  relation->schema);
        return near && error_hint(error, "did you mean \"%s\"?", near);
    }
    error_set(error, ERROR_SOURCE, "there is no table or view %s, or the account may not see it",
              description->label);
    const char *near = nearest_word(relation->name, names, name_count);
    if (near)
        return error_hint(error, "did you mean %s?", sql_label(relation->schema, near, arena));
    if (other_count > 0)
        return error_hint(error, "database \"%s\" has one of that name: say \"%s.%s\"", others[0],
                          others[0], relation->name);
    return error_hint(error, "`bqferry discover` lists what there is");
}

static bool explain_missing(const Description *description, Error *error)
{
    CLEANUP(mysqld_results_done) MysqlResults facts = {0};
    const MysqlQuestion question = {missing_question, description->relation, &description->action};
    return mysqld_ask_source(description->source, &question, description->arena, &facts, error) &&
           fail_missing(description, &facts, error);
}

static RelationKind kind_of(const char *kind, const char *engine, const char *options)
{
    static const char *const foreign[] = {"FEDERATED", "CONNECT", "SPIDER"};
    if (strstr(kind, "VIEW"))
        return RELATION_VIEW;
    for (size_t i = 0; engine && i < sizeof foreign / sizeof *foreign; i++) {
        if (strcasecmp(engine, foreign[i]) == 0)
            return RELATION_FOREIGN;
    }
    return options && strstr(options, "partitioned") ? RELATION_PARTITIONED : RELATION_TABLE;
}

static bool has_snapshots(const char *engine)
{
    return engine && (strcasecmp(engine, "InnoDB") == 0 || strcasecmp(engine, "ROCKSDB") == 0);
}

/* A row of TABLE_FACTS: place, name, kind, engine, estimate, size, comment, options. */
static void read_table(MYSQL_ROW row, Arena *arena, SourceTable *table)
{
    enum { PLACE, NAME, KIND, ENGINE, ESTIMATE, SIZE, COMMENT, OPTIONS };
    RelationKind kind = kind_of(row[KIND], row[ENGINE], row[OPTIONS]);
    bool has_comment = row[COMMENT] && row[COMMENT][0] && kind != RELATION_VIEW;
    *table = (SourceTable){
        .schema = arena_strdup(arena, row[PLACE]),
        .name = arena_strdup(arena, row[NAME]),
        .kind = kind,
        .comment = has_comment ? arena_strdup(arena, row[COMMENT]) : NULL,
        .row_estimate = mysqld_int(row[ESTIMATE], -1),
        .byte_size = mysqld_int(row[SIZE], -1),
        .driver_id = has_snapshots(row[ENGINE]) ? MYSQL_TABLE_HAS_SNAPSHOTS : 0,
    };
}

/* json_valid(`name`): true when `clause` is that of a column. */
static bool is_json_check(const char *clause, const char *name)
{
    size_t length = strlen(name);
    return strncmp(clause, "json_valid(`", 12) == 0 && strncmp(clause + 12, name, length) == 0 &&
           strcmp(clause + 12 + length, "`)") == 0;
}

static bool has_json_check(MYSQL_RES *checks, const char *name)
{
    if (!checks)
        return false;
    MYSQL_ROW row;
    mysql_data_seek(checks, 0);
    while ((row = mysql_fetch_row(checks))) {
        if (row[0] && is_json_check(row[0], name))
            return true;
    }
    return false;
}

/* ON UPDATE alone leaves inserted rows without a time. */
static bool is_stamp(const char *extra, const char *initial)
{
    static const char now[] = "current_timestamp";
    return strcasestr(extra, "on update current_timestamp") && initial &&
           strncasecmp(initial, now, sizeof now - 1) == 0;
}

/* False in *ret_readable when no column may be read. */
static void read_columns(const MysqlResults *facts, Arena *arena, SourceTable *table,
                         bool *ret_readable)
{
    enum {
        NAME,
        DATA,
        TYPE,
        NULLABLE,
        PRECISION,
        SCALE,
        EXTRA,
        COMMENT,
        PRIVILEGES,
        SRID,
        DEFAULT
    };
    MYSQL_RES *rows = facts->items[DESCRIBED_COLUMNS];
    MYSQL_RES *checks = facts->count > DESCRIBED_CHECKS ? facts->items[DESCRIBED_CHECKS] : NULL;
    size_t count = mysql_num_rows(rows);
    SourceColumn *columns = ARENA_ARRAY(arena, SourceColumn, count);
    *ret_readable = false;
    for (size_t i = 0; i < count; i++) {
        MYSQL_ROW row = mysql_fetch_row(rows);
        const ColumnFacts column = {
            .data_type = row[DATA],
            .column_type = row[TYPE],
            .precision = row[PRECISION],
            .scale = row[SCALE],
            .srid = row[SRID],
            .is_json = strcmp(row[DATA], "longtext") == 0 && has_json_check(checks, row[NAME]),
        };
        bool may_read = !row[PRIVILEGES] || strstr(row[PRIVILEGES], "select");
        columns[i] = (SourceColumn){
            .name = arena_strdup(arena, row[NAME]),
            .is_denied = !may_read,
            .type = mysql_type_of_facts(&column, arena),
            .not_null = strcmp(row[NULLABLE], "NO") == 0,
            .generated =
                strstr(row[EXTRA], "GENERATED") && !strstr(row[EXTRA], "DEFAULT_GENERATED"),
            .set_on_write = is_stamp(row[EXTRA], row[DEFAULT]),
            .comment = row[COMMENT] && row[COMMENT][0] ? arena_strdup(arena, row[COMMENT]) : NULL,
        };
        *ret_readable = *ret_readable || may_read;
    }
    table->columns = columns;
    table->column_count = count;
    mysql_mark_indexes(facts->items[DESCRIBED_INDEXES], columns, count);
}

static bool fail_unreadable(const Description *description, const SourceTable *table, Error *error)
{
    if (table->kind == RELATION_VIEW && table->column_count == 0) {
        error_set(error, ERROR_SOURCE,
                  "%s: the view cannot be read: a table, column or function that it refers to is "
                  "missing, or its definer may not use it",
                  description->label);
        return error_hint(error, "SHOW CREATE VIEW %s shows what it refers to",
                          mysql_relation(table->schema, table->name, description->arena));
    }
    error_set(error, ERROR_SOURCE, "%s: no permission to read it", description->label);
    return error_hint(error, "as an administrator: GRANT SELECT ON %s TO the account",
                      mysql_relation(table->schema, table->name, description->arena));
}

/* Columns that an account may not read are left out of what it is told of the table; asked for
 * all, the server refuses. Where the account has the whole table nothing need be asked. */
static bool look_for_hidden(const Description *description, const MysqlResults *facts,
                            SourceTable *table, Error *error)
{
    MYSQL_ROW grants = mysql_fetch_row(facts->items[DESCRIBED_GRANTS]);
    if (mysqld_int(grants[0], 0) > 0)
        return true;
    MysqlConnection *connection = NULL;
    bool fresh;
    if (!mysqld_borrow(description->source, &connection, &fresh, error))
        return false;
    CLEANUP(mysql_free_result_ptr) MYSQL_RES *rows = NULL;
    const char *sql = arena_printf(description->arena, "SELECT * FROM %s LIMIT 0",
                                   mysql_relation(table->schema, table->name, description->arena));
    Error failed = {0};
    bool sees_all = mysqld_ask_rows(connection, sql, &description->action, &rows, &failed);
    table->hides_columns = !sees_all && mysqld_is_denied(mysql_errno(&connection->mysql));
    mysqld_return(description->source, connection);
    if (sees_all || table->hides_columns)
        return true;
    if (error)
        *error = failed;
    return false;
}

static bool describe_table(const Description *description, SourceTable *ret_table, Error *error)
{
    CLEANUP(mysqld_results_done) MysqlResults facts = {0};
    const MysqlQuestion question = {relation_question, description->relation, &description->action};
    if (!mysqld_ask_source(description->source, &question, description->arena, &facts, error))
        return false;
    MYSQL_ROW row = mysql_fetch_row(facts.items[DESCRIBED_TABLE]);
    if (!row)
        return explain_missing(description, error);
    bool readable;
    read_table(row, description->arena, ret_table);
    read_columns(&facts, description->arena, ret_table, &readable);
    mysql_read_key(facts.items[DESCRIBED_INDEXES], description->arena, ret_table);
    if (!readable)
        return fail_unreadable(description, ret_table, error);
    return look_for_hidden(description, &facts, ret_table, error) &&
           looks_at_truth(description->source, ret_table, &description->action, description->arena,
                          error);
}

/* The columns of a query, without running it. */
static bool describe_on(const Description *description, MysqlConnection *connection,
                        SourceTable *ret_table, Error *error)
{
    Arena *arena = description->arena;
    const char *sql = arena_printf(arena, "SELECT * FROM (\n%s\n) AS bqferry_query",
                                   sql_bare_query(description->relation->query, arena));
    MYSQL_STMT *statement = mysql_stmt_init(&connection->mysql);
    bool prepared = mysql_stmt_prepare(statement, sql, strlen(sql)) == 0 ||
                    mysqld_fail_statement(connection, statement, &description->action, error);
    CLEANUP(mysql_free_result_ptr)
    MYSQL_RES *shape = prepared ? mysql_stmt_result_metadata(statement) : NULL;
    size_t count = shape ? mysql_num_fields(shape) : 0;
    SourceColumn *columns = ARENA_ARRAY(arena, SourceColumn, count);
    for (size_t i = 0; i < count; i++) {
        const MYSQL_FIELD *field = mysql_fetch_field_direct(shape, (unsigned)i);
        columns[i].name = arena_strndup(arena, field->name, field->name_length);
        columns[i].type = mysql_type_of_field(field, arena);
    }
    mysql_stmt_close(statement);
    *ret_table = (SourceTable){
        .kind = RELATION_QUERY,
        .row_estimate = -1,
        .byte_size = -1,
        .columns = columns,
        .column_count = count,
    };
    return prepared;
}

static bool describe_query(const Description *description, SourceTable *ret_table, Error *error)
{
    for (;;) {
        MysqlConnection *connection = NULL;
        bool fresh;
        if (!mysqld_borrow(description->source, &connection, &fresh, error))
            return false;
        bool done = describe_on(description, connection, ret_table, error);
        bool again = !done && !fresh && !mysqld_is_open(connection) && !connection->stopped;
        mysqld_return(description->source, connection);
        if (!again)
            return done;
    }
}

bool mysqld_describe(Source *base, const RelationRef *relation, Arena *arena,
                     SourceTable *ret_table, Error *error)
{
    Description description = {
        .source = (MysqlSource *)base,
        .relation = relation,
        .label = relation->query ? "the query" : sql_label(relation->schema, relation->name, arena),
        .arena = arena,
    };
    description.action = (MysqlAction){
        .doing = relation->query ? "describing the query"
                                 : arena_printf(arena, "describing %s", description.label),
    };
    return relation->query ? describe_query(&description, ret_table, error)
                           : describe_table(&description, ret_table, error);
}

typedef struct ListWish {
    const char *pattern;
    bool with_views;
} ListWish;

static const char *list_question(const MysqlConnection *connection, const void *context,
                                 Arena *arena)
{
    const ListWish *wish = context;
    return mysql_catalog_list(wish->pattern, wish->with_views, dialect_of(connection), arena);
}

bool mysqld_list(Source *base, const char *pattern, bool with_views, Arena *arena,
                 RelationList *ret_list, Error *error)
{
    const MysqlAction action = {
        .doing = arena_printf(arena, "listing the tables like \"%s\"", pattern),
    };
    const ListWish wish = {pattern, with_views};
    CLEANUP(mysqld_results_done) MysqlResults results = {0};
    const MysqlQuestion question = {list_question, &wish, &action};
    if (!mysqld_ask_source((MysqlSource *)base, &question, arena, &results, error))
        return false;
    MYSQL_RES *rows = results.items[LISTED_TABLES];
    size_t count = mysql_num_rows(rows);
    SourceTable *tables = ARENA_ARRAY(arena, SourceTable, count);
    for (size_t i = 0; i < count; i++) {
        read_table(mysql_fetch_row(rows), arena, &tables[i]);
        mysql_read_key(results.items[LISTED_KEYS], arena, &tables[i]);
    }
    *ret_list = (RelationList){.tables = tables, .count = count};
    return true;
}
