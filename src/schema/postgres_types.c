/* SPDX-License-Identifier: Apache-2.0 */
#include "schema/postgres_types.h"

#include <string.h>

#define EXACT(name_, wire_, kind_)                                                                 \
    {                                                                                              \
        .name = (name_), .wire = (wire_), .kind = (kind_)                                          \
    }
#define CHOSEN(name_, wire_, kind_, warning_)                                                      \
    {                                                                                              \
        .name = (name_), .wire = (wire_), .kind = (kind_), .confidence = CONFIDENCE_MEDIUM,        \
        .warning = (warning_)                                                                      \
    }
#define TEXT_FORM(name_, wire_, confidence_, warning_)                                             \
    {                                                                                              \
        .name = (name_), .wire = (wire_), .kind = TYPE_STRING, .select = SELECT_TEXT,              \
        .confidence = (confidence_), .warning = (warning_)                                         \
    }
#define EXTENSION(name_, wire_, kind_, confidence_, warning_)                                      \
    {                                                                                              \
        .name = (name_), .wire = (wire_), .kind = (kind_), .confidence = (confidence_),            \
        .is_extension = true, .warning = (warning_)                                                \
    }
#define EXTENSION_TEXT(name_)                                                                      \
    {                                                                                              \
        .name = (name_), .kind = TYPE_STRING, .select = SELECT_TEXT,                               \
        .confidence = CONFIDENCE_MEDIUM, .is_extension = true                                      \
    }

#define PLANE "plane coordinates, as PostgreSQL writes them"
#define JSON_NUMBERS "BigQuery may refuse JSON numbers beyond 64 bits and double precision"

static const PostgresType types[] = {
    EXACT("bool", WIRE_BOOL, TYPE_BOOL),
    EXACT("int2", WIRE_INT2, TYPE_INT64),
    EXACT("int4", WIRE_INT4, TYPE_INT64),
    EXACT("int8", WIRE_INT8, TYPE_INT64),
    EXACT("float4", WIRE_FLOAT4, TYPE_FLOAT64),
    EXACT("float8", WIRE_FLOAT8, TYPE_FLOAT64),
    CHOSEN("numeric", WIRE_NUMERIC, TYPE_BIGNUMERIC,
           "no precision is declared: values with more than 38 digits before or after the point, "
           "NaN and infinity meet on_invalid"),
    {.name = "money",
     .kind = TYPE_NUMERIC,
     .select = SELECT_NUMERIC,
     .confidence = CONFIDENCE_MEDIUM,
     .warning = "the amount without its currency, which is a setting of the database"},
    EXACT("date", WIRE_DATE, TYPE_DATE),
    EXACT("time", WIRE_TIME, TYPE_TIME),
    CHOSEN("timetz", WIRE_TIMETZ, TYPE_STRING,
           "BigQuery's TIME has no zone: text such as 12:34:56.789+05:30"),
    EXACT("timestamp", WIRE_TIMESTAMP, TYPE_DATETIME),
    EXACT("timestamptz", WIRE_TIMESTAMPTZ, TYPE_TIMESTAMP),
    CHOSEN("interval", WIRE_INTERVAL, TYPE_INTERVAL, NULL),
    EXACT("uuid", WIRE_UUID, TYPE_STRING),
    EXACT("text", WIRE_TEXT, TYPE_STRING),
    EXACT("varchar", WIRE_TEXT, TYPE_STRING),
    EXACT("bpchar", WIRE_BPCHAR, TYPE_STRING),
    EXACT("name", WIRE_TEXT, TYPE_STRING),
    CHOSEN("char", WIRE_CHAR, TYPE_STRING, NULL),
    EXACT("unknown", WIRE_TEXT, TYPE_STRING),
    CHOSEN("refcursor", WIRE_TEXT, TYPE_STRING, NULL),
    EXACT("xml", WIRE_TEXT, TYPE_STRING),
    CHOSEN("json", WIRE_JSON, TYPE_JSON,
           "values with a repeated key are counted (BigQuery keeps the first, PostgreSQL the "
           "last); " JSON_NUMBERS),
    CHOSEN("jsonb", WIRE_JSONB, TYPE_JSON, JSON_NUMBERS),
    CHOSEN("jsonpath", WIRE_VERSIONED_TEXT, TYPE_STRING, NULL),
    EXACT("bytea", WIRE_BYTEA, TYPE_BYTES),
    CHOSEN("bit", WIRE_BIT, TYPE_STRING, NULL),
    CHOSEN("varbit", WIRE_BIT, TYPE_STRING, NULL),
    CHOSEN("inet", WIRE_INET, TYPE_STRING, NULL),
    CHOSEN("cidr", WIRE_INET, TYPE_STRING, NULL),
    CHOSEN("macaddr", WIRE_MACADDR, TYPE_STRING, NULL),
    CHOSEN("macaddr8", WIRE_MACADDR, TYPE_STRING, NULL),
    CHOSEN("oid", WIRE_OID, TYPE_INT64, NULL),
    CHOSEN("xid", WIRE_OID, TYPE_INT64, "transaction ids start again after 4 billion"),
    CHOSEN("cid", WIRE_OID, TYPE_INT64, NULL),
    CHOSEN("xid8", WIRE_XID8, TYPE_INT64, NULL),
    CHOSEN("pg_lsn", WIRE_LSN, TYPE_STRING, NULL),
    {.name = "int2vector",
     .wire = WIRE_INT2_ARRAY,
     .kind = TYPE_INT64,
     .confidence = CONFIDENCE_MEDIUM,
     .is_repeated = true},
    {.name = "oidvector",
     .wire = WIRE_OID_ARRAY,
     .kind = TYPE_INT64,
     .confidence = CONFIDENCE_MEDIUM,
     .is_repeated = true},
    TEXT_FORM("regproc", WIRE_OID, CONFIDENCE_MEDIUM, NULL),
    TEXT_FORM("regprocedure", WIRE_OID, CONFIDENCE_MEDIUM, NULL),
    TEXT_FORM("regoper", WIRE_OID, CONFIDENCE_MEDIUM, NULL),
    TEXT_FORM("regoperator", WIRE_OID, CONFIDENCE_MEDIUM, NULL),
    TEXT_FORM("regclass", WIRE_OID, CONFIDENCE_MEDIUM, NULL),
    TEXT_FORM("regtype", WIRE_OID, CONFIDENCE_MEDIUM, NULL),
    TEXT_FORM("regconfig", WIRE_OID, CONFIDENCE_MEDIUM, NULL),
    TEXT_FORM("regdictionary", WIRE_OID, CONFIDENCE_MEDIUM, NULL),
    TEXT_FORM("regrole", WIRE_OID, CONFIDENCE_MEDIUM, NULL),
    TEXT_FORM("regnamespace", WIRE_OID, CONFIDENCE_MEDIUM, NULL),
    TEXT_FORM("regcollation", WIRE_OID, CONFIDENCE_MEDIUM, NULL),
    TEXT_FORM("point", WIRE_POINT, CONFIDENCE_MEDIUM,
              PLANE "; type: GEOGRAPHY takes them as longitude and latitude"),
    TEXT_FORM("line", WIRE_NONE, CONFIDENCE_MEDIUM, PLANE),
    TEXT_FORM("lseg", WIRE_NONE, CONFIDENCE_MEDIUM, PLANE),
    TEXT_FORM("box", WIRE_NONE, CONFIDENCE_MEDIUM, PLANE),
    TEXT_FORM("path", WIRE_NONE, CONFIDENCE_MEDIUM, PLANE),
    TEXT_FORM("polygon", WIRE_NONE, CONFIDENCE_MEDIUM, PLANE),
    TEXT_FORM("circle", WIRE_NONE, CONFIDENCE_MEDIUM, PLANE),
    TEXT_FORM("tsvector", WIRE_NONE, CONFIDENCE_MEDIUM,
              "usually made from other columns: it may be left out"),
    TEXT_FORM("tsquery", WIRE_NONE, CONFIDENCE_MEDIUM, NULL),
    TEXT_FORM("tid", WIRE_NONE, CONFIDENCE_MEDIUM, NULL),
    TEXT_FORM("pg_snapshot", WIRE_NONE, CONFIDENCE_MEDIUM, NULL),
    TEXT_FORM("txid_snapshot", WIRE_NONE, CONFIDENCE_MEDIUM, NULL),
    TEXT_FORM("aclitem", WIRE_NONE, CONFIDENCE_MEDIUM, NULL),
    TEXT_FORM("pg_node_tree", WIRE_NONE, CONFIDENCE_MEDIUM, NULL),
    TEXT_FORM("anyarray", WIRE_NONE, CONFIDENCE_LOW,
              "an array whose element type differs from row to row"),
    EXTENSION("hstore", WIRE_HSTORE, TYPE_JSON, CONFIDENCE_MEDIUM, NULL),
    EXTENSION("citext", WIRE_TEXT, TYPE_STRING, CONFIDENCE_MEDIUM,
              "upper and lower case are one in PostgreSQL and two in BigQuery"),
    EXTENSION("ltree", WIRE_VERSIONED_TEXT, TYPE_STRING, CONFIDENCE_HIGH, NULL),
    EXTENSION("lquery", WIRE_VERSIONED_TEXT, TYPE_STRING, CONFIDENCE_HIGH, NULL),
    EXTENSION("ltxtquery", WIRE_VERSIONED_TEXT, TYPE_STRING, CONFIDENCE_HIGH, NULL),
    EXTENSION("geography", WIRE_EWKB, TYPE_GEOGRAPHY, CONFIDENCE_MEDIUM, NULL),
    {.name = "geometry",
     .wire = WIRE_EWKB,
     .kind = TYPE_STRING,
     .select = SELECT_TEXT,
     .confidence = CONFIDENCE_LOW,
     .is_extension = true,
     .warning = "hexadecimal EWKB, because SRID 4326 is not declared; type: GEOGRAPHY takes the "
                "coordinates as longitude and latitude"},
    {.name = "vector",
     .wire = WIRE_VECTOR,
     .kind = TYPE_FLOAT64,
     .is_extension = true,
     .is_repeated = true},
    {.name = "halfvec",
     .wire = WIRE_HALF_VECTOR,
     .kind = TYPE_FLOAT64,
     .is_extension = true,
     .is_repeated = true},
    EXTENSION_TEXT("sparsevec"),
    EXTENSION_TEXT("cube"),
    EXTENSION_TEXT("seg"),
    EXTENSION_TEXT("query_int"),
    EXTENSION_TEXT("ean13"),
    EXTENSION_TEXT("isbn"),
    EXTENSION_TEXT("isbn13"),
    EXTENSION_TEXT("ismn"),
    EXTENSION_TEXT("ismn13"),
    EXTENSION_TEXT("issn"),
    EXTENSION_TEXT("issn13"),
    EXTENSION_TEXT("upc"),
    EXTENSION_TEXT("box2d"),
    EXTENSION_TEXT("box3d"),
};

static const PostgresType enum_type = EXACT("enum", WIRE_TEXT, TYPE_STRING);

static const PostgresType unknown_type = TEXT_FORM(
    "?", WIRE_NONE, CONFIDENCE_LOW, "bqferry does not know this type: the text PostgreSQL prints");

const PostgresType *postgres_type(const SourceType *type)
{
    if (type->class == SOURCE_TYPE_ENUM)
        return &enum_type;
    bool is_extension = !type->schema || strcmp(type->schema, "pg_catalog") != 0;
    for (size_t i = 0; i < sizeof types / sizeof *types; i++) {
        if (types[i].is_extension == is_extension && strcmp(types[i].name, type->base) == 0)
            return &types[i];
    }
    return &unknown_type;
}

#define KIND(name) (1U << TYPE_##name)
#define NUMBERS (KIND(INT64) | KIND(FLOAT64) | KIND(NUMERIC) | KIND(BIGNUMERIC))

static const unsigned accepted[WIRE_COUNT_] = {
    [WIRE_BOOL] = KIND(BOOL),
    [WIRE_INT2] = NUMBERS | KIND(BOOL),
    [WIRE_INT4] = NUMBERS | KIND(BOOL),
    [WIRE_INT8] = NUMBERS | KIND(BOOL),
    [WIRE_OID] = KIND(INT64) | KIND(NUMERIC) | KIND(BIGNUMERIC),
    [WIRE_XID8] = KIND(INT64) | KIND(NUMERIC) | KIND(BIGNUMERIC),
    [WIRE_LSN] = KIND(STRING) | KIND(INT64) | KIND(NUMERIC) | KIND(BIGNUMERIC),
    [WIRE_FLOAT4] = NUMBERS,
    [WIRE_FLOAT8] = NUMBERS,
    [WIRE_NUMERIC] = NUMBERS,
    [WIRE_DATE] = KIND(DATE),
    [WIRE_TIME] = KIND(TIME),
    [WIRE_TIMETZ] = KIND(STRING),
    [WIRE_TIMESTAMP] = KIND(DATETIME) | KIND(TIMESTAMP),
    [WIRE_TIMESTAMPTZ] = KIND(DATETIME) | KIND(TIMESTAMP),
    [WIRE_INTERVAL] = KIND(INTERVAL) | KIND(TIME),
    [WIRE_UUID] = KIND(STRING) | KIND(BYTES),
    [WIRE_TEXT] = KIND(STRING) | KIND(BYTES) | KIND(JSON),
    [WIRE_BPCHAR] = KIND(STRING),
    [WIRE_CHAR] = KIND(STRING) | KIND(BYTES),
    [WIRE_VERSIONED_TEXT] = KIND(STRING),
    [WIRE_JSON] = KIND(JSON),
    [WIRE_JSONB] = KIND(JSON),
    [WIRE_BYTEA] = KIND(BYTES),
    [WIRE_BIT] = KIND(STRING) | KIND(BOOL),
    [WIRE_INET] = KIND(STRING),
    [WIRE_MACADDR] = KIND(STRING),
    [WIRE_HSTORE] = KIND(JSON),
    [WIRE_POINT] = KIND(GEOGRAPHY),
    [WIRE_EWKB] = KIND(GEOGRAPHY) | KIND(BYTES),
    [WIRE_VECTOR] = KIND(FLOAT64),
    [WIRE_HALF_VECTOR] = KIND(FLOAT64),
    [WIRE_INT2_ARRAY] = KIND(INT64),
    [WIRE_OID_ARRAY] = KIND(INT64),
};

bool postgres_accepts(PostgresWire wire, TypeKind kind)
{
    return (accepted[wire] >> kind & 1) != 0;
}

bool postgres_numeric_modifier(int32_t modifier, int *ret_precision, int *ret_scale)
{
    enum { HEADER = 4, SCALE_BITS = 0x7ff, SCALE_SIGN = 0x400 };
    if (modifier < HEADER)
        return false;
    int32_t packed = modifier - HEADER;
    *ret_precision = packed >> 16 & 0xffff;
    *ret_scale = ((packed & SCALE_BITS) ^ SCALE_SIGN) - SCALE_SIGN;
    return true;
}

int postgres_geometry_srid(int32_t modifier)
{
    enum { SRID_BITS = 0x0fffff00, SRID_SIGN = 0x10000000 };
    if (modifier < 0)
        return 0;
    return ((modifier & SRID_BITS) - (modifier & SRID_SIGN)) >> 8;
}
