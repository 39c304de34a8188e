/* SPDX-License-Identifier: Apache-2.0 */
/* target/duckdb/query.h: statements on one connection, and DuckDB's errors as ours. */
#pragma once

#include "base/cleanup.h"
#include "target/duckdb/library.h"

/* Used by one thread at a time. */
typedef struct DuckConnection {
    const DuckApi *api;
    duckdb_connection handle; /* NULL: not connected */
} DuckConnection;

void duck_disconnect(DuckConnection *connection);

/* SQL with $1 … bound to texts. */
typedef struct DuckQuery {
    const char *sql;
    const char *const *values;
    size_t value_count;
} DuckQuery;

#define DUCK_QUERY(text, ...)                                                                      \
    (&(DuckQuery){.sql = (text),                                                                   \
                  .values = (const char *const[]){__VA_ARGS__},                                    \
                  .value_count = sizeof((const char *const[]){__VA_ARGS__}) / sizeof(char *)})

/* A small result whose columns are all VARCHAR. */
typedef struct DuckRows {
    const char *const *cells; /* row after row; NULL for NULL */
    size_t row_count;
    size_t column_count;
} DuckRows;

/* What a statement gave. */
typedef struct DuckResult {
    const DuckApi *api;
    duckdb_result handle;
} DuckResult;

void duck_result_done(DuckResult *result);

/* Runs statements without values, up to the first that fails. */
bool duck_run(DuckConnection *connection, const char *sql, Error *error);

/* One statement with values; its result is thrown away. */
bool duck_execute(DuckConnection *connection, const DuckQuery *query, Error *error);

/* One statement with values; every column of it must be VARCHAR (cast in SQL). */
bool duck_rows(DuckConnection *connection, const DuckQuery *query, Arena *arena, DuckRows *ret_rows,
               Error *error);

/* One statement; for what is no text. Call duck_result_done either way. */
bool duck_query(DuckConnection *connection, const DuckQuery *query, DuckResult *ret_result,
                Error *error);

/* One statement that may take long: stops with ERROR_CANCELLED when the run is cancelled. */
bool duck_run_long(DuckConnection *connection, const char *sql, Error *error);

/* The same; *ret_rows: how many it inserted, updated or deleted. */
bool duck_change(DuckConnection *connection, const char *sql, uint64_t *ret_rows, Error *error);

/* A transaction that is rolled back by its declaration unless duck_commit was reached. */
typedef struct DuckTransaction {
    DuckConnection *connection; /* NULL: none is open */
} DuckTransaction;

bool duck_begin(DuckConnection *connection, DuckTransaction *ret_transaction, Error *error);
bool duck_commit(DuckTransaction *transaction, Error *error);
void duck_rollback(DuckTransaction *transaction);

/* Fills *error (ERROR_TARGET) with DuckDB's text, says what to do where that is known; returns
 * false. */
bool duck_error(Error *error, duckdb_error_type type, const char *text);

/* True when the error says that DuckDB's memory limit was too low. */
bool duck_error_is_memory(const Error *error);
