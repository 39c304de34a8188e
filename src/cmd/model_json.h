/* SPDX-License-Identifier: Apache-2.0 */
/* cmd/model_json.h: source tables and column mappings as JSON, for --json of discover and plan. */
#pragma once

#include "format/json.h"
#include "schema/mapping.h"

/* Without columns: {"schema", "name", "kind", "comment", "row_estimate", "byte_size", "key", …}. */
Json *model_json_table(const SourceTable *table);

/* {"name", "type", "not_null", "generated", "leads_an_index", "set_on_write", "comment"} */
Json *model_json_column(const SourceColumn *column);

/* {"name", "type", "mode", "confidence", "on_invalid", "select", "warnings"}: the target's side. */
Json *model_json_mapping(const ColumnPlan *plan, Arena *arena);

/* {"kind", "message", "hint"} */
Json *model_json_error(const Error *error);

/* A number, or null when it is negative: unknown. */
void model_json_set_known(Json *object, const char *key, int64_t number);
