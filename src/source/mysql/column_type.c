/* SPDX-License-Identifier: Apache-2.0 */
#include "source/mysql/column_type.h"

#include <stdlib.h>
#include <string.h>

enum { CHARSET_BINARY = 63, TYPE_VECTOR = 242, TYPE_JSON_FIELD = 245, SRID_NONE = -1 };

const char *const *mysql_labels(const char *column_type, Arena *arena, size_t *ret_count)
{
    size_t most = 1;
    for (const char *at = column_type; *at; at++)
        most += *at == ',';
    const char **labels = ARENA_ARRAY(arena, const char *, most);
    const char *at = strchr(column_type, '(');
    size_t count = 0;
    while (at && at[1] == '\'' && count < most) {
        const char *next = at + 2;
        char *label = arena_alloc(arena, strlen(next) + 1), *end = label;
        while (*next && (*next != '\'' || next[1] == '\'')) {
            next += *next == '\'';
            *end++ = *next++;
        }
        *end = '\0';
        labels[count++] = label;
        at = *next && next[1] == ',' ? next + 1 : NULL;
    }
    *ret_count = count;
    return labels;
}

/* "int", "int unsigned", "tinyint(1)?": a name of schema/mysql_types.c. */
static const char *base_name(const ColumnFacts *facts, Arena *arena)
{
    const char *type = facts->data_type, *text = facts->column_type;
    if (facts->is_json)
        return "json";
    if (strncmp(text, "tinyint(1)", 10) == 0 && !strstr(text, "unsigned"))
        return "tinyint(1)?";
    bool is_integer = strstr(type, "int") != NULL && strcmp(type, "point") != 0;
    if (is_integer && strstr(text, "unsigned"))
        return arena_printf(arena, "%s unsigned", type);
    return arena_strdup(arena, type);
}

static int32_t number_of(const char *text)
{
    return text ? (int32_t)strtol(text, NULL, 10) : 0;
}

SourceType mysql_type_of_facts(const ColumnFacts *facts, Arena *arena)
{
    SourceType type = {
        .class = SOURCE_TYPE_BASE,
        .text = facts->is_json ? "json" : arena_strdup(arena, facts->column_type),
        .base = base_name(facts, arena),
        .modifier = -1,
        .has_binary = true,
    };
    MysqlWire wire = mysql_type(&type)->wire;
    int32_t precision = number_of(facts->precision);
    if (wire == MYSQL_WIRE_DECIMAL)
        type.modifier = mysql_decimal_modifier(precision, number_of(facts->scale));
    else if (wire == MYSQL_WIRE_BIT)
        type.modifier = precision;
    else if (wire == MYSQL_WIRE_GEOMETRY && facts->srid && strcmp(facts->srid, "0") != 0)
        type.modifier = number_of(facts->srid);
    if (strcmp(type.base, "enum") == 0) {
        type.class = SOURCE_TYPE_ENUM;
        type.labels = mysql_labels(facts->column_type, arena, &type.label_count);
    }
    return type;
}

static const char *integer_name(const MYSQL_FIELD *field)
{
    static const struct {
        enum enum_field_types type;
        const char *names[2];
    } names[] = {
        {MYSQL_TYPE_TINY, {"tinyint", "tinyint unsigned"}},
        {MYSQL_TYPE_SHORT, {"smallint", "smallint unsigned"}},
        {MYSQL_TYPE_INT24, {"mediumint", "mediumint unsigned"}},
        {MYSQL_TYPE_LONG, {"int", "int unsigned"}},
        {MYSQL_TYPE_LONGLONG, {"bigint", "bigint unsigned"}},
    };
    bool is_unsigned = field->flags & UNSIGNED_FLAG;
    if (field->type == MYSQL_TYPE_TINY && field->length == 1 && !is_unsigned)
        return "tinyint(1)?";
    for (size_t i = 0; i < sizeof names / sizeof *names; i++) {
        if (names[i].type == field->type)
            return names[i].names[is_unsigned];
    }
    return NULL;
}

static const char *plain_name(const MYSQL_FIELD *field)
{
    switch ((int)field->type) {
    case MYSQL_TYPE_FLOAT:
        return "float";
    case MYSQL_TYPE_DOUBLE:
        return "double";
    case MYSQL_TYPE_DECIMAL:
    case MYSQL_TYPE_NEWDECIMAL:
        return "decimal";
    case MYSQL_TYPE_BIT:
        return "bit";
    case MYSQL_TYPE_YEAR:
        return "year";
    case MYSQL_TYPE_DATE:
    case MYSQL_TYPE_NEWDATE:
        return "date";
    case MYSQL_TYPE_DATETIME:
        return "datetime";
    case MYSQL_TYPE_TIMESTAMP:
        return "timestamp";
    case MYSQL_TYPE_TIME:
        return "time";
    case MYSQL_TYPE_GEOMETRY:
        return "geometry";
    case TYPE_JSON_FIELD:
        return "json";
    case TYPE_VECTOR:
        return "vector";
    default:
        return NULL;
    }
}

/* MariaDB's own word on a column ("uuid", "json"); NULL when it has none. */
static const char *attribute(const MYSQL_FIELD *field, enum mariadb_field_attr_t which,
                             Arena *arena)
{
    MARIADB_CONST_STRING text = {0};
    if (mariadb_field_attr(&text, field, which) || text.length == 0)
        return NULL;
    return arena_strndup(arena, text.str, text.length);
}

static const char *text_name(const MYSQL_FIELD *field, Arena *arena)
{
    static const char *const own[] = {"uuid", "inet4", "inet6", "vector"};
    const char *type = attribute(field, MARIADB_FIELD_ATTR_DATA_TYPE_NAME, arena);
    const char *format = attribute(field, MARIADB_FIELD_ATTR_FORMAT_NAME, arena);
    for (size_t i = 0; type && i < sizeof own / sizeof *own; i++) {
        if (strcmp(type, own[i]) == 0)
            return own[i];
    }
    if (format && strcmp(format, "json") == 0)
        return "json";
    if (field->flags & ENUM_FLAG)
        return "enum";
    if (field->flags & SET_FLAG)
        return "set";
    bool is_binary = field->charsetnr == CHARSET_BINARY;
    if (field->type == MYSQL_TYPE_STRING)
        return is_binary ? "binary" : "char";
    if (field->flags & BLOB_FLAG)
        return is_binary ? "blob" : "text";
    return is_binary ? "varbinary" : "varchar";
}

SourceType mysql_type_of_field(const MYSQL_FIELD *field, Arena *arena)
{
    const char *name = integer_name(field);
    name = name ? name : plain_name(field);
    name = name ? name : text_name(field, arena);
    SourceType type = {
        .class = SOURCE_TYPE_BASE, .text = name, .base = name, .modifier = -1, .has_binary = true};
    MysqlWire wire = mysql_type(&type)->wire;
    if (wire == MYSQL_WIRE_DECIMAL) {
        int scale = (int)field->decimals;
        int precision = (int)field->length - (scale > 0) - !(field->flags & UNSIGNED_FLAG);
        type.modifier = mysql_decimal_modifier(precision, scale);
        type.text = arena_printf(arena, "decimal(%d,%d)", precision, scale);
    } else if (wire == MYSQL_WIRE_BIT) {
        type.modifier = (int32_t)field->length;
        type.text = arena_printf(arena, "bit(%lu)", field->length);
    }
    return type;
}

static bool is_text(MysqlWire wire)
{
    return wire == MYSQL_WIRE_TEXT || wire == MYSQL_WIRE_JSON;
}

bool mysql_type_is_planned(const SourceType *found, const ColumnPlan *planned)
{
    MysqlWire wire = mysql_type(found)->wire, wanted = mysql_planned_wire(planned);
    if (is_text(wire) && is_text(wanted))
        return true;
    if (wire == MYSQL_WIRE_BYTES && wanted == MYSQL_WIRE_VECTOR)
        return true; /* what MariaDB calls a vector in a result */
    if (wire != wanted)
        return false;
    bool has_modifier = wire == MYSQL_WIRE_DECIMAL || wire == MYSQL_WIRE_BIT;
    return !has_modifier || planned->select != SELECT_PLAIN ||
           found->modifier == planned->source->type.modifier;
}
