/* SPDX-License-Identifier: Apache-2.0 */
#include "target/bigquery/description.h"

#include <string.h>

const char *description_fit(const char *text, size_t characters_max, Arena *arena)
{
    size_t characters = 0, kept = 0; /* bytes before the last character that there is room for */
    for (const char *at = text; at && *at; at++) {
        if (((unsigned char)*at & 0xC0) == 0x80) /* goes on with the same character */
            continue;
        if (characters == characters_max - 1)
            kept = (size_t)(at - text);
        if (characters++ == characters_max)
            return arena_printf(arena, "%.*s…", (int)kept, text);
    }
    return text;
}

static const Field *fit_fields(const Field *fields, size_t count, Arena *arena)
{
    Field *fitted = ARENA_ARRAY(arena, Field, count);
    for (size_t i = 0; i < count; i++) {
        fitted[i] = fields[i];
        fitted[i].description =
            description_fit(fields[i].description, COLUMN_DESCRIPTION_MAX, arena);
        if (fields[i].field_count)
            fitted[i].fields = fit_fields(fields[i].fields, fields[i].field_count, arena);
    }
    return fitted;
}

const Schema *description_fit_schema(const Schema *schema, Arena *arena)
{
    Schema *fitted = ARENA_NEW(arena, Schema);
    *fitted = *schema;
    fitted->fields = fit_fields(schema->fields, schema->field_count, arena);
    return fitted;
}
