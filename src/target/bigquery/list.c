/* SPDX-License-Identifier: Apache-2.0 */
#include "target/bigquery/list.h"

#include "target/bigquery/explain.h"

#include <ctype.h>
#include <string.h>

typedef struct Listing {
    const BqScope *scope;
    const char **datasets;
    size_t dataset_count, dataset_room;
    const char *dataset; /* whose tables are listed now */
    TargetTableList *list;
    size_t room;
} Listing;

static bool take_datasets(void *context, const Json *page, Error *error)
{
    Listing *listing = context;
    const Json *found = json_get(page, "datasets");
    (void)error;
    for (size_t i = 0; i < json_count(found); i++) {
        const Json *reference = json_get(json_at(found, i), "datasetReference");
        if (listing->dataset_count == listing->dataset_room) {
            size_t room = listing->dataset_room ? 2 * listing->dataset_room : 32;
            const char **grown = ARENA_ARRAY(listing->scope->arena, const char *, room);
            if (listing->dataset_count)
                memcpy(grown, listing->datasets, listing->dataset_count * sizeof *grown);
            listing->datasets = grown;
            listing->dataset_room = room;
        }
        listing->datasets[listing->dataset_count++] =
            arena_strdup(listing->scope->arena, json_get_text(reference, "datasetId"));
    }
    return true;
}

/* "MATERIALIZED_VIEW" becomes "materialized view". */
static const char *kind_text(const char *type, Arena *arena)
{
    char *kind = arena_strdup(arena, type ? type : "TABLE");
    for (char *at = kind; *at; at++)
        *at = *at == '_' ? ' ' : (char)tolower((unsigned char)*at);
    return kind;
}

static bool take_tables(void *context, const Json *page, Error *error)
{
    Listing *listing = context;
    Arena *arena = listing->scope->arena;
    const Json *found = json_get(page, "tables");
    (void)error;
    for (size_t i = 0; i < json_count(found); i++) {
        const Json *table = json_at(found, i);
        TargetTableList *list = listing->list;
        if (list->count == listing->room) {
            size_t room = listing->room ? 2 * listing->room : 64;
            TargetTableName *grown = ARENA_ARRAY(arena, TargetTableName, room);
            if (list->count)
                memcpy(grown, list->tables, list->count * sizeof *grown);
            list->tables = grown;
            listing->room = room;
        }
        list->tables[list->count++] = (TargetTableName){
            .dataset = listing->dataset,
            .table =
                arena_strdup(arena, json_get_text(json_get(table, "tableReference"), "tableId")),
            .kind = kind_text(json_get_text(table, "type"), arena),
        };
    }
    return true;
}

static bool list_pages(Listing *listing, const char *id, const char *path, GooglePage *take,
                       Error *error)
{
    CLEANUP(google_failure_done) GoogleFailure failure = {0};
    const UrlParam query[] = {{"maxResults", "1000"}, {NULL, NULL}};
    GoogleCall call = {.id = id, .method = "GET", .path = path, .query = query};
    return google_pages(listing->scope->bq->api, &call, take, listing, &failure, error) ||
           explain(id, failure.reason, failure.message, error);
}

bool bq_list(Target *target, const char *dataset, Arena *arena, TargetTableList *ret_list,
             Error *error)
{
    const BqScope scope = {.bq = (BigQuery *)target, .arena = arena};
    const char *project = scope.bq->project;
    Listing listing = {.scope = &scope, .datasets = &dataset, .dataset_count = 1, .list = ret_list};
    *ret_list = (TargetTableList){0};
    if (!dataset) {
        listing.dataset_count = 0;
        if (!list_pages(&listing, "bigquery.datasets.list",
                        url_path(arena, "/projects/%s/datasets", project), take_datasets, error))
            return false;
    }
    for (size_t i = 0; i < listing.dataset_count; i++) {
        listing.dataset = listing.datasets[i];
        if (!list_pages(
                &listing, "bigquery.tables.list",
                url_path(arena, "/projects/%s/datasets/%s/tables", project, listing.dataset),
                take_tables, error))
            return false;
    }
    return true;
}
