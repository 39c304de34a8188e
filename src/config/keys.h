/* SPDX-License-Identifier: Apache-2.0 */
/* config/keys.h: every key of the configuration, declared once. The reader (bind.c), the reference
 * (print_docs.c) and the JSON Schema (print_schema.c) walk these tables; none of them knows a key.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

typedef enum KeyType {
    KEY_TEXT,
    KEY_INTEGER,
    KEY_BOOLEAN,
    KEY_DURATION, /* milliseconds */
    KEY_SIZE,     /* bytes */
    KEY_WORD,     /* one of `words` */
    KEY_PATH,     /* made absolute */
    KEY_TEXT_LIST,
    KEY_TEXT_OR_LIST,
    KEY_TEXT_MAP,       /* a mapping from names to texts, which may be empty */
    KEY_SECTION,        /* a mapping whose keys are declared */
    KEY_NAMED_SECTIONS, /* a mapping from names to such sections */
    KEY_SECTION_LIST,
    KEY_TYPE_COUNT_,
} KeyType;

typedef struct KeySection KeySection;

typedef struct ConfigKey {
    const char *name;
    const char *doc;
    const char *example;         /* as YAML */
    const char *otherwise;       /* default, as it would be written; NULL: none */
    const char *otherwise_text;  /* what people read instead of `otherwise` */
    const char *const *only_for; /* allowed (and, where it is, required) only when the section's
                                    `type` is one of these; ends with NULL */
    const char *pattern;         /* TEXT: a regular expression (POSIX extended and ECMA alike) */
    const char *expected;        /* with pattern: what it wants, "a port number"; else NULL */
    const char *const
        *words;         /* WORD: all there are; PATH: texts that are no paths; ends with NULL */
    const char *scheme; /* PATH: texts that begin so stay as they are: "gs://" */
    const KeySection *section;
    int64_t min, max;    /* INTEGER, DURATION, SIZE; both 0: whatever is not negative */
    size_t offset;       /* in the section's struct, of: const char *, int64_t, bool, ConfigText,
                            ConfigLabels, the inner section's struct (0: it has none of its own), or the
                            pointer to the elements */
    size_t count_offset; /* NAMED_SECTIONS, SECTION_LIST: of the number of elements */
    KeyType type;
    bool required;
    bool secret;    /* its value is never shown */
    bool commented; /* the example shows it behind a # */
} ConfigKey;

struct KeySection {
    const char *id;    /* in links and in the JSON Schema: "job_source" */
    const char *title; /* for people: "jobs[].source" */
    const char *doc;
    const ConfigKey *keys;
    size_t count;
    const char *shorthand; /* a plain text stands for {shorthand: text}; NULL: it does not */
    const char *const *exactly_one; /* exactly one of these keys; ends with NULL; may be NULL */
    size_t size;                    /* of an element, which begins with a RawElement (raw.h) */
    const char *name_pattern;       /* NAMED_SECTIONS */
    const char *name_expected;
    const char *example_name;
};

extern const KeySection keys_main;     /* bqferry.yaml; its struct is RawConfig */
extern const KeySection keys_included; /* a file that include: names; the same struct */

/* NULL when the section has no such key. */
const ConfigKey *section_key(const KeySection *section, const char *name);

/* Whether a section of that type (NULL: not known) may have the key. */
bool key_goes_with(const ConfigKey *key, const char *type);

/* "a duration such as 30s, 10m or 2h": for messages and the reference. */
const char *key_expectation(const ConfigKey *key, char *text, size_t size);
