/* SPDX-License-Identifier: Apache-2.0 */
#include "encode/row_limit.h"

#include <string.h>

/* The bytes that a value brings, numbers counted as one each. */
static size_t weight_of(const Value *value)
{
    if (value->kind == VALUE_BYTES)
        return value->length;
    size_t weight = 1;
    for (uint32_t i = 0; value->kind == VALUE_LIST && i < value->length; i++)
        weight += weight_of(&value->items[i]);
    return weight;
}

bool row_limit_fail(const RowSize *size, const Schema *schema, const Value *row, Error *error)
{
    size_t largest = 0;
    for (size_t i = 1; i < schema->field_count; i++) {
        if (weight_of(&row[i]) > weight_of(&row[largest]))
            largest = i;
    }
    error_set(error, ERROR_DATA, "a row takes %zu bytes in %s; the limit is %zu bytes", size->size,
              size->format, size->limit);
    return error_hint(error,
                      "its largest column is %s: shorten it in a query, or leave it out with "
                      "source.columns%s",
                      schema->fields[largest].name,
                      strcmp(size->format, "Avro") == 0
                          ? "; NDJSON (destination.format: ndjson) takes rows of up to 100 MB"
                          : "");
}
