/* SPDX-License-Identifier: Apache-2.0 */
#include "source/mysql/catalog.h"

#include "source/mysql/sql.h"

#include <string.h>

enum { WITH_SRID = 80003, MARIADB_IGNORED = 100600 };

#define OUTSIDE_THE_SYSTEM                                                                         \
    "table_schema NOT IN ('mysql', 'sys', 'information_schema', 'performance_schema')"

/* Names compare without regard to case in information_schema, whatever they do elsewhere. */
static const char *this_table(const char *schema, const char *name, Arena *arena)
{
    const char *word = mysql_literal(name, arena);
    const char *place = schema ? mysql_literal(schema, arena) : "DATABASE()";
    return arena_printf(arena,
                        "table_schema = %s AND table_name = %s AND (@@lower_case_table_names <> 0 "
                        "OR (BINARY table_schema = BINARY %s AND BINARY table_name = BINARY %s))",
                        place, word, place, word);
}

#define TABLE_FACTS                                                                                \
    "SELECT table_schema AS place, table_name AS name, table_type AS kind, engine AS engine, "     \
    "table_rows AS estimate, data_length AS size, table_comment AS comment, "                      \
    "create_options AS options FROM information_schema.tables WHERE "

/* What an index must be so that its columns identify a row, or lead a search. */
#define INDEX_PARTS                                                                                \
    "SELECT table_schema AS place, table_name AS name, index_name AS ix, non_unique AS nu, "       \
    "seq_in_index AS part, column_name AS col, sub_part AS prefix, nullable AS nullable, "         \
    "index_type AS kind FROM information_schema.statistics WHERE "
#define INDEX_ORDER                                                                                \
    " ORDER BY table_schema, table_name, index_name <> 'PRIMARY', index_name, seq_in_index"

static const char *hidden_indexes(MysqlDialect dialect)
{
    if (dialect.is_mariadb)
        return dialect.version >= MARIADB_IGNORED ? " AND ignored = 'NO'" : "";
    return dialect.version >= 80000 ? " AND is_visible = 'YES'" : "";
}

/* MariaDB makes geometry_columns by opening every table of the server: for such columns only. */
static const char *srid_of(MysqlDialect dialect)
{
    if (!dialect.is_mariadb)
        return dialect.version >= WITH_SRID ? "srs_id" : "NULL";
    return "CASE WHEN c.data_type IN ('geometry', 'point', 'linestring', 'polygon', 'multipoint', "
           "'multilinestring', 'multipolygon', 'geometrycollection') THEN (SELECT max(g.srid) FROM "
           "information_schema.geometry_columns g WHERE g.g_table_schema = c.table_schema AND "
           "g.g_table_name = c.table_name AND g.g_geometry_column = c.column_name) END";
}

/* Not those of roles, nor by patterns of databases: 0 does not mean that there are none. */
static const char *whole_grants(const char *schema, const char *name, Arena *arena)
{
    static const char account[] =
        "privilege_type = 'SELECT' AND grantee = concat(quote(left(current_user(), "
        "char_length(current_user()) - char_length(substring_index(current_user(), '@', -1)) - "
        "1)), '@', quote(substring_index(current_user(), '@', -1)))";
    const char *place = schema ? mysql_literal(schema, arena) : "DATABASE()";
    return arena_printf(
        arena,
        "SELECT (SELECT count(*) FROM information_schema.user_privileges WHERE %s) + (SELECT "
        "count(*) FROM information_schema.schema_privileges WHERE %s AND table_schema = %s) + "
        "(SELECT count(*) FROM information_schema.table_privileges WHERE %s AND table_schema = %s "
        "AND table_name = %s) AS grants",
        account, account, place, account, place, mysql_literal(name, arena));
}

const char *mysql_catalog_relation(const char *schema, const char *name, MysqlDialect dialect,
                                   Arena *arena)
{
    const char *here = this_table(schema, name, arena);
    const char *checks =
        dialect.is_mariadb
            ? arena_printf(arena,
                           "; SELECT check_clause AS clause FROM "
                           "information_schema.check_constraints WHERE constraint_schema = %s AND "
                           "table_name = %s AND check_clause LIKE 'json_valid(%%'",
                           schema ? mysql_literal(schema, arena) : "DATABASE()",
                           mysql_literal(name, arena))
            : "";
    return arena_printf(
        arena,
        TABLE_FACTS
        "%s; "
        "SELECT c.column_name AS name, c.data_type AS data_type, c.column_type AS column_type, "
        "c.is_nullable AS nullable, c.numeric_precision AS num_precision, c.numeric_scale AS "
        "num_scale, c.extra AS extra, c.column_comment AS comment, c.privileges AS privileges, "
        "%s AS srid, c.column_default AS initial FROM information_schema.columns c WHERE %s ORDER BY c.ordinal_position; " INDEX_PARTS
        "%s%s" INDEX_ORDER "; %s%s",
        here, srid_of(dialect), here, here, hidden_indexes(dialect),
        whole_grants(schema, name, arena), checks);
}

const char *mysql_catalog_leading_index(const char *schema, const char *name, const char *column,
                                        MysqlDialect dialect, Arena *arena)
{
    return arena_printf(arena,
                        "SELECT index_name FROM information_schema.statistics WHERE table_schema = "
                        "%s AND table_name = %s AND column_name = %s AND seq_in_index = 1 AND "
                        "index_type = 'BTREE'%s ORDER BY sub_part IS NOT NULL, non_unique, "
                        "index_name LIMIT 1",
                        mysql_literal(schema, arena), mysql_literal(name, arena),
                        mysql_literal(column, arena), hidden_indexes(dialect));
}

const char *mysql_catalog_missing(const char *schema, const char *name, Arena *arena)
{
    return arena_printf(
        arena,
        "SELECT DATABASE(); "
        "SELECT schema_name FROM information_schema.schemata; "
        "SELECT table_name FROM information_schema.tables WHERE table_schema = %s LIMIT 20000; "
        "SELECT table_schema FROM information_schema.tables WHERE table_name = %s AND " OUTSIDE_THE_SYSTEM,
        schema ? mysql_literal(schema, arena) : "DATABASE()", mysql_literal(name, arena));
}

/* The pattern's `*` as LIKE's %. */
static const char *like_pattern(const char *pattern, Arena *arena)
{
    SqlText like;
    sql_open(&like);
    for (; *pattern; pattern++) {
        if (*pattern == '%' || *pattern == '_' || *pattern == '\\')
            fputc('\\', like.out);
        fputc(*pattern == '*' ? '%' : *pattern, like.out);
    }
    return mysql_literal(sql_take(&like, arena), arena);
}

const char *mysql_catalog_list(const char *pattern, bool with_views, MysqlDialect dialect,
                               Arena *arena)
{
    bool in_database = !strchr(pattern, '.') && strcmp(pattern, "*") != 0;
    const char *like = like_pattern(pattern, arena);
    const char *matches =
        in_database
            ? arena_printf(arena, "table_schema = DATABASE() AND table_name LIKE %s", like)
            : arena_printf(arena,
                           "concat(table_schema, '.', table_name) LIKE %s AND " OUTSIDE_THE_SYSTEM,
                           strcmp(pattern, "*") == 0 ? "'%'" : like);
    return arena_printf(arena,
                        TABLE_FACTS
                        "%s AND table_type IN ('BASE TABLE', 'SYSTEM VERSIONED'%s) AND "
                        "coalesce(engine, '') NOT IN ('FEDERATED', 'CONNECT', 'SPIDER') "
                        "ORDER BY table_schema, table_name; " INDEX_PARTS
                        "%s AND non_unique = 0%s" INDEX_ORDER,
                        matches, with_views ? ", 'VIEW'" : "", matches, hidden_indexes(dialect));
}
