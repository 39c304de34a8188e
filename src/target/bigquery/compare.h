/* SPDX-License-Identifier: Apache-2.0 */
/* target/bigquery/compare.h: an existing table (Table of the REST API) beside what a delivery
 * brings. Pure. Rules: docs.cloud.google.com/bigquery/docs/managing-table-schemas. */
#pragma once

#include "base/error.h"
#include "format/json.h"
#include "model/layout.h"
#include "model/type.h"
#include "target/target.h"

/* Whether the table's columns are those of the schema, neither more nor fewer, of the same types
 * and modes; order and descriptions do not count. */
bool compare_same(const Json *table, const Schema *schema);

/* What may change in a table that rows are added to. */
typedef struct CompareRules {
    SchemaEvolve evolve;
    const char *own[3]; /* columns of our own making, added whatever `evolve` says; NULL: none */
    bool partial;       /* the schema is part of the columns only, and no row is inserted */
} CompareRules;

/* Whether a column may be added. */
bool compare_may_add(const CompareRules *rules, const char *name);

/* Whether rows of the schema can be added to the table, with the changes that the rules allow.
 * ERROR_CONFIG names every column that is in the way, and what could be done. */
bool compare_append(const Json *table, const Schema *schema, const CompareRules *rules,
                    Error *error);

/* The differences between the table's columns and the schema's, for people: "total is NUMERIC and
 * becomes STRING; …". "" when there are none. */
void compare_describe(const Json *table, const Schema *schema, char *text, size_t size);

/* Whether what is wished for is how the table is laid out already, as far as it can never be
 * changed: ERROR_CONFIG names the difference and what to do. A layout that says nothing fits. */
bool compare_layout(const Json *table, const TableLayout *wanted, Error *error);

/* Whether both are clustered by the same columns, in the same order. */
bool compare_same_clustering(const TableLayout *left, const TableLayout *right);

/* Whether the layout can be had with these columns: they exist, and their types can be partitioned,
 * clustered or used as a key by. ERROR_CONFIG names the column and which types can. */
bool layout_check(const TableLayout *layout, const Schema *schema, Error *error);

/* Column types a key may have (docs/primary-foreign-keys), of at most 16 columns. */
bool layout_key_fits(const TableLayout *layout, const Schema *schema);
