/* SPDX-License-Identifier: Apache-2.0 */
#include "model/type.h"

#include <string.h>
#include <strings.h>

enum {
    NUMERIC_PRECISION = 38,
    NUMERIC_SCALE = 9,
    BIGNUMERIC_PRECISION = 76,
    BIGNUMERIC_SCALE = 38,
};

static const char *const kind_names[TYPE_COUNT_] = {
    [TYPE_BOOL] = "BOOL",
    [TYPE_INT64] = "INT64",
    [TYPE_FLOAT64] = "FLOAT64",
    [TYPE_NUMERIC] = "NUMERIC",
    [TYPE_BIGNUMERIC] = "BIGNUMERIC",
    [TYPE_STRING] = "STRING",
    [TYPE_BYTES] = "BYTES",
    [TYPE_DATE] = "DATE",
    [TYPE_TIME] = "TIME",
    [TYPE_DATETIME] = "DATETIME",
    [TYPE_TIMESTAMP] = "TIMESTAMP",
    [TYPE_INTERVAL] = "INTERVAL",
    [TYPE_JSON] = "JSON",
    [TYPE_GEOGRAPHY] = "GEOGRAPHY",
    [TYPE_STRUCT] = "STRUCT",
};

static const struct {
    const char *name;
    TypeKind kind;
} aliases[] = {
    {"INTEGER", TYPE_INT64}, {"FLOAT", TYPE_FLOAT64},   {"BOOLEAN", TYPE_BOOL},
    {"RECORD", TYPE_STRUCT}, {"DECIMAL", TYPE_NUMERIC}, {"BIGDECIMAL", TYPE_BIGNUMERIC},
};

const char *type_kind_name(TypeKind kind)
{
    return (size_t)kind < TYPE_COUNT_ ? kind_names[kind] : "UNKNOWN";
}

bool type_kind_parse(const char *name, TypeKind *ret_kind)
{
    for (size_t i = 0; i < TYPE_COUNT_; i++) {
        if (strcasecmp(name, kind_names[i]) == 0) {
            *ret_kind = (TypeKind)i;
            return true;
        }
    }
    for (size_t i = 0; i < sizeof aliases / sizeof *aliases; i++) {
        if (strcasecmp(name, aliases[i].name) == 0) {
            *ret_kind = aliases[i].kind;
            return true;
        }
    }
    return false;
}

const char *field_mode_name(FieldMode mode)
{
    static const char *const names[] = {"NULLABLE", "REQUIRED", "REPEATED"};
    return names[mode];
}

int field_decimal_scale(const Field *field)
{
    if (field->precision)
        return field->scale;
    return field->kind == TYPE_BIGNUMERIC ? BIGNUMERIC_SCALE : NUMERIC_SCALE;
}

int field_decimal_precision(const Field *field)
{
    if (field->precision)
        return field->precision;
    return field->kind == TYPE_BIGNUMERIC ? BIGNUMERIC_PRECISION : NUMERIC_PRECISION;
}

const Field *schema_field(const Schema *schema, const char *name)
{
    for (size_t i = 0; i < schema->field_count; i++) {
        if (strcasecmp(schema->fields[i].name, name) == 0)
            return &schema->fields[i];
    }
    return NULL;
}

bool field_same_type(const Field *left, const Field *right)
{
    if (left->kind != right->kind || left->mode != right->mode ||
        left->field_count != right->field_count)
        return false;
    if (left->precision != right->precision || left->scale != right->scale)
        return false;
    for (size_t i = 0; i < left->field_count; i++) {
        if (strcasecmp(left->fields[i].name, right->fields[i].name) != 0 ||
            !field_same_type(&left->fields[i], &right->fields[i]))
            return false;
    }
    return true;
}
