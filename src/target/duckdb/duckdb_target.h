/* SPDX-License-Identifier: Apache-2.0 */
/* target/duckdb/duckdb_target.h: an embedded DuckDB file as a target. A dataset is a schema
 * (default "main"); libduckdb is looked for when the file is first needed. User guide:
 * docs/targets/duckdb.md. */
#pragma once

#include "target/target.h"

/* "duckdb". In a build without DuckDB's header, open says so (ERROR_TARGET). */
extern const TargetDriver target_duckdb_driver;
