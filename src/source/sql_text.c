/* SPDX-License-Identifier: Apache-2.0 */
#include "source/sql_text.h"

#include "base/memory.h"

#include <stdlib.h>
#include <string.h>

void sql_open(SqlText *sql)
{
    *sql = (SqlText){0};
    sql->out = open_memstream(&sql->data, &sql->length);
    if (!sql->out)
        memory_exhausted(BUFSIZ);
}

const char *sql_take(SqlText *sql, Arena *arena)
{
    if (fclose(sql->out) != 0)
        memory_exhausted(sql->length);
    const char *copy = arena_strndup(arena, sql->data, sql->length);
    free(sql->data);
    *sql = (SqlText){0};
    return copy;
}

const char *sql_label(const char *schema, const char *name, Arena *arena)
{
    return arena_printf(arena, "%s%s%s", schema ? schema : "", schema ? "." : "", name);
}

const char *sql_bare_query(const char *query, Arena *arena)
{
    size_t length = strlen(query);
    while (length > 0 && strchr("; \t\r\n", query[length - 1]))
        length--;
    return arena_strndup(arena, query, length);
}
