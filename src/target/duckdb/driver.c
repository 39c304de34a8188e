/* SPDX-License-Identifier: Apache-2.0 */
#include "target/duckdb/duckdb_target.h"

#ifdef BQFERRY_HAVE_DUCKDB

#include "target/duckdb/duckdb_state.h"

const TargetDriver target_duckdb_driver = {
    .type = "duckdb", .default_dataset = "main", .open = duck_target_open};

#else

static bool open_without(const DestinationConfig *config, Target **ret_target, Error *error)
{
    (void)config;
    (void)ret_target;
    error_set(error, ERROR_TARGET, "this build has no DuckDB support");
    return error_hint(error,
                      "build with DuckDB's header (tools/setup/duckdb.sh fetches it), or use "
                      "destination: {type: files, path: DIR}");
}

const TargetDriver target_duckdb_driver = {
    .type = "duckdb", .default_dataset = "main", .open = open_without};

#endif
