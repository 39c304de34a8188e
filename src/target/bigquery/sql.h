/* SPDX-License-Identifier: Apache-2.0 */
/* target/bigquery/sql.h: text in BigQuery's SQL, from the model; every identifier is quoted, every
 * text is a literal (docs.cloud.google.com/bigquery/docs/reference/standard-sql/lexical). All
 * functions append to a buffer of at most BQ_SQL_TEXT_MAX bytes and fail when it is full. */
#pragma once

#include "base/buffer.h"
#include "config/config.h"
#include "model/layout.h"
#include "model/type.h"

enum { BQ_SQL_TEXT_MAX = 1024 * 1024 }; /* "maximum unresolved query length" */

/* `name` */
bool bq_sql_identifier(Buffer *sql, const char *name, Error *error);

/* 'text' */
bool bq_sql_literal(Buffer *sql, const char *text, Error *error);

typedef struct BqTableName {
    const char *project;
    const char *dataset;
    const char *table;
} BqTableName;

/* `project`.`dataset`.`table` */
bool bq_sql_table(Buffer *sql, const BqTableName *name, Error *error);

/* STRING, NUMERIC(10, 2), ARRAY<STRUCT<`a` INT64>> */
bool bq_sql_type(Buffer *sql, const Field *field, Error *error);

/* What a new table is to be, beside its columns. */
typedef struct BqTableOptions {
    const char *description; /* NULL: none */
    ConfigLabels labels;
    const char *kms_key;   /* NULL: Google's own */
    int64_t expiration_ms; /* of the table, from now; 0: never */
} BqTableOptions;

/* CREATE TABLE IF NOT EXISTS …; with partitioning, clustering, key and options. */
bool bq_sql_create_table(Buffer *sql, const BqTableName *name, const Schema *schema,
                         const TableLayout *layout, const BqTableOptions *options, Error *error);
