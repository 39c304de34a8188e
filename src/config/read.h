/* SPDX-License-Identifier: Apache-2.0 */
/* config/read.h: what config_load and config_parse have in common. */
#pragma once

#include "base/view.h"
#include "config/config.h"

typedef struct ConfigInput {
    StrView text;
    const char *name;      /* of the file, as messages show it */
    const char *directory; /* where relative paths start; need not exist */
    bool sealed;           /* nothing but the text is looked at: no environment, no other file */
} ConfigInput;

/* As config_parse. Needs an initialised config->arena. */
bool config_read(const ConfigInput *input, Config *config, ConfigErrors *ret_errors, Error *error);
