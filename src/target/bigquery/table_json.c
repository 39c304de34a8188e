/* SPDX-License-Identifier: Apache-2.0 */
#include "target/bigquery/table_json.h"

#include "schema/field_json.h"
#include "schema/layout_json.h"
#include "target/bigquery/compare.h"
#include "target/bigquery/label.h"

#include <string.h>
#include <strings.h>

Json *table_json_reference(const char *project, const char *dataset, const char *table)
{
    Json *json = json_object_new();
    json_set_text(json, "projectId", project);
    json_set_text(json, "datasetId", dataset);
    json_set_text(json, "tableId", table);
    return json;
}

static Json *schema_json(const Schema *schema)
{
    Schema columns = *schema;
    columns.description = NULL; /* of the table, which is said beside the schema */
    return field_json_from_schema(&columns);
}

static void set_kms_key(Json *table, const char *key)
{
    if (!key)
        return;
    Json *encryption = json_object_new();
    json_set_text(encryption, "kmsKeyName", key);
    json_set(table, "encryptionConfiguration", encryption);
}

Json *table_json_new(const TableDraft *draft)
{
    Json *table = json_object_new();
    TableLayout layout = *draft->layout;
    if (!layout_key_fits(&layout, draft->schema))
        layout.key_count = 0;
    json_set(table, "schema", schema_json(draft->schema));
    layout_json_set(table, &layout);
    if (draft->description)
        json_set_text(table, "description", draft->description);
    json_set(table, "labels", label_json(&draft->labels));
    set_kms_key(table, draft->kms_key);
    return table;
}

static void keep_member(Json *to, const Json *from, const char *key)
{
    const Json *member = json_get(from, key);
    if (member)
        json_set(to, key, json_clone(member));
}

Json *table_json_keep(const Json *existing)
{
    static const char *const kept[] = {
        "schema",     "timePartitioning", "rangePartitioning",  "requirePartitionFilter",
        "clustering", "tableConstraints", "description",        "friendlyName",
        "labels",     "defaultCollation", "defaultRoundingMode"};
    Json *table = json_object_new();
    for (size_t i = 0; i < sizeof kept / sizeof *kept; i++)
        keep_member(table, existing, kept[i]);
    /* kmsKeyVersion, which it may hold, too, is the service's own */
    set_kms_key(table, json_get_text(json_get(existing, "encryptionConfiguration"), "kmsKeyName"));
    return table;
}

static const Json *field_named(const Json *fields, const char *name)
{
    for (size_t i = 0; name && i < json_count(fields); i++) {
        const char *other = json_get_text(json_at(fields, i), "name");
        if (other && strcasecmp(other, name) == 0)
            return json_at(fields, i);
    }
    return NULL;
}

static bool same_kind(const Json *left, const Json *right)
{
    TypeKind a, b;
    const char *type = json_get_text(left, "type"), *other = json_get_text(right, "type");
    return type && other && type_kind_parse(type, &a) && type_kind_parse(other, &b) && a == b;
}

static void keep_words(Json *field, const Json *before)
{
    static const char *const kept[] = {"policyTags", "dataPolicies", "collation",
                                       "defaultValueExpression", "roundingMode"};
    if (!json_get(field, "description"))
        keep_member(field, before, "description");
    for (size_t i = 0; i < sizeof kept / sizeof *kept && same_kind(field, before); i++)
        keep_member(field, before, kept[i]);
}

static bool has_columns(const Json *fields, const Json *names, const char *key)
{
    for (size_t i = 0; i < json_count(names); i++) {
        const Json *name = json_at(names, i);
        if (!field_named(fields, key ? json_get_text(name, key) : json_text_of(name)))
            return false;
    }
    return json_count(names) > 0;
}

static Json *kept_constraints(const Json *existing, const Json *fields, const Json *wanted)
{
    const Json *before = json_get(existing, "tableConstraints");
    const Json *key = json_get(before, "primaryKey");
    const Json *foreign = json_get(before, "foreignKeys");
    Json *constraints = json_object_new(), *kept = json_array_new();
    if (has_columns(fields, json_get(key, "columns"), NULL))
        json_set(constraints, "primaryKey", json_clone(key));
    else
        keep_member(constraints, wanted, "primaryKey");
    for (size_t i = 0; i < json_count(foreign); i++) {
        const Json *columns = json_get(json_at(foreign, i), "columnReferences");
        if (has_columns(fields, columns, "referencingColumn"))
            json_append(kept, json_clone(json_at(foreign, i)));
    }
    json_set(constraints, "foreignKeys", kept);
    return constraints;
}

Json *table_json_rebuild(const Json *existing, const TableDraft *draft)
{
    Json *table = table_json_keep(existing);
    CLEANUP(json_free_ptr) Json *fresh = table_json_new(draft);
    const Json *before = json_get(json_get(existing, "schema"), "fields");
    Json *fields = json_get(json_get(fresh, "schema"), "fields");
    for (size_t i = 0; i < json_count(fields); i++) {
        Json *field = json_at(fields, i);
        const Json *same = field_named(before, json_get_text(field, "name"));
        if (same)
            keep_words(field, same);
    }
    json_set(table, "schema", json_clone(json_get(fresh, "schema")));
    json_set(table, "tableConstraints",
             kept_constraints(existing, fields, json_get(fresh, "tableConstraints")));
    return table;
}

static bool has_field(const Schema *schema, const char *name)
{
    for (size_t i = 0; name && i < schema->field_count; i++) {
        if (strcasecmp(schema->fields[i].name, name) == 0)
            return true;
    }
    return false;
}

Json *table_json_stage(const Json *target, const Schema *schema, bool is_new)
{
    Json *table = json_object_new(), *columns = json_object_new(), *kept = json_array_new();
    const Json *fields = json_get(json_get(target, "schema"), "fields");
    for (size_t i = 0; i < json_count(fields); i++) {
        if (has_field(schema, json_get_text(json_at(fields, i), "name")))
            json_append(kept, json_clone(json_at(fields, i)));
    }
    json_set(columns, "fields", kept);
    json_set(table, "schema", columns);
    keep_member(table, target, "labels");
    keep_member(table, target, "encryptionConfiguration");
    if (!is_new)
        return table;
    keep_member(table, target, "timePartitioning");
    keep_member(table, target, "rangePartitioning");
    keep_member(table, target, "clustering");
    return table;
}
