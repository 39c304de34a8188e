/* SPDX-License-Identifier: Apache-2.0 */
/* target/bigquery/description.h: comments of the source as descriptions, which BigQuery wants
 * shorter (docs.cloud.google.com/bigquery/quotas#all_tables). Pure. */
#pragma once

#include "base/arena.h"
#include "model/type.h"

enum { TABLE_DESCRIPTION_MAX = 16384, COLUMN_DESCRIPTION_MAX = 1024 }; /* characters */

/* The text (may be NULL), or its beginning with "…" as the last of `characters_max` characters. */
const char *description_fit(const char *text, size_t characters_max, Arena *arena);

/* The schema with descriptions of columns, nested ones too, that fit. */
const Schema *description_fit_schema(const Schema *schema, Arena *arena);
