/* SPDX-License-Identifier: Apache-2.0 */
/* target/duckdb/sql.h: SQL texts for DuckDB from the model. Identifiers are always quoted; a value
 * stands in a text only where DuckDB takes no parameter (COMMENT ON), as a quoted literal. Pure. */
#pragma once

#include "base/arena.h"
#include "base/buffer.h"
#include "target/target.h"

enum { SQL_TEXT_MAX = 64 << 20 };

/* "na""me" */
bool sql_identifier(Buffer *sql, const char *name, Error *error);

/* "dataset"."table" */
bool sql_table_name(Buffer *sql, const TableRef *table, Error *error);

/* BIGINT, DECIMAL(38,9), STRUCT("a" BIGINT, "b" VARCHAR[])[]: the DuckDB type of the field. */
bool sql_type(Buffer *sql, const Field *field, Error *error);

/* True when DuckDB has no DECIMAL that holds every value of the field: then it is exact text. */
bool sql_decimal_is_text(const Field *field);

/* CREATE TABLE with NOT NULL where the mode is REQUIRED, then COMMENT ON for each description.
 * `verb`: "CREATE TABLE", "CREATE OR REPLACE TABLE", … */
bool sql_create_table(Buffer *sql, const char *verb, const TableRef *table, const Schema *schema,
                      Error *error);

/* COMMENT ON TABLE, or on one of its columns; `comment` NULL: takes it away. */
bool sql_comment(Buffer *sql, const TableRef *table, const char *column, const char *comment,
                 Error *error);

/* "a", "b", "c" */
bool sql_column_list(Buffer *sql, const Schema *schema, Error *error);

/* The buffer's text as a C string in the arena. */
const char *sql_text(const Buffer *sql, Arena *arena);

/* The name of the table that an attempt of a run stages into, and what all attempts' begin with. */
const char *sql_staging_name(const Delivery *delivery, Arena *arena);
const char *sql_staging_prefix(const char *run_id, Arena *arena);
