/* SPDX-License-Identifier: Apache-2.0 */
#include "config/expand.h"

#include "base/buffer.h"
#include "base/cleanup.h"
#include "base/utf8.h"
#include "format/file.h"

#include <stdlib.h>
#include <string.h>

enum { EXPANDED_MAX = 1024 * 1024, FILE_VALUE_MAX = 64 * 1024 };

static const char *find_variable(const Expander *expander, const char *name)
{
    if (expander->sealed)
        return NULL;
    const char *value = getenv(name);
    return value ? value : env_file_get(expander->env, name);
}

static bool missing(const Expander *expander, const char *name, Error *error)
{
    return error_set(error, ERROR_CONFIG,
                     "${%s} is not set: set it in the environment, put %s=… into %s, or write "
                     "${%s:-default}",
                     name, name, expander->env_path, name);
}

/* `inside` is what stands between the braces. */
static bool expand_variable(const Expander *expander, StrView inside, Arena *arena,
                            StrView *ret_value, Error *error)
{
    const char *name = arena_strndup(arena, inside.data, inside.length);
    size_t length = env_name_length(name);
    const char *rest = name + length;
    if (length == 0 || (*rest != '\0' && strncmp(rest, ":-", 2) != 0))
        return error_set(
            error, ERROR_CONFIG,
            "expected ${NAME}, ${NAME:-default} or ${file:PATH}; write $${ for the two "
            "characters ${ themselves");
    const char *otherwise = *rest ? rest + 2 : NULL;
    const char *value = find_variable(expander, arena_strndup(arena, name, length));
    if (otherwise && (!value || *value == '\0'))
        value = otherwise;
    if (!value)
        return missing(expander, arena_strndup(arena, name, length), error);
    if (!utf8_is_valid(view_of(value)))
        return error_set(error, ERROR_CONFIG, "the value of ${%.*s} is not UTF-8", (int)length,
                         name);
    *ret_value = view_of(value);
    return true;
}

static bool expand_file(const Expander *expander, StrView name, Arena *arena, StrView *ret_value,
                        Error *error)
{
    if (expander->sealed || name.length == 0)
        return error_set(error, ERROR_CONFIG, "${file:PATH} cannot be read here");
    const char *path =
        path_in(expander->directory, arena_strndup(arena, name.data, name.length), arena);
    if (!file_read(path, FILE_VALUE_MAX, arena, ret_value, error))
        return error_prefix(error, "${file:%.*s}", VIEW_ARGS(name));
    if (!ret_value->data)
        return error_set(error, ERROR_CONFIG, "${file:%.*s}: there is no file %s", VIEW_ARGS(name),
                         path);
    if (!utf8_is_valid(*ret_value) || memchr(ret_value->data, '\0', ret_value->length))
        return error_set(error, ERROR_CONFIG, "${file:%.*s}: %s is not a UTF-8 text",
                         VIEW_ARGS(name), path);
    StrView *value = ret_value;
    value->length -= value->length > 0 && value->data[value->length - 1] == '\n';
    value->length -= value->length > 0 && value->data[value->length - 1] == '\r';
    return true;
}

/* *at points to "${"; moves it behind the brace that closes. */
static bool expand_one(const Expander *expander, const char **at, Arena *arena, StrView *ret_value,
                       Error *error)
{
    const char *start = *at + 2, *end = strchr(start, '}');
    if (!end)
        return error_set(error, ERROR_CONFIG,
                         "${ without a }; write $${ for the two characters ${ themselves");
    StrView inside = {start, (size_t)(end - start)};
    *at = end + 1;
    if (memmem(inside.data, inside.length, "${", 2))
        return error_set(error, ERROR_CONFIG, "${…} inside ${…} is not supported");
    if (inside.length >= 5 && memcmp(inside.data, "file:", 5) == 0)
        return expand_file(expander, (StrView){start + 5, inside.length - 5}, arena, ret_value,
                           error);
    return expand_variable(expander, inside, arena, ret_value, error);
}

static bool expand_next(const Expander *expander, const char **at, Arena *arena, StrView *ret_piece,
                        Error *error)
{
    if (strncmp(*at, "$${", 3) == 0) {
        *ret_piece = (StrView){"${", 2};
        *at += 3;
        return true;
    }
    if (strncmp(*at, "${", 2) == 0)
        return expand_one(expander, at, arena, ret_piece, error);
    size_t length = **at == '$' ? 1 : strcspn(*at, "$");
    *ret_piece = (StrView){*at, length};
    *at += length;
    return true;
}

bool expand_text(const Expander *expander, const char *text, Arena *arena, const char **ret_text,
                 Error *error)
{
    *ret_text = text;
    if (!strstr(text, "${"))
        return true;
    CLEANUP(buffer_done) Buffer buffer;
    buffer_init(&buffer, EXPANDED_MAX);
    for (const char *at = text; *at;) {
        StrView piece = {0};
        if (!expand_next(expander, &at, arena, &piece, error))
            return false;
        if (!buffer_append(&buffer, piece.data, piece.length, NULL))
            return error_set(error, ERROR_CONFIG, "the expanded text is larger than %d bytes",
                             EXPANDED_MAX);
    }
    *ret_text = arena_strndup(arena, buffer.length ? buffer.data : "", buffer.length);
    return true;
}

const char *path_in(const char *directory, const char *path, Arena *arena)
{
    while (strncmp(path, "./", 2) == 0)
        path += 2 + strspn(path + 2, "/");
    size_t length = strlen(path);
    while (length > 1 && path[length - 1] == '/')
        length--;
    if (*path == '/')
        return arena_strndup(arena, path, length);
    if (length == 0 || strcmp(path, ".") == 0)
        return arena_strdup(arena, directory);
    const char *slash = strcmp(directory, "/") == 0 ? "" : "/";
    return arena_printf(arena, "%s%s%.*s", directory, slash, (int)length, path);
}
