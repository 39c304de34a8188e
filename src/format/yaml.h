/* SPDX-License-Identifier: Apache-2.0 */
/* format/yaml.h: one YAML document as a tree in which every node knows where it stood. Values stay
 * text: what `5432` or `null` means is the reader's business. The library behind it is seen only by
 * format/yaml.c.
 *
 * Refused, because a configuration never needs them and they surprise people: tags, merge keys
 * (<<), keys that are not scalars, duplicate keys, NUL bytes, more than one document. An alias
 * (*name) is the anchor's own node, counted again at each use, so that expansion has a limit too.
 */
#pragma once

#include "base/arena.h"
#include "base/view.h"

#include <stdbool.h>
#include <stddef.h>

enum {
    YAML_SIZE_MAX = 4 * 1024 * 1024, /* bytes of a document */
    YAML_DEPTH_MAX = 32,
    YAML_NODES_MAX = 100 * 1000, /* with every alias expanded */
    YAML_FAULTS_MAX = 100,
};

typedef enum YamlKind { YAML_SCALAR, YAML_SEQUENCE, YAML_MAPPING } YamlKind;

/* Both from 1; columns count characters. */
typedef struct YamlMark {
    int line;
    int column;
} YamlMark;

typedef struct YamlNode YamlNode;

typedef struct YamlPair {
    const char *key;
    YamlMark mark; /* of the key */
    const YamlNode *value;
} YamlPair;

struct YamlNode {
    YamlKind kind;
    YamlMark mark;
    bool plain;       /* SCALAR: without quotes, not a block */
    const char *text; /* SCALAR: UTF-8 without NUL; never NULL */
    size_t count;     /* SEQUENCE: items; MAPPING: pairs, in the file's order */
    const YamlNode *const *items;
    const YamlPair *pairs;
    size_t weight; /* nodes in it, itself included */
};

typedef struct YamlFault {
    YamlMark mark;
    const char *message; /* without the place */
} YamlFault;

typedef struct YamlDocument {
    const YamlNode *root; /* NULL: empty, or its syntax is broken */
    const YamlFault *faults;
    size_t fault_count;
} YamlDocument;

/* All of *ret_document lives in the arena. True when there are no faults; with faults the root may
 * still be there, so that mistakes further on can be named too. */
bool yaml_parse(StrView text, Arena *arena, YamlDocument *ret_document);

/* The value of a key; NULL when there is none or the node (which may be NULL) is no mapping. */
const YamlNode *yaml_get(const YamlNode *mapping, const char *key);

/* A plain scalar that YAML reads as null: nothing, ~, null. */
bool yaml_is_null(const YamlNode *node);
