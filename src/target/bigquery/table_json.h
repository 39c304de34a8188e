/* SPDX-License-Identifier: Apache-2.0 */
/* target/bigquery/table_json.h: tables as the REST API has them (Table of the discovery document).
 * Pure. What is returned is the caller's to free. */
#pragma once

#include "base/arena.h"
#include "config/config.h"
#include "format/json.h"
#include "model/layout.h"
#include "model/type.h"

typedef struct TableDraft {
    const Schema *schema;
    const TableLayout *layout; /* a key that BigQuery would refuse is left out */
    const char *description;   /* NULL: none */
    ConfigLabels labels;
    const char *kms_key; /* NULL: Google's own */
} TableDraft;

/* A new table, without a name. */
Json *table_json_new(const TableDraft *draft);

/* What a copy of an existing table must carry, so that copying it back changes nothing but rows:
 * columns, layout, constraints, description, labels, key of encryption. */
Json *table_json_keep(const Json *existing);

/* The same with other columns: of those that stay, policy tags and what else is said of them are
 * kept; so are constraints whose columns are all there. */
Json *table_json_rebuild(const Json *existing, const TableDraft *draft);

/* A place for rows on their way into `target` by a statement: the columns of the schema, as the
 * target has them (members of a STRUCT meet by their place there, not by name), without keys and
 * demands on queries. `is_new`: they may be copied as well, which needs the same partitions. */
Json *table_json_stage(const Json *target, const Schema *schema, bool is_new);

/* {"projectId": …, "datasetId": …, "tableId": …} */
Json *table_json_reference(const char *project, const char *dataset, const char *table);
