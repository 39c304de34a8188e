/* SPDX-License-Identifier: Apache-2.0 */
/* show FILE QUERY: prints a query's rows from a DuckDB file as a table; read only, and without
 * bqferry, so that the demo looks at the file with other eyes. */
#include <duckdb.h>

#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { COLUMNS_MAX = 16, WIDTH_MAX = 40 };

typedef struct Cell {
    const char *text;
    size_t length;
} Cell;

/* Characters, not bytes: "größer" is six wide. */
static size_t width_of(Cell cell)
{
    size_t width = 0;
    for (size_t i = 0; i < cell.length; i++)
        width += ((unsigned char)cell.text[i] & 0xC0) != 0x80;
    return width;
}

static void print_cell(Cell cell, size_t width)
{
    size_t wide = width_of(cell), bytes = cell.length;
    for (; wide > WIDTH_MAX; wide--) {
        do
            bytes--;
        while (((unsigned char)cell.text[bytes] & 0xC0) == 0x80);
    }
    for (size_t i = 0; i < bytes; i++)
        putchar(cell.text[i] == '\n' ? ' ' : cell.text[i]);
    printf("%*s", (int)(width - wide) + 2, "");
}

static Cell cell_at(duckdb_data_chunk chunk, idx_t column, idx_t row)
{
    duckdb_vector vector = duckdb_data_chunk_get_vector(chunk, column);
    uint64_t *validity = duckdb_vector_get_validity(vector);
    if (validity && !duckdb_validity_row_is_valid(validity, row))
        return (Cell){"NULL", 4};
    duckdb_string_t *strings = duckdb_vector_get_data(vector);
    return (Cell){duckdb_string_t_data(&strings[row]), duckdb_string_t_length(strings[row])};
}

static void print_chunk(duckdb_data_chunk chunk, duckdb_result *result)
{
    size_t widths[COLUMNS_MAX];
    idx_t columns = duckdb_data_chunk_get_column_count(chunk);
    idx_t rows = duckdb_data_chunk_get_size(chunk);
    for (idx_t column = 0; column < columns; column++) {
        const char *name = duckdb_column_name(result, column);
        widths[column] = strlen(name);
        for (idx_t row = 0; row < rows; row++) {
            size_t width = width_of(cell_at(chunk, column, row));
            widths[column] = width > widths[column] ? width : widths[column];
        }
        if (widths[column] > WIDTH_MAX)
            widths[column] = WIDTH_MAX;
        print_cell((Cell){name, strlen(name)}, widths[column]);
    }
    putchar('\n');
    for (idx_t row = 0; row < rows; row++) {
        for (idx_t column = 0; column < columns; column++)
            print_cell(cell_at(chunk, column, row), widths[column]);
        putchar('\n');
    }
}

int main(int argc, char **argv)
{
    duckdb_database database;
    duckdb_connection connection;
    duckdb_result result;
    duckdb_config config;
    char *error = NULL, query[4096];
    if (argc != 3) {
        fprintf(stderr, "usage: show FILE QUERY\n");
        return 2;
    }
    /* every column as text: one way to print them all */
    snprintf(query, sizeof query, "SELECT COLUMNS(*)::VARCHAR FROM (%s)", argv[2]);
    duckdb_create_config(&config);
    duckdb_set_config(config, "access_mode", "READ_ONLY");
    if (duckdb_open_ext(argv[1], &database, config, &error) != DuckDBSuccess) {
        fprintf(stderr, "show: %s\n", error);
        return 1;
    }
    duckdb_connect(database, &connection);
    if (duckdb_query(connection, query, &result) != DuckDBSuccess ||
        duckdb_column_count(&result) > COLUMNS_MAX) {
        fprintf(stderr, "show: %s\n", duckdb_result_error(&result));
        return 1;
    }
    duckdb_data_chunk chunk = duckdb_fetch_chunk(result);
    if (chunk)
        print_chunk(chunk, &result);
    duckdb_destroy_data_chunk(&chunk);
    duckdb_destroy_result(&result);
    duckdb_disconnect(&connection);
    duckdb_close(&database);
    duckdb_destroy_config(&config);
    return 0;
}
