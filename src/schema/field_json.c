/* SPDX-License-Identifier: Apache-2.0 */
#include "schema/field_json.h"

#include <stdlib.h>
#include <string.h>
#include <strings.h>

enum {
    DEPTH_MAX = 15,     /* BigQuery's limit for nested fields */
    PRECISION_MAX = 76, /* of a BIGNUMERIC */
    SCALE_MAX = 38,
    DIGITS_TEXT_MAX = 2, /* digits of either */
};

static Json *fields_to_json(const Field *fields, size_t count);

static void set_number_text(Json *json, const char *key, int number)
{
    char text[16]; /* BigQuery's REST API sends int64 as text */
    snprintf(text, sizeof text, "%d", number);
    json_set_text(json, key, text);
}

static Json *field_to_json(const Field *field)
{
    Json *json = json_object_new();
    json_set_text(json, "name", field->name);
    json_set_text(json, "type", type_kind_name(field->kind));
    json_set_text(json, "mode", field_mode_name(field->mode));
    if (field->precision) {
        set_number_text(json, "precision", field->precision);
        set_number_text(json, "scale", field->scale);
    }
    if (field->description)
        json_set_text(json, "description", field->description);
    if (field->kind == TYPE_STRUCT)
        json_set(json, "fields", fields_to_json(field->fields, field->field_count));
    return json;
}

static Json *fields_to_json(const Field *fields, size_t count)
{
    Json *array = json_array_new();
    for (size_t i = 0; i < count; i++)
        json_append(array, field_to_json(&fields[i]));
    return array;
}

static bool parse_mode(const char *text, FieldMode *ret_mode)
{
    static const FieldMode modes[] = {MODE_NULLABLE, MODE_REQUIRED, MODE_REPEATED};
    for (size_t i = 0; i < sizeof modes / sizeof *modes; i++) {
        if (!text || strcasecmp(text, field_mode_name(modes[i])) == 0) {
            *ret_mode = modes[i]; /* the first, NULLABLE, when nothing is said */
            return true;
        }
    }
    return false;
}

/* A number of at most two digits, as text; absent is 0. */
static bool parse_number(const Json *json, const char *key, int *ret_number)
{
    const char *text = json_get_text(json, key);
    *ret_number = 0;
    if (!text)
        return json_get(json, key) == NULL;
    size_t length = strlen(text);
    if (length == 0 || length > DIGITS_TEXT_MAX || strspn(text, "0123456789") != length)
        return false;
    *ret_number = (int)strtol(text, NULL, 10); /* digits only, so nothing can go wrong */
    return true;
}

static bool parse_digits(const Json *json, Field *field, Error *error)
{
    bool decimal = field->kind == TYPE_NUMERIC || field->kind == TYPE_BIGNUMERIC;
    if (!parse_number(json, "precision", &field->precision) ||
        !parse_number(json, "scale", &field->scale))
        return error_set(error, ERROR_CONFIG, "%s: precision and scale are numbers, as text",
                         field->name);
    if ((field->precision || field->scale) && !decimal)
        return error_set(error, ERROR_CONFIG, "%s: a %s has neither precision nor scale",
                         field->name, type_kind_name(field->kind));
    if (field->precision > PRECISION_MAX || field->scale > SCALE_MAX ||
        field->scale > field->precision)
        return error_set(error, ERROR_CONFIG, "%s: %s(%d, %d) is not a type", field->name,
                         type_kind_name(field->kind), field->precision, field->scale);
    return true;
}

static bool parse_fields(const Json *json, int depth, Arena *arena, const Field **ret_fields,
                         size_t *ret_count, Error *error);

static bool parse_field(const Json *json, int depth, Arena *arena, Field *field, Error *error)
{
    field->name = arena_strdup(arena, json_get_text(json, "name"));
    if (!field->name || !*field->name)
        return error_set(error, ERROR_CONFIG, "a field has no name");
    const char *type = json_get_text(json, "type");
    const char *mode = json_get_text(json, "mode");
    if (!type || !type_kind_parse(type, &field->kind))
        return error_set(error, ERROR_CONFIG, "%s: unknown type \"%s\"", field->name,
                         type ? type : "");
    if (!parse_mode(mode, &field->mode))
        return error_set(error, ERROR_CONFIG, "%s: unknown mode \"%s\"", field->name, mode);
    field->description = arena_strdup(arena, json_get_text(json, "description"));
    if (!parse_digits(json, field, error))
        return false;
    if (field->kind != TYPE_STRUCT)
        return true;
    if (depth == DEPTH_MAX)
        return error_set(error, ERROR_CONFIG, "%s: nested deeper than %d levels", field->name,
                         DEPTH_MAX);
    return parse_fields(json_get(json, "fields"), depth + 1, arena, &field->fields,
                        &field->field_count, error) ||
           error_prefix(error, "%s", field->name);
}

static bool parse_fields(const Json *json, int depth, Arena *arena, const Field **ret_fields,
                         size_t *ret_count, Error *error)
{
    size_t count = json_count(json);
    if (count == 0)
        return error_set(error, ERROR_CONFIG, "there are no fields");
    Field *fields = ARENA_ARRAY(arena, Field, count);
    for (size_t i = 0; i < count; i++) {
        if (!parse_field(json_at(json, i), depth, arena, &fields[i], error))
            return false;
    }
    *ret_fields = fields;
    *ret_count = count;
    return true;
}

Json *field_json_from_schema(const Schema *schema)
{
    Json *json = json_object_new();
    if (schema->description)
        json_set_text(json, "description", schema->description);
    json_set(json, "fields", fields_to_json(schema->fields, schema->field_count));
    return json;
}

bool field_json_to_schema(const Json *json, Arena *arena, Schema *ret_schema, Error *error)
{
    Schema schema = {.description = arena_strdup(arena, json_get_text(json, "description"))};
    if (!parse_fields(json_get(json, "fields"), 1, arena, &schema.fields, &schema.field_count,
                      error))
        return false;
    *ret_schema = schema;
    return true;
}
