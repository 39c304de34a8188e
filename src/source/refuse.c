/* SPDX-License-Identifier: Apache-2.0 */
#include "model/type_text.h"
#include "schema/mapping.h"
#include "schema/names.h"
#include "source/step.h"

#include <stdio.h>

/* The end of a sentence that begins with column and value. */
static const char *reason_text(InvalidReason reason)
{
    switch (reason) {
    case INVALID_INFINITY:
        return "is infinite, and the type has no infinity";
    case INVALID_NAN:
        return "is not a number, and the type has no NaN";
    case INVALID_DATE:
        return "is no day of the calendar";
    case INVALID_MIDNIGHT_24:
        return "is the end of a day, and the type ends at 23:59:59.999999";
    case INVALID_DIMENSIONS:
        return "has more than one dimension, and arrays in BigQuery have one";
    case INVALID_NULL_ELEMENT:
        return "is an element, and arrays in BigQuery hold no NULL";
    case INVALID_UTF8:
        return "is not UTF-8 text";
    case INVALID_REQUIRED:
        return "meets mode: required";
    default:
        return "does not fit";
    }
}

static const char *target_text(const Step *step, Arena *arena)
{
    return step->field->kind == TYPE_STRUCT ? "STRUCT" : type_text_of(step->field, arena);
}

static bool fail(const Step *step, Decode *decode, InvalidReason reason, Wire wire, bool may_clamp)
{
    char text[DECODE_TEXT_MAX] = "NULL";
    const Column *column = step->column;
    const char *key = name_as_key(column->name, decode->scratch);
    if (wire.bytes)
        column->describe(step, wire, text);
    error_set(decode->error, ERROR_DATA, "column \"%s\": %s %s (%s, reason %s, on_invalid: %s)",
              column->name, text, reason_text(reason), target_text(step, decode->scratch),
              invalid_reason_name(reason), invalid_policy_name(column->policy));
    if (reason == INVALID_REQUIRED || step->is_required)
        return error_hint(decode->error,
                          "to let NULL through, write: columns: {%s: {mode: nullable}}", key);
    const char *clamp = may_clamp && column->policy != INVALID_CLAMP
                            ? ", or clamp for the nearest value that fits"
                            : "";
    bool helps_string = column->policy != INVALID_STRING && reason != INVALID_UTF8;
    return error_hint(
        decode->error, "to %s, write: columns: {%s: {on_invalid: null}}%s%s",
        reason == INVALID_NULL_ELEMENT ? "leave such elements out" : "let such a value become NULL",
        key, clamp, helps_string ? ", or string for a STRING column that holds all" : "");
}

bool decode_refuse(const Step *step, Decode *decode, InvalidReason reason, Wire wire,
                   const Value *nearest, Value *ret_value)
{
    const Column *column = step->column;
    column->counts->counts[reason]++;
    if (column->policy == INVALID_CLAMP && nearest) {
        *ret_value = *nearest;
        return true;
    }
    if (column->policy != INVALID_NULL || step->is_required)
        return fail(step, decode, reason, wire, nearest != NULL);
    *ret_value = value_null();
    if (step->field->mode == MODE_REPEATED)
        *ret_value = (Value){.kind = VALUE_LIST};
    return true;
}

bool decode_missing(const Step *step, Decode *decode, Value *ret_value)
{
    if (step->field->mode == MODE_REPEATED) {
        step->column->counts->counts[INVALID_NULL_ARRAY]++;
        *ret_value = (Value){.kind = VALUE_LIST};
        return true;
    }
    step->column->counts->counts[INVALID_REQUIRED]++;
    return fail(step, decode, INVALID_REQUIRED, (Wire){0}, false);
}

bool decode_malformed(const Step *step, Decode *decode, Wire wire)
{
    const SourceType *type = step->type;
    return error_set(decode->error, ERROR_SOURCE,
                     "column \"%s\": %zu bytes that are no %s: was the table altered while it was "
                     "read?",
                     step->column->name, wire.size, type->text ? type->text : type->base);
}
