/* SPDX-License-Identifier: Apache-2.0 */
/* schema/mysql_types.h: the one table of MySQL's and MariaDB's types: how each travels in the
 * binary row protocol and what it becomes. The mapping chooses from it, the decoder compiles from
 * it.
 *
 * A SourceType of this driver: `base` is a name of the table below, with " unsigned" where the
 * column is; `schema` is NULL; `modifier` is, by type, decimals' precision × 256 + scale, a bit
 * field's bits, a geometry's declared SRID (−1: none), else −1. `id` is not used. */
#pragma once

#include "model/table.h"
#include "model/type.h"
#include "schema/mapping.h"

/* The forms of a value in a binary row (docs/internals/mysql.md). */
typedef enum MysqlWire {
    MYSQL_WIRE_INT8,
    MYSQL_WIRE_UINT8,
    MYSQL_WIRE_INT16,
    MYSQL_WIRE_UINT16, /* YEAR too */
    MYSQL_WIRE_INT32,
    MYSQL_WIRE_UINT32,
    MYSQL_WIRE_INT64,
    MYSQL_WIRE_UINT64,
    MYSQL_WIRE_FLOAT,
    MYSQL_WIRE_DOUBLE,
    MYSQL_WIRE_DECIMAL, /* digits as text */
    MYSQL_WIRE_BIT,     /* big-endian */
    MYSQL_WIRE_DATE,
    MYSQL_WIRE_DATETIME,
    MYSQL_WIRE_TIMESTAMP, /* in the session's time zone, which is UTC */
    MYSQL_WIRE_TIME,
    MYSQL_WIRE_TEXT,
    MYSQL_WIRE_BYTES,
    MYSQL_WIRE_JSON,     /* text */
    MYSQL_WIRE_GEOMETRY, /* SRID and WKB */
    MYSQL_WIRE_VECTOR,   /* little-endian floats */
    MYSQL_WIRE_COUNT_,
} MysqlWire;

typedef struct MysqlType {
    const char *name;
    MysqlWire wire;
    TypeKind kind; /* what it becomes when nothing else is asked for */
    Confidence confidence;
    int digits;          /* of integers: the most there can be; 0 for others */
    const char *warning; /* NULL when there is nothing to know */
} MysqlType;

/* The entry of a type; one that nobody knows is carried as text. Never NULL. */
const MysqlType *mysql_type(const SourceType *type);

/* True when there is a decoder from that form into that kind. */
bool mysql_accepts(MysqlWire wire, TypeKind kind);

/* The form in which a planned column arrives. */
MysqlWire mysql_planned_wire(const ColumnPlan *column);

/* DECIMAL(p,s)'s modifier, and back. */
int32_t mysql_decimal_modifier(int precision, int scale);
int mysql_decimal_precision(int32_t modifier);
int mysql_decimal_scale(int32_t modifier);
