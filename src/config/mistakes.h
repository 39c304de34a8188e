/* SPDX-License-Identifier: Apache-2.0 */
/* config/mistakes.h: collects everything that is wrong in the files, so that one look shows it all.
 */
#pragma once

#include "config/config.h"
#include "format/yaml.h"

enum { MISTAKES_MAX = 200 }; /* further ones are only counted */

typedef struct Mistake {
    ConfigPlace place;
    const char *message; /* with the place */
} Mistake;

typedef struct Mistakes {
    Arena *arena;
    const char *main_file; /* its mistakes come first */
    Mistake *items;
    size_t count; /* of items */
    size_t total;
} Mistakes;

void mistakes_init(Mistakes *mistakes, Arena *arena, const char *main_file);

/* place.line 0: the file as a whole. */
void mistakes_add(Mistakes *mistakes, ConfigPlace place, const char *format, ...)
    __attribute__((format(printf, 3, 4)));

/* True when a further one would only be counted, so that its text need not be made. */
static inline bool mistakes_full(const Mistakes *mistakes)
{
    return mistakes->count == MISTAKES_MAX;
}

/* In order of place. */
ConfigErrors mistakes_sorted(Mistakes *mistakes);

/* Where in the tree a value stands: frames on the stack of whoever walks it. */
typedef struct KeyPath {
    const struct KeyPath *parent; /* NULL: the top level */
    const char *key;              /* NULL: an item of a list */
    size_t index;
} KeyPath;

/* "jobs[0].source.table" */
const char *key_path_text(const KeyPath *path, Arena *arena);

/* A text for a message, in double quotes: shortened, control characters escaped; what may hold a
 * password (a URL, a connection string) is not shown. */
const char *shown_text(const char *text, Arena *arena);

/* "bqferry.yaml:12:5" */
const char *place_text(ConfigPlace place, Arena *arena);

static inline ConfigPlace place_in(const char *file, YamlMark mark)
{
    return (ConfigPlace){file, mark.line, mark.column};
}
