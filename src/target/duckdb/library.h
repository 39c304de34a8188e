/* SPDX-License-Identifier: Apache-2.0 */
/* target/duckdb/library.h: libduckdb, found at run time and called through a table of its
 * functions.
 *
 * Places, in this order: destination.library and $BQFERRY_DUCKDB_LIBRARY (each, when set, is the
 * only place), ../lib/bqferry, ../.deps/duckdb and ../../.deps/duckdb beside the executable, the
 * prefix that the program was built for, and wherever the loader finds libduckdb.so. */
#pragma once

#include "base/arena.h"
#include "base/error.h"

#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Wstrict-prototypes" /* "()" in the header means "(void)" */
#include <duckdb.h>
#pragma GCC diagnostic pop

#define DUCK_FUNCTIONS(X)                                                                          \
    X(append_data_chunk)                                                                           \
    X(appender_add_column)                                                                         \
    X(appender_close)                                                                              \
    X(appender_column_type)                                                                        \
    X(appender_create_ext)                                                                         \
    X(appender_destroy)                                                                            \
    X(appender_error)                                                                              \
    X(appender_flush)                                                                              \
    X(array_type_child_type)                                                                       \
    X(bind_varchar)                                                                                \
    X(close)                                                                                       \
    X(column_count)                                                                                \
    X(column_logical_type)                                                                         \
    X(column_name)                                                                                 \
    X(connect)                                                                                     \
    X(create_config)                                                                               \
    X(create_data_chunk)                                                                           \
    X(data_chunk_get_size)                                                                         \
    X(data_chunk_get_vector)                                                                       \
    X(data_chunk_reset)                                                                            \
    X(data_chunk_set_size)                                                                         \
    X(decimal_scale)                                                                               \
    X(decimal_width)                                                                               \
    X(destroy_config)                                                                              \
    X(destroy_data_chunk)                                                                          \
    X(destroy_logical_type)                                                                        \
    X(destroy_pending)                                                                             \
    X(destroy_prepare)                                                                             \
    X(destroy_result)                                                                              \
    X(disconnect)                                                                                  \
    X(execute_pending)                                                                             \
    X(fetch_chunk)                                                                                 \
    X(free)                                                                                        \
    X(get_type_id)                                                                                 \
    X(library_version)                                                                             \
    X(list_type_child_type)                                                                        \
    X(list_vector_get_child)                                                                       \
    X(list_vector_reserve)                                                                         \
    X(list_vector_set_size)                                                                        \
    X(logical_type_get_alias)                                                                      \
    X(map_type_key_type)                                                                           \
    X(map_type_value_type)                                                                         \
    X(open_ext)                                                                                    \
    X(pending_error)                                                                               \
    X(pending_execute_task)                                                                        \
    X(pending_prepared)                                                                            \
    X(prepare)                                                                                     \
    X(prepare_error)                                                                               \
    X(query)                                                                                       \
    X(result_error)                                                                                \
    X(result_error_type)                                                                           \
    X(rows_changed)                                                                                \
    X(set_config)                                                                                  \
    X(struct_type_child_count)                                                                     \
    X(struct_type_child_name)                                                                      \
    X(struct_type_child_type)                                                                      \
    X(struct_vector_get_child)                                                                     \
    X(validity_row_is_valid)                                                                       \
    X(vector_ensure_validity_writable)                                                             \
    X(vector_get_data)                                                                             \
    X(vector_get_validity)                                                                         \
    X(vector_size)

#define DUCK_MEMBER(name) __typeof__(&duckdb_##name) name;

/* duckdb_open_ext is open_ext here, and so on. */
typedef struct DuckApi {
    DUCK_FUNCTIONS(DUCK_MEMBER)
} DuckApi;

/* One place that was looked at. */
typedef struct DuckPlace {
    const char *origin; /* "destination.library" */
    const char *path;
    const char *outcome; /* "loaded", or why not */
    bool loaded;
} DuckPlace;

enum { DUCK_PLACES_MAX = 8 };

typedef struct DuckLibrary {
    DuckApi api;
    const char *path;    /* of the file that was loaded */
    const char *version; /* "v1.5.5" */
    DuckPlace places[DUCK_PLACES_MAX];
    size_t place_count;
} DuckLibrary;

/* Looks for the library and fills *ret_library, its places also on failure; texts live in the
 * arena. `configured` is destination.library or NULL. The library stays loaded until the process
 * ends. */
bool duck_library_load(const char *configured, Arena *arena, DuckLibrary *ret_library,
                       Error *error);
