/* SPDX-License-Identifier: Apache-2.0 */
/* schema/names.h: which names BigQuery and Avro both take for a column: letters, digits and
 * underscores, no digit first, at most 300 characters, none of BigQuery's own prefixes. */
#pragma once

#include "base/arena.h"

#include <stdbool.h>

/* Why `name` cannot be a column's name, for people; NULL when it can. A member of a STRUCT may
 * begin with what BigQuery keeps for columns of its own. */
const char *name_problem(const char *name, bool is_member);

/* The nearest name that is allowed; always the same for the same name. */
const char *name_suggest(const char *name, Arena *arena);

/* How `name` is written as a key in a line of YAML that people are to paste: as it is, or in
 * quotes. */
const char *name_as_key(const char *name, Arena *arena);
