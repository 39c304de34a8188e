/* SPDX-License-Identifier: Apache-2.0 */
/* Any bytes as a schema in BigQuery's form: what is read is written and read again as the same. */
#include "schema/field_json.h"

#include <stdint.h>
#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    CLEANUP(arena_done) Arena arena = {0};
    CLEANUP(json_free_ptr) Json *json = NULL;
    CLEANUP(json_free_ptr) Json *again = NULL;
    Schema schema, same;
    if (!json_parse((const char *)data, size, "fuzz", &json, NULL) ||
        !field_json_to_schema(json, &arena, &schema, NULL))
        return 0;
    again = field_json_from_schema(&schema);
    if (!field_json_to_schema(again, &arena, &same, NULL) || schema.field_count != same.field_count)
        abort();
    for (size_t i = 0; i < schema.field_count; i++) {
        if (!field_same_type(&schema.fields[i], &same.fields[i]))
            abort();
    }
    return 0;
}
