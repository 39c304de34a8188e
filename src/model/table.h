/* SPDX-License-Identifier: Apache-2.0 */
/* model/table.h: a table as its source declares it. Plain data in the arena it was described into.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* How a source type is built; `base` names one of the driver's own types. */
typedef enum SourceTypeClass {
    SOURCE_TYPE_BASE,
    SOURCE_TYPE_ENUM,
    SOURCE_TYPE_ARRAY,      /* of `element` */
    SOURCE_TYPE_COMPOSITE,  /* of `fields` */
    SOURCE_TYPE_RANGE,      /* over `element` */
    SOURCE_TYPE_MULTIRANGE, /* of `element`, which is a range */
} SourceTypeClass;

typedef struct SourceField SourceField;

/* A type with its domains already unwrapped. */
typedef struct SourceType {
    SourceTypeClass class;
    const char *text;   /* as the source prints it: "numeric(10,2)", "my_domain" */
    const char *base;   /* the unwrapped type's own name: "numeric", "int4", "hstore", "mood" */
    const char *schema; /* where that type lives: "pg_catalog", "public" */
    uint32_t id;        /* the source's own number (PostgreSQL: oid of the unwrapped type) */
    int32_t modifier;   /* PostgreSQL: typmod through domains; −1 when unconstrained */
    bool has_binary;    /* this and everything inside it can be sent in binary form */
    const struct SourceType *element;
    const SourceField *fields;
    size_t field_count;
    const char *const *labels; /* ENUM, in the source's order */
    size_t label_count;
} SourceType;

struct SourceField {
    const char *name;
    SourceType type;
};

typedef struct SourceColumn {
    const char *name;
    SourceType type;
    bool not_null;
    bool generated;      /* computed by the source */
    bool leads_an_index; /* a valid, unconditional b-tree index begins with it */
    bool is_denied;      /* the account may not read it */
    bool set_on_write;   /* the time at which the source inserted or last changed the row */
    const char *comment; /* NULL when there is none */
} SourceColumn;

typedef enum RelationKind {
    RELATION_TABLE,
    RELATION_PARTITIONED,
    RELATION_VIEW,
    RELATION_MATERIALIZED_VIEW,
    RELATION_FOREIGN,
    RELATION_QUERY,
} RelationKind;

typedef struct SourceTable {
    const char *schema; /* NULL for a query */
    const char *name;   /* NULL for a query */
    RelationKind kind;
    const char *comment;
    int64_t row_estimate; /* −1: unknown */
    int64_t byte_size;    /* on the source's disk, without indexes; −1: unknown */
    const SourceColumn *columns;
    size_t column_count;
    const char *const *key; /* primary key, else a usable unique key; may be empty */
    size_t key_count;
    bool key_is_primary;
    bool hides_columns; /* there are others, which the account may not even see */
    uint64_t driver_id; /* the source's own number for it (PostgreSQL: oid); 0 for a query */
} SourceTable;

/* "table", "partitioned table", "view", … */
const char *relation_kind_name(RelationKind kind);
