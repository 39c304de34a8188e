/* SPDX-License-Identifier: Apache-2.0 */
/* schema/mapping.h: which target type each source column gets, how sure that is, and what to know.
 * Pure: no I/O. Rules: docs/types.md. */
#pragma once

#include "base/arena.h"
#include "base/error.h"
#include "model/policy.h"
#include "model/table.h"
#include "model/type.h"

typedef enum Confidence {
    CONFIDENCE_HIGH,   /* declared and exact */
    CONFIDENCE_MEDIUM, /* chosen from several that would do */
    CONFIDENCE_LOW,    /* needs a look */
} Confidence;

/* How the source is asked for the column; decided here because it decides what arrives. A REPEATED
 * field is an array of that form (PostgreSQL: ::text[], ::numeric[]). */
typedef enum SelectForm {
    SELECT_PLAIN,        /* the column itself, in its binary form */
    SELECT_TEXT,         /* the source's own text of it */
    SELECT_JSON,         /* the source's own JSON of it, as text (PostgreSQL: to_json(…)::text) */
    SELECT_AT_TIME_ZONE, /* a naive timestamp read as wall clock of `time_zone`: an instant */
    SELECT_NUMERIC,      /* cast to an exact number (money) */
} SelectForm;

/* Wishes for one column: the job's `columns: {name: …}` over the job's over the defaults. */
typedef struct ColumnOptions {
    const char *name;        /* the source column; NULL in defaults */
    const char *type;        /* target type asked for: "STRING", "NUMERIC(20,4)"; NULL: map it */
    const char *target_name; /* NULL: the source's name */
    const char *description; /* NULL: the source's comment */
    bool has_on_invalid;
    InvalidPolicy on_invalid;
    bool has_required;
    bool required; /* `mode: required`; in the defaults it means columns that are NOT NULL */
    const char *naive_timestamp_type; /* "DATETIME" (default) or "TIMESTAMP" */
    const char *naive_timestamp_zone; /* IANA name when TIMESTAMP; NULL: UTC */
    const char *arrays;               /* "repeated" (default) or "json" */
    const char *composites;           /* "struct" (default) or "json" */
} ColumnOptions;

typedef struct MappingOptions {
    ColumnOptions defaults;
    const ColumnOptions *columns; /* by source name */
    size_t column_count;
    const char *const *select; /* columns to carry, in this order; NULL: all */
    size_t select_count;
} MappingOptions;

typedef struct ColumnPlan {
    const SourceColumn *source;
    Field field;
    Confidence confidence;
    SelectForm select;
    const char *time_zone; /* SELECT_AT_TIME_ZONE */
    InvalidPolicy on_invalid;
    const char *const *warnings;
    size_t warning_count;
} ColumnPlan;

typedef struct TablePlan {
    const SourceTable *table;
    const ColumnPlan *columns;
    size_t column_count;
    Schema schema; /* the columns' fields, in order */
} TablePlan;

/* Fills *plan for one column whose source, name and options are known; chooses type, select form,
 * confidence and warnings. Fails with ERROR_CONFIG when a wish cannot be met, naming what could. */
typedef bool MapColumn(const SourceColumn *column, const ColumnOptions *options, Arena *arena,
                       ColumnPlan *plan, Error *error);

/* schema/postgres.c: PostgreSQL's built-in types and the common extensions' (facts: docs/types.md).
 */
bool mapping_postgres(const SourceColumn *column, const ColumnOptions *options, Arena *arena,
                      ColumnPlan *plan, Error *error);

/* schema/mysql.c: MySQL's and MariaDB's. */
bool mapping_mysql(const SourceColumn *column, const ColumnOptions *options, Arena *arena,
                   ColumnPlan *plan, Error *error);

/* Maps every wanted column: merges the options, renames nothing silently, and refuses
 * (ERROR_CONFIG) unknown columns (with the nearest name), an empty selection, target names that
 * BigQuery forbids and names that differ by case only, naming the pair and how to rename. *ret_plan
 * borrows `table`. */
bool mapping_plan(const SourceTable *table, const MappingOptions *options, MapColumn *map_column,
                  Arena *arena, TablePlan *ret_plan, Error *error);

/* "high", "medium", "low". */
const char *confidence_name(Confidence confidence);
