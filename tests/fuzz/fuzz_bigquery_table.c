/* SPDX-License-Identifier: Apache-2.0 */
/* Any bytes as what tables.get answers: what a copy carries is the same table to the comparison,
 * and other columns take their place whatever was there. */
#include "schema/layout_json.h"
#include "target/bigquery/compare.h"
#include "target/bigquery/table_json.h"

#include <stdint.h>
#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static const Field members[] = {{.name = "x", .kind = TYPE_BOOL}};
static const Field columns[] = {
    {.name = "id", .kind = TYPE_INT64, .mode = MODE_REQUIRED},
    {.name = "total", .kind = TYPE_NUMERIC, .precision = 10, .scale = 2},
    {.name = "s", .kind = TYPE_STRUCT, .fields = members, .field_count = 1},
    {.name = "day", .kind = TYPE_DATE, .mode = MODE_NULLABLE},
};
static const Schema schema = {.fields = columns, .field_count = 4};

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    CLEANUP(arena_done) Arena arena = {0};
    CLEANUP(json_free_ptr) Json *table = NULL;
    const TableLayout wanted = {.partitioning = {.kind = PARTITION_DAY, .column = "day"}};
    const TableDraft draft = {.schema = &schema, .layout = &wanted};
    TableLayout layout;
    char before[512], after[512];
    if (!json_parse((const char *)data, size, "fuzz", &table, NULL))
        return 0;
    CLEANUP(json_free_ptr) Json *kept = table_json_keep(table);
    CLEANUP(json_free_ptr) Json *rebuilt = table_json_rebuild(table, &draft);
    compare_describe(table, &schema, before, sizeof before);
    compare_describe(kept, &schema, after, sizeof after);
    if (strcmp(before, after) != 0 || !compare_same(rebuilt, &schema))
        abort();
    bool same = compare_same(table, &schema);
    if (same && !compare_append(table, &schema, &(CompareRules){.evolve = EVOLVE_COLUMNS}, NULL))
        abort();
    (void)compare_layout(table, &wanted, NULL);
    if (layout_json_get(table, &arena, &layout, NULL) && !compare_layout(kept, &layout, NULL))
        abort();
    return 0;
}
