/* SPDX-License-Identifier: Apache-2.0 */
/* target/bigquery/label.h: labels of jobs, tables and datasets, so that cost can be grouped
 * (docs.cloud.google.com/bigquery/docs/labels-intro: keys and values of lower-case letters, digits,
 * "_" and "-", at most 63 characters each; a key begins with a letter; 64 labels). */
#pragma once

#include "base/arena.h"
#include "config/config.h"
#include "format/json.h"

enum { LABEL_CHARACTERS_MAX = 63, LABELS_MAX = 64 };

/* The nearest text that is allowed; the same for the same text. Letters beyond ASCII stay as they
 * are. */
const char *label_value(const char *text, Arena *arena);
const char *label_key(const char *text, Arena *arena); /* "" becomes "_" behind a letter: "l_" */

/* Who is to be named; NULL: not. */
typedef struct LabelSubject {
    const char *job;
    const char *run_id;
} LabelSubject;

/* managed_by: bqferry, job, run_id, and the configured ones, of which a later list counts more;
 * those of ours cannot be replaced, and what passes the 64th is left out. */
ConfigLabels label_list(const LabelSubject *subject, const ConfigLabels *const *lists,
                        size_t list_count, Arena *arena);

/* {"managed_by": "bqferry", …}; the caller frees. */
Json *label_json(const ConfigLabels *labels);
