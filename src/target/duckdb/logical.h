/* SPDX-License-Identifier: Apache-2.0 */
/* target/duckdb/logical.h: DuckDB's types in BigQuery's terms. */
#pragma once

#include "base/arena.h"
#include "model/type.h"
#include "target/duckdb/library.h"

/* The field that values of the type fit into: HUGEINT, ENUM, UUID and the like become STRING, a MAP
 * an array of key and value, an array of arrays JSON. Mode is REPEATED for a list, else NULLABLE;
 * the field has no name. */
Field duck_field_of(const DuckApi *api, duckdb_logical_type type, Arena *arena);
