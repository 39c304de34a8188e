/* SPDX-License-Identifier: Apache-2.0 */
#include "run/request.h"

#include <string.h>

/* Without user and password before the last '@', and without all that follows "password". */
static const char *place_of_url(const char *url, Arena *arena)
{
    if (!url)
        return NULL;
    const char *at = strrchr(url, '@');
    char *place = arena_strdup(arena, at ? at + 1 : url);
    char *secret = strcasestr(place, "password");
    if (secret)
        *secret = '\0';
    return place;
}

static Json *place_json(const ConnectionConfig *connection, Arena *arena)
{
    Json *json = json_object_new();
    json_set_text(json, "url", place_of_url(connection->url, arena));
    json_set_text(json, "host", connection->host);
    json_set_text(json, "port", connection->port);
    json_set_text(json, "database", connection->database);
    json_set_text(json, "service", connection->service);
    return json;
}

static Json *column_json(const ColumnConfig *column)
{
    Json *json = json_object_new();
    json_set_text(json, "name", column->name);
    json_set_text(json, "type", column->type);
    json_set_text(json, "target_name", column->target_name);
    json_set_text(json, "description", column->description);
    json_set_text(json, "on_invalid", column->on_invalid);
    json_set_text(json, "mode", column->mode);
    json_set_text(json, "arrays", column->arrays);
    json_set_text(json, "composites", column->composites);
    json_set_text(json, "naive_timestamps", column->naive_timestamps_type);
    json_set_text(json, "time_zone", column->naive_timestamps_zone);
    return json;
}

static Json *columns_json(const Config *config, const ConnectionConfig *connection,
                          const JobConfig *job)
{
    const ColumnConfig of_connection = {
        .naive_timestamps_type = connection->naive_timestamps_type,
        .naive_timestamps_zone = connection->naive_timestamps_zone,
    };
    Json *json = json_array_new();
    json_append(json, column_json(&config->column_defaults));
    json_append(json, column_json(&of_connection));
    json_append(json, column_json(&job->options));
    for (size_t i = 0; i < job->column_count; i++)
        json_append(json, column_json(&job->columns[i]));
    return json;
}

static Json *select_json(const ConfigText *columns)
{
    Json *json = json_array_new();
    for (size_t i = 0; i < columns->count; i++)
        json_append_text(json, columns->items[i]);
    return json;
}

/* How rows meet those of the target. */
static void set_merge(Json *request, const JobConfig *job)
{
    json_set(request, "key", select_json(&job->key));
    json_set_text(request, "deletes", job->deletes.action);
    json_set_text(request, "mark", job->load == LOAD_SOFT_DELETE ? job->soft_delete.column : NULL);
    json_set_text(request, "mark_type",
                  job->load == LOAD_SOFT_DELETE ? job->soft_delete.type : NULL);
    json_set_bool(request, "changed_only", job->changed_only);
    json_set_bool(request, "metadata_columns", job->metadata_columns);
    json_set_text(request, "evolve", job->evolve);
}

static Json *backfill_json(const BackfillOptions *backfill)
{
    if (!backfill)
        return NULL;
    Json *json = json_object_new();
    json_set_text(json, "start", backfill->start);
    json_set_text(json, "end", backfill->end);
    return json;
}

void request_describe(const RunOptions *options, const RunJob *job, Arena *arena,
                      Intent *ret_wanted)
{
    const JobConfig *own = job->config;
    const ConnectionConfig *connection = config_connection(options->config, own->connection);
    LoadMode load = options->full_refresh ? LOAD_REPLACE : own->load;
    CLEANUP(json_free_ptr) Json *rows = json_object_new();
    json_set_text(rows, "connection", own->connection);
    json_set_text(rows, "relation", job->relation_text);
    json_set_text(rows, "where", own->where);
    json_set(rows, "cursor", select_json(&own->cursor.columns));
    CLEANUP(json_free_ptr) Json *request = json_object_new();
    json_set(request, "rows", json_clone(rows));
    json_set(request, "from", place_json(connection, arena));
    json_set(request, "select", select_json(&own->columns_wanted));
    json_set(request, "columns", columns_json(options->config, connection, own));
    json_set_text(request, "dataset", job->target.dataset);
    json_set_text(request, "table", job->target.table);
    json_set_text(request, "load", load_mode_name(load));
    json_set_int(request, "limit", options->limit);
    json_set(request, "backfill", backfill_json(options->backfill));
    set_merge(request, own);
    *ret_wanted = (Intent){
        .delivery = {.job = job->name, .load = load, .table = job->target},
        .rows = json_dump(rows, arena),
        .request = json_dump(request, arena),
    };
}
