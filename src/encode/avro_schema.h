/* SPDX-License-Identifier: Apache-2.0 */
/* encode/avro_schema.h: a table's schema as Avro's, with the logical types that BigQuery reads
 * (cloud.google.com/bigquery/docs/loading-data-cloud-storage-avro). */
#pragma once

#include "base/arena.h"
#include "model/type.h"

/* One line of JSON. NULLABLE is a union with null first, REQUIRED the bare type, REPEATED an array,
 * STRUCT a record whose name no other record has; descriptions become `doc`. */
const char *avro_schema_text(const Schema *schema, Arena *arena);
