/* SPDX-License-Identifier: Apache-2.0 */
#include "target/bigquery/gc.h"

#include "base/id.h"
#include "target/bigquery/calls.h"
#include "target/bigquery/way.h"

#include <ctype.h>
#include <string.h>

typedef struct Gc {
    BqScope scope;
    const GcRequest *request;
    GcItem *items;
    size_t count, room;
    size_t head; /* bytes before the run's id in objects' names */
    GcsScope gcs;
} Gc;

static void add_item(Gc *gc, const char *what, const char *run_id)
{
    Arena *arena = gc->scope.arena;
    if (gc->count == gc->room) {
        gc->room = gc->room ? gc->room * 2 : 16;
        GcItem *grown = ARENA_ARRAY(arena, GcItem, gc->room);
        if (gc->count)
            memcpy(grown, gc->items, gc->count * sizeof *grown);
        gc->items = grown;
    }
    gc->items[gc->count++] = (GcItem){what, gc_run_id(run_id, arena)};
}

/* The run id ("_" for "-") in bqferry_staging_TABLE_RUN_ATTEMPT, maybe with _unique (way.h,
 * merge.h); NULL: it is none. */
static const char *run_of_staging(const char *name, Arena *arena)
{
    static const char unique[] = "_unique";
    size_t length = strlen(name), head = strlen(BQ_STAGING_PREFIX);
    if (length > sizeof unique && strcmp(name + length - (sizeof unique - 1), unique) == 0)
        length -= sizeof unique - 1;
    while (length > head && isdigit((unsigned char)name[length - 1]))
        length--;
    if (length <= head + ID_LENGTH + 1 || name[length - 1] != '_')
        return NULL;
    const char *run = name + length - 1 - ID_LENGTH;
    int64_t ignored;
    return run[-1] == '_' && id_time(run, &ignored) ? arena_strndup(arena, run, ID_LENGTH) : NULL;
}

static bool collect_tables(Gc *gc, const char *dataset, Error *error)
{
    const char *const *names;
    size_t count;
    if (!bq_table_names(&gc->scope, dataset, BQ_STAGING_PREFIX, &names, &count, error))
        return false;
    for (size_t i = 0; i < count; i++) {
        const TableRef table = {dataset, names[i]};
        const char *run_id = run_of_staging(names[i], gc->scope.arena);
        if (!run_id || !gc_is_ownerless(gc->request, run_id))
            continue;
        if (!gc->request->dry && !bq_table_delete(&gc->scope, &table, error))
            return false;
        add_item(gc, arena_printf(gc->scope.arena, "table %s.%s", dataset, names[i]), run_id);
    }
    return true;
}

static bool collect_object(void *context, const GcsObject *object, Error *error)
{
    Gc *gc = context;
    const char *run_id = object->name + gc->head;
    if (strlen(object->name) <= gc->head + ID_LENGTH || run_id[ID_LENGTH] != '/' ||
        !gc_is_ownerless(gc->request, run_id))
        return true;
    if (!gc->request->dry && !gcs_delete(&gc->gcs, object->name, object->generation, NULL, error))
        return false;
    add_item(gc, arena_printf(gc->scope.arena, "gs://%s/%s", gc->gcs.bucket, object->name), run_id);
    return true;
}

static bool collect_objects(Gc *gc, Error *error)
{
    const BigQueryConfig *config = &gc->scope.bq->config;
    if (!config->bucket)
        return true;
    const char *prefix =
        arena_printf(gc->scope.arena, "%s/", config->prefix ? config->prefix : BQ_OBJECT_PREFIX);
    gc->gcs = bq_gcs(&gc->scope, config->bucket);
    gc->head = strlen(prefix);
    return gcs_list(&gc->gcs, prefix, collect_object, gc, error);
}

bool bq_gc(Target *target, const GcRequest *request, Arena *arena, GcList *ret_list, Error *error)
{
    Gc gc = {.scope = {.bq = (BigQuery *)target, .arena = arena}, .request = request};
    bool done = true;
    for (size_t i = 0; done && i < request->dataset_count; i++)
        done = collect_tables(&gc, request->datasets[i], error);
    done = done && collect_objects(&gc, error);
    *ret_list = (GcList){gc.items, gc.count};
    return done;
}
