/* SPDX-License-Identifier: Apache-2.0 */
#include "schema/mysql_types.h"

#include <string.h>

enum { SCALE_BITS = 8, SCALE_MASK = 0xff };

#define INTEGER(name_, wire_, digits_)                                                             \
    {                                                                                              \
        .name = (name_), .wire = (wire_), .kind = TYPE_INT64, .digits = (digits_)                  \
    }
#define EXACT(name_, wire_, kind_)                                                                 \
    {                                                                                              \
        .name = (name_), .wire = (wire_), .kind = (kind_)                                          \
    }
#define CHOSEN(name_, wire_, kind_, warning_)                                                      \
    {                                                                                              \
        .name = (name_), .wire = (wire_), .kind = (kind_), .confidence = CONFIDENCE_MEDIUM,        \
        .warning = (warning_)                                                                      \
    }

#define PLANE                                                                                      \
    "WKB, because SRID 4326 is not declared; type: GEOGRAPHY takes the coordinates as longitude "  \
    "and latitude"
#define GEOMETRY(name_) CHOSEN(name_, MYSQL_WIRE_GEOMETRY, TYPE_BYTES, PLANE)

static const MysqlType types[] = {
    {.name = "bool", /* tinyint(1) that was looked at */
     .wire = MYSQL_WIRE_INT8,
     .kind = TYPE_BOOL,
     .confidence = CONFIDENCE_MEDIUM,
     .digits = 3,
     .warning = "tinyint(1) that holds nothing but 0, 1 and NULL now; another value meets "
                "on_invalid"},
    {.name = "tinyint(1)",
     .wire = MYSQL_WIRE_INT8,
     .kind = TYPE_INT64,
     .confidence = CONFIDENCE_MEDIUM,
     .digits = 3,
     .warning = "not BOOL, because it holds values other than 0, 1 and NULL; type: BOOL chooses"},
    {.name = "tinyint(1)?",
     .wire = MYSQL_WIRE_INT8,
     .kind = TYPE_INT64,
     .confidence = CONFIDENCE_LOW,
     .digits = 3,
     .warning = "whether it holds nothing but 0, 1 and NULL was not seen to the end (it took too "
                "long, or it is a query's): type: BOOL or INT64 chooses"},
    INTEGER("tinyint", MYSQL_WIRE_INT8, 3),
    INTEGER("tinyint unsigned", MYSQL_WIRE_UINT8, 3),
    INTEGER("smallint", MYSQL_WIRE_INT16, 5),
    INTEGER("smallint unsigned", MYSQL_WIRE_UINT16, 5),
    INTEGER("mediumint", MYSQL_WIRE_INT32, 7),
    INTEGER("mediumint unsigned", MYSQL_WIRE_UINT32, 8),
    INTEGER("int", MYSQL_WIRE_INT32, 10),
    INTEGER("int unsigned", MYSQL_WIRE_UINT32, 10),
    INTEGER("bigint", MYSQL_WIRE_INT64, 19),
    {.name = "bigint unsigned",
     .wire = MYSQL_WIRE_UINT64,
     .kind = TYPE_NUMERIC, /* (20,0) */
     .digits = 20},
    INTEGER("year", MYSQL_WIRE_UINT16, 4),
    EXACT("float", MYSQL_WIRE_FLOAT, TYPE_FLOAT64),
    EXACT("double", MYSQL_WIRE_DOUBLE, TYPE_FLOAT64),
    EXACT("decimal", MYSQL_WIRE_DECIMAL, TYPE_NUMERIC), /* by its digits */
    CHOSEN("bit", MYSQL_WIRE_BIT, TYPE_INT64, NULL),
    EXACT("date", MYSQL_WIRE_DATE, TYPE_DATE),
    EXACT("datetime", MYSQL_WIRE_DATETIME, TYPE_DATETIME),
    EXACT("timestamp", MYSQL_WIRE_TIMESTAMP, TYPE_TIMESTAMP),
    CHOSEN("time", MYSQL_WIRE_TIME, TYPE_INTERVAL,
           "a span from -838:59:59 to 838:59:59; type: TIME takes it as the time of day"),
    EXACT("char", MYSQL_WIRE_TEXT, TYPE_STRING),
    EXACT("varchar", MYSQL_WIRE_TEXT, TYPE_STRING),
    EXACT("tinytext", MYSQL_WIRE_TEXT, TYPE_STRING),
    EXACT("text", MYSQL_WIRE_TEXT, TYPE_STRING),
    EXACT("mediumtext", MYSQL_WIRE_TEXT, TYPE_STRING),
    EXACT("longtext", MYSQL_WIRE_TEXT, TYPE_STRING),
    EXACT("enum", MYSQL_WIRE_TEXT, TYPE_STRING),
    CHOSEN("set", MYSQL_WIRE_TEXT, TYPE_STRING, "the members, with commas between them"),
    EXACT("binary", MYSQL_WIRE_BYTES, TYPE_BYTES),
    EXACT("varbinary", MYSQL_WIRE_BYTES, TYPE_BYTES),
    EXACT("tinyblob", MYSQL_WIRE_BYTES, TYPE_BYTES),
    EXACT("blob", MYSQL_WIRE_BYTES, TYPE_BYTES),
    EXACT("mediumblob", MYSQL_WIRE_BYTES, TYPE_BYTES),
    EXACT("longblob", MYSQL_WIRE_BYTES, TYPE_BYTES),
    CHOSEN("json", MYSQL_WIRE_JSON, TYPE_JSON,
           "BigQuery may refuse JSON numbers beyond 64 bits and double precision"),
    EXACT("uuid", MYSQL_WIRE_TEXT, TYPE_STRING),
    EXACT("inet4", MYSQL_WIRE_TEXT, TYPE_STRING),
    EXACT("inet6", MYSQL_WIRE_TEXT, TYPE_STRING),
    GEOMETRY("geometry"),
    GEOMETRY("point"),
    GEOMETRY("linestring"),
    GEOMETRY("polygon"),
    GEOMETRY("multipoint"),
    GEOMETRY("multilinestring"),
    GEOMETRY("multipolygon"),
    GEOMETRY("geomcollection"),
    GEOMETRY("geometrycollection"),
    EXACT("vector", MYSQL_WIRE_VECTOR, TYPE_FLOAT64), /* an array of them */
};

static const MysqlType unknown_type = {
    .name = "?",
    .wire = MYSQL_WIRE_TEXT,
    .kind = TYPE_STRING,
    .confidence = CONFIDENCE_LOW,
    .warning = "bqferry does not know this type: the text the server prints",
};

const MysqlType *mysql_type(const SourceType *type)
{
    for (size_t i = 0; i < sizeof types / sizeof *types; i++) {
        if (strcmp(types[i].name, type->base) == 0)
            return &types[i];
    }
    return &unknown_type;
}

#define KIND(name) (1U << TYPE_##name)
#define NUMBERS (KIND(INT64) | KIND(FLOAT64) | KIND(NUMERIC) | KIND(BIGNUMERIC))

static const unsigned accepted[MYSQL_WIRE_COUNT_] = {
    [MYSQL_WIRE_INT8] = NUMBERS | KIND(BOOL),
    [MYSQL_WIRE_UINT8] = NUMBERS | KIND(BOOL),
    [MYSQL_WIRE_INT16] = NUMBERS | KIND(BOOL),
    [MYSQL_WIRE_UINT16] = NUMBERS | KIND(BOOL),
    [MYSQL_WIRE_INT32] = NUMBERS | KIND(BOOL),
    [MYSQL_WIRE_UINT32] = NUMBERS | KIND(BOOL),
    [MYSQL_WIRE_INT64] = NUMBERS | KIND(BOOL),
    [MYSQL_WIRE_UINT64] = NUMBERS | KIND(BOOL),
    [MYSQL_WIRE_FLOAT] = NUMBERS,
    [MYSQL_WIRE_DOUBLE] = NUMBERS,
    [MYSQL_WIRE_DECIMAL] = NUMBERS | KIND(STRING),
    [MYSQL_WIRE_BIT] = NUMBERS | KIND(BOOL) | KIND(BYTES),
    [MYSQL_WIRE_DATE] = KIND(DATE),
    [MYSQL_WIRE_DATETIME] = KIND(DATETIME) | KIND(TIMESTAMP),
    [MYSQL_WIRE_TIMESTAMP] = KIND(DATETIME) | KIND(TIMESTAMP),
    [MYSQL_WIRE_TIME] = KIND(INTERVAL) | KIND(TIME),
    [MYSQL_WIRE_TEXT] = KIND(STRING) | KIND(BYTES) | KIND(JSON),
    [MYSQL_WIRE_BYTES] = KIND(STRING) | KIND(BYTES) | KIND(JSON),
    [MYSQL_WIRE_JSON] = KIND(JSON) | KIND(STRING),
    [MYSQL_WIRE_GEOMETRY] = KIND(GEOGRAPHY) | KIND(BYTES),
    [MYSQL_WIRE_VECTOR] = KIND(FLOAT64),
};

bool mysql_accepts(MysqlWire wire, TypeKind kind)
{
    return (accepted[wire] >> kind & 1) != 0;
}

MysqlWire mysql_planned_wire(const ColumnPlan *column)
{
    switch (column->select) {
    case SELECT_TEXT:
    case SELECT_JSON:
        return column->field.kind == TYPE_JSON ? MYSQL_WIRE_JSON : MYSQL_WIRE_TEXT;
    case SELECT_AT_TIME_ZONE:
        return MYSQL_WIRE_DATETIME;
    case SELECT_NUMERIC:
    case SELECT_PLAIN:
        break;
    }
    return mysql_type(&column->source->type)->wire;
}

int32_t mysql_decimal_modifier(int precision, int scale)
{
    return precision << SCALE_BITS | scale;
}

int mysql_decimal_precision(int32_t modifier)
{
    return modifier >> SCALE_BITS;
}

int mysql_decimal_scale(int32_t modifier)
{
    return modifier & SCALE_MASK;
}
