/* SPDX-License-Identifier: Apache-2.0 */
#include "target/bigquery/lookup.h"

#include "base/fault.h"
#include "base/memory.h"
#include "target/bigquery/calls.h"
#include "target/bigquery/label.h"

#include <string.h>
#include <strings.h>

static const char default_location[] = "US"; /* as in Google's clients and the API itself */

/* A dataset that was looked at; its location never changes. */
struct BqKnown {
    BqKnown *next;
    Arena arena;
    const char *dataset;
    const char *location;
    int64_t partition_default_ms; /* as in BqTable */
    bool exists;
    struct KeptTable *tables;
};

/* A table that was looked at and is asked for once more soon. */
struct KeptTable {
    struct KeptTable *next;
    char *table;
    Json *json;
};

void bq_known_free(BigQuery *bq)
{
    while (bq->known) {
        BqKnown *known = bq->known;
        bq->known = known->next;
        while (known->tables) {
            struct KeptTable *kept = known->tables;
            known->tables = kept->next;
            json_free(kept->json);
            free(kept->table);
            free(kept);
        }
        arena_done(&known->arena);
        free(known);
    }
}

void bq_table_done(BqTable *table)
{
    json_free(table->json);
    *table = (BqTable){0};
}

/* The caller holds the lock, here and below. */
static BqKnown *find_known(BigQuery *bq, const char *dataset)
{
    for (BqKnown *known = bq->known; known; known = known->next) {
        if (strcmp(known->dataset, dataset) == 0)
            return known;
    }
    return NULL;
}

static void remember_dataset(BigQuery *bq, const char *dataset, const BqTable *table)
{
    BqKnown *known = find_known(bq, dataset);
    if (!known) {
        known = memory_zalloc(1, sizeof *known);
        known->dataset = arena_strdup(&known->arena, dataset);
        known->next = bq->known;
        bq->known = known;
    }
    known->location = arena_strdup(&known->arena, table->location);
    known->exists = table->has_dataset;
    known->partition_default_ms = table->partition_default_ms;
}

static void keep_table(BigQuery *bq, const TableRef *table, const Json *json)
{
    BqKnown *known = find_known(bq, table->dataset);
    struct KeptTable *kept = memory_zalloc(1, sizeof *kept);
    kept->table = memory_strdup(table->table);
    kept->json = json ? json_clone(json) : NULL;
    kept->next = known->tables;
    known->tables = kept;
}

static bool take_kept(BigQuery *bq, const TableRef *table, Json **ret_json)
{
    BqKnown *known = find_known(bq, table->dataset);
    for (struct KeptTable **at = known ? &known->tables : NULL; at && *at; at = &(*at)->next) {
        struct KeptTable *kept = *at;
        if (strcmp(kept->table, table->table) != 0)
            continue;
        *ret_json = kept->json;
        *at = kept->next;
        free(kept->table);
        free(kept);
        return true;
    }
    return false;
}

/* What is remembered of the dataset; false: nothing. */
static bool recall_dataset(const BqScope *scope, const char *dataset, BqTable *table)
{
    pthread_mutex_lock(&scope->bq->lock);
    const BqKnown *known = find_known(scope->bq, dataset);
    if (known) {
        table->has_dataset = known->exists;
        table->location = arena_strdup(scope->arena, known->location);
        table->partition_default_ms = known->partition_default_ms;
    }
    pthread_mutex_unlock(&scope->bq->lock);
    return known != NULL;
}

static bool check_location(const BqScope *scope, const char *dataset, const char *location,
                           Error *error)
{
    const char *wanted = scope->bq->config.location;
    if (!wanted || strcasecmp(wanted, location) == 0)
        return true;
    error_set(error, ERROR_CONFIG,
              "dataset %s is in the location %s, and destination.location says %s", dataset,
              location, wanted);
    return error_hint(error,
                      "a dataset's location never changes: leave destination.location out or set "
                      "it to %s, or name another dataset",
                      location);
}

static bool ask_dataset(const BqScope *scope, const char *dataset, BqTable *table, Error *error)
{
    CLEANUP(json_free_ptr) Json *json = NULL;
    const char *wanted = scope->bq->config.location;
    if (!bq_dataset_get(scope, dataset, &json, error))
        return false;
    const char *location = json_get_text(json, "location");
    table->has_dataset = json != NULL;
    table->location = arena_strdup(scope->arena, location ? location
                                                 : wanted ? wanted
                                                          : default_location);
    table->partition_default_ms = google_int(json, "defaultPartitionExpirationMs", 0);
    return true;
}

static bool place_dataset(const BqScope *scope, const char *dataset, BqTable *table, Error *error)
{
    const char *location = json_get_text(table->json, "location");
    bool known = recall_dataset(scope, dataset, table);
    if (known && (table->json ? table->has_dataset : table->partition_default_ms >= 0))
        return true;
    if (location) {
        table->has_dataset = true;
        table->location = arena_strdup(scope->arena, location);
        table->partition_default_ms = -1;
    } else if (!ask_dataset(scope, dataset, table, error)) {
        return false;
    }
    if (table->has_dataset && !check_location(scope, dataset, table->location, error))
        return false;
    pthread_mutex_lock(&scope->bq->lock);
    remember_dataset(scope->bq, dataset, table);
    pthread_mutex_unlock(&scope->bq->lock);
    return true;
}

bool bq_lookup(const BqScope *scope, const TableRef *table, BqLook look, BqTable *ret_table,
               Error *error)
{
    BigQuery *bq = scope->bq;
    CLEANUP(bq_table_done) BqTable found = {0};
    pthread_mutex_lock(&bq->lock);
    bool kept = take_kept(bq, table, &found.json);
    pthread_mutex_unlock(&bq->lock);
    if (look == LOOK_FRESH)
        bq_table_done(&found);
    if ((!kept || look == LOOK_FRESH) && !bq_table_get(scope, table, &found.json, error))
        return false;
    if (!place_dataset(scope, table->dataset, &found, error))
        return false;
    if (look != LOOK_KEPT) {
        pthread_mutex_lock(&bq->lock);
        keep_table(bq, table, found.json);
        pthread_mutex_unlock(&bq->lock);
    }
    *ret_table = found;
    found = (BqTable){0};
    return true;
}

static Json *dataset_json(const BqScope *scope, const char *dataset, const char *location)
{
    const ConfigLabels *const lists[] = {&scope->bq->config.labels};
    const LabelSubject subject = {0};
    ConfigLabels labels = label_list(&subject, lists, 1, scope->arena);
    Json *json = json_object_new(), *reference = json_object_new();
    json_set_text(reference, "projectId", scope->bq->project);
    json_set_text(reference, "datasetId", dataset);
    json_set(json, "datasetReference", reference);
    json_set_text(json, "location", location);
    json_set_text(json, "description", "Tables loaded by bqferry");
    json_set(json, "labels", label_json(&labels));
    return json;
}

bool bq_need_dataset(const BqScope *scope, const char *dataset, Error *error)
{
    BqTable known = {0};
    if (!recall_dataset(scope, dataset, &known) && !ask_dataset(scope, dataset, &known, error))
        return false;
    if (known.has_dataset)
        return true;
    CLEANUP(json_free_ptr) Json *body = dataset_json(scope, dataset, known.location);
    bool made;
    if (!bq_dataset_insert(scope, body, &made, error))
        return error_prefix(error, "making the dataset %s", dataset);
    if (!made) { /* another was faster, perhaps elsewhere */
        BqTable now = {0};
        if (!ask_dataset(scope, dataset, &now, error) ||
            !check_location(scope, dataset, now.location, error))
            return false;
        if (strcasecmp(now.location, known.location) != 0)
            return error_set_retryable(error, ERROR_TARGET,
                                       "dataset %s was made meanwhile, in the location %s", dataset,
                                       now.location);
        known = now;
    }
    known.has_dataset = true;
    pthread_mutex_lock(&scope->bq->lock);
    remember_dataset(scope->bq, dataset, &known);
    pthread_mutex_unlock(&scope->bq->lock);
    return fault_point("bigquery.dataset.made", error);
}
