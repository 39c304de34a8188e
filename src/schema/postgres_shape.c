/* SPDX-License-Identifier: Apache-2.0 */
#include "schema/postgres_shape.h"

#include "schema/names.h"

#include <string.h>
#include <strings.h>

enum { STRUCT_LEVELS_MAX = 15, SRID_LONGITUDE_LATITUDE = 4326 };

#define ARRAY_WARNING                                                                              \
    "NULL elements and arrays of more than one dimension meet on_invalid; a NULL array arrives "   \
    "as an empty one and is counted"
static Shape shape_at(Mapper *mapper, const SourceType *type, const char *path, int level);

/* BigQuery wants 0 <= s <= p, PostgreSQL 15 does not: numeric(6,-2), numeric(3,5). */
static Shape numeric_shape(Mapper *mapper, const SourceType *type, const char *path)
{
    int precision, scale;
    if (!postgres_numeric_modifier(type->modifier, &precision, &scale)) {
        const PostgresType *entry = postgres_type(type);
        shape_warn(mapper, path, entry->warning);
        return shape_plain(entry->kind, entry->confidence);
    }
    if (scale < 0) {
        precision -= scale;
        scale = 0;
    } else if (scale > precision) {
        precision = scale;
    }
    return shape_decimal(mapper, precision, scale, path);
}

static Shape timestamp_shape(Mapper *mapper, const char *path, int level)
{
    const char *type = mapper->options->naive_timestamp_type;
    if (!type || strcasecmp(type, "TIMESTAMP") != 0)
        return shape_plain(TYPE_DATETIME, CONFIDENCE_HIGH);
    if (level == 0 || shape_is_utc(mapper->options->naive_timestamp_zone))
        return shape_naive_timestamp(mapper, TYPE_TIMESTAMP);
    shape_warn(mapper, path,
               "naive timestamps inside arrays and composites stay DATETIME, without the zone");
    return shape_plain(TYPE_DATETIME, CONFIDENCE_MEDIUM);
}

static Shape base_shape(Mapper *mapper, const SourceType *type, const char *path, int level)
{
    const PostgresType *entry = postgres_type(type);
    if (strcmp(type->base, "record") == 0)
        return shape_json(CONFIDENCE_MEDIUM);
    if (entry->wire == WIRE_NUMERIC)
        return numeric_shape(mapper, type, path);
    if (entry->wire == WIRE_TIMESTAMP)
        return timestamp_shape(mapper, path, level);
    if (entry->wire == WIRE_EWKB && type->has_binary &&
        (entry->kind == TYPE_GEOGRAPHY ||
         postgres_geometry_srid(type->modifier) == SRID_LONGITUDE_LATITUDE))
        return shape_geography(mapper, path);
    if (entry->warning)
        shape_warn(mapper, path, entry->warning);
    if (!type->has_binary && entry->select == SELECT_PLAIN)
        return shape_text(CONFIDENCE_LOW);
    Shape shape = {
        .field = {.kind = entry->kind},
        .select = entry->select,
        .confidence = entry->confidence,
    };
    if (entry->is_repeated)
        shape.field.mode = MODE_REPEATED;
    return shape;
}

static Confidence lower(Confidence left, Confidence right)
{
    return left > right ? left : right;
}

static Shape array_shape(Mapper *mapper, const SourceType *type, const char *path, int level)
{
    if (shape_wants(mapper->options->arrays, "json"))
        return shape_json(CONFIDENCE_MEDIUM);
    size_t warnings = mapper->plan->warning_count;
    Shape shape = shape_at(mapper, type->element, path, level + 1);
    if (shape.field.mode == MODE_REPEATED || shape.select == SELECT_JSON) {
        mapper->plan->warning_count = warnings;
        if (shape.field.mode == MODE_REPEATED)
            shape_warn(mapper, path, "BigQuery has no arrays of arrays: carried as JSON");
        return shape_json(CONFIDENCE_MEDIUM);
    }
    shape.field.mode = MODE_REPEATED;
    shape.confidence = lower(shape.confidence, CONFIDENCE_MEDIUM);
    shape_warn(mapper, path, ARRAY_WARNING);
    return shape;
}

/* Why a composite's members cannot be a STRUCT's; NULL when they can. */
static const char *struct_problem(Mapper *mapper, const SourceType *type)
{
    if (type->field_count == 0)
        return "a composite without members: carried as JSON";
    for (size_t i = 0; i < type->field_count; i++) {
        const char *name = type->fields[i].name;
        const char *problem = name_problem(name, true);
        if (problem)
            return arena_printf(mapper->arena, "carried as JSON: the member name \"%s\" %s", name,
                                problem);
        for (size_t j = 0; j < i; j++) {
            if (strcasecmp(type->fields[j].name, name) == 0)
                return arena_printf(mapper->arena,
                                    "carried as JSON: member names \"%s\" and \"%s\" differ by "
                                    "case only",
                                    type->fields[j].name, name);
        }
    }
    return NULL;
}

static Shape composite_as_json(Mapper *mapper, const char *path, const char *why)
{
    shape_warn(mapper, path, why);
    return shape_json(CONFIDENCE_LOW);
}

static Shape composite_shape(Mapper *mapper, const SourceType *type, const char *path, int level)
{
    if (shape_wants(mapper->options->composites, "json"))
        return shape_json(CONFIDENCE_MEDIUM);
    if (level >= STRUCT_LEVELS_MAX)
        return composite_as_json(mapper, path, "nested deeper than BigQuery goes: carried as JSON");
    const char *problem = struct_problem(mapper, type);
    if (problem)
        return composite_as_json(mapper, path, problem);

    size_t warnings = mapper->plan->warning_count;
    Field *fields = ARENA_ARRAY(mapper->arena, Field, type->field_count);
    Shape shape = shape_plain(TYPE_STRUCT, CONFIDENCE_HIGH);
    for (size_t i = 0; i < type->field_count; i++) {
        const SourceField *member = &type->fields[i];
        const char *inner = arena_printf(mapper->arena, "%smember \"%s\": ", path, member->name);
        Shape part = shape_at(mapper, &member->type, inner, level + 1);
        if (part.select != SELECT_PLAIN) {
            mapper->plan->warning_count = warnings;
            return composite_as_json(
                mapper, path,
                arena_printf(mapper->arena,
                             "carried as JSON: its member \"%s\" (%s) has no binary "
                             "form that could stand in a STRUCT",
                             member->name, member->type.text));
        }
        fields[i] = part.field;
        fields[i].name = member->name;
        shape.confidence = lower(shape.confidence, part.confidence);
    }
    shape.field.fields = fields;
    shape.field.field_count = type->field_count;
    return shape;
}

static Shape shape_at(Mapper *mapper, const SourceType *type, const char *path, int level)
{
    switch (type->class) {
    case SOURCE_TYPE_ARRAY:
        return array_shape(mapper, type, path, level);
    case SOURCE_TYPE_COMPOSITE:
        return composite_shape(mapper, type, path, level);
    case SOURCE_TYPE_RANGE:
    case SOURCE_TYPE_MULTIRANGE:
        return shape_text(CONFIDENCE_MEDIUM);
    case SOURCE_TYPE_BASE:
    case SOURCE_TYPE_ENUM:
        break;
    }
    return base_shape(mapper, type, path, level);
}

Shape shape_of_type(Mapper *mapper, const SourceType *type)
{
    return shape_at(mapper, type, "", 0);
}
