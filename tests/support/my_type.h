/* SPDX-License-Identifier: Apache-2.0 */
/* support/my_type.h: a SourceType of MySQL's from its text, for test tables: "decimal(10,2)",
 * "int unsigned", "bit(64)", "point(4326)", "tinyint(1)" (holds more than 0 and 1), "bool" (does
 * not). */
#pragma once

#include "base/arena.h"
#include "schema/mysql_types.h"

#include <stdlib.h>
#include <string.h>

static SourceType my_type_parse(const char *text, Arena *arena)
{
    size_t length = strcspn(text, "( ");
    const char *open = strchr(text, '('), *comma = open ? strchr(open, ',') : NULL;
    char *base = arena_strndup(arena, text, length);
    if (strstr(text, "unsigned") && strcmp(base, "decimal") != 0)
        base = arena_printf(arena, "%s unsigned", base);
    if (strcmp(text, "tinyint(1)") == 0)
        base = arena_strdup(arena, text);
    int first = open ? (int)strtol(open + 1, NULL, 10) : -1;
    int second = comma ? (int)strtol(comma + 1, NULL, 10) : 0;
    SourceType type = {
        .class = SOURCE_TYPE_BASE, .text = text, .base = base, .modifier = -1, .has_binary = true};
    MysqlWire wire = mysql_type(&type)->wire;
    if (wire == MYSQL_WIRE_DECIMAL)
        type.modifier = mysql_decimal_modifier(first < 0 ? 10 : first, second);
    else if (wire == MYSQL_WIRE_BIT || wire == MYSQL_WIRE_GEOMETRY)
        type.modifier = first;
    return type;
}
