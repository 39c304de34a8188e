/* SPDX-License-Identifier: Apache-2.0 */
/* support/pg_type.h: a SourceType from a short text, for test tables:
 *
 *   int4   numeric(10,2)   bpchar(5)   int4[]   timestamptz[]
 *   (a int4, b text[])     a composite
 *   enum:mood  range:int4range  multirange:int4multirange  ext:hstore  text_only:aclitem */
#pragma once

#include "base/arena.h"
#include "model/table.h"

#include <ctype.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static SourceType pg_type_parse(const char **text, Arena *arena);

static const char *pg_type_word(const char **text, Arena *arena)
{
    while (**text == ' ')
        (*text)++;
    const char *start = *text;
    while (**text && !strchr(" ,()[]", **text))
        (*text)++;
    return arena_strndup(arena, start, (size_t)(*text - start));
}

static bool pg_type_prefix(const char **text, const char *prefix)
{
    if (strncmp(*text, prefix, strlen(prefix)) != 0)
        return false;
    *text += strlen(prefix);
    return true;
}

static int32_t pg_type_modifier(const char *base, const char **text)
{
    if (**text != '(')
        return -1;
    char *end;
    long first = strtol(*text + 1, &end, 10), second = 0;
    if (*end == ',')
        second = strtol(end + 1, &end, 10);
    *text = end + 1;
    if (strcmp(base, "numeric") == 0)
        return (int32_t)((first << 16 | (second & 0x7ff)) + 4);
    bool is_text = strcmp(base, "bpchar") == 0 || strcmp(base, "varchar") == 0;
    return (int32_t)first + (is_text ? 4 : 0);
}

static SourceType pg_type_composite(const char **text, Arena *arena)
{
    enum { MEMBERS_MAX = 64 };
    SourceField *fields = ARENA_ARRAY(arena, SourceField, MEMBERS_MAX);
    SourceType type = {.class = SOURCE_TYPE_COMPOSITE,
                       .schema = "public",
                       .base = "composite",
                       .modifier = -1,
                       .has_binary = true,
                       .fields = fields};
    while (**text != ')' && type.field_count < MEMBERS_MAX) {
        SourceField *field = &fields[type.field_count++];
        (*text)++; /* the bracket or a comma */
        field->name = pg_type_word(text, arena);
        if (!*field->name) {
            type.field_count--;
            break;
        }
        field->type = pg_type_parse(text, arena);
        type.has_binary = type.has_binary && field->type.has_binary;
    }
    (*text)++;
    return type;
}

static SourceType pg_type_named(const char **text, Arena *arena)
{
    SourceType type = {.schema = "pg_catalog", .has_binary = true, .modifier = -1};
    if (pg_type_prefix(text, "enum:"))
        type.class = SOURCE_TYPE_ENUM, type.schema = "public";
    else if (pg_type_prefix(text, "range:"))
        type.class = SOURCE_TYPE_RANGE;
    else if (pg_type_prefix(text, "multirange:"))
        type.class = SOURCE_TYPE_MULTIRANGE;
    else if (pg_type_prefix(text, "ext:"))
        type.schema = "public";
    else if (pg_type_prefix(text, "text_only:"))
        type.has_binary = false;
    type.base = pg_type_word(text, arena);
    type.modifier = pg_type_modifier(type.base, text);
    return type;
}

static SourceType pg_type_parse(const char **text, Arena *arena)
{
    while (**text == ' ')
        (*text)++;
    const char *start = *text;
    SourceType type = **text == '(' ? pg_type_composite(text, arena) : pg_type_named(text, arena);
    type.text = arena_strndup(arena, start, (size_t)(*text - start));
    while (pg_type_prefix(text, "[]")) {
        SourceType *element = ARENA_NEW(arena, SourceType);
        *element = type;
        type = (SourceType){.class = SOURCE_TYPE_ARRAY,
                            .schema = "pg_catalog",
                            .element = element,
                            .base = arena_printf(arena, "_%s", element->base),
                            .modifier = element->modifier,
                            .has_binary = element->has_binary};
        type.text = arena_strndup(arena, start, (size_t)(*text - start));
    }
    return type;
}
