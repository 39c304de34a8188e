/* SPDX-License-Identifier: Apache-2.0 */
#include "source/postgres/type_tree.h"

#include <stdlib.h>
#include <string.h>

enum { LEVELS_MAX = 64 };

typedef struct Builder {
    const Json *types;
    Arena *arena;
} Builder;

static bool build(const Builder *builder, const char *key, int level, SourceType *type,
                  Error *error);

static void build_labels(const Builder *builder, const Json *labels, SourceType *type)
{
    size_t count = json_count(labels);
    const char **texts = ARENA_ARRAY(builder->arena, const char *, count);
    for (size_t i = 0; i < count; i++)
        texts[i] = arena_strdup(builder->arena, json_text_of(json_at(labels, i)));
    type->labels = texts;
    type->label_count = count;
}

static bool build_element(const Builder *builder, const char *key, int level, SourceType *type,
                          Error *error)
{
    SourceType *element = ARENA_NEW(builder->arena, SourceType);
    if (!build(builder, key, level + 1, element, error))
        return false;
    type->element = element;
    type->has_binary = type->has_binary && element->has_binary;
    return true;
}

static bool build_fields(const Builder *builder, const Json *entries, int level, SourceType *type,
                         Error *error)
{
    size_t count = json_count(entries);
    SourceField *fields = ARENA_ARRAY(builder->arena, SourceField, count);
    for (size_t i = 0; i < count; i++) {
        const Json *entry = json_at(entries, i);
        fields[i].name = arena_strdup(builder->arena, json_get_text(entry, "name"));
        if (!build(builder, json_get_text(entry, "type"), level + 1, &fields[i].type, error))
            return false;
        type->has_binary = type->has_binary && fields[i].type.has_binary;
    }
    type->fields = fields;
    type->field_count = count;
    return true;
}

static bool build_parts(const Builder *builder, const Json *entry, int level, SourceType *type,
                        Error *error)
{
    const char *element = json_get_text(entry, "element");
    const char *range = json_get_text(entry, "range");
    if (element) {
        type->class = SOURCE_TYPE_ARRAY;
        return build_element(builder, element, level, type, error);
    }
    switch (json_get_text(entry, "kind")[0]) {
    case 'e':
        type->class = SOURCE_TYPE_ENUM;
        build_labels(builder, json_get(entry, "labels"), type);
        return true;
    case 'c':
        type->class = SOURCE_TYPE_COMPOSITE;
        return build_fields(builder, json_get(entry, "fields"), level, type, error);
    case 'r':
    case 'm':
        type->class =
            json_get_text(entry, "kind")[0] == 'r' ? SOURCE_TYPE_RANGE : SOURCE_TYPE_MULTIRANGE;
        return !range || build_element(builder, range, level, type, error);
    default:
        type->class = SOURCE_TYPE_BASE;
        return true;
    }
}

static bool build(const Builder *builder, const char *key, int level, SourceType *type,
                  Error *error)
{
    const Json *entry = key ? json_get(builder->types, key) : NULL;
    const char *text = json_get_text(entry, "text");
    for (const char *base; entry && (base = json_get_text(entry, "base")); key = base)
        entry = json_get(builder->types, base);
    if (!entry || !json_get_text(entry, "kind") || level > LEVELS_MAX)
        return error_set(error, ERROR_SOURCE,
                         "the server's catalog does not describe its type %s as expected",
                         key ? key : "(none)");
    char *colon = NULL;
    *type = (SourceType){
        .text = arena_strdup(builder->arena, text),
        .base = arena_strdup(builder->arena, json_get_text(entry, "name")),
        .schema = arena_strdup(builder->arena, json_get_text(entry, "schema")),
        .id = (uint32_t)strtoul(key, &colon, 10),
        .has_binary = json_get_bool(entry, "send"),
    };
    type->modifier = *colon == ':' ? (int32_t)strtol(colon + 1, NULL, 10) : -1;
    return build_parts(builder, entry, level, type, error);
}

bool type_tree_build(const Json *types, const char *key, Arena *arena, SourceType *ret_type,
                     Error *error)
{
    const Builder builder = {types, arena};
    return build(&builder, key, 0, ret_type, error);
}
