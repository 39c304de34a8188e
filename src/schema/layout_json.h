/* SPDX-License-Identifier: Apache-2.0 */
/* schema/layout_json.h: a table's layout in BigQuery's own form (Table of the REST API):
 * timePartitioning, rangePartitioning, requirePartitionFilter, clustering, tableConstraints.
 * `immutable`, which BigQuery does not know, is not part of it. */
#pragma once

#include "base/arena.h"
#include "base/error.h"
#include "format/json.h"
#include "model/layout.h"

/* Sets those members of a table's object; what the layout does not have is left out. */
void layout_json_set(Json *table, const TableLayout *layout);

/* Reads them into the arena; ERROR_CONFIG when a member is not what BigQuery documents. */
bool layout_json_get(const Json *table, Arena *arena, TableLayout *ret_layout, Error *error);

/* "HOUR", "DAY", "MONTH", "YEAR"; NULL for the other kinds. */
const char *partition_unit_name(PartitionKind kind);
