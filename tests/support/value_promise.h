/* SPDX-License-Identifier: Apache-2.0 */
/* support/value_promise.h: what model/value.h promises of every value, for fuzzers: a promise that
 * is broken ends the process. */
#pragma once

#include "base/utf8.h"
#include "model/type.h"
#include "model/value.h"

#define PROMISE(kept)                                                                              \
    do {                                                                                           \
        if (!(kept))                                                                               \
            __builtin_trap();                                                                      \
    } while (0)

static bool is_within(int64_t number, int64_t low, int64_t high)
{
    return number >= low && number <= high;
}

static void check_integer(const Value *value, const Field *field)
{
    const int64_t day = INT64_C(86400000000);
    PROMISE(value->kind == VALUE_INT64);
    if (field->kind == TYPE_DATE)
        PROMISE(is_within(value->integer, -719162, 2932896));
    else if (field->kind == TYPE_TIME)
        PROMISE(is_within(value->integer, 0, day - 1));
    else if (field->kind != TYPE_INT64)
        PROMISE(is_within(value->integer, -719162 * day, 2932897 * day - 1));
}

static void check_decimal(const Value *value, const Field *field)
{
    Decimal decimal = decimal_from_int64(value->integer);
    int64_t integer;
    PROMISE(value->kind == VALUE_DECIMAL64 || value->kind == VALUE_DECIMAL);
    if (value->kind == VALUE_DECIMAL) {
        decimal = *value->decimal;
        PROMISE(!decimal_to_int64(&decimal, &integer));
    }
    PROMISE(decimal_fits_digits(&decimal, field_decimal_precision(field)));
}

static void check_bytes(const Value *value, const Field *field)
{
    PROMISE(value->kind == VALUE_BYTES);
    volatile char last = value->length ? value->bytes[value->length - 1] : '\0';
    (void)last;
    PROMISE(field->kind == TYPE_BYTES || utf8_is_valid(value_view(value)));
    PROMISE(field->kind == TYPE_STRING || field->kind == TYPE_BYTES || value->length > 0);
}

static void check_interval(const Value *value)
{
    PROMISE(value->kind == VALUE_INTERVAL);
    PROMISE(is_within(value->interval->months, -120000, 120000));
    PROMISE(is_within(value->interval->days, -3660000, 3660000));
    PROMISE(is_within(value->interval->microseconds, INT64_C(-316224000000000000),
                      INT64_C(316224000000000000)));
}

static void check_value(const Value *value, const Field *field, bool is_element);

static void check_list(const Value *value, const Field *field)
{
    bool is_array = field->mode == MODE_REPEATED;
    Field element = *field;
    element.mode = MODE_NULLABLE;
    PROMISE(value->kind == VALUE_LIST);
    PROMISE(is_array || value->length == field->field_count);
    for (size_t i = 0; i < value->length; i++)
        check_value(&value->items[i], is_array ? &element : &field->fields[i], is_array);
}

static void check_scalar(const Value *value, const Field *field)
{
    switch (field->kind) {
    case TYPE_BOOL:
        PROMISE(value->kind == VALUE_BOOL);
        break;
    case TYPE_FLOAT64:
        PROMISE(value->kind == VALUE_FLOAT64);
        break;
    case TYPE_NUMERIC:
    case TYPE_BIGNUMERIC:
        check_decimal(value, field);
        break;
    case TYPE_INTERVAL:
        check_interval(value);
        break;
    case TYPE_STRING:
    case TYPE_JSON:
    case TYPE_BYTES:
    case TYPE_GEOGRAPHY:
        check_bytes(value, field);
        break;
    default:
        check_integer(value, field);
    }
}

static void check_value(const Value *value, const Field *field, bool is_element)
{
    if (field->mode == MODE_REPEATED) {
        check_list(value, field);
    } else if (value->kind == VALUE_NULL) {
        PROMISE(!is_element);
    } else if (field->kind == TYPE_STRUCT) {
        check_list(value, field);
    } else {
        check_scalar(value, field);
    }
}
