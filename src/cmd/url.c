/* SPDX-License-Identifier: Apache-2.0 */
#include "cmd/url.h"

#include <string.h>

enum { STARS = 3 };

static void hide(char *from, char *to)
{
    size_t length = (size_t)(to - from);
    size_t stars = length < STARS ? length : STARS;
    size_t rest = strlen(to);
    memset(from, '*', stars);
    memmove(from + stars, to, rest);
    memset(from + stars + rest, '\0', length - stars);
}

/* Up to the last '@': a password with an unescaped '@' or '/' in it is a mistake, not a public
 * text. */
static bool hide_user_password(char *text)
{
    char *authority = strstr(text, "://");
    char *at = strrchr(text, '@');
    if (!authority || !at || at < authority)
        return false;
    char *colon = strchr(authority + 3, ':');
    if (!colon || colon >= at || colon + 1 == at)
        return false;
    hide(colon + 1, at);
    return true;
}

static char *value_end(char *value)
{
    if (*value != '\'')
        return value + strcspn(value, "& ");
    char *end = value + 1;
    while (*end && *end != '\'')
        end += end[0] == '\\' && end[1] ? 2 : 1;
    return *end ? end + 1 : end;
}

static bool hide_keywords(char *text)
{
    static const char keyword[] = "password=";
    bool found = false;
    for (char *at = strcasestr(text, keyword); at; at = strcasestr(at, keyword)) {
        at += sizeof keyword - 1;
        char *end = value_end(at);
        if (end > at) {
            hide(at, end);
            found = true;
        }
    }
    return found;
}

bool url_hide_passwords(char *text)
{
    bool user = hide_user_password(text);
    bool keywords = hide_keywords(text);
    return user || keywords;
}

const char *url_shown(const char *text, Arena *arena)
{
    char *copy = arena_strdup(arena, text);
    if (copy)
        url_hide_passwords(copy);
    return copy;
}

static bool parse_parameters(char *query, Arena *arena, TargetUrl *url, Error *error)
{
    size_t most = url->parameter_count + 1;
    for (const char *mark = query; *mark; mark++)
        most += *mark == '&';
    TargetParameter *parameters = ARENA_ARRAY(arena, TargetParameter, most);
    for (size_t i = 0; i < url->parameter_count; i++)
        parameters[i] = url->parameters[i];
    url->parameters = parameters;
    for (char *part = query; part;) {
        char *ampersand = strchr(part, '&');
        if (ampersand)
            *ampersand = '\0';
        char *equals = strchr(part, '=');
        if (!equals || equals == part || !equals[1])
            return error_set(error, ERROR_USAGE, "TARGET_URL: \"%s\" should be KEY=VALUE", part);
        *equals = '\0';
        parameters[url->parameter_count++] = (TargetParameter){part, equals + 1};
        part = ampersand ? ampersand + 1 : NULL;
    }
    return true;
}

/* "PROJECT/DATASET" becomes two keys; "/DATASET" leaves the project to the credentials. */
static bool parse_bigquery(char *path, const char *text, Arena *arena, TargetUrl *url, Error *error)
{
    char *slash = strchr(path, '/');
    char *dataset = slash ? slash + 1 : path;
    size_t length = strlen(dataset);
    if (length && dataset[length - 1] == '/')
        dataset[length - 1] = '\0';
    if (!slash || !*dataset || strchr(dataset, '/')) {
        error_set(error, ERROR_USAGE, "TARGET_URL: \"%s\" should be bigquery://PROJECT/DATASET",
                  text);
        return error_hint(error, "bigquery:///DATASET takes the project of the credentials; --as "
                                 "names the table");
    }
    *slash = '\0';
    TargetParameter *parameters = ARENA_ARRAY(arena, TargetParameter, 2);
    url->parameters = parameters;
    if (*path)
        parameters[url->parameter_count++] = (TargetParameter){"project", path};
    parameters[url->parameter_count++] = (TargetParameter){"dataset", dataset};
    return true;
}

bool url_parse_target(const char *text, Arena *arena, TargetUrl *ret_url, Error *error)
{
    *ret_url = (TargetUrl){0};
    char *copy = arena_strdup(arena, text);
    char *colon = strchr(copy, ':');
    if (!colon || colon == copy)
        return error_set(error, ERROR_USAGE, "TARGET_URL: \"%s\" should be TYPE:PATH", text);
    *colon = '\0';
    char *path = colon + 1;
    if (strncmp(path, "//", 2) == 0)
        path += 2;
    char *query = strchr(path, '?');
    if (query)
        *query = '\0';
    if (!*path)
        return error_set(error, ERROR_USAGE, "TARGET_URL: \"%s\" names no path", text);
    ret_url->type = copy;
    if (strcmp(copy, "bigquery") != 0)
        ret_url->path = path;
    else if (!parse_bigquery(path, text, arena, ret_url, error))
        return false;
    return !query || parse_parameters(query + 1, arena, ret_url, error);
}
