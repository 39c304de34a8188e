/* SPDX-License-Identifier: Apache-2.0 */
/* target/duckdb/database.h: one open DuckDB file and how much memory it may take.
 *
 * DuckDB fills whatever its limit allows, so the limit is small and rises with what open sinks
 * need: DuckDB holds a block for every column that is written and works on 2048 rows at a time. */
#pragma once

#include "target/duckdb/query.h"

#include <pthread.h>
#include <stdint.h>

typedef struct DuckSettings {
    const char *path;
    int64_t memory_limit; /* bytes, fixed; 0: as described above */
    int64_t threads;      /* 0: one, because every sink is a thread of its own */
} DuckSettings;

typedef struct DuckDatabase {
    const DuckApi *api; /* NULL: not open */
    const char *version;
    duckdb_database handle;
    pthread_mutex_t lock;    /* of what follows */
    bool memory_is_fixed;    /* by the configuration */
    int64_t memory_reserved; /* by all sinks */
    int64_t memory_limit;    /* as set; it never falls */
    int64_t memory_most;     /* DuckDB's own default for this machine */
} DuckDatabase;

/* Opens the file for writing, or makes it. Errors say who holds a file, and what is wrong with one;
 * a held one is ERROR_LOCKED and worth a retry. Removes what a killed process left in the spill
 * folder. The library outlives the database. */
bool duck_database_open(const DuckLibrary *library, const DuckSettings *settings,
                        DuckDatabase *ret_database, Error *error);

/* Writes what is in the log into the file, and closes; accepts one that is not open. */
void duck_database_close(DuckDatabase *database);

bool duck_connect(DuckDatabase *database, DuckConnection *ret_connection, Error *error);

/* Raises the limit by what a user needs beyond the base, or takes a reservation back (negative). */
void duck_memory_reserve(DuckDatabase *database, int64_t bytes);

/* Raises the limit to all that DuckDB would take by itself; false when it was there already. */
bool duck_memory_raise(DuckDatabase *database);
