/* SPDX-License-Identifier: Apache-2.0 */
#include "encode/avro_schema.h"

#include "format/json.h"

typedef struct Naming {
    Arena *arena;
    unsigned records; /* so far: part of a record's name, which makes it unique */
} Naming;

static const struct {
    const char *type;
    const char *key; /* NULL: the type stands for itself */
    const char *value;
} types[TYPE_COUNT_] = {
    [TYPE_BOOL] = {"boolean", NULL, NULL},
    [TYPE_INT64] = {"long", NULL, NULL},
    [TYPE_FLOAT64] = {"double", NULL, NULL},
    [TYPE_NUMERIC] = {"bytes", "logicalType", "decimal"},
    [TYPE_BIGNUMERIC] = {"bytes", "logicalType", "decimal"},
    [TYPE_STRING] = {"string", NULL, NULL},
    [TYPE_BYTES] = {"bytes", NULL, NULL},
    [TYPE_DATE] = {"int", "logicalType", "date"},
    [TYPE_TIME] = {"long", "logicalType", "time-micros"},
    [TYPE_DATETIME] = {"long", "logicalType", "local-timestamp-micros"},
    [TYPE_TIMESTAMP] = {"long", "logicalType", "timestamp-micros"},
    [TYPE_INTERVAL] = {"string", NULL, NULL},
    [TYPE_JSON] = {"string", "sqlType", "JSON"},
    [TYPE_GEOGRAPHY] = {"string", NULL, NULL},
};

static void set_name_and_doc(Json *json, const char *name, const char *description)
{
    json_set_text(json, "name", name);
    if (description)
        json_set_text(json, "doc", description);
}

static Json *new_typed(const char *type)
{
    Json *json = json_object_new();
    json_set_text(json, "type", type);
    return json;
}

static Json *new_fields(const Field *fields, size_t count, Naming *naming);

/* Puts the type under a key of `parent`, or at the end of it when it is an array (key NULL). */
static void put_type(Json *parent, const char *key, const Field *field, Naming *naming)
{
    Json *json = NULL;
    if (field->kind == TYPE_STRUCT) {
        json = new_typed("record");
        /* names may hold letters, digits and underscores only; the number at the end is unique */
        json_set_text(json, "name",
                      arena_printf(naming->arena, "%s_%u", field->name, ++naming->records));
        json_set(json, "fields", new_fields(field->fields, field->field_count, naming));
    } else if (types[field->kind].key) {
        json = new_typed(types[field->kind].type);
        json_set_text(json, types[field->kind].key, types[field->kind].value);
    }
    if (field->kind == TYPE_NUMERIC || field->kind == TYPE_BIGNUMERIC) {
        json_set_int(json, "precision", field_decimal_precision(field));
        json_set_int(json, "scale", field_decimal_scale(field));
    }
    if (json && key)
        json_set(parent, key, json);
    else if (json)
        json_append(parent, json);
    else if (key)
        json_set_text(parent, key, types[field->kind].type);
    else
        json_append_text(parent, types[field->kind].type);
}

static Json *new_field(const Field *field, Naming *naming)
{
    Json *json = json_object_new();
    set_name_and_doc(json, field->name, field->description);
    if (field->mode == MODE_REPEATED) {
        Json *array = new_typed("array");
        put_type(array, "items", field, naming);
        json_set(json, "type", array);
    } else if (field->mode == MODE_NULLABLE) {
        Json *either = json_array_new();
        json_append_text(either, "null");
        put_type(either, NULL, field, naming);
        json_set(json, "type", either);
        json_set_text(json, "default", NULL);
    } else {
        put_type(json, "type", field, naming);
    }
    return json;
}

static Json *new_fields(const Field *fields, size_t count, Naming *naming)
{
    Json *array = json_array_new();
    for (size_t i = 0; i < count; i++)
        json_append(array, new_field(&fields[i], naming));
    return array;
}

const char *avro_schema_text(const Schema *schema, Arena *arena)
{
    Naming naming = {.arena = arena};
    CLEANUP(json_free_ptr) Json *root = new_typed("record");
    set_name_and_doc(root, "root", schema->description);
    json_set(root, "fields", new_fields(schema->fields, schema->field_count, &naming));
    return json_dump(root, arena);
}
