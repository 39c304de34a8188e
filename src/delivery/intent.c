/* SPDX-License-Identifier: Apache-2.0 */
#include "delivery/intent.h"

#include "base/id.h"
#include "delivery/merge_json.h"
#include "schema/field_json.h"
#include "schema/layout_json.h"

#include <string.h>

static const char *const phase_names[] = {"extracting", "counted"};

static Json *partitions_to_json(const ShardResult *result)
{
    Json *json = json_array_new();
    for (size_t i = 0; i < result->partition_count; i++)
        json_append_text(json, result->partitions[i]);
    return json;
}

static Json *shard_to_json(const Shard *shard, const ShardResult *result)
{
    Json *json = json_object_new();
    json_set_text(json, "method", shard->method);
    json_set_text(json, "relation", shard->relation);
    json_set_text(json, "predicate", shard->predicate);
    if (result) {
        json_set_int(json, "rows", (int64_t)result->rows);
        json_set_int(json, "bytes", (int64_t)result->bytes);
        json_set_text(json, "checksum", result->checksum);
        if (result->handle)
            json_set_text(json, "handle", result->handle);
        if (result->partition_count)
            json_set(json, "partitions", partitions_to_json(result));
    }
    return json;
}

static Json *layout_to_json(const TableLayout *layout)
{
    Json *json = json_object_new();
    layout_json_set(json, layout);
    json_set_bool(json, "immutable", layout->partitioning.immutable);
    return json;
}

Json *intent_to_json(const Intent *intent)
{
    const Delivery *delivery = &intent->delivery;
    Json *json = json_object_new();
    json_set_text(json, "phase", phase_names[intent->phase]);
    json_set_text(json, "run_id", delivery->run_id);
    json_set_int(json, "attempt", delivery->attempt);
    json_set_text(json, "load", load_mode_name(delivery->load));
    json_set_text(json, "destination", intent->destination);
    json_set_text(json, "dataset", delivery->table.dataset);
    json_set_text(json, "table", delivery->table.table);
    json_set_text(json, "format", delivery->format);
    json_set_text(json, "rows", intent->rows);
    json_set_text(json, "request", intent->request);
    json_set_text(json, "snapshot", intent->snapshot);
    json_set_text(json, "source", delivery->source);
    json_set_text(json, "arranged", delivery->arranged);
    json_set_int(json, "apply_attempt", delivery->apply_attempt);
    json_set_bool(json, "replace_partitions", delivery->replace_partitions);
    json_set(json, "schema", field_json_from_schema(&delivery->schema));
    json_set(json, "layout", layout_to_json(&delivery->layout));
    json_set(json, "merge", merge_to_json(delivery));
    json_set_text(json, "purpose", intent->purpose);
    json_set_bool(json, "continues", intent->continues);
    json_set_bool(json, "completes", intent->completes);
    json_set_text(json, "low", intent->low);
    json_set_text(json, "high", intent->high);
    json_set(json, "next", intent->has_next ? job_state_to_json(&intent->next) : NULL);
    Json *shards = json_array_new();
    for (size_t i = 0; i < delivery->shard_count; i++)
        json_append(shards, shard_to_json(&intent->shards[i],
                                          delivery->shards ? &delivery->shards[i] : NULL));
    json_set(json, "shards", shards);
    return json;
}

static ShardResult read_result(const Json *shard, Arena *arena)
{
    const Json *partitions = json_get(shard, "partitions");
    size_t count = json_count(partitions);
    const char **ids = ARENA_ARRAY(arena, const char *, count);
    for (size_t i = 0; i < count; i++)
        ids[i] = arena_strdup(arena, json_text_of(json_at(partitions, i)));
    return (ShardResult){
        .rows = (uint64_t)json_get_int(shard, "rows", 0),
        .bytes = (uint64_t)json_get_int(shard, "bytes", 0),
        .checksum = arena_strdup(arena, json_get_text(shard, "checksum")),
        .handle = arena_strdup(arena, json_get_text(shard, "handle")),
        .partitions = ids,
        .partition_count = count,
    };
}

/* Zero shards are no shards; what is no list at all is damage. */
static bool read_shards(const Json *shards, Arena *arena, Intent *intent, Error *error)
{
    size_t count = json_count(shards);
    if (!json_is_array(shards))
        return error_set(error, ERROR_CONFIG, "the intent has no list of shards");
    Shard *bounds = ARENA_ARRAY(arena, Shard, count);
    ShardResult *results = ARENA_ARRAY(arena, ShardResult, count);
    for (size_t i = 0; i < count; i++) {
        const Json *shard = json_at(shards, i);
        if (intent->phase == INTENT_COUNTED && json_get_int(shard, "rows", -1) < 0)
            return error_set(error, ERROR_CONFIG, "shard %zu of the intent has no count of rows",
                             i);
        bounds[i] = (Shard){
            .method = arena_strdup(arena, json_get_text(shard, "method")),
            .relation = arena_strdup(arena, json_get_text(shard, "relation")),
            .predicate = arena_strdup(arena, json_get_text(shard, "predicate")),
            .row_estimate = -1,
        };
        results[i] = read_result(shard, arena);
    }
    intent->shards = bounds;
    intent->delivery.shard_count = count;
    intent->delivery.shards = intent->phase == INTENT_COUNTED ? results : NULL;
    return true;
}

static bool read_words(const Json *json, Intent *intent, Error *error)
{
    const char *phase = json_get_text(json, "phase");
    const char *load = json_get_text(json, "load");
    if (!phase || !load || !load_mode_parse(load, &intent->delivery.load))
        return error_set(error, ERROR_CONFIG, "the intent's phase or load mode is missing");
    for (size_t i = 0; i < sizeof phase_names / sizeof *phase_names; i++) {
        if (strcmp(phase, phase_names[i]) == 0) {
            intent->phase = (IntentPhase)i;
            return true;
        }
    }
    return error_set(error, ERROR_CONFIG, "the intent's phase \"%s\" is unknown", phase);
}

static bool read_layout(const Json *json, Arena *arena, Delivery *delivery, Error *error)
{
    const Json *layout = json_get(json, "layout");
    const Json *schema = json_get(json, "schema");
    if (!schema)
        return error_set(error, ERROR_CONFIG, "the intent has no schema");
    if (!field_json_to_schema(schema, arena, &delivery->schema, error))
        return error_prefix(error, "the intent's schema");
    if (!layout_json_get(layout, arena, &delivery->layout, error))
        return error_prefix(error, "the intent's layout");
    delivery->layout.partitioning.immutable = json_get_bool(layout, "immutable");
    return true;
}

/* It names files, tables and jobs. */
static bool is_run_id(const char *text)
{
    static const char letters[] = "0123456789abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ-";
    return text && *text && strlen(text) < ID_SIZE && text[strspn(text, letters)] == '\0';
}

bool intent_from_json(const Json *json, Arena *arena, Intent *ret_intent, Error *error)
{
    Intent intent = {0};
    if (!read_words(json, &intent, error))
        return false;
    Delivery *delivery = &intent.delivery;
    delivery->run_id = arena_strdup(arena, json_get_text(json, "run_id"));
    delivery->attempt = (int)json_get_int(json, "attempt", 0);
    delivery->table.dataset = arena_strdup(arena, json_get_text(json, "dataset"));
    delivery->table.table = arena_strdup(arena, json_get_text(json, "table"));
    delivery->format = arena_strdup(arena, json_get_text(json, "format"));
    delivery->source = arena_strdup(arena, json_get_text(json, "source"));
    delivery->arranged = arena_strdup(arena, json_get_text(json, "arranged"));
    delivery->apply_attempt = (int)json_get_int(json, "apply_attempt", 1);
    delivery->replace_partitions = json_get_bool(json, "replace_partitions");
    intent.destination = arena_strdup(arena, json_get_text(json, "destination"));
    intent.rows = arena_strdup(arena, json_get_text(json, "rows"));
    intent.request = arena_strdup(arena, json_get_text(json, "request"));
    intent.snapshot = arena_strdup(arena, json_get_text(json, "snapshot"));
    if (!is_run_id(delivery->run_id) || delivery->attempt < 1 || !delivery->table.dataset ||
        !delivery->table.table || !intent.destination)
        return error_set(error, ERROR_CONFIG, "the intent lacks its run id, attempt or target");
    intent.purpose = arena_strdup(arena, json_get_text(json, "purpose"));
    intent.continues = json_get_bool(json, "continues");
    intent.completes = json_get_bool(json, "completes");
    intent.low = arena_strdup(arena, json_get_text(json, "low"));
    intent.high = arena_strdup(arena, json_get_text(json, "high"));
    intent.has_next = json_is_object(json_get(json, "next"));
    if (!read_layout(json, arena, delivery, error) ||
        !merge_from_json(json_get(json, "merge"), arena, delivery, error) ||
        !job_state_from_json(json_get(json, "next"), arena, &intent.next, error) ||
        !read_shards(json_get(json, "shards"), arena, &intent, error))
        return false;
    *ret_intent = intent;
    return true;
}
