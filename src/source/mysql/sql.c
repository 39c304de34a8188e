/* SPDX-License-Identifier: Apache-2.0 */
#include "source/mysql/sql.h"

void mysql_print_identifier(FILE *out, const char *name)
{
    fputc('`', out);
    for (; *name; name++) {
        if (*name == '`')
            fputc('`', out);
        fputc(*name, out);
    }
    fputc('`', out);
}

void mysql_print_literal(FILE *out, const char *text)
{
    fputc('\'', out);
    for (; *text; text++) {
        if (*text == '\'' || *text == '\\')
            fputc(*text, out);
        fputc(*text, out);
    }
    fputc('\'', out);
}

const char *mysql_literal(const char *text, Arena *arena)
{
    SqlText sql;
    sql_open(&sql);
    mysql_print_literal(sql.out, text);
    return sql_take(&sql, arena);
}

const char *mysql_relation(const char *schema, const char *name, Arena *arena)
{
    SqlText sql;
    sql_open(&sql);
    if (schema) {
        mysql_print_identifier(sql.out, schema);
        fputc('.', sql.out);
    }
    mysql_print_identifier(sql.out, name);
    return sql_take(&sql, arena);
}

const char *mysql_identifier(const char *name, Arena *arena)
{
    return mysql_relation(NULL, name, arena);
}
