/* SPDX-License-Identifier: Apache-2.0 */
#include "cmd/model_json.h"

#include "model/type_text.h"

void model_json_set_known(Json *object, const char *key, int64_t number)
{
    if (number < 0)
        json_set(object, key, NULL);
    else
        json_set_int(object, key, number);
}

Json *model_json_table(const SourceTable *table)
{
    Json *json = json_object_new();
    json_set_text(json, "schema", table->schema);
    json_set_text(json, "name", table->name);
    json_set_text(json, "kind", relation_kind_name(table->kind));
    json_set_text(json, "comment", table->comment);
    model_json_set_known(json, "row_estimate", table->row_estimate);
    model_json_set_known(json, "byte_size", table->byte_size);
    Json *key = json_array_new();
    for (size_t i = 0; i < table->key_count; i++)
        json_append_text(key, table->key[i]);
    json_set(json, "key", key);
    json_set_bool(json, "key_is_primary", table->key_is_primary);
    return json;
}

Json *model_json_column(const SourceColumn *column)
{
    Json *json = json_object_new();
    json_set_text(json, "name", column->name);
    json_set_text(json, "type", column->type.text);
    json_set_bool(json, "not_null", column->not_null);
    json_set_bool(json, "generated", column->generated);
    json_set_bool(json, "leads_an_index", column->leads_an_index);
    json_set_bool(json, "set_on_write", column->set_on_write);
    json_set_text(json, "comment", column->comment);
    return json;
}

static const char *select_name(SelectForm form)
{
    switch (form) {
    case SELECT_PLAIN:
        return "binary";
    case SELECT_TEXT:
        return "text";
    case SELECT_JSON:
        return "json";
    case SELECT_AT_TIME_ZONE:
        return "at_time_zone";
    case SELECT_NUMERIC:
        return "numeric";
    }
    return "binary";
}

Json *model_json_mapping(const ColumnPlan *plan, Arena *arena)
{
    Json *json = json_object_new();
    json_set_text(json, "name", plan->field.name);
    json_set_text(json, "type", type_text_of(&plan->field, arena));
    json_set_text(json, "mode", field_mode_name(plan->field.mode));
    json_set_text(json, "confidence", confidence_name(plan->confidence));
    json_set_text(json, "on_invalid", invalid_policy_name(plan->on_invalid));
    json_set_text(json, "select", select_name(plan->select));
    Json *warnings = json_array_new();
    for (size_t i = 0; i < plan->warning_count; i++)
        json_append_text(warnings, plan->warnings[i]);
    json_set(json, "warnings", warnings);
    return json;
}

Json *model_json_error(const Error *error)
{
    Json *json = json_object_new();
    json_set_text(json, "kind", error_kind_name(error->kind));
    json_set_text(json, "message", error->message);
    json_set_text(json, "hint", error->hint[0] ? error->hint : NULL);
    return json;
}
