/* SPDX-License-Identifier: Apache-2.0 */
/* config/bind.h: a YAML tree into the structs that the declaration points to. Whatever does not fit
 * it becomes a mistake, and reading goes on. */
#pragma once

#include "config/expand.h"
#include "config/keys.h"

typedef struct Binder {
    Arena *arena;
    Mistakes *mistakes;
    const Expander *expander;
    const char *file; /* that the tree is from, as messages name it */
} Binder;

/* Writes the declared defaults; numbers without one become CONFIG_UNSET. */
void bind_defaults(const Binder *binder, const KeySection *section, void *base);

/* `node` into the section's struct at `base`; elements are appended to those that are there. */
void bind_section(const Binder *binder, const KeySection *section, const YamlNode *node, void *base,
                  const KeyPath *path);
