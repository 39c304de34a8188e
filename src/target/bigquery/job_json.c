/* SPDX-License-Identifier: Apache-2.0 */
#include "target/bigquery/job_json.h"

#include "target/bigquery/label.h"
#include "target/bigquery/table_json.h"

#include <string.h>

static Json *job_json(const JobDraft *draft, const char *kind, Json *configuration)
{
    Json *job = json_object_new(), *reference = json_object_new(), *all = json_object_new();
    json_set_text(reference, "projectId", draft->project);
    json_set_text(reference, "jobId", draft->id);
    json_set_text(reference, "location", draft->location);
    json_set(job, "jobReference", reference);
    json_set(all, "labels", label_json(&draft->labels));
    json_set(all, kind, configuration);
    json_set(job, "configuration", all);
    return job;
}

static Json *table_json(const JobTable *table)
{
    return table_json_reference(table->project, table->dataset, table->table);
}

static void set_kms_key(Json *configuration, const char *key)
{
    if (!key)
        return;
    Json *encryption = json_object_new();
    json_set_text(encryption, "kmsKeyName", key);
    json_set(configuration, "destinationEncryptionConfiguration", encryption);
}

/* docs/loading-data-cloud-storage-avro: logical types are read as numbers unless asked for; a
 * decimal becomes the first of these, in this order, that holds it. */
static void set_avro(Json *load)
{
    Json *types = json_array_new();
    json_append_text(types, "NUMERIC");
    json_append_text(types, "BIGNUMERIC");
    json_set_text(load, "sourceFormat", "AVRO");
    json_set_bool(load, "useAvroLogicalTypes", true);
    json_set(load, "decimalTargetTypes", types);
}

Json *job_json_load(const JobDraft *draft, const LoadDraft *wanted)
{
    Json *load = json_object_new();
    json_set(load, "destinationTable", table_json(&wanted->to));
    json_set_text(load, "createDisposition", "CREATE_NEVER");
    json_set_text(load, "writeDisposition",
                  wanted->truncate ? "WRITE_TRUNCATE_DATA" : "WRITE_APPEND");
    if (strcmp(wanted->format, "avro") == 0)
        set_avro(load);
    else
        json_set_text(load, "sourceFormat", "NEWLINE_DELIMITED_JSON");
    json_set(load, "schema", json_clone(wanted->schema));
    set_kms_key(load, wanted->kms_key);
    if (wanted->uri_count) {
        Json *uris = json_array_new();
        for (size_t i = 0; i < wanted->uri_count; i++)
            json_append_text(uris, wanted->uris[i]);
        json_set(load, "sourceUris", uris);
    }
    return job_json(draft, "load", load);
}

Json *job_json_copy(const JobDraft *draft, const CopyDraft *wanted)
{
    Json *copy = json_object_new();
    json_set(copy, "sourceTable", table_json(&wanted->from));
    json_set(copy, "destinationTable", table_json(&wanted->to));
    json_set_text(copy, "createDisposition", "CREATE_NEVER");
    json_set_text(copy, "writeDisposition", wanted->truncate ? "WRITE_TRUNCATE" : "WRITE_APPEND");
    set_kms_key(copy, wanted->kms_key);
    return job_json(draft, "copy", copy);
}

static Json *param_json(const QueryParam *param)
{
    Json *json = json_object_new(), *type = json_object_new(), *value = json_object_new();
    json_set_text(json, "name", param->name);
    json_set_text(type, "type", param->type);
    json_set_text(value, "value", param->value);
    json_set(json, "parameterType", type);
    json_set(json, "parameterValue", value);
    return json;
}

/* The members that jobs.insert and jobs.query share. */
static void set_query(Json *query, const QueryDraft *wanted)
{
    json_set_text(query, "query", wanted->sql);
    json_set_bool(query, "useLegacySql", false);
    if (!wanted->param_count)
        return;
    Json *params = json_array_new();
    for (size_t i = 0; i < wanted->param_count; i++)
        json_append(params, param_json(&wanted->params[i]));
    json_set_text(query, "parameterMode", "NAMED");
    json_set(query, "queryParameters", params);
}

Json *job_json_query(const JobDraft *draft, const QueryDraft *wanted)
{
    Json *query = json_object_new();
    set_query(query, wanted);
    return job_json(draft, "query", query);
}

Json *job_json_ask(const JobDraft *draft, const QueryDraft *wanted)
{
    Json *query = json_object_new();
    set_query(query, wanted);
    json_set_text(query, "location", draft->location);
    json_set(query, "labels", label_json(&draft->labels));
    return query;
}

Json *job_json_fence(const JobDraft *draft)
{
    Json *query = json_object_new();
    json_set_text(query, "query", "SELECT 1");
    json_set_bool(query, "useLegacySql", false);
    return job_json(draft, "query", query);
}
