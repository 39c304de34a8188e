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

/* Somebody may have written the description by hand, and nothing tells it from an old one of ours.
 */
static void keep_words(Json *field, const Json *before)
{
    static const char *const kept[] = {"policyTags", "dataPolicies", "collation",
                                       "defaultValueExpression", "roundingMode"};
    const char *words = json_get_text(before, "description");
    if (words && *words)
        json_set_text(field, "description", words);
    for (size_t i = 0; i < sizeof kept / sizeof *kept && same_kind(field, before); i++)
        keep_member(field, before, kept[i]);
}

/* Members of a STRUCT have words of their own. */
static void keep_words_of(Json *fields, const Json *before)
{
    for (size_t i = 0; i < json_count(fields); i++) {
        Json *field = json_at(fields, i);
        const Json *same = field_named(before, json_get_text(field, "name"));
        if (!same)
            continue;
        keep_words(field, same);
        keep_words_of(json_get(field, "fields"), json_get(same, "fields"));
    }
}

/* Also with the types that its columns have now. */
static bool key_fits(const Json *existing, const Schema *schema)
{
    CLEANUP(arena_done) Arena arena = {0};
    TableLayout layout;
    return layout_json_get(existing, &arena, &layout, NULL) && layout.key_count > 0 &&
           layout_key_fits(&layout, schema);
}

/* A column that refers to one of another table has its type. */
static bool refers_as_before(const Json *fields, const Json *before, const Json *references)
{
    for (size_t i = 0; i < json_count(references); i++) {
        const char *name = json_get_text(json_at(references, i), "referencingColumn");
        if (!same_kind(field_named(fields, name), field_named(before, name)))
            return false;
    }
    return json_count(references) > 0;
}

static Json *kept_constraints(const Json *existing, const Schema *schema, const Json *fresh)
{
    const Json *before = json_get(existing, "tableConstraints");
    const Json *foreign = json_get(before, "foreignKeys");
    const Json *fields = json_get(json_get(fresh, "schema"), "fields");
    const Json *fields_before = json_get(json_get(existing, "schema"), "fields");
    Json *constraints = json_object_new(), *kept = json_array_new();
    if (key_fits(existing, schema))
        keep_member(constraints, before, "primaryKey");
    else
        keep_member(constraints, json_get(fresh, "tableConstraints"), "primaryKey");
    for (size_t i = 0; i < json_count(foreign); i++) {
        const Json *references = json_get(json_at(foreign, i), "columnReferences");
        if (refers_as_before(fields, fields_before, references))
            json_append(kept, json_clone(json_at(foreign, i)));
    }
    json_set(constraints, "foreignKeys", kept);
    return constraints;
}

Json *table_json_rebuild(const Json *existing, const TableDraft *draft)
{
    Json *table = table_json_keep(existing);
    CLEANUP(json_free_ptr) Json *fresh = table_json_new(draft);
    keep_words_of(json_get(json_get(fresh, "schema"), "fields"),
                  json_get(json_get(existing, "schema"), "fields"));
    json_set(table, "schema", json_clone(json_get(fresh, "schema")));
    json_set(table, "tableConstraints", kept_constraints(existing, draft->schema, fresh));
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
