/* SPDX-License-Identifier: Apache-2.0 */
/* cmd/init_files.h: what `init` writes: bqferry.yaml, env.example, and a line of .env. */
#pragma once

#include "cmd/options.h"
#include "cmd/url.h"

typedef struct InitChoices {
    const char *source_type; /* "postgresql" */
    const char *source_url;  /* NULL: only the variable is known */
    const char
        *url_variable; /* stands for the URL in the configuration; NULL: the URL itself does */
    TextList tables;   /* at least one; patterns allowed */
    TargetUrl target;
} InitChoices;

/* Every section explained in short. */
const char *init_config_text(const InitChoices *choices, Arena *arena);

/* The variables of the configuration, with placeholders. */
const char *init_example_text(const InitChoices *choices, Arena *arena);

/* `before` (NULL: no file) with NAME=value at its end; *ret_replaces: another value of that name is
 * left out. */
const char *init_env_text(const char *before, const char *name, const char *value, Arena *arena,
                          bool *ret_replaces);
