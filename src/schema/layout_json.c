/* SPDX-License-Identifier: Apache-2.0 */
#include "schema/layout_json.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static const char *const units[] = {
    [PARTITION_HOUR] = "HOUR",
    [PARTITION_DAY] = "DAY",
    [PARTITION_MONTH] = "MONTH",
    [PARTITION_YEAR] = "YEAR",
};

const char *partition_unit_name(PartitionKind kind)
{
    return (size_t)kind < sizeof units / sizeof *units ? units[kind] : NULL;
}

/* The API's int64 are texts. */
static void set_int64(Json *object, const char *key, int64_t integer)
{
    char text[24];
    snprintf(text, sizeof text, "%" PRId64, integer);
    json_set_text(object, key, text);
}

static int64_t get_int64(const Json *object, const char *key)
{
    const char *text = json_get_text(object, key);
    return text ? strtoll(text, NULL, 10) : json_get_int(object, key, 0);
}

static Json *texts_json(const char *const *texts, size_t count)
{
    Json *array = json_array_new();
    for (size_t i = 0; i < count; i++)
        json_append_text(array, texts[i]);
    return array;
}

static const char *const *get_texts(const Json *array, Arena *arena, size_t *ret_count)
{
    *ret_count = json_count(array);
    const char **texts = ARENA_ARRAY(arena, const char *, *ret_count);
    for (size_t i = 0; i < *ret_count; i++) {
        const char *text = json_text_of(json_at(array, i));
        texts[i] = arena_strdup(arena, text ? text : "");
    }
    return texts;
}

static void set_partitioning(Json *table, const Partitioning *partitioning)
{
    const char *unit = partition_unit_name(partitioning->kind);
    Json *json = json_object_new();
    if (partitioning->kind == PARTITION_RANGE) {
        Json *range = json_object_new();
        set_int64(range, "start", partitioning->start);
        set_int64(range, "end", partitioning->end);
        set_int64(range, "interval", partitioning->interval);
        json_set_text(json, "field", partitioning->column);
        json_set(json, "range", range);
        json_set(table, "rangePartitioning", json);
    } else {
        json_set_text(json, "type", unit);
        if (partitioning->column)
            json_set_text(json, "field", partitioning->column);
        if (partitioning->expiration_ms)
            set_int64(json, "expirationMs", partitioning->expiration_ms);
        json_set(table, "timePartitioning", json);
    }
    if (partitioning->require_filter)
        json_set_bool(table, "requirePartitionFilter", true);
}

void layout_json_set(Json *table, const TableLayout *layout)
{
    if (layout->partitioning.kind != PARTITION_NONE)
        set_partitioning(table, &layout->partitioning);
    if (layout->cluster_count) {
        Json *clustering = json_object_new();
        json_set(clustering, "fields", texts_json(layout->cluster_by, layout->cluster_count));
        json_set(table, "clustering", clustering);
    }
    if (layout->key_count) {
        Json *constraints = json_object_new(), *key = json_object_new();
        json_set(key, "columns", texts_json(layout->key, layout->key_count));
        json_set(constraints, "primaryKey", key);
        json_set(table, "tableConstraints", constraints);
    }
}

static bool get_time(const Json *json, Arena *arena, Partitioning *partitioning, Error *error)
{
    const char *type = json_get_text(json, "type");
    for (size_t kind = PARTITION_HOUR; type && kind < sizeof units / sizeof *units; kind++) {
        if (strcmp(type, units[kind]) == 0)
            partitioning->kind = (PartitionKind)kind;
    }
    if (partitioning->kind == PARTITION_NONE)
        return error_set(error, ERROR_CONFIG, "the partitioning by time has an unknown type \"%s\"",
                         type ? type : "");
    partitioning->column = arena_strdup(arena, json_get_text(json, "field"));
    partitioning->expiration_ms = get_int64(json, "expirationMs");
    partitioning->require_filter = json_get_bool(json, "requirePartitionFilter");
    return true;
}

static void get_range(const Json *json, Arena *arena, Partitioning *partitioning)
{
    const Json *range = json_get(json, "range");
    *partitioning = (Partitioning){
        .kind = PARTITION_RANGE,
        .column = arena_strdup(arena, json_get_text(json, "field")),
        .start = get_int64(range, "start"),
        .end = get_int64(range, "end"),
        .interval = get_int64(range, "interval"),
    };
}

bool layout_json_get(const Json *table, Arena *arena, TableLayout *ret_layout, Error *error)
{
    TableLayout layout = {0};
    const Json *time = json_get(table, "timePartitioning");
    const Json *range = json_get(table, "rangePartitioning");
    if (time && !get_time(time, arena, &layout.partitioning, error))
        return false;
    if (range)
        get_range(range, arena, &layout.partitioning);
    if (json_get_bool(table, "requirePartitionFilter"))
        layout.partitioning.require_filter = true;
    layout.cluster_by =
        get_texts(json_get(json_get(table, "clustering"), "fields"), arena, &layout.cluster_count);
    const Json *constraints = json_get(table, "tableConstraints");
    layout.key = get_texts(json_get(json_get(constraints, "primaryKey"), "columns"), arena,
                           &layout.key_count);
    *ret_layout = layout;
    return true;
}
