/* SPDX-License-Identifier: Apache-2.0 */
#include "net/credentials/gcloud.h"

#include "format/file.h"

#include <stdlib.h>
#include <string.h>

enum { FILE_MAX = 256 * 1024 };

static const char *set_variable(const char *name)
{
    const char *value = getenv(name);
    return value && *value ? value : NULL;
}

const char *gcloud_folder(Arena *arena)
{
    const char *folder = set_variable("CLOUDSDK_CONFIG"), *home = set_variable("HOME");
    if (folder)
        return arena_strdup(arena, folder);
    return home ? arena_printf(arena, "%s/.config/gcloud", home) : NULL;
}

static char *trimmed(char *text)
{
    text += strspn(text, " \t\r");
    size_t length = strlen(text);
    while (length > 0 && strchr(" \t\r", text[length - 1]))
        text[--length] = '\0';
    return text;
}

const char *gcloud_ini_value(StrView text, const char *section, const char *key, Arena *arena)
{
    char *rest = text.length ? arena_strndup(arena, text.data, text.length) : NULL;
    bool inside = false;
    while (rest) {
        char *line = trimmed(strsep(&rest, "\n"));
        size_t length = strlen(line);
        if (*line == '[' && line[length - 1] == ']') {
            line[length - 1] = '\0';
            inside = strcmp(trimmed(line + 1), section) == 0;
            continue;
        }
        char *equals = strchr(line, '=');
        if (!inside || !equals || *line == '#' || *line == ';')
            continue;
        *equals = '\0';
        char *value = trimmed(equals + 1);
        if (strcmp(trimmed(line), key) == 0 && *value)
            return value;
    }
    return NULL;
}

static const char *first_line(const char *path, Arena *arena)
{
    StrView text;
    if (!file_read(path, FILE_MAX, arena, &text, NULL) || !text.data)
        return NULL;
    char *line = arena_strndup(arena, text.data, strcspn(text.data, "\n"));
    line = trimmed(line);
    return *line && !strchr(line, '/') ? line : NULL;
}

const char *gcloud_project(Arena *arena)
{
    const char *said = set_variable("CLOUDSDK_CORE_PROJECT");
    const char *folder = gcloud_folder(arena);
    if (said || !folder)
        return said ? arena_strdup(arena, said) : NULL;
    const char *name = set_variable("CLOUDSDK_ACTIVE_CONFIG_NAME");
    if (!name)
        name = first_line(arena_printf(arena, "%s/active_config", folder), arena);
    const char *path =
        arena_printf(arena, "%s/configurations/config_%s", folder, name ? name : "default");
    StrView text;
    if (!file_read(path, FILE_MAX, arena, &text, NULL) || !text.data)
        return NULL;
    return gcloud_ini_value(text, "core", "project", arena);
}
