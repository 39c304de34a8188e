/* SPDX-License-Identifier: Apache-2.0 */
/* schema/field_json.h: a schema in BigQuery's own form (TableSchema and TableFieldSchema of the
 * REST API): {"fields": [{"name", "type", "mode", "precision", "scale", "description", "fields"}]}.
 * The table's own description, which BigQuery keeps elsewhere, stands beside "fields". */
#pragma once

#include "base/arena.h"
#include "base/error.h"
#include "format/json.h"
#include "model/type.h"

Json *field_json_from_schema(const Schema *schema);

/* Reads it back into the arena; ERROR_CONFIG names the field that is wrong. */
bool field_json_to_schema(const Json *json, Arena *arena, Schema *ret_schema, Error *error);
