/* SPDX-License-Identifier: Apache-2.0 */
#include "format/json.h"

#include "base/memory.h"
#include "base/utf8.h"
#include "format/file.h"

#include <jansson.h>
#include <string.h>

#undef json_is_object /* the library's macros; ours are functions */
#undef json_is_array

enum { JSON_FILE_MAX = 64 * 1024 * 1024 };

static const char replacement[] = "\xef\xbf\xbd";

static json_t *library_of(const Json *json)
{
    return (json_t *)(uintptr_t)json;
}

/* The library gives NULL only for want of memory: all else is checked before. */
static json_t *made(json_t *json)
{
    if (!json)
        memory_exhausted(0);
    return json;
}

static void done(int status)
{
    if (status != 0)
        memory_exhausted(0);
}

/* The text itself when it is UTF-8, else a repaired copy that the caller frees. */
static char *repaired_copy(const char *text)
{
    size_t length = strlen(text);
    char *copy = memory_alloc(length * (sizeof replacement - 1) + 1);
    char *end = copy;
    for (size_t i = 0; i < length;) {
        size_t sequence = utf8_sequence_length((StrView){text + i, length - i});
        if (sequence == 0) {
            end = stpcpy(end, replacement);
            i++;
            continue;
        }
        memcpy(end, text + i, sequence);
        end += sequence;
        i += sequence;
    }
    *end = '\0';
    return copy;
}

static json_t *text_value(const char *text)
{
    if (!text)
        return json_null();
    if (utf8_is_valid(view_of(text)))
        return made(json_string_nocheck(text));
    CLEANUP(free_ptr) char *copy = repaired_copy(text);
    return made(json_string_nocheck(copy));
}

static void set(Json *object, const char *key, json_t *child)
{
    if (utf8_is_valid(view_of(key))) {
        done(json_object_set_new_nocheck(library_of(object), key, child));
        return;
    }
    CLEANUP(free_ptr) char *copy = repaired_copy(key);
    done(json_object_set_new_nocheck(library_of(object), copy, child));
}

static char *dump(const Json *json, size_t flags, Arena *arena)
{
    CLEANUP(free_ptr) char *text = json_dumps(library_of(json), flags | JSON_ENCODE_ANY);
    if (!text)
        memory_exhausted(0);
    return arena_strdup(arena, text);
}

static bool fail_at(const char *name, const json_error_t *problem, Error *error)
{
    return error_set(error, ERROR_CONFIG, "%s:%d:%d: %s", name, problem->line,
                     problem->column > 0 ? problem->column : 1, problem->text);
}

Json *json_object_new(void)
{
    return (Json *)made(json_object());
}

Json *json_array_new(void)
{
    return (Json *)made(json_array());
}

void json_free(Json *json)
{
    json_decref(library_of(json));
}

void json_set(Json *object, const char *key, Json *child)
{
    set(object, key, child ? library_of(child) : json_null());
}

void json_set_text(Json *object, const char *key, const char *text)
{
    set(object, key, text_value(text));
}

void json_set_int(Json *object, const char *key, int64_t integer)
{
    set(object, key, made(json_integer(integer)));
}

void json_set_real(Json *object, const char *key, double real)
{
    set(object, key, made(json_real(real)));
}

void json_set_bool(Json *object, const char *key, bool boolean)
{
    set(object, key, json_boolean(boolean));
}

void json_append(Json *array, Json *child)
{
    done(json_array_append_new(library_of(array), child ? library_of(child) : json_null()));
}

void json_append_text(Json *array, const char *text)
{
    done(json_array_append_new(library_of(array), text_value(text)));
}

Json *json_clone(const Json *json)
{
    return (Json *)made(json_deep_copy(library_of(json)));
}

bool json_is_object(const Json *json)
{
    return json && json_typeof(library_of(json)) == JSON_OBJECT;
}

bool json_is_array(const Json *json)
{
    return json && json_typeof(library_of(json)) == JSON_ARRAY;
}

size_t json_count(const Json *array)
{
    return json_array_size(library_of(array));
}

Json *json_at(const Json *array, size_t index)
{
    return (Json *)json_array_get(library_of(array), index);
}

Json *json_get(const Json *object, const char *key)
{
    return (Json *)json_object_get(library_of(object), key);
}

const char *json_get_text(const Json *object, const char *key)
{
    return json_text_of(json_get(object, key));
}

bool json_get_bool(const Json *object, const char *key)
{
    return json_is_true(library_of(json_get(object, key)));
}

double json_get_real(const Json *object, const char *key, double otherwise)
{
    const json_t *child = library_of(json_get(object, key));
    return json_is_number(child) ? json_number_value(child) : otherwise;
}

int64_t json_get_int(const Json *object, const char *key, int64_t otherwise)
{
    const json_t *child = library_of(json_get(object, key));
    return json_is_integer(child) ? json_integer_value(child) : otherwise;
}

const char *json_next_key(const Json *object, const char *key)
{
    json_t *library = library_of(object);
    void *at = key ? json_object_iter_next(library, json_object_iter_at(library, key))
                   : json_object_iter(library);
    return json_object_iter_key(at);
}

const char *json_text_of(const Json *json)
{
    return json_string_value(library_of(json));
}

bool json_parse(const char *text, size_t length, const char *name, Json **ret_json, Error *error)
{
    json_error_t problem;
    *ret_json = (Json *)json_loadb(text, length, JSON_REJECT_DUPLICATES, &problem);
    return *ret_json || fail_at(name, &problem, error);
}

bool json_read_file(const char *path, Json **ret_json, Error *error)
{
    CLEANUP(arena_done) Arena arena = {0};
    StrView text;
    *ret_json = NULL;
    if (!file_read(path, JSON_FILE_MAX, &arena, &text, error))
        return false;
    return !text.data || json_parse(text.data, text.length, path, ret_json, error);
}

bool json_write_file(const char *path, const Json *json, Error *error)
{
    CLEANUP(arena_done) Arena arena = {0};
    const char *text = dump(json, JSON_INDENT(2), &arena);
    const char *line = arena_printf(&arena, "%s\n", text);
    return file_replace(path, view_of(line), error);
}

void json_print(FILE *out, const Json *json, bool pretty)
{
    CLEANUP(arena_done) Arena arena = {0};
    fprintf(out, "%s\n", dump(json, pretty ? JSON_INDENT(2) : JSON_COMPACT, &arena));
}

char *json_dump(const Json *json, Arena *arena)
{
    return dump(json, JSON_COMPACT, arena);
}
