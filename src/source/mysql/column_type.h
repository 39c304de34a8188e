/* SPDX-License-Identifier: Apache-2.0 */
/* source/mysql/column_type.h: a column's type, from what information_schema says of it and from
 * what a prepared statement says of it. */
#pragma once

#include "base/arena.h"
#include "schema/mysql_types.h"

#include <mysql.h>

/* As information_schema.columns has it; texts may be NULL. */
typedef struct ColumnFacts {
    const char *data_type;   /* "int" */
    const char *column_type; /* "int(10) unsigned" */
    const char *precision;   /* of numbers */
    const char *scale;
    const char *srid; /* of geometries; NULL or "0": none is declared */
    bool is_json;     /* MariaDB: its CHECK says so */
} ColumnFacts;

SourceType mysql_type_of_facts(const ColumnFacts *facts, Arena *arena);

/* Of a result's column. */
SourceType mysql_type_of_field(const MYSQL_FIELD *field, Arena *arena);

/* True when a column of that type in a result is what was planned. */
bool mysql_type_is_planned(const SourceType *found, const ColumnPlan *planned);

/* 'a','b,c','it''s' inside the brackets of enum(…) and set(…): the labels; *ret_count of them. */
const char *const *mysql_labels(const char *column_type, Arena *arena, size_t *ret_count);
