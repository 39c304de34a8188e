/* SPDX-License-Identifier: Apache-2.0 */
#include "source/postgres/sql.h"

#include <string.h>

void sql_print_identifier(FILE *out, const char *name)
{
    fputc('"', out);
    for (; *name; name++) {
        if (*name == '"')
            fputc('"', out);
        fputc(*name, out);
    }
    fputc('"', out);
}

void sql_print_literal(FILE *out, const char *text)
{
    fputs(strchr(text, '\\') ? " E'" : "'", out);
    for (; *text; text++) {
        if (*text == '\'' || *text == '\\')
            fputc(*text, out);
        fputc(*text, out);
    }
    fputc('\'', out);
}

const char *sql_literal(const char *text, Arena *arena)
{
    SqlText sql;
    sql_open(&sql);
    sql_print_literal(sql.out, text);
    return sql_take(&sql, arena);
}

const char *sql_relation(const char *schema, const char *name, Arena *arena)
{
    SqlText sql;
    sql_open(&sql);
    if (schema) {
        sql_print_identifier(sql.out, schema);
        fputc('.', sql.out);
    }
    sql_print_identifier(sql.out, name);
    return sql_take(&sql, arena);
}
