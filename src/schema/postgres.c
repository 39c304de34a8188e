/* SPDX-License-Identifier: Apache-2.0 */
#include "schema/postgres_shape.h"

/* True when some value of the source may not fit the field. */
static bool may_refuse(const Field *field)
{
    switch (field->kind) {
    case TYPE_DATE:
    case TYPE_TIME:
    case TYPE_DATETIME:
    case TYPE_TIMESTAMP:
    case TYPE_INTERVAL:
    case TYPE_NUMERIC:
    case TYPE_BIGNUMERIC:
    case TYPE_GEOGRAPHY:
        return true;
    case TYPE_STRUCT:
        for (size_t i = 0; i < field->field_count; i++) {
            if (may_refuse(&field->fields[i]))
                return true;
        }
        return field->mode == MODE_REPEATED;
    default:
        return field->mode == MODE_REPEATED;
    }
}

static bool may_refuse_column(const Shape *shape, const SourceType *type)
{
    bool is_base = type->class == SOURCE_TYPE_BASE;
    return may_refuse(&shape->field) || (is_base && postgres_type(type)->wire == WIRE_XID8);
}

bool mapping_postgres(const SourceColumn *column, const ColumnOptions *options, Arena *arena,
                      ColumnPlan *plan, Error *error)
{
    Mapper mapper = {.options = options, .arena = arena, .plan = plan};
    Shape shape = shape_of_type(&mapper, &column->type);
    if (options->type && !shape_apply_wish(&mapper, column, options->type, &shape, error))
        return false;
    shape_finish(&mapper, shape, may_refuse_column(&shape, &column->type));
    return true;
}
