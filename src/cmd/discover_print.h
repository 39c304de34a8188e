/* SPDX-License-Identifier: Apache-2.0 */
/* cmd/discover_print.h: tables and columns of a source, for people and as JSON. */
#pragma once

#include "source/source.h"

#include <stdio.h>

/* One relation with its columns, and what each would become. */
typedef struct DiscoveredTable {
    SourceTable table;
    ColumnPlan *mappings; /* one a column; without a source where it has an error */
    Error *errors;        /* one a column; kind ERROR_NONE where it can be mapped */
    SampleTable sample;
} DiscoveredTable;

void discover_print_list(const RelationList *relations, FILE *out, Arena *arena);
void discover_print_list_json(const RelationList *relations, FILE *out);
void discover_print_table(const DiscoveredTable *found, FILE *out, Arena *arena);
void discover_print_table_json(const DiscoveredTable *found, FILE *out, Arena *arena);
