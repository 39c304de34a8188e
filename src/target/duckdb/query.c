/* SPDX-License-Identifier: Apache-2.0 */
#include "target/duckdb/query.h"

#include "base/cancel.h"
#include "base/clock.h"

#include <string.h>

static const char *const MEMORY_HINT =
    "DuckDB works on 2048 rows at a time and could not hold them: raise destination.memory_limit, or "
    "load fewer tables at once (workers, parallel)";

typedef struct Statement {
    const DuckApi *api;
    duckdb_prepared_statement handle;
} Statement;

static void statement_done(Statement *statement)
{
    if (statement->handle)
        statement->api->destroy_prepare(&statement->handle);
}

static bool result_error(DuckResult *result, Error *error)
{
    return duck_error(error, result->api->result_error_type(&result->handle),
                      result->api->result_error(&result->handle));
}

static bool prepare(DuckConnection *connection, const DuckQuery *query, Statement *ret_statement,
                    Error *error)
{
    const DuckApi *api = connection->api;
    *ret_statement = (Statement){.api = api};
    if (api->prepare(connection->handle, query->sql, &ret_statement->handle) != DuckDBSuccess)
        return duck_error(error, DUCKDB_ERROR_INVALID, api->prepare_error(ret_statement->handle));
    for (size_t i = 0; i < query->value_count; i++)
        if (api->bind_varchar(ret_statement->handle, i + 1, query->values[i]) != DuckDBSuccess)
            return duck_error(error, DUCKDB_ERROR_INVALID,
                              api->prepare_error(ret_statement->handle));
    return true;
}

/* Does the statement's work piece by piece, so that a cancelled run stops soon. */
static bool work_until_ready(const DuckApi *api, duckdb_pending_result pending, Error *error)
{
    for (;;) {
        if (!cancel_check(error))
            return false;
        duckdb_pending_state state = api->pending_execute_task(pending);
        if (state == DUCKDB_PENDING_NO_TASKS_AVAILABLE)
            clock_sleep_ms(1);
        else if (state == DUCKDB_PENDING_ERROR)
            return duck_error(error, DUCKDB_ERROR_INVALID, api->pending_error(pending));
        else if (state != DUCKDB_PENDING_RESULT_NOT_READY)
            return true;
    }
}

static bool finish_pending(duckdb_pending_result pending, bool cancellable, DuckResult *result,
                           Error *error)
{
    if (cancellable && !work_until_ready(result->api, pending, error))
        return false;
    if (result->api->execute_pending(pending, &result->handle) == DuckDBSuccess)
        return true;
    return result_error(result, error);
}

static bool execute(Statement *statement, bool cancellable, DuckResult *ret_result, Error *error)
{
    const DuckApi *api = statement->api;
    duckdb_pending_result pending = NULL;
    *ret_result = (DuckResult){.api = api};
    bool done = api->pending_prepared(statement->handle, &pending) == DuckDBSuccess;
    if (done)
        done = finish_pending(pending, cancellable, ret_result, error);
    else
        duck_error(error, DUCKDB_ERROR_INVALID, api->pending_error(pending));
    api->destroy_pending(&pending);
    return done;
}

static bool execute_query(DuckConnection *connection, const DuckQuery *query, bool cancellable,
                          DuckResult *ret_result, Error *error)
{
    CLEANUP(statement_done) Statement statement = {0};
    *ret_result = (DuckResult){0};
    return prepare(connection, query, &statement, error) &&
           execute(&statement, cancellable, ret_result, error);
}

static const char *cell(const DuckApi *api, duckdb_vector vector, idx_t row, Arena *arena)
{
    uint64_t *validity = api->vector_get_validity(vector);
    if (validity && !api->validity_row_is_valid(validity, row))
        return NULL;
    const duckdb_string_t *text = (const duckdb_string_t *)api->vector_get_data(vector) + row;
    uint32_t length = text->value.inlined.length;
    bool is_inlined = length <= sizeof text->value.inlined.inlined;
    return arena_strndup(arena, is_inlined ? text->value.inlined.inlined : text->value.pointer.ptr,
                         length);
}

typedef struct CellList {
    Arena *arena;
    const char **cells;
    size_t count;
    size_t capacity;
} CellList;

static void cell_list_add(CellList *list, const char *text)
{
    if (list->count == list->capacity) {
        size_t capacity = list->capacity ? list->capacity * 2 : 64;
        const char **cells = ARENA_ARRAY(list->arena, const char *, capacity);
        if (list->count > 0)
            memcpy(cells, list->cells, list->count * sizeof *cells);
        list->cells = cells;
        list->capacity = capacity;
    }
    list->cells[list->count++] = text;
}

static void copy_chunk(const DuckApi *api, duckdb_data_chunk chunk, size_t column_count,
                       CellList *list)
{
    idx_t rows = api->data_chunk_get_size(chunk);
    for (idx_t row = 0; row < rows; row++)
        for (idx_t column = 0; column < column_count; column++)
            cell_list_add(list,
                          cell(api, api->data_chunk_get_vector(chunk, column), row, list->arena));
}

static void rollback_quietly(DuckConnection *connection)
{
    duckdb_result result = {0};
    connection->api->query(connection->handle, "ROLLBACK", &result);
    connection->api->destroy_result(&result);
}

void duck_result_done(DuckResult *result)
{
    if (result->handle.internal_data)
        result->api->destroy_result(&result->handle);
}

void duck_disconnect(DuckConnection *connection)
{
    if (connection->handle)
        connection->api->disconnect(&connection->handle);
    connection->handle = NULL;
}

bool duck_run(DuckConnection *connection, const char *sql, Error *error)
{
    CLEANUP(duck_result_done) DuckResult result = {.api = connection->api};
    if (connection->api->query(connection->handle, sql, &result.handle) == DuckDBSuccess)
        return true;
    return result_error(&result, error);
}

bool duck_execute(DuckConnection *connection, const DuckQuery *query, Error *error)
{
    CLEANUP(duck_result_done) DuckResult result = {0};
    return execute_query(connection, query, false, &result, error);
}

bool duck_query(DuckConnection *connection, const DuckQuery *query, DuckResult *ret_result,
                Error *error)
{
    return execute_query(connection, query, false, ret_result, error);
}

bool duck_rows(DuckConnection *connection, const DuckQuery *query, Arena *arena, DuckRows *ret_rows,
               Error *error)
{
    CLEANUP(duck_result_done) DuckResult result = {0};
    if (!execute_query(connection, query, false, &result, error))
        return false;
    const DuckApi *api = connection->api;
    size_t column_count = api->column_count(&result.handle);
    CellList list = {.arena = arena};
    duckdb_data_chunk chunk;
    while ((chunk = api->fetch_chunk(result.handle)) != NULL) {
        copy_chunk(api, chunk, column_count, &list);
        api->destroy_data_chunk(&chunk);
    }
    *ret_rows = (DuckRows){.cells = list.cells,
                           .row_count = column_count ? list.count / column_count : 0,
                           .column_count = column_count};
    return true;
}

bool duck_run_long(DuckConnection *connection, const char *sql, Error *error)
{
    CLEANUP(duck_result_done) DuckResult result = {0};
    return execute_query(connection, &(DuckQuery){.sql = sql}, true, &result, error);
}

bool duck_change(DuckConnection *connection, const char *sql, uint64_t *ret_rows, Error *error)
{
    CLEANUP(duck_result_done) DuckResult result = {0};
    if (!execute_query(connection, &(DuckQuery){.sql = sql}, true, &result, error))
        return false;
    *ret_rows = connection->api->rows_changed(&result.handle);
    return true;
}

bool duck_begin(DuckConnection *connection, DuckTransaction *ret_transaction, Error *error)
{
    *ret_transaction = (DuckTransaction){0};
    if (!duck_run(connection, "BEGIN TRANSACTION", error))
        return false;
    ret_transaction->connection = connection;
    return true;
}

bool duck_commit(DuckTransaction *transaction, Error *error)
{
    DuckConnection *connection = TAKE_PTR(transaction->connection);
    if (duck_run(connection, "COMMIT", error))
        return true;
    rollback_quietly(connection); /* a failed commit has ended it already, or it must end now */
    return false;
}

void duck_rollback(DuckTransaction *transaction)
{
    DuckConnection *connection = TAKE_PTR(transaction->connection);
    if (connection)
        rollback_quietly(connection);
}

bool duck_error_is_memory(const Error *error)
{
    return strcmp(error->hint, MEMORY_HINT) == 0;
}

bool duck_error(Error *error, duckdb_error_type type, const char *text)
{
    if (!text)
        text = "unknown error";
    const char *end = strstr(text, "\n\n"); /* general advice follows */
    int length = end ? (int)(end - text) : (int)strlen(text);
    if (type == DUCKDB_ERROR_INTERRUPT)
        return error_set(error, ERROR_CANCELLED, "DuckDB: %.*s", length, text);
    if (type == DUCKDB_ERROR_TRANSACTION)
        error_set_retryable(error, ERROR_TARGET, "DuckDB: %.*s", length, text);
    else
        error_set(error, ERROR_TARGET, "DuckDB: %.*s", length, text);

    if (type == DUCKDB_ERROR_OUT_OF_MEMORY || strstr(text, "allocate block of size") ||
        strstr(text, "pin block of size"))
        error_hint(error, "%s", MEMORY_HINT);
    else if (strstr(text, "No space left") || strstr(text, "Disk quota"))
        error_hint(error, "free some space on the file system that holds the file (and, for large "
                          "values, its .tmp folder), then run again");
    else if (strstr(text, "File too large"))
        error_hint(error,
                   "the file has reached the largest size that is allowed (ulimit -f, or the "
                   "file system's own limit)");
    else if (strstr(text, "has been invalidated"))
        error_hint(error, "an earlier failure made DuckDB close the file; run again");
    return false;
}
