/* SPDX-License-Identifier: Apache-2.0 */
/* model/value.h: one value of a row, 16 bytes, borrowed from the wire wherever that is possible.
 *
 * A value belongs to a Field (model/type.h), which says what the number or the bytes mean:
 *
 *   kind               Field.kind             representation
 *   VALUE_BOOL         BOOL                   boolean
 *   VALUE_INT64        INT64                  integer
 *                      DATE                   integer: days since 1970-01-01
 *                      TIME                   integer: microseconds since midnight, < 86400000000
 *                      DATETIME, TIMESTAMP    integer: microseconds since 1970-01-01 00:00:00 (UTC)
 *   VALUE_FLOAT64      FLOAT64                real
 *   VALUE_DECIMAL64    NUMERIC, BIGNUMERIC    integer × 10^−field_decimal_scale
 *   VALUE_DECIMAL      NUMERIC, BIGNUMERIC    decimal × 10^−field_decimal_scale (does not fit 64
 * bits) VALUE_INTERVAL     INTERVAL               interval VALUE_BYTES        STRING, JSON,
 * GEOGRAPHY valid UTF-8 text (JSON: serialized; GEOGRAPHY: WKT) BYTES                  bytes
 *   VALUE_LIST         any REPEATED           items: the elements (never NULL nor ABSENT)
 *                      STRUCT                 items: the members in the field's order
 *
 * Whoever makes a value guarantees the ranges of its type (DATE within 0001…9999 and so on), that
 * text is valid UTF-8, and that a list's elements are of the field's kind: sinks do not check
 * again. */
#pragma once

#include "base/view.h"
#include "model/decimal.h"

#include <stdbool.h>
#include <stdint.h>

typedef enum ValueKind {
    VALUE_NULL,
    VALUE_ABSENT, /* change capture: the source did not send it (an unchanged large value) */
    VALUE_BOOL,
    VALUE_INT64,
    VALUE_FLOAT64,
    VALUE_DECIMAL64,
    VALUE_DECIMAL,
    VALUE_INTERVAL,
    VALUE_BYTES,
    VALUE_LIST,
} ValueKind;

/* Three independent parts with signs of their own, never normalised into each other. */
typedef struct Interval {
    int32_t months;
    int32_t days;
    int64_t microseconds;
} Interval;

typedef struct Value {
    ValueKind kind;
    uint32_t length; /* VALUE_BYTES: bytes; VALUE_LIST: items */
    union {
        bool boolean;
        int64_t integer;
        double real;
        const Decimal *decimal;
        const Interval *interval;
        const char *bytes;
        const struct Value *items;
    };
} Value;

_Static_assert(sizeof(Value) == 16, "a row of values must stay in few cache lines");

static inline Value value_null(void)
{
    return (Value){.kind = VALUE_NULL};
}

static inline Value value_integer(int64_t integer)
{
    return (Value){.kind = VALUE_INT64, .integer = integer};
}

static inline StrView value_view(const Value *value)
{
    return (StrView){value->bytes, value->length};
}
