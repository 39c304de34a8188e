/* SPDX-License-Identifier: Apache-2.0 */
#include "schema/shape.h"

#include <strings.h>

#define GEOGRAPHY_WARNING                                                                          \
    "straight edges become geodesic; Z, M, curves and coordinates beyond 180 and 90 degrees meet " \
    "on_invalid"

void shape_warn(Mapper *mapper, const char *path, const char *warning)
{
    ColumnPlan *plan = mapper->plan;
    const char *text = *path ? arena_printf(mapper->arena, "%s%s", path, warning) : warning;
    const char **warnings = ARENA_ARRAY(mapper->arena, const char *, plan->warning_count + 1);
    for (size_t i = 0; i < plan->warning_count; i++)
        warnings[i] = plan->warnings[i];
    warnings[plan->warning_count++] = text;
    plan->warnings = warnings;
}

Shape shape_text(Confidence confidence)
{
    return (Shape){.field = {.kind = TYPE_STRING}, .select = SELECT_TEXT, .confidence = confidence};
}

Shape shape_json(Confidence confidence)
{
    return (Shape){.field = {.kind = TYPE_JSON}, .select = SELECT_JSON, .confidence = confidence};
}

Shape shape_plain(TypeKind kind, Confidence confidence)
{
    return (Shape){.field = {.kind = kind}, .confidence = confidence};
}

Shape shape_decimal(Mapper *mapper, int precision, int scale, const char *path)
{
    int before_point = precision - scale;
    Shape shape = shape_plain(TYPE_NUMERIC, CONFIDENCE_HIGH);
    if (scale > 9 || before_point > 29)
        shape.field.kind = TYPE_BIGNUMERIC;
    if (scale > 38 || before_point > 38) {
        shape_warn(mapper, path, "more digits than BIGNUMERIC has: text keeps them all");
        return shape_text(CONFIDENCE_LOW);
    }
    shape.field.precision = precision;
    shape.field.scale = scale;
    return shape;
}

Shape shape_geography(Mapper *mapper, const char *path)
{
    shape_warn(mapper, path, GEOGRAPHY_WARNING);
    return shape_plain(TYPE_GEOGRAPHY, CONFIDENCE_MEDIUM);
}

bool shape_is_utc(const char *zone)
{
    return !zone || strcasecmp(zone, "UTC") == 0 || strcasecmp(zone, "Etc/UTC") == 0;
}

Shape shape_naive_timestamp(Mapper *mapper, TypeKind kind)
{
    Shape shape = shape_plain(kind, CONFIDENCE_HIGH);
    const char *zone = mapper->options->naive_timestamp_zone;
    if (kind == TYPE_TIMESTAMP && !shape_is_utc(zone)) {
        shape.select = SELECT_AT_TIME_ZONE;
        mapper->plan->time_zone = zone;
    }
    return shape;
}

bool shape_wants(const char *option, const char *word)
{
    return option && strcasecmp(option, word) == 0;
}

bool shape_is_number(TypeKind kind)
{
    return kind == TYPE_INT64 || kind == TYPE_NUMERIC || kind == TYPE_BIGNUMERIC;
}

bool shape_holds_digits(const Field *field, int digits, int scale)
{
    if (field->kind == TYPE_INT64)
        return digits < 19 && scale == 0;
    if (field->kind == TYPE_FLOAT64)
        return digits + scale <= 15;
    int field_scale = field_decimal_scale(field);
    int field_digits = field_decimal_precision(field) - field_scale;
    return digits <= field_digits && scale <= field_scale;
}

bool shape_refuse_wish(const Mapper *mapper, const SourceColumn *column, const char *wish,
                       unsigned kinds, Error *error)
{
    const char *list = "STRING";
    for (int kind = 0; kind < TYPE_COUNT_; kind++) {
        if ((kinds >> kind & 1) && kind != TYPE_STRING)
            list = arena_printf(mapper->arena, "%s, %s", list, type_kind_name((TypeKind)kind));
    }
    error_set(error, ERROR_CONFIG, "column \"%s\" (%s) cannot become %s", column->name,
              column->type.text, wish);
    return error_hint(error, "it can be %s", list);
}

static void require(Mapper *mapper, Shape *shape)
{
    if (shape->field.mode == MODE_REPEATED)
        shape_warn(mapper, "", "an array cannot be REQUIRED: it stays REPEATED");
    else
        shape->field.mode = MODE_REQUIRED;
}

void shape_finish(Mapper *mapper, Shape shape, bool may_refuse)
{
    ColumnPlan *plan = mapper->plan;
    const ColumnOptions *options = mapper->options;
    if (plan->on_invalid == INVALID_STRING && options->type) {
        if (shape.field.kind != TYPE_STRING)
            shape_warn(mapper, "", "its type is asked for, so on_invalid: string acts as fail");
    } else if (plan->on_invalid == INVALID_STRING && may_refuse) {
        plan->warning_count = 0;
        plan->time_zone = NULL;
        shape = shape_text(CONFIDENCE_HIGH);
    }
    if (options->has_required && options->required)
        require(mapper, &shape);
    const char *name = plan->field.name, *description = plan->field.description;
    plan->field = shape.field;
    plan->field.name = name;
    plan->field.description = description;
    plan->select = shape.select;
    plan->confidence = shape.confidence;
}
