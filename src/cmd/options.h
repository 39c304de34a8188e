/* SPDX-License-Identifier: Apache-2.0 */
/* cmd/options.h: the words of a command line. One array a command drives parsing, the usage line,
 * --help and docs/cli.md (cmd/help_text.h). */
#pragma once

#include "base/arena.h"
#include "base/error.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

typedef enum OptionKind {
    OPTION_FLAG,     /* bool */
    OPTION_TEXT,     /* const char * */
    OPTION_COUNT,    /* int64_t from 0 */
    OPTION_POSITIVE, /* int64_t from 1 */
    OPTION_LIST,     /* TextList; may be given several times */
    OPTION_ARGUMENT, /* const char *, by position */
    OPTION_OPTIONAL, /* const char *, by position; NULL when there are too few words */
    OPTION_REST,     /* TextList: all further words by position */
} OptionKind;

typedef struct TextList {
    const char **items;
    size_t count;
} TextList;

/* One row. `offset` is the place in the command's settings that the kind says the type of. */
typedef struct Option {
    OptionKind kind;
    char letter;                /* "-q"; 0: none */
    const char *name;           /* "progress", or the word of a position: "SOURCE_URL" */
    const char *value;          /* what stands for the value in help: "FILE"; NULL with choices */
    const char *otherwise;      /* OPTION_TEXT: the value when it is not given; may be NULL */
    const char *const *choices; /* the only values there are, ends with NULL; or NULL */
    const char *help;
    size_t offset;
} Option;

/* Options that write into one settings struct; the array ends with a name of NULL. */
typedef struct OptionGroup {
    const Option *options;
    void *settings; /* zeroed */
} OptionGroup;

/* The words after the program's name. `shown` are the same words fit for messages (no passwords).
 */
typedef struct Words {
    const char *const *items;
    const char *const *shown;
    size_t count;
} Words;

/* Reads the options before the first word by position, with one group; *ret_used counts the words.
 */
bool options_parse_leading(const OptionGroup *group, const Words *words, Arena *arena,
                           size_t *ret_used, Error *error);

/* Reads all words. Options may stand anywhere; "--" ends them. ERROR_USAGE names the word, and the
 * nearest option or choice. Positions belong to the first group. Missing ones are not an error
 * here. */
bool options_parse(const OptionGroup *groups, size_t group_count, const Words *words, Arena *arena,
                   Error *error);

/* ERROR_USAGE when a required position of the group was not given. */
bool options_complete(const OptionGroup *group, Error *error);

/* True for the kinds that are given by position. */
bool option_is_position(const Option *option);

/* "replace|append", "FILE"; "" for a flag. */
const char *option_value_text(const Option *option, Arena *arena);

/* Cuts "a,b" at its commas, spaces around the parts left out; empty parts are left out. */
TextList text_list_split(const char *text, Arena *arena);
