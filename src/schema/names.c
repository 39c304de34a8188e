/* SPDX-License-Identifier: Apache-2.0 */
#include "schema/names.h"

#include "base/json_text.h"
#include "base/memory.h"

#include <stdlib.h>
#include <string.h>
#include <strings.h>

enum { NAME_MAX_LENGTH = 300 };

static const char *const reserved_prefixes[] = {
    "_TABLE_",
    "_FILE_",
    "_PARTITION",
    "_ROW_TIMESTAMP",
    "__ROOT__",
    "_COLIDENTIFIER",
    "_CHANGE_SEQUENCE_NUMBER",
    "_CHANGE_TYPE",
    "_CHANGE_TIMESTAMP",
};

static bool is_digit(char c)
{
    return c >= '0' && c <= '9';
}

static bool is_name_character(char c)
{
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || is_digit(c) || c == '_';
}

static bool has_reserved_prefix(const char *name)
{
    for (size_t i = 0; i < sizeof reserved_prefixes / sizeof *reserved_prefixes; i++) {
        if (strncasecmp(name, reserved_prefixes[i], strlen(reserved_prefixes[i])) == 0)
            return true;
    }
    return false;
}

const char *name_problem(const char *name, bool is_member)
{
    if (!*name)
        return "is empty";
    for (const char *c = name; *c; c++) {
        if (!is_name_character(*c))
            return "has characters other than letters, digits and _";
    }
    if (is_digit(*name))
        return "begins with a digit";
    if (strlen(name) > NAME_MAX_LENGTH)
        return "is longer than 300 characters";
    if (!is_member && has_reserved_prefix(name))
        return "begins with a word that BigQuery keeps for itself";
    return NULL;
}

const char *name_suggest(const char *name, Arena *arena)
{
    while (has_reserved_prefix(name))
        name++;
    char *suggestion = arena_alloc(arena, strlen(name) + sizeof "_");
    size_t length = 0;
    if (!*name || is_digit(*name))
        suggestion[length++] = '_';
    for (; *name && length < NAME_MAX_LENGTH; name++) {
        bool continues = ((unsigned char)*name & 0xc0) == 0x80;
        if (!continues) /* one underscore a character, however many bytes it has */
            suggestion[length++] = is_name_character(*name) ? *name : '_';
    }
    suggestion[length] = '\0';
    return suggestion;
}

const char *name_as_key(const char *name, Arena *arena)
{
    if (!name_problem(name, true))
        return name;
    char *text = NULL;
    size_t size = 0;
    FILE *out = open_memstream(&text, &size);
    if (!out)
        memory_exhausted(BUFSIZ);
    json_text_print(out, view_of(name));
    if (fclose(out) != 0)
        memory_exhausted(size);
    const char *key = arena_strndup(arena, text, size);
    free(text);
    return key;
}
