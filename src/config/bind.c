/* SPDX-License-Identifier: Apache-2.0 */
#include "config/bind.h"

#include "base/nearest.h"
#include "config/raw.h"
#include "config/scalar.h"

#include <regex.h>
#include <string.h>

enum { EXPECTATION_SIZE = 256 };

typedef enum Outcome {
    VALUE_SET,
    VALUE_UNSAID,   /* empty after expansion: as if the key were not there */
    VALUE_WRONG,    /* a mistake was noted */
    VALUE_MISSPELT, /* not there, but an unknown key is near to it */
} Outcome;

/* One value with what a message about it needs. */
typedef struct Subject {
    const Binder *binder;
    const ConfigKey *key;
    const YamlNode *node;
    const KeyPath *path;
} Subject;

static void *field_of(const ConfigKey *key, void *base)
{
    return (char *)base + key->offset;
}

static const char *path_of(const Subject *subject)
{
    return subject->path ? key_path_text(subject->path, subject->binder->arena) : "the top level";
}

static ConfigPlace place_of(const Subject *subject)
{
    return place_in(subject->binder->file, subject->node->mark);
}

/* What stands there, as it was written: never what a variable expands to. */
static const char *found_text(const Subject *subject)
{
    const YamlNode *node = subject->node;
    if (node->kind == YAML_SEQUENCE)
        return "a list";
    if (node->kind == YAML_MAPPING)
        return "a mapping (key: value)";
    if (yaml_is_null(node))
        return "nothing";
    if (subject->key->secret)
        return "something else (not shown)";
    return shown_text(node->text, subject->binder->arena);
}

static Outcome wrong(const Subject *subject, const char *advice)
{
    char text[EXPECTATION_SIZE];
    mistakes_add(subject->binder->mistakes, place_of(subject), "%s: expected %s, found %s%s",
                 path_of(subject), key_expectation(subject->key, text, sizeof text),
                 found_text(subject), advice);
    return VALUE_WRONG;
}

static Outcome wrong_word(const Subject *subject, const char *text)
{
    size_t count = 0;
    while (subject->key->words[count])
        count++;
    const char *near = nearest_word(text, subject->key->words, count);
    return wrong(subject,
                 near ? arena_printf(subject->binder->arena, "; did you mean \"%s\"?", near) : "");
}

static bool matches(const char *pattern, const char *text)
{
    regex_t regex;
    if (regcomp(&regex, pattern, REG_EXTENDED | REG_NOSUB) != 0)
        return false;
    bool matched = regexec(&regex, text, 0, NULL, 0) == 0;
    regfree(&regex);
    return matched;
}

static const char *find_word(const ConfigKey *key, const char *text)
{
    for (const char *const *word = key->words; word && *word; word++) {
        if (strcmp(*word, text) == 0)
            return *word;
    }
    return NULL;
}

static bool read_number(const ConfigKey *key, const char *text, int64_t *ret_number)
{
    if (key->type == KEY_INTEGER)
        return scalar_integer(text, ret_number);
    if (key->type == KEY_DURATION)
        return scalar_duration_ms(text, ret_number);
    return scalar_size(text, ret_number);
}

static Outcome bind_number(const Subject *subject, const char *text, void *field)
{
    const ConfigKey *key = subject->key;
    int64_t number;
    if (!read_number(key, text, &number))
        return wrong(subject, "");
    if (number < key->min)
        return wrong(subject, key->type == KEY_INTEGER ? "" : " (too small)");
    if (key->max && number > key->max)
        return wrong(subject, key->type == KEY_INTEGER ? "" : " (too large)");
    *(int64_t *)field = number;
    return VALUE_SET;
}

static Outcome bind_path(const Subject *subject, const char *text, const char **field)
{
    const char *word = find_word(subject->key, text), *scheme = subject->key->scheme;
    if (scheme && strncmp(text, scheme, strlen(scheme)) == 0)
        word = text;
    if (!word && strstr(text, "://"))
        return wrong(subject, "; a URL is no path");
    *field =
        word ? word : path_in(subject->binder->expander->directory, text, subject->binder->arena);
    return VALUE_SET;
}

/* `text` is not empty. */
static Outcome bind_text(const Subject *subject, const char *text, void *field)
{
    const ConfigKey *key = subject->key;
    switch (key->type) {
    case KEY_INTEGER:
    case KEY_DURATION:
    case KEY_SIZE:
        return bind_number(subject, text, field);
    case KEY_BOOLEAN:
        return scalar_boolean(text, field) ? VALUE_SET : wrong(subject, "");
    case KEY_PATH:
        return bind_path(subject, text, field);
    case KEY_WORD:
        *(const char **)field = find_word(key, text);
        return *(const char **)field ? VALUE_SET : wrong_word(subject, text);
    default:
        if (key->pattern && !matches(key->pattern, text))
            return wrong(subject, "");
        *(const char **)field = text;
        return VALUE_SET;
    }
}

/* The policy `null` may be written as YAML's null; everything else that is null was forgotten. */
static bool is_forgotten(const Subject *subject)
{
    if (!yaml_is_null(subject->node))
        return false;
    return subject->key->type != KEY_WORD || !find_word(subject->key, "null") ||
           strcasecmp(subject->node->text, "null") != 0;
}

static Outcome read_scalar(const Subject *subject, const char **ret_text)
{
    const Binder *binder = subject->binder;
    const YamlNode *node = subject->node;
    Error error = {0};
    if (node->kind != YAML_SCALAR || is_forgotten(subject))
        return wrong(subject, "");
    if (!expand_text(binder->expander, node->text, binder->arena, ret_text, &error)) {
        mistakes_add(binder->mistakes, place_of(subject), "%s: %s", path_of(subject),
                     error.message);
        return VALUE_WRONG;
    }
    if (**ret_text != '\0')
        return VALUE_SET;
    bool may_be_empty =
        *ret_text != node->text || subject->key->type == KEY_TEXT || subject->key->type == KEY_PATH;
    return may_be_empty ? VALUE_UNSAID : wrong(subject, "");
}

static Outcome bind_scalar(const Subject *subject, void *field)
{
    const char *text;
    Outcome outcome = read_scalar(subject, &text);
    if (outcome == VALUE_SET && yaml_is_null(subject->node))
        text = "null";
    return outcome == VALUE_SET ? bind_text(subject, text, field) : outcome;
}

/* One item, or a single text in its place. */
static Outcome bind_item(const Subject *list, const YamlNode *node, const KeyPath *path,
                         const char **ret_text)
{
    ConfigKey key = {.type = KEY_TEXT};
    const Subject item = {list->binder, &key, node, path};
    return bind_scalar(&item, ret_text);
}

static Outcome bind_list(const Subject *subject, ConfigText *field)
{
    const YamlNode *node = subject->node;
    Outcome outcome = VALUE_UNSAID;
    const char **items = ARENA_ARRAY(subject->binder->arena, const char *, node->count + 1);
    size_t count = 0;
    for (size_t i = 0; i < node->count; i++) {
        KeyPath path = {subject->path, NULL, i};
        Outcome bound = bind_item(subject, node->items[i], &path, &items[count]);
        count += bound == VALUE_SET;
        outcome = bound == VALUE_UNSAID || outcome == VALUE_WRONG ? outcome : bound;
    }
    *field = (ConfigText){items, count};
    return outcome;
}

static Outcome bind_map(const Subject *subject, ConfigLabels *field)
{
    const YamlNode *node = subject->node;
    if (node->kind != YAML_MAPPING)
        return wrong(subject, "");
    ConfigLabel *items = ARENA_ARRAY(subject->binder->arena, ConfigLabel, node->count + 1);
    size_t count = 0;
    for (size_t i = 0; i < node->count; i++) {
        KeyPath path = {subject->path, node->pairs[i].key, 0};
        const char *text = "";
        if (bind_item(subject, node->pairs[i].value, &path, &text) != VALUE_WRONG)
            items[count++] = (ConfigLabel){node->pairs[i].key, text};
    }
    *field = (ConfigLabels){items, count};
    return count ? VALUE_SET : VALUE_UNSAID;
}

static Outcome bind_texts(const Subject *subject, ConfigText *field)
{
    if (subject->node->kind == YAML_SEQUENCE)
        return bind_list(subject, field);
    if (subject->node->kind != YAML_SCALAR || yaml_is_null(subject->node) ||
        subject->key->type != KEY_TEXT_OR_LIST)
        return wrong(subject, "");
    const char **items = ARENA_ARRAY(subject->binder->arena, const char *, 1);
    Outcome outcome = bind_item(subject, subject->node, subject->path, items);
    *field = (ConfigText){items, outcome == VALUE_SET};
    return outcome;
}

/* Room for `more` elements behind those that are there; gives the first new one. */
static char *add_elements(const Subject *subject, void *base, size_t more)
{
    char **items = field_of(subject->key, base);
    size_t *count = (size_t *)(void *)((char *)base + subject->key->count_offset);
    size_t size = subject->key->section->size;
    char *grown = arena_zalloc(subject->binder->arena, *count + more, size);
    if (*count)
        memcpy(grown, *items, *count * size);
    char *first = grown + *count * size;
    *items = grown;
    *count += more;
    return first;
}

static void bind_element(const Subject *subject, const char *name, YamlMark mark, char *base)
{
    const Binder *binder = subject->binder;
    bind_defaults(binder, subject->key->section, base);
    *(RawElement *)(void *)base =
        (RawElement){name, path_of(subject), subject->node, place_in(binder->file, mark)};
    bind_section(binder, subject->key->section, subject->node, base, subject->path);
}

static Outcome bind_named(const Subject *subject, void *base)
{
    const YamlNode *node = subject->node;
    const KeySection *section = subject->key->section;
    if (node->kind != YAML_MAPPING)
        return wrong(subject, "");
    char *element = add_elements(subject, base, node->count);
    for (size_t i = 0; i < node->count; i++, element += section->size) {
        const YamlPair *pair = &node->pairs[i];
        KeyPath path = {subject->path, pair->key, 0};
        const Subject inner = {subject->binder, subject->key, pair->value, &path};
        if (!matches(section->name_pattern, pair->key))
            mistakes_add(subject->binder->mistakes, place_in(subject->binder->file, pair->mark),
                         "%s: expected %s as a name", path_of(&inner), section->name_expected);
        bind_element(&inner, pair->key, pair->mark, element);
    }
    return VALUE_SET;
}

static Outcome bind_elements(const Subject *subject, void *base)
{
    const YamlNode *node = subject->node;
    if (node->kind != YAML_SEQUENCE)
        return wrong(subject, "");
    char *element = add_elements(subject, base, node->count);
    for (size_t i = 0; i < node->count; i++, element += subject->key->section->size) {
        KeyPath path = {subject->path, NULL, i};
        const Subject inner = {subject->binder, subject->key, node->items[i], &path};
        bind_element(&inner, NULL, node->items[i]->mark, element);
    }
    return VALUE_SET;
}

static Outcome bind_value(const Subject *subject, void *base)
{
    switch (subject->key->type) {
    case KEY_TEXT_LIST:
    case KEY_TEXT_OR_LIST:
        return bind_texts(subject, field_of(subject->key, base));
    case KEY_TEXT_MAP:
        return bind_map(subject, field_of(subject->key, base));
    case KEY_SECTION:
        bind_section(subject->binder, subject->key->section, subject->node,
                     field_of(subject->key, base), subject->path);
        return VALUE_SET;
    case KEY_NAMED_SECTIONS:
        return bind_named(subject, base);
    case KEY_SECTION_LIST:
        return bind_elements(subject, base);
    default:
        return bind_scalar(subject, field_of(subject->key, base));
    }
}

/* As it is written there; NULL when it is none of the section's. */
static const char *type_of(const Subject *section)
{
    const ConfigKey *key = section_key(section->key->section, "type");
    const YamlNode *node = yaml_get(section->node, "type");
    bool is_plain = key && key->type == KEY_WORD && node && node->kind == YAML_SCALAR;
    return is_plain ? find_word(key, node->text) : NULL;
}

/* "name, tags, …": those that go with the section's type, where that is known. */
static const char *known_keys(const Subject *section)
{
    Arena *arena = section->binder->arena;
    const KeySection *keys = section->key->section;
    const char *type = type_of(section), *known = "";
    for (size_t i = 0; i < keys->count; i++) {
        if (!type || key_goes_with(&keys->keys[i], type))
            known = arena_printf(arena, "%s%s%s", known, *known ? ", " : "", keys->keys[i].name);
    }
    return known;
}

/* Gives the key that was probably meant; NULL when none is near. */
static const ConfigKey *add_unknown_key(const Subject *section, const YamlPair *pair,
                                        const KeyPath *path)
{
    const Binder *binder = section->binder;
    const KeySection *keys = section->key->section;
    const char **names = ARENA_ARRAY(binder->arena, const char *, keys->count);
    for (size_t i = 0; i < keys->count; i++)
        names[i] = keys->keys[i].name;
    const char *near = nearest_word(pair->key, names, keys->count);
    mistakes_add(binder->mistakes, place_in(binder->file, pair->mark),
                 "%s: unknown key%s (known here: %s)%s", key_path_text(path, binder->arena),
                 near ? arena_printf(binder->arena, "; did you mean \"%s\"?", near) : "",
                 known_keys(section),
                 keys == &keys_included && section_key(&keys_main, pair->key)
                     ? "; it belongs into the main file"
                     : "");
    return near ? section_key(keys, near) : NULL;
}

/* What a section asks of its keys together; outcomes are by key, VALUE_UNSAID where there is none.
 */
static void check_required(const Subject *section, const Outcome *outcomes, const char *type)
{
    const KeySection *keys = section->key->section;
    for (size_t i = 0; i < keys->count; i++) {
        char text[EXPECTATION_SIZE];
        KeyPath path = {section->path, keys->keys[i].name, 0};
        if (!keys->keys[i].required || outcomes[i] != VALUE_UNSAID ||
            !key_goes_with(&keys->keys[i], type))
            continue;
        mistakes_add(section->binder->mistakes, place_of(section), "%s: is required: %s",
                     key_path_text(&path, section->binder->arena),
                     key_expectation(&keys->keys[i], text, sizeof text));
    }
}

static void check_exactly_one(const Subject *section, const Outcome *outcomes)
{
    const KeySection *keys = section->key->section;
    const char *names = "";
    size_t said = 0;
    for (const char *const *name = keys->exactly_one; name && *name; name++) {
        said += outcomes[section_key(keys, *name) - keys->keys] != VALUE_UNSAID;
        names = arena_printf(section->binder->arena, "%s%s%s", names, *names ? " and " : "", *name);
    }
    if (keys->exactly_one && said != 1)
        mistakes_add(section->binder->mistakes, place_of(section),
                     "%s: exactly one of %s is needed, found %s", path_of(section), names,
                     said ? "more" : "none");
}

/* "duckdb or files" */
static const char *alternatives(const char *const *words, Arena *arena)
{
    const char *text = *words;
    while (*++words)
        text = arena_printf(arena, "%s%s%s", text, words[1] ? ", " : " or ", *words);
    return text;
}

static void check_only_for(const Subject *section, const Outcome *outcomes, const char *type)
{
    const KeySection *keys = section->key->section;
    Arena *arena = section->binder->arena;
    for (size_t i = 0; i < keys->count && type; i++) {
        const ConfigKey *key = &keys->keys[i];
        KeyPath path = {section->path, key->name, 0};
        const YamlNode *node = yaml_get(section->node, key->name);
        if (!node || outcomes[i] == VALUE_UNSAID || key_goes_with(key, type))
            continue;
        mistakes_add(section->binder->mistakes, place_in(section->binder->file, node->mark),
                     "%s: only for type %s, and the type is %s", key_path_text(&path, arena),
                     alternatives(key->only_for, arena), type);
    }
}

static void bind_pair(const Subject *section, const YamlPair *pair, void *base, Outcome *outcomes)
{
    const ConfigKey *keys = section->key->section->keys;
    const ConfigKey *key = section_key(section->key->section, pair->key);
    KeyPath path = {section->path, pair->key, 0};
    if (key) {
        const Subject value = {section->binder, key, pair->value, &path};
        outcomes[key - keys] = bind_value(&value, base);
        return;
    }
    /* a misspelt key is not said to be missing as well */
    key = add_unknown_key(section, pair, &path);
    if (key && outcomes[key - keys] == VALUE_UNSAID)
        outcomes[key - keys] = VALUE_MISSPELT;
}

static void bind_keys(const Subject *section, void *base)
{
    size_t count = section->key->section->count;
    Outcome *outcomes = ARENA_ARRAY(section->binder->arena, Outcome, count);
    for (size_t i = 0; i < count; i++)
        outcomes[i] = VALUE_UNSAID;
    for (size_t i = 0; i < section->node->count; i++)
        bind_pair(section, &section->node->pairs[i], base, outcomes);
    const ConfigKey *type_key = section_key(section->key->section, "type");
    const char *type =
        type_key && type_key->type == KEY_WORD ? *(const char **)field_of(type_key, base) : NULL;
    check_required(section, outcomes, type);
    check_exactly_one(section, outcomes);
    check_only_for(section, outcomes, type);
}

void bind_defaults(const Binder *binder, const KeySection *section, void *base)
{
    for (size_t i = 0; i < section->count; i++) {
        const ConfigKey *key = &section->keys[i];
        const YamlNode node = {.kind = YAML_SCALAR, .text = key->otherwise};
        const Subject subject = {binder, key, &node, NULL};
        bool is_number =
            key->type == KEY_INTEGER || key->type == KEY_DURATION || key->type == KEY_SIZE;
        if (key->type == KEY_SECTION)
            bind_defaults(binder, key->section, field_of(key, base));
        else if (is_number &&
                 !(key->otherwise && read_number(key, key->otherwise, field_of(key, base))))
            *(int64_t *)field_of(key, base) = CONFIG_UNSET;
        else if (!is_number && key->otherwise)
            bind_text(&subject, key->otherwise, field_of(key, base));
    }
}

void bind_section(const Binder *binder, const KeySection *section, const YamlNode *node, void *base,
                  const KeyPath *path)
{
    const ConfigKey as_key = {.type = KEY_SECTION, .section = section};
    const Subject subject = {binder, &as_key, node, path};
    if (node->kind == YAML_MAPPING) {
        bind_keys(&subject, base);
        return;
    }
    if (!section->shorthand || node->kind != YAML_SCALAR || yaml_is_null(node)) {
        wrong(&subject, "");
        return;
    }
    const Subject text = {binder, section_key(section, section->shorthand), node, path};
    bind_value(&text, base);
}
