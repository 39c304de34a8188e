/* SPDX-License-Identifier: Apache-2.0 */
#include "target/bigquery/evolve.h"

#include "base/fault.h"
#include "base/log.h"
#include "schema/field_json.h"
#include "target/bigquery/calls.h"

#include <string.h>
#include <strings.h>

enum { TRIES = 3 }; /* others may change the table meanwhile */

CompareRules bq_evolve_rules(const Delivery *delivery)
{
    return (CompareRules){
        .evolve = delivery->evolve,
        .own = {delivery->merge.mark, delivery->metadata.synced_at, delivery->metadata.run_id},
        .partial = delivery->merge.keys_only,
    };
}

static Json *find_json(const Json *fields, const char *name)
{
    for (size_t i = 0; name && i < json_count(fields); i++) {
        const char *other = json_get_text(json_at(fields, i), "name");
        if (other && strcasecmp(other, name) == 0)
            return json_at(fields, i);
    }
    return NULL;
}

static bool is_required(const Json *field)
{
    const char *mode = json_get_text(field, "mode");
    return mode && strcasecmp(mode, "REQUIRED") == 0;
}

/* Columns are added without demands. */
static Json *added(const Json *field)
{
    Json *copy = json_clone(field);
    if (is_required(copy))
        json_set_text(copy, "mode", "NULLABLE");
    return copy;
}

static bool follow(Json *fields, const Json *wanted, const CompareRules *rules);

static bool follow_field(Json *field, const Json *wanted, const CompareRules *rules)
{
    bool changed = false;
    if (!wanted && (rules->partial || json_get(field, "defaultValueExpression")))
        return false;
    if (is_required(field) && !is_required(wanted)) {
        json_set_text(field, "mode", "NULLABLE");
        changed = true;
    }
    Json *members = json_get(field, "fields");
    if (members && wanted)
        changed |= follow(members, json_get(wanted, "fields"), rules);
    return changed;
}

/* True when something changed. */
static bool follow(Json *fields, const Json *wanted, const CompareRules *rules)
{
    bool changed = false;
    for (size_t i = 0; rules->evolve != EVOLVE_FAIL && i < json_count(fields); i++) {
        Json *field = json_at(fields, i);
        changed |= follow_field(field, find_json(wanted, json_get_text(field, "name")), rules);
    }
    for (size_t i = 0; i < json_count(wanted); i++) {
        const Json *field = json_at(wanted, i);
        const char *name = json_get_text(field, "name");
        if (find_json(fields, name) || !compare_may_add(rules, name))
            continue;
        json_append(fields, added(field));
        changed = true;
    }
    return changed;
}

/* Keys alone do not bring the columns that marks go to. */
static Schema wanted_schema(const Delivery *delivery, Field *fields)
{
    const MergeSpec *merge = &delivery->merge;
    const Field own[] = {
        {.name = merge->mark, .kind = merge->mark_is_bool ? TYPE_BOOL : TYPE_TIMESTAMP},
        {.name = delivery->metadata.synced_at, .kind = TYPE_TIMESTAMP},
        {.name = delivery->metadata.run_id, .kind = TYPE_STRING},
    };
    Schema schema = {.fields = fields};
    if (!merge->keys_only)
        return delivery->schema;
    for (size_t i = 0; i < sizeof own / sizeof *own; i++) {
        if (own[i].name)
            fields[schema.field_count++] = own[i];
    }
    return schema;
}

Json *bq_evolved(const Json *table, const Delivery *delivery, bool *ret_changed)
{
    Field fields[3];
    const CompareRules rules = bq_evolve_rules(delivery);
    Schema schema = wanted_schema(delivery, fields);
    schema.description = NULL;
    CLEANUP(json_free_ptr) Json *wanted = field_json_from_schema(&schema);
    Json *evolved = json_clone(table);
    *ret_changed =
        follow(json_get(json_get(evolved, "schema"), "fields"), json_get(wanted, "fields"), &rules);
    return evolved;
}

bool bq_evolve(const BqWork *work, Error *error)
{
    const TableRef *ref = &work->delivery->table;
    for (int try = 0; try < TRIES; try++) {
        CLEANUP(json_free_ptr) Json *table = NULL;
        bool changes = false, changed = false;
        if (!bq_table_get(&work->scope, ref, &table, error))
            return false;
        if (!table)
            return error_set(error, ERROR_TARGET, "the table %s.%s is gone", ref->dataset,
                             ref->table);
        CLEANUP(json_free_ptr) Json *evolved = bq_evolved(table, work->delivery, &changes);
        if (!changes)
            return true;
        CLEANUP(json_free_ptr) Json *body = json_object_new();
        json_set(body, "schema", json_clone(json_get(evolved, "schema")));
        if (!fault_point("bigquery.table.evolve", error) ||
            !bq_table_patch_if(&work->scope, ref, body, json_get_text(table, "etag"), &changed,
                               error))
            return error_prefix(error, "changing the columns of %s.%s", ref->dataset, ref->table);
        if (changed)
            return fault_point("bigquery.table.evolved", error);
        log_debug(work->scope.job, "%s.%s was changed meanwhile", ref->dataset, ref->table);
    }
    return error_set_retryable(error, ERROR_TARGET, "%s.%s is being changed by others",
                               ref->dataset, ref->table);
}
