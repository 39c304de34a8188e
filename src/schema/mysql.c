/* SPDX-License-Identifier: Apache-2.0 */
#include "model/type_text.h"
#include "schema/mysql_types.h"
#include "schema/shape.h"

#include <string.h>
#include <strings.h>

enum { SRID_LONGITUDE_LATITUDE = 4326, UINT64_DIGITS = 20 };

static bool is_vector(const MysqlType *entry)
{
    return entry->wire == MYSQL_WIRE_VECTOR;
}

static Shape unsigned_shape(void)
{
    Shape shape = shape_plain(TYPE_NUMERIC, CONFIDENCE_HIGH);
    shape.field.precision = UINT64_DIGITS;
    return shape;
}

static Shape usual_shape(Mapper *mapper, const SourceType *type)
{
    const MysqlType *entry = mysql_type(type);
    if (entry->wire == MYSQL_WIRE_DECIMAL)
        return shape_decimal(mapper, mysql_decimal_precision(type->modifier),
                             mysql_decimal_scale(type->modifier), "");
    bool wide_bits = entry->wire == MYSQL_WIRE_BIT && type->modifier == 64;
    if (entry->wire == MYSQL_WIRE_UINT64 || wide_bits)
        return unsigned_shape();
    if (entry->wire == MYSQL_WIRE_BIT && type->modifier == 1)
        shape_warn(mapper, "", "type: BOOL takes it as a truth value");
    if (entry->wire == MYSQL_WIRE_DATETIME)
        return shape_naive_timestamp(mapper,
                                     shape_wants(mapper->options->naive_timestamp_type, "TIMESTAMP")
                                         ? TYPE_TIMESTAMP
                                         : TYPE_DATETIME);
    if (entry->wire == MYSQL_WIRE_GEOMETRY && type->modifier == SRID_LONGITUDE_LATITUDE)
        return shape_geography(mapper, "");
    if (entry->warning)
        shape_warn(mapper, "", entry->warning);
    Shape shape = shape_plain(entry->kind, entry->confidence);
    if (strcmp(entry->name, "?") == 0)
        shape.select = SELECT_TEXT;
    if (is_vector(entry))
        shape.field.mode = MODE_REPEATED;
    return shape;
}

/* What a column can be asked to become from its binary form: bits of TypeKind. */
static unsigned wishes_of(const SourceType *type)
{
    const MysqlType *entry = mysql_type(type);
    unsigned kinds = is_vector(entry) ? 1U << TYPE_JSON : 0;
    for (int kind = 0; !is_vector(entry) && kind < TYPE_COUNT_; kind++) {
        bool many_bits = entry->wire == MYSQL_WIRE_BIT && type->modifier != 1;
        if (mysql_accepts(entry->wire, (TypeKind)kind) && !(many_bits && kind == TYPE_BOOL))
            kinds |= 1U << kind;
    }
    return kinds;
}

/* True when every value of the type is a value of the field. */
static bool holds_every_number(const SourceType *type, const Field *field)
{
    enum { BIT_DIGITS_PER_1000 = 302 };
    const MysqlType *entry = mysql_type(type);
    int digits = entry->digits, scale = 0;
    if (entry->wire == MYSQL_WIRE_DECIMAL) {
        scale = mysql_decimal_scale(type->modifier);
        digits = mysql_decimal_precision(type->modifier) - scale;
    } else if (entry->wire == MYSQL_WIRE_BIT) {
        digits = type->modifier * BIT_DIGITS_PER_1000 / 1000 + 1;
    }
    return digits > 0 && shape_holds_digits(field, digits, scale);
}

static void doubt(Mapper *mapper, Shape *shape, Confidence confidence, const char *warning)
{
    shape->confidence = confidence;
    shape_warn(mapper, "", warning);
}

/* Of numbers that become numbers; false when there is nothing to know. */
static bool judge_number(Mapper *mapper, const SourceType *type, TypeKind usual, Shape *shape)
{
    TypeKind kind = shape->field.kind;
    bool is_exact = shape_is_number(kind);
    bool same_integers = kind == TYPE_INT64 && usual == TYPE_INT64;
    if ((!is_exact && kind != TYPE_FLOAT64) || same_integers ||
        holds_every_number(type, &shape->field))
        return false;
    if (is_exact)
        doubt(mapper, shape, CONFIDENCE_MEDIUM, "values that do not fit meet on_invalid");
    else
        doubt(mapper, shape, CONFIDENCE_LOW,
              "FLOAT64 keeps 15 to 17 digits: longer numbers are rounded");
    return true;
}

/* What there is to know about a conversion that was asked for. */
static void judge(Mapper *mapper, const SourceType *type, TypeKind usual, Shape *shape)
{
    static const struct {
        TypeKind kind;
        const char *warning;
    } doubts[] = {
        {TYPE_BOOL, "values other than 0 and 1 meet on_invalid"},
        {TYPE_JSON, "text that is not JSON meets on_invalid"},
        {TYPE_TIME, "spans outside 00:00:00 to 23:59:59.999999 meet on_invalid"},
        {TYPE_GEOGRAPHY,
         "coordinates are taken as longitude and latitude; an SRID other than 0 and 4326, and "
         "coordinates beyond 180 and 90 degrees meet on_invalid"},
    };
    TypeKind kind = shape->field.kind;
    MysqlWire wire = mysql_type(type)->wire;
    shape->confidence = CONFIDENCE_HIGH;
    if ((kind == usual && !shape_is_number(kind)) || judge_number(mapper, type, usual, shape))
        return;
    for (size_t i = 0; i < sizeof doubts / sizeof *doubts; i++) {
        bool is_certain = kind == TYPE_BOOL && wire == MYSQL_WIRE_BIT;
        if (doubts[i].kind == kind && !is_certain)
            doubt(mapper, shape, CONFIDENCE_MEDIUM, doubts[i].warning);
    }
    if (kind == TYPE_STRING && wire == MYSQL_WIRE_BYTES)
        doubt(mapper, shape, CONFIDENCE_MEDIUM, "bytes that are not UTF-8 meet on_invalid");
    if (kind == TYPE_DATETIME && wire == MYSQL_WIRE_TIMESTAMP)
        doubt(mapper, shape, CONFIDENCE_MEDIUM, "the wall clock of UTC");
}

static bool apply_wish(Mapper *mapper, const SourceColumn *column, const char *wish, Shape *shape,
                       Error *error)
{
    Field field = {0};
    if (!type_text_parse(wish, &field, error))
        return error_prefix(error, "column \"%s\"", column->name);
    const SourceType *type = &column->type;
    const MysqlType *entry = mysql_type(type);
    const Shape usual = *shape;
    unsigned wishes = wishes_of(type);
    bool has_digits = shape_is_number(field.kind) || usual.field.kind == TYPE_TIMESTAMP;
    if (field.mode == MODE_REPEATED)
        return shape_refuse_wish(mapper, column, wish, wishes, error);
    if (field.kind == usual.field.kind && usual.field.mode != MODE_REPEATED && !has_digits)
        return true;
    mapper->plan->warning_count = 0;
    mapper->plan->time_zone = NULL;
    if (wishes >> field.kind & 1 && !is_vector(entry)) {
        *shape = shape_plain(field.kind, CONFIDENCE_HIGH);
        if (entry->wire == MYSQL_WIRE_DATETIME)
            *shape = shape_naive_timestamp(mapper, field.kind);
        shape->field = field;
        judge(mapper, type, usual.field.kind, shape);
    } else if (field.kind == TYPE_STRING) {
        *shape = shape_text(CONFIDENCE_HIGH);
    } else if (field.kind == TYPE_JSON && is_vector(entry)) {
        *shape = shape_json(CONFIDENCE_HIGH);
    } else {
        return shape_refuse_wish(mapper, column, wish, wishes, error);
    }
    return true;
}

/* True when some value of the source may not fit the field. */
static bool may_refuse(const Shape *shape, const SourceType *type)
{
    MysqlWire wire = mysql_type(type)->wire;
    switch (shape->field.kind) {
    case TYPE_DATE:
    case TYPE_DATETIME:
    case TYPE_TIMESTAMP:
    case TYPE_TIME:
    case TYPE_BOOL:
    case TYPE_GEOGRAPHY:
    case TYPE_JSON:
        return true;
    case TYPE_NUMERIC:
    case TYPE_BIGNUMERIC:
    case TYPE_INT64:
        return wire != MYSQL_WIRE_BIT && !holds_every_number(type, &shape->field) &&
               shape->field.kind != TYPE_INT64;
    default:
        return false;
    }
}

bool mapping_mysql(const SourceColumn *column, const ColumnOptions *options, Arena *arena,
                   ColumnPlan *plan, Error *error)
{
    Mapper mapper = {.options = options, .arena = arena, .plan = plan};
    Shape shape = usual_shape(&mapper, &column->type);
    if (options->type && !apply_wish(&mapper, column, options->type, &shape, error))
        return false;
    shape_finish(&mapper, shape, may_refuse(&shape, &column->type));
    return true;
}
