/* SPDX-License-Identifier: Apache-2.0 */
#include "state/name.h"

#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

enum { NAME_MAX_LENGTH = 200 }; /* with ".json", a dot before and ".tmp" after it: below 255 */

static bool is_safe(char letter, bool first)
{
    return (letter >= 'a' && letter <= 'z') || (letter >= 'A' && letter <= 'Z') ||
           (letter >= '0' && letter <= '9') || letter == '_' || letter == '-' ||
           (letter == '.' && !first);
}

/* FNV-1a, 64 bits. */
static uint64_t hash(const char *text)
{
    uint64_t sum = 0xcbf29ce484222325u;
    for (; *text; text++)
        sum = (sum ^ (unsigned char)*text) * 0x100000001b3u;
    return sum;
}

const char *state_file_name(const char *job, Arena *arena)
{
    char *name = arena_alloc(arena, strlen(job) * 3 + 1), *end = name;
    for (const char *at = job; *at; at++) {
        if (is_safe(*at, at == job))
            *end++ = *at;
        else
            end += snprintf(end, sizeof "%00", "%%%02X", (unsigned char)*at);
    }
    *end = '\0';
    if (end - name <= NAME_MAX_LENGTH)
        return name;
    return arena_printf(arena, "%.*s~%016llx", NAME_MAX_LENGTH - 17, name,
                        (unsigned long long)hash(job));
}
