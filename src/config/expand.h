/* SPDX-License-Identifier: Apache-2.0 */
/* config/expand.h: ${VAR}, ${VAR:-default}, ${file:PATH} inside one value; $${ stands for ${. What
 * comes in is always part of that value's text, never new keys or items. */
#pragma once

#include "config/env_file.h"

typedef struct Expander {
    const EnvFile *env;
    const char *directory; /* ${file:} paths start here; absolute */
    const char *env_path;  /* the .env file as messages name it */
    bool sealed;           /* neither environment nor files are looked at */
} Expander;

/* *ret_text is `text` itself when nothing had to be done. ERROR_CONFIG never shows a value. */
bool expand_text(const Expander *expander, const char *text, Arena *arena, const char **ret_text,
                 Error *error);

/* Starts a relative path at the folder; a trailing slash goes. */
const char *path_in(const char *directory, const char *path, Arena *arena);
