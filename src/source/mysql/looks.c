/* SPDX-License-Identifier: Apache-2.0 */
#include "source/mysql/looks.h"

#include "source/mysql/sql.h"

#include <string.h>

enum { LOOK_SECONDS = 10, ER_STATEMENT_TIMEOUT_MARIADB = 1969, ER_STATEMENT_TIMEOUT_MYSQL = 3024 };

static bool is_open_question(const SourceColumn *column)
{
    return strcmp(column->type.base, "tinyint(1)?") == 0;
}

/* One column a question: 1 when another value was seen; NULL for an empty table. */
static const char *look_question(const MysqlConnection *connection, const void *context,
                                 Arena *arena)
{
    const SourceTable *table = context;
    SqlText sql;
    sql_open(&sql);
    if (connection->is_mariadb)
        fprintf(sql.out, "SET STATEMENT max_statement_time = %d FOR SELECT ", LOOK_SECONDS);
    else
        fprintf(sql.out, "SELECT /*+ MAX_EXECUTION_TIME(%d) */ ", LOOK_SECONDS * 1000);
    size_t count = 0;
    for (size_t i = 0; i < table->column_count; i++) {
        if (!is_open_question(&table->columns[i]))
            continue;
        fputs(count++ ? ", MAX(" : "MAX(", sql.out);
        mysql_print_identifier(sql.out, table->columns[i].name);
        fputs(" NOT IN (0, 1))", sql.out);
    }
    fprintf(sql.out, " FROM %s", mysql_relation(table->schema, table->name, arena));
    return count ? sql_take(&sql, arena) : (sql_take(&sql, arena), NULL);
}

static void settle(SourceTable *table, MYSQL_ROW row, Arena *arena)
{
    SourceColumn *columns = ARENA_ARRAY(arena, SourceColumn, table->column_count);
    memcpy(columns, table->columns, table->column_count * sizeof *columns);
    size_t question = 0;
    for (size_t i = 0; i < table->column_count; i++) {
        if (!is_open_question(&columns[i]))
            continue;
        const char *other = row[question++];
        columns[i].type.base = other && strcmp(other, "1") == 0 ? "tinyint(1)" : "bool";
    }
    table->columns = columns;
}

static bool has_question(const SourceTable *table)
{
    for (size_t i = 0; i < table->column_count; i++) {
        if (is_open_question(&table->columns[i]))
            return true;
    }
    return false;
}

bool looks_at_truth(MysqlSource *source, SourceTable *table, const MysqlAction *action,
                    Arena *arena, Error *error)
{
    if (!has_question(table))
        return true;
    MysqlConnection *connection = NULL;
    bool fresh;
    if (!mysqld_borrow(source, &connection, &fresh, error))
        return false;
    CLEANUP(mysql_free_result_ptr) MYSQL_RES *rows = NULL;
    Error failed = {0};
    bool looked = mysqld_ask_rows(connection, look_question(connection, table, arena), action,
                                  &rows, &failed);
    unsigned number = mysql_errno(&connection->mysql);
    mysqld_return(source, connection);
    if (looked && rows)
        settle(table, mysql_fetch_row(rows), arena);
    bool is_late = number == ER_STATEMENT_TIMEOUT_MARIADB || number == ER_STATEMENT_TIMEOUT_MYSQL;
    /* A column that may not be read is not looked at: the plan may leave it out. */
    if (looked || is_late || mysqld_is_denied(number))
        return true;
    if (error)
        *error = failed;
    return false;
}
