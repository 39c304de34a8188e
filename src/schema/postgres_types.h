/* SPDX-License-Identifier: Apache-2.0 */
/* schema/postgres_types.h: the one table of PostgreSQL's types: how each travels in binary form and
 * what it becomes. The mapping chooses from it, the decoder compiles from it. */
#pragma once

#include "model/table.h"
#include "model/type.h"
#include "schema/mapping.h"

/* The binary forms there are decoders for (docs/internals/decoder.md). */
typedef enum PostgresWire {
    WIRE_NONE, /* none, or none worth decoding */
    WIRE_BOOL,
    WIRE_INT2,
    WIRE_INT4,
    WIRE_INT8,
    WIRE_OID,  /* uint32 */
    WIRE_XID8, /* uint64 */
    WIRE_LSN,  /* uint64 */
    WIRE_FLOAT4,
    WIRE_FLOAT8,
    WIRE_NUMERIC,
    WIRE_DATE,
    WIRE_TIME,
    WIRE_TIMETZ,
    WIRE_TIMESTAMP,
    WIRE_TIMESTAMPTZ,
    WIRE_INTERVAL,
    WIRE_UUID,
    WIRE_TEXT,
    WIRE_BPCHAR, /* text padded with blanks */
    WIRE_CHAR,   /* one byte */
    WIRE_VERSIONED_TEXT,
    WIRE_JSON,
    WIRE_JSONB,
    WIRE_BYTEA,
    WIRE_BIT,
    WIRE_INET,
    WIRE_MACADDR,
    WIRE_HSTORE,
    WIRE_POINT,
    WIRE_EWKB,
    WIRE_VECTOR,      /* float4 elements */
    WIRE_HALF_VECTOR, /* float16 elements */
    WIRE_INT2_ARRAY,  /* int2vector */
    WIRE_OID_ARRAY,   /* oidvector */
    WIRE_COUNT_,
} PostgresWire;

typedef struct PostgresType {
    const char *name;
    PostgresWire wire;
    TypeKind kind;     /* what it becomes when nothing else is asked for */
    SelectForm select; /* how it is asked for then */
    Confidence confidence;
    bool is_extension;   /* lives outside pg_catalog, with an oid of its own in each database */
    bool is_repeated;    /* becomes an array of `kind` */
    const char *warning; /* NULL when there is nothing to know */
} PostgresType;

/* The entry for a type that is not built of others (SOURCE_TYPE_BASE, SOURCE_TYPE_ENUM). A type
 * that nobody knows gets one that selects its text. Never NULL. */
const PostgresType *postgres_type(const SourceType *type);

/* True when there is a decoder from that form into that kind. */
bool postgres_accepts(PostgresWire wire, TypeKind kind);

/* The declared digits of numeric(p,s); false when the modifier declares none. scale may be negative
 * or larger than precision. */
bool postgres_numeric_modifier(int32_t modifier, int *ret_precision, int *ret_scale);

/* The SRID that a PostGIS column declares; 0 when it declares none. */
int postgres_geometry_srid(int32_t modifier);
