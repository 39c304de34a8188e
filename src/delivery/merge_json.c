/* SPDX-License-Identifier: Apache-2.0 */
#include "delivery/merge_json.h"

#include <string.h>

static const char *const evolve_names[] = {"fail", "add_columns", "relax"};
static const char *const vanished_names[] = {"kept", "marked", "deleted"};

static Json *names_to_json(const char *const *names, size_t count)
{
    Json *json = json_array_new();
    for (size_t i = 0; i < count; i++)
        json_append_text(json, names[i]);
    return json;
}

static Json *range_to_json(const MergeRange *range)
{
    if (!range->column)
        return NULL;
    Json *json = json_object_new();
    json_set_text(json, "column", range->column);
    if (range->has_low)
        json_set_int(json, "low", range->low);
    json_set_int(json, "high", range->high);
    json_set_bool(json, "after_low", range->after_low);
    json_set_bool(json, "through_high", range->through_high);
    return json;
}

Json *merge_to_json(const Delivery *delivery)
{
    const MergeSpec *merge = &delivery->merge;
    Json *json = json_object_new();
    json_set_text(json, "evolve", evolve_names[delivery->evolve]);
    json_set(json, "key", names_to_json(merge->key, merge->key_count));
    json_set(json, "order", names_to_json(merge->order, merge->order_count));
    json_set_bool(json, "key_is_sources", merge->key_is_sources);
    json_set_bool(json, "unique", merge->unique);
    json_set_bool(json, "changed_only", merge->changed_only);
    json_set(json, "emptied", names_to_json(merge->emptied, merge->emptied_count));
    json_set_bool(json, "present", merge->present);
    json_set(json, "range", range_to_json(&merge->range));
    json_set_bool(json, "keys_only", merge->keys_only);
    json_set_bool(json, "whole", merge->whole);
    json_set_text(json, "vanished", vanished_names[merge->vanished]);
    json_set_text(json, "mark", merge->mark);
    json_set_bool(json, "mark_is_bool", merge->mark_is_bool);
    json_set_text(json, "synced_at", delivery->metadata.synced_at);
    json_set_text(json, "run_id", delivery->metadata.run_id);
    json_set_int(json, "at_us", delivery->at_us);
    return json;
}

static bool find_name(const Json *json, const char *key, const char *const *names, size_t count,
                      int *ret_index, Error *error)
{
    const char *name = json_get_text(json, key);
    for (size_t i = 0; name && i < count; i++) {
        if (strcmp(name, names[i]) == 0) {
            *ret_index = (int)i;
            return true;
        }
    }
    return error_set(error, ERROR_CONFIG, "the intent's %s \"%s\" is unknown", key,
                     name ? name : "");
}

static const char *const *read_names(const Json *json, Arena *arena, size_t *ret_count)
{
    size_t count = json_count(json);
    const char **names = ARENA_ARRAY(arena, const char *, count);
    *ret_count = 0;
    for (size_t i = 0; i < count; i++) {
        const char *name = json_text_of(json_at(json, i));
        if (name)
            names[(*ret_count)++] = arena_strdup(arena, name);
    }
    return names;
}

static MergeRange read_range(const Json *json, Arena *arena)
{
    return (MergeRange){
        .column = arena_strdup(arena, json_get_text(json, "column")),
        .has_low = json_get(json, "low") != NULL,
        .low = json_get_int(json, "low", 0),
        .high = json_get_int(json, "high", 0),
        .after_low = json_get_bool(json, "after_low"),
        .through_high = json_get_bool(json, "through_high"),
    };
}

bool merge_from_json(const Json *json, Arena *arena, Delivery *delivery, Error *error)
{
    int evolve, vanished;
    MergeSpec *merge = &delivery->merge;
    if (!json_is_object(json)) /* an intent of before there were merges */
        return true;
    if (!find_name(json, "evolve", evolve_names, sizeof evolve_names / sizeof *evolve_names,
                   &evolve, error) ||
        !find_name(json, "vanished", vanished_names, sizeof vanished_names / sizeof *vanished_names,
                   &vanished, error))
        return false;
    delivery->evolve = (SchemaEvolve)evolve;
    *merge = (MergeSpec){
        .key_is_sources = json_get_bool(json, "key_is_sources"),
        .unique = json_get_bool(json, "unique"),
        .changed_only = json_get_bool(json, "changed_only"),
        .present = json_get_bool(json, "present"),
        .range = read_range(json_get(json, "range"), arena),
        .keys_only = json_get_bool(json, "keys_only"),
        .whole = json_get_bool(json, "whole"),
        .vanished = (Vanished)vanished,
        .mark = arena_strdup(arena, json_get_text(json, "mark")),
        .mark_is_bool = json_get_bool(json, "mark_is_bool"),
    };
    merge->key = read_names(json_get(json, "key"), arena, &merge->key_count);
    merge->order = read_names(json_get(json, "order"), arena, &merge->order_count);
    merge->emptied = read_names(json_get(json, "emptied"), arena, &merge->emptied_count);
    delivery->metadata.synced_at = arena_strdup(arena, json_get_text(json, "synced_at"));
    delivery->metadata.run_id = arena_strdup(arena, json_get_text(json, "run_id"));
    delivery->at_us = json_get_int(json, "at_us", 0);
    return true;
}
