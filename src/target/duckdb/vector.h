/* SPDX-License-Identifier: Apache-2.0 */
/* target/duckdb/vector.h: rows of values into the vectors of a DuckDB data chunk, column by column.
 *
 * Fixed-size values go straight into DuckDB's memory; texts above 12 bytes into memory of the chunk
 * that the vectors point to. Lists and structs are vectors of their own below their parent. */
#pragma once

#include "base/arena.h"
#include "model/batch.h"
#include "model/type.h"
#include "target/duckdb/library.h"

typedef struct DuckChunk DuckChunk;
typedef struct DuckVector DuckVector;

/* Appends `count` values that stand `stride` apart; ERROR_DATA, naming the column, for a value that
 * DuckDB's type cannot hold. */
typedef bool DuckAppend(DuckVector *vector, const Value *values, size_t stride, size_t count,
                        Error *error);

struct DuckVector {
    DuckAppend *append; /* chosen when the chunk is made, by type and width */
    void *data;
    uint64_t *validity; /* NULL until the chunk's first NULL */
    size_t count;
    size_t capacity;
    bool is_list; /* children[0] is the element; else children are the members of a struct */
    duckdb_vector handle;
    DuckChunk *chunk;
    const Field *field;
    int64_t limit; /* decimals of up to 18 digits: the magnitude that is too much */
    DuckVector *children;
    size_t child_count;
};

struct DuckChunk {
    const DuckApi *api;
    duckdb_data_chunk handle;
    DuckVector *columns;
    size_t column_count;
    size_t row_count;
    size_t capacity;   /* rows */
    size_t leaf_count; /* vectors without children */
    uint64_t bytes;    /* of all values appended since the start, as DuckDB holds them */
    Arena arena;       /* of the vectors */
    char *slab;        /* where long texts go first */
    size_t slab_used;
    Arena overflow; /* and where they go when the slab is full */
};

/* `types` are the logical types of the columns. The schema outlives the chunk. */
void duck_chunk_init(DuckChunk *chunk, const DuckApi *api, const Schema *schema,
                     duckdb_logical_type *types);
void duck_chunk_done(DuckChunk *chunk);

/* Rows that still fit. */
static inline size_t duck_chunk_room(const DuckChunk *chunk)
{
    return chunk->capacity - chunk->row_count;
}

/* Appends rows [first, first + count) of the batch; no more than there is room for. */
bool duck_chunk_append(DuckChunk *chunk, const Batch *batch, size_t first, size_t count,
                       Error *error);

/* Sets the sizes of the chunk and its lists: it can then be given to DuckDB. */
void duck_chunk_seal(DuckChunk *chunk);

/* Empties it for the next rows. */
void duck_chunk_reset(DuckChunk *chunk);
