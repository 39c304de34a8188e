/* SPDX-License-Identifier: Apache-2.0 */
/* source/postgres/catalog.h: the questions to pg_catalog, as SQL. Pure. Texts are in an arena. */
#pragma once

#include "base/arena.h"
#include "source/source.h"

#include <stdint.h>

/* The one row about a relation (no row: there is none), and its columns. `schema` NULL: the first
 * one on the search path that has it. `version` is PQserverVersion. */
enum {
    RELATION_OID,
    RELATION_SCHEMA,
    RELATION_NAME,
    RELATION_KIND, /* pg_class.relkind */
    RELATION_COMMENT,
    RELATION_MAY_USE,  /* USAGE on the schema */
    RELATION_MAY_READ, /* SELECT on at least one column */
    RELATION_FILTERED, /* row security applies to this role */
    RELATION_ROLE,     /* who asks */
    RELATION_ROWS,     /* estimate; NULL: unknown */
    RELATION_BYTES,
    RELATION_COLUMNS, /* JSON array */
    RELATION_TYPES,   /* JSON object, keys "oid:modifier" */
    RELATION_UNIQUE,  /* JSON object of the key; NULL: none */
};
const char *catalog_relation(const char *schema, const char *name, int version, Arena *arena);

/* One row, one column: the JSON object of types, for oids and modifiers as "(23,-1),(25,-1)". */
const char *catalog_types(const char *values, int version, Arena *arena);

/* Why a relation was not found: one row. */
enum {
    MISSING_KIND,    /* relkind of something else of that name (a sequence, an index); or NULL */
    MISSING_SCHEMA,  /* true when the schema exists */
    MISSING_NAMES,   /* JSON: names in that schema */
    MISSING_SCHEMAS, /* JSON: names of the schemas there are */
    MISSING_OTHERS,  /* JSON: other schemas that have a relation of that name */
};
const char *catalog_missing(const char *schema, const char *name, Arena *arena);

/* Relations whose "schema.name" matches a pattern (without a dot: those on the search path whose
 * name does), in order: oid, schema, name, relkind, comment, rows, bytes, key. */
enum {
    LISTED_OID,
    LISTED_SCHEMA,
    LISTED_NAME,
    LISTED_KIND,
    LISTED_COMMENT,
    LISTED_ROWS,
    LISTED_BYTES,
    LISTED_UNIQUE, /* as RELATION_UNIQUE */
};
const char *catalog_list(const char *pattern, bool with_views, Arena *arena);

/* The tables that a table's rows are in, under the snapshot of the transaction that asks: itself
 * and all below it by inheritance or partitioning. */
enum {
    MEMBER_SCHEMA,
    MEMBER_NAME,
    MEMBER_KIND,   /* relkind */
    MEMBER_METHOD, /* access method; NULL: none */
    MEMBER_OPEN,   /* readable by itself: privilege, and no row security */
    MEMBER_LOCKED, /* by this transaction */
    MEMBER_ROWS,   /* pg_class.reltuples */
    MEMBER_PAGES,  /* pg_class.relpages */
    MEMBER_BLOCKS, /* now */
};
const char *catalog_members(uint64_t oid, int version, Arena *arena);

/* Rows (relation, what) for each relation that this transaction has locked and whose rows its
 * snapshot can no longer see in full: TRUNCATE, a rewriting ALTER TABLE, DROP and DETACH keep
 * nothing for snapshots that are older than they. Locks last to the end of the transaction, so what
 * is whole now has been whole since it was locked. */
extern const char catalog_lost[];

/* One row about the role's permission for a table and for some of its columns (`names`: a list of
 * literals). */
enum {
    PERMISSION_FOR_ALL, /* for the table as such */
    PERMISSION_DENIED,  /* JSON array of the columns it may not read; NULL: none */
};
const char *catalog_permissions(uint64_t oid, const char *names, Arena *arena);

/* relkind as the model knows it; RELATION_TABLE for what it does not. */
RelationKind catalog_kind(const char *relkind);

/* "sequence", "index", …: what else a relkind can be. */
const char *catalog_kind_word(const char *relkind);
