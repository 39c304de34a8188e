/* SPDX-License-Identifier: Apache-2.0 */
/* config/env_file.h: the `.env` file beside a configuration: KEY=VALUE lines, `export ` allowed
 * before them, # comments. 'single quotes' keep everything; "double quotes" know \n \t \" \\ \$;
 * both may span lines. Nothing is expanded, and the process's environment stays as it is. */
#pragma once

#include "base/view.h"
#include "config/mistakes.h"

typedef struct EnvEntry {
    const char *name;
    const char *value;
    struct EnvEntry *older;
} EnvEntry;

typedef struct EnvFile {
    const EnvEntry *newest;
} EnvFile;

/* Mistakes (never showing a value) go to `mistakes`, with the line; good lines are kept. */
void env_file_parse(StrView text, const char *file, Mistakes *mistakes, EnvFile *ret_env);

/* The last value given to the name; NULL when there is none. */
const char *env_file_get(const EnvFile *env, const char *name);

/* A letter or _, then letters, digits, _. */
size_t env_name_length(const char *text);
