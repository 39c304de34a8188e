/* SPDX-License-Identifier: Apache-2.0 */
#include "delivery/job_state.h"

#include <string.h>

static Json *cursor_to_json(const JobCursor *cursor)
{
    if (!cursor->column)
        return NULL;
    Json *json = json_object_new();
    json_set_text(json, "column", cursor->column);
    json_set_text(json, "key_column", cursor->key_column);
    json_set_text(json, "kind", cursor_kind_name(cursor->kind));
    json_set_text(json, "operator", cursor->comparison);
    json_set_text(json, "value", cursor->value);
    json_set_text(json, "key", cursor->key);
    json_set_text(json, "source", cursor->source);
    json_set_text(json, "where", cursor->where);
    json_set_text(json, "destination", cursor->destination);
    json_set_text(json, "table", cursor->table);
    json_set_text(json, "set_by", cursor->set_by);
    json_set_text(json, "set_at", cursor->set_at);
    return json;
}

static Json *backfill_to_json(const JobBackfill *backfill)
{
    if (!backfill->start)
        return NULL;
    Json *json = json_object_new();
    json_set_text(json, "kind", cursor_kind_name(backfill->kind));
    json_set_text(json, "start", backfill->start);
    json_set_text(json, "end", backfill->end);
    json_set_text(json, "done", backfill->done);
    return json;
}

Json *job_state_to_json(const JobState *state)
{
    Json *json = json_object_new();
    json_set(json, "cursor", cursor_to_json(&state->cursor));
    json_set(json, "backfill", backfill_to_json(&state->backfill));
    json_set_text(json, "compared_at", state->compared_at);
    json_set_text(json, "succeeded_at", state->succeeded_at);
    Json *columns = json_array_new();
    for (size_t i = 0; i < state->column_count; i++)
        json_append_text(columns, state->columns[i]);
    json_set(json, "columns", columns);
    return json;
}

static bool is_place(CursorKind kind, const char *text)
{
    int64_t place;
    return text && cursor_parse(kind, text, &place);
}

static bool cursor_from_json(const Json *json, Arena *arena, JobCursor *ret_cursor, Error *error)
{
    if (!json_is_object(json))
        return true;
    JobCursor cursor = {
        .column = arena_strdup(arena, json_get_text(json, "column")),
        .key_column = arena_strdup(arena, json_get_text(json, "key_column")),
        .comparison = arena_strdup(arena, json_get_text(json, "operator")),
        .value = arena_strdup(arena, json_get_text(json, "value")),
        .key = arena_strdup(arena, json_get_text(json, "key")),
        .source = arena_strdup(arena, json_get_text(json, "source")),
        .where = arena_strdup(arena, json_get_text(json, "where")),
        .destination = arena_strdup(arena, json_get_text(json, "destination")),
        .table = arena_strdup(arena, json_get_text(json, "table")),
        .set_by = arena_strdup(arena, json_get_text(json, "set_by")),
        .set_at = arena_strdup(arena, json_get_text(json, "set_at")),
    };
    if (!cursor.column || !cursor.comparison || !cursor.source || !cursor.destination ||
        !cursor.table)
        return error_set(error, ERROR_CONFIG, "the cursor lacks a part");
    if (!cursor_kind_parse(json_get_text(json, "kind"), &cursor.kind) ||
        !is_place(cursor.kind, cursor.value))
        return error_set(error, ERROR_CONFIG, "the cursor's value \"%s\" is none of its kind",
                         cursor.value ? cursor.value : "");
    if (strcmp(cursor.comparison, ">=") != 0 && strcmp(cursor.comparison, ">") != 0)
        return error_set(error, ERROR_CONFIG, "the cursor's operator \"%s\" is unknown",
                         cursor.comparison);
    *ret_cursor = cursor;
    return true;
}

static bool backfill_from_json(const Json *json, Arena *arena, JobBackfill *ret_backfill,
                               Error *error)
{
    if (!json_is_object(json))
        return true;
    JobBackfill backfill = {
        .start = arena_strdup(arena, json_get_text(json, "start")),
        .end = arena_strdup(arena, json_get_text(json, "end")),
        .done = arena_strdup(arena, json_get_text(json, "done")),
    };
    if (!cursor_kind_parse(json_get_text(json, "kind"), &backfill.kind) ||
        !is_place(backfill.kind, backfill.start) || !is_place(backfill.kind, backfill.end) ||
        (backfill.done && !is_place(backfill.kind, backfill.done)))
        return error_set(error, ERROR_CONFIG, "the backfill's places are none of their kind");
    *ret_backfill = backfill;
    return true;
}

bool job_state_from_json(const Json *json, Arena *arena, JobState *ret_state, Error *error)
{
    *ret_state = (JobState){0};
    if (!json_is_object(json))
        return true;
    if (!cursor_from_json(json_get(json, "cursor"), arena, &ret_state->cursor, error) ||
        !backfill_from_json(json_get(json, "backfill"), arena, &ret_state->backfill, error))
        return false;
    const Json *columns = json_get(json, "columns");
    size_t count = json_count(columns);
    const char **names = ARENA_ARRAY(arena, const char *, count);
    for (size_t i = 0; i < count; i++) {
        names[i] = arena_strdup(arena, json_text_of(json_at(columns, i)));
        if (!names[i])
            return error_set(error, ERROR_CONFIG, "a column's name is no text");
    }
    ret_state->columns = names;
    ret_state->column_count = count;
    ret_state->compared_at = arena_strdup(arena, json_get_text(json, "compared_at"));
    ret_state->succeeded_at = arena_strdup(arena, json_get_text(json, "succeeded_at"));
    return true;
}

int64_t job_cursor_next(const JobCursor *cursor)
{
    int64_t place = 0;
    cursor_parse(cursor->kind, cursor->value, &place);
    return strcmp(cursor->comparison, ">") == 0 ? cursor_shift(place, 1) : place;
}
