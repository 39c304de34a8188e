/* SPDX-License-Identifier: Apache-2.0 */
/* support/mapping_options.h: one column's options from a cell of a test table:
 * "type=DECIMAL(10, 2) naive=TIMESTAMP:Europe/Berlin arrays=json composites=json required
 * on_invalid=null". */
#pragma once

#include "base/arena.h"
#include "schema/mapping.h"

#include <string.h>

static bool option_starts(const char *word, const char *prefix, const char **ret_rest)
{
    *ret_rest = word + strlen(prefix);
    return strncmp(word, prefix, strlen(prefix)) == 0;
}

static void option_naive(const char *value, ColumnOptions *options, Arena *arena)
{
    char *type = arena_strdup(arena, value);
    char *zone = strchr(type, ':');
    if (zone)
        *zone++ = '\0';
    options->naive_timestamp_type = *type ? type : NULL;
    options->naive_timestamp_zone = zone;
}

static InvalidPolicy option_policy(const char *value)
{
    InvalidPolicy policy = INVALID_FAIL;
    while (policy < INVALID_STRING && strcmp(value, invalid_policy_name(policy)) != 0)
        policy++;
    return policy;
}

/* A word that is no option belongs to the type before it. */
static ColumnOptions mapping_options_parse(const char *text, Arena *arena)
{
    ColumnOptions options = {.name = "c"};
    char *rest = arena_strdup(arena, text);
    for (char *word; (word = strsep(&rest, " "));) {
        const char *value;
        if (option_starts(word, "type=", &value))
            options.type = value;
        else if (option_starts(word, "naive=", &value))
            option_naive(value, &options, arena);
        else if (option_starts(word, "arrays=", &value))
            options.arrays = value;
        else if (option_starts(word, "composites=", &value))
            options.composites = value;
        else if (option_starts(word, "on_invalid=", &value))
            options.on_invalid = option_policy(value);
        else if (strcmp(word, "required") == 0)
            options.has_required = options.required = true;
        else if (options.type && *word)
            options.type = arena_printf(arena, "%s %s", options.type, word);
    }
    return options;
}
