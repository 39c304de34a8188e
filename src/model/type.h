/* SPDX-License-Identifier: Apache-2.0 */
/* model/type.h: a column of a target table, in BigQuery's terms; every target maps from these.
 * Names and rules: BigQuery standard SQL data types; TableFieldSchema of the REST API. */
#pragma once

#include <stdbool.h>
#include <stddef.h>

typedef enum TypeKind {
    TYPE_BOOL,
    TYPE_INT64,
    TYPE_FLOAT64,
    TYPE_NUMERIC,    /* up to 29 digits before the point, 9 after */
    TYPE_BIGNUMERIC, /* up to 38 digits before the point, 38 after */
    TYPE_STRING,
    TYPE_BYTES,
    TYPE_DATE,
    TYPE_TIME,
    TYPE_DATETIME,  /* a wall clock without a zone */
    TYPE_TIMESTAMP, /* an instant */
    TYPE_INTERVAL,
    TYPE_JSON,
    TYPE_GEOGRAPHY,
    TYPE_STRUCT,
    TYPE_COUNT_,
} TypeKind;

typedef enum FieldMode { MODE_NULLABLE, MODE_REQUIRED, MODE_REPEATED } FieldMode;

/* One column, or one member of a STRUCT. Plain data; strings live as long as their arena. */
typedef struct Field {
    const char *name;
    TypeKind kind;
    FieldMode mode;          /* REPEATED: an array of `kind`; never an array of arrays */
    int precision;           /* NUMERIC, BIGNUMERIC: declared digits, 0 = the type's own maximum */
    int scale;               /* digits after the point when precision is not 0 */
    const char *description; /* NULL when there is none */
    const struct Field *fields; /* STRUCT only */
    size_t field_count;
} Field;

typedef struct Schema {
    const Field *fields;
    size_t field_count;
    const char *description; /* of the table; NULL when there is none */
} Schema;

/* "INT64", "STRUCT", … as in BigQuery's SQL. */
const char *type_kind_name(TypeKind kind);

/* Reads such a name, case ignored, with the aliases INTEGER, FLOAT, BOOLEAN, RECORD, DECIMAL and
 * BIGDECIMAL; false when it is none. */
bool type_kind_parse(const char *name, TypeKind *ret_kind);

/* "NULLABLE", "REQUIRED", "REPEATED". */
const char *field_mode_name(FieldMode mode);

/* Digits after the point that a NUMERIC or BIGNUMERIC field's values carry: the declared scale, or
 * 9 and 38. Every VALUE_DECIMAL of the field is an integer scaled by ten to this power. */
int field_decimal_scale(const Field *field);

/* Digits in all: the declared precision, or 38 and 76. */
int field_decimal_precision(const Field *field);

/* The schema's field of that name, case ignored as BigQuery and DuckDB ignore it; NULL: it has
 * none.
 */
const Field *schema_field(const Schema *schema, const char *name);

/* True when both describe the same type: kind, mode, precision, scale, and members by name. */
bool field_same_type(const Field *left, const Field *right);
