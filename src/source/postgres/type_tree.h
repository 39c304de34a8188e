/* SPDX-License-Identifier: Apache-2.0 */
/* source/postgres/type_tree.h: from the catalog's JSON of types to the model's. Pure. */
#pragma once

#include "base/arena.h"
#include "base/error.h"
#include "format/json.h"
#include "model/table.h"

/* Builds the type "oid:modifier" with everything inside it; domains are unwrapped, `text` keeps
 * their names. ERROR_SOURCE when `types` lacks one. */
bool type_tree_build(const Json *types, const char *key, Arena *arena, SourceType *ret_type,
                     Error *error);
