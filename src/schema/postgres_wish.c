/* SPDX-License-Identifier: Apache-2.0 */
#include "schema/postgres_shape.h"

#include "model/type_text.h"

#include <string.h>

#define DIGITS_UNKNOWN (-1)

/* What a column can be asked to become. */
typedef struct Wishes {
    unsigned plain;    /* bits of TypeKind: decoded from the binary form */
    SelectForm select; /* for those */
    bool json;
    SelectForm json_select;
} Wishes;

static Wishes base_wishes(const SourceType *type)
{
    Wishes wishes = {0};
    const PostgresType *entry = postgres_type(type);
    PostgresWire wire = entry->wire;
    if (strcmp(type->base, "record") == 0)
        return (Wishes){.json = true, .json_select = SELECT_JSON};
    if (entry->is_repeated) /* the text of a vector is a JSON array */
        return (Wishes){.json = true,
                        .json_select = entry->is_extension ? SELECT_TEXT : SELECT_JSON};
    if (entry->select == SELECT_NUMERIC) {
        wire = WIRE_NUMERIC;
        wishes.select = SELECT_NUMERIC;
    }
    for (int kind = 0; type->has_binary && kind < TYPE_COUNT_; kind++) {
        bool is_bool_of_bits = wire == WIRE_BIT && kind == TYPE_BOOL;
        if (postgres_accepts(wire, (TypeKind)kind) && (!is_bool_of_bits || type->modifier == 1))
            wishes.plain |= 1U << kind;
    }
    return wishes;
}

static Wishes wishes_of(const SourceType *type)
{
    if (type->class == SOURCE_TYPE_BASE || type->class == SOURCE_TYPE_ENUM)
        return base_wishes(type);
    return (Wishes){.json = true, .json_select = SELECT_JSON};
}

static bool refuse_wish(const Mapper *mapper, const SourceColumn *column, const char *wish,
                        Error *error)
{
    Wishes wishes = wishes_of(&column->type);
    if (wishes.json)
        wishes.plain |= 1U << TYPE_JSON;
    return shape_refuse_wish(mapper, column, wish, wishes.plain, error);
}

/* Digits before the point that the type can have; DIGITS_UNKNOWN when any number. */
static int digits_before_point(const SourceType *type, int *ret_scale)
{
    static const struct {
        PostgresWire wire;
        int digits;
    } integers[] = {{WIRE_INT2, 5}, {WIRE_INT4, 10}, {WIRE_INT8, 19},
                    {WIRE_OID, 10}, {WIRE_XID8, 20}, {WIRE_LSN, 20}};
    PostgresWire wire = postgres_type(type)->wire;
    int precision;
    *ret_scale = 0;
    if (wire == WIRE_NUMERIC && postgres_numeric_modifier(type->modifier, &precision, ret_scale)) {
        int digits = precision - *ret_scale;
        *ret_scale = *ret_scale < 0 ? 0 : *ret_scale;
        return digits < 0 ? 0 : digits;
    }
    for (size_t i = 0; i < sizeof integers / sizeof *integers; i++) {
        if (integers[i].wire == wire)
            return integers[i].digits;
    }
    return DIGITS_UNKNOWN;
}

/* True when every value of the type is a value of the field. */
static bool holds_every_number(const SourceType *type, const Field *field)
{
    int scale;
    int digits = digits_before_point(type, &scale);
    if (digits == DIGITS_UNKNOWN)
        return false;
    return shape_holds_digits(field, digits, scale);
}

static void doubt(Mapper *mapper, Shape *shape, Confidence confidence, const char *warning)
{
    shape->confidence = confidence;
    shape_warn(mapper, "", warning);
}

/* What there is to know about a conversion that was asked for. */
static void judge(Mapper *mapper, const SourceType *type, TypeKind usual, Shape *shape)
{
    TypeKind kind = shape->field.kind;
    PostgresWire wire = postgres_type(type)->wire;
    shape->confidence = CONFIDENCE_HIGH;
    if (kind == usual && !shape_is_number(kind))
        return;
    if (shape_is_number(kind) && !holds_every_number(type, &shape->field) &&
        !(kind == TYPE_INT64 && usual == TYPE_INT64))
        doubt(mapper, shape, CONFIDENCE_MEDIUM, "values that do not fit meet on_invalid");
    else if (kind == TYPE_FLOAT64 && !holds_every_number(type, &shape->field))
        doubt(mapper, shape, CONFIDENCE_LOW,
              "FLOAT64 keeps 15 to 17 digits: longer numbers are rounded");
    else if (kind == TYPE_BOOL && wire != WIRE_BIT)
        doubt(mapper, shape, CONFIDENCE_MEDIUM, "values other than 0 and 1 meet on_invalid");
    else if (kind == TYPE_JSON)
        doubt(mapper, shape, CONFIDENCE_MEDIUM, "text that is not JSON meets on_invalid");
    else if (kind == TYPE_TIME)
        doubt(mapper, shape, CONFIDENCE_MEDIUM,
              "intervals outside 00:00:00 to 23:59:59.999999 meet on_invalid");
    else if (wire == WIRE_TIMESTAMPTZ)
        doubt(mapper, shape, CONFIDENCE_MEDIUM, "the wall clock of UTC");
    else if (kind == TYPE_GEOGRAPHY)
        doubt(mapper, shape, CONFIDENCE_MEDIUM,
              "coordinates are taken as longitude and latitude; Z, M, curves and coordinates "
              "beyond 180 and 90 degrees meet on_invalid");
}

bool shape_apply_wish(Mapper *mapper, const SourceColumn *column, const char *wish, Shape *shape,
                      Error *error)
{
    Field field = {0};
    if (!type_text_parse(wish, &field, error))
        return error_prefix(error, "column \"%s\"", column->name);
    const Shape usual = *shape;
    Wishes wishes = wishes_of(&column->type);
    bool is_scalar = usual.field.mode != MODE_REPEATED && usual.field.kind != TYPE_STRUCT;
    if (field.mode == MODE_REPEATED)
        return refuse_wish(mapper, column, wish, error);
    if (is_scalar && field.kind == usual.field.kind && !field.precision &&
        !shape_is_number(field.kind) && usual.field.kind != TYPE_TIMESTAMP)
        return true;

    mapper->plan->warning_count = 0;
    mapper->plan->time_zone = NULL;
    if (field.kind == TYPE_STRING) {
        *shape = shape_text(CONFIDENCE_HIGH);
    } else if (field.kind == TYPE_JSON && wishes.json) {
        *shape = shape_json(CONFIDENCE_HIGH);
        shape->select = wishes.json_select;
    } else if (wishes.plain >> field.kind & 1) {
        *shape = (Shape){.field = field, .select = wishes.select};
        if (postgres_type(&column->type)->wire == WIRE_TIMESTAMP)
            *shape = shape_naive_timestamp(mapper, field.kind);
        judge(mapper, &column->type, usual.field.kind, shape);
    } else {
        return refuse_wish(mapper, column, wish, error);
    }
    return true;
}
