/* SPDX-License-Identifier: Apache-2.0 */
#include "format/yaml.h"

#include "base/cleanup.h"
#include "base/memory.h"

#include <string.h>
#include <yaml.h>

typedef struct Anchor {
    const char *name;
    const YamlNode *node;
    const struct Anchor *older;
} Anchor;

typedef struct Loader {
    yaml_parser_t parser;
    StrView text;
    Arena *arena;
    const Anchor *anchors;
    size_t weight; /* of everything loaded so far, aliases expanded */
    int depth;
    YamlFault *faults; /* YAML_FAULTS_MAX of them */
    size_t fault_count;
} Loader;

/* Children while their number is not yet known. */
typedef struct Child {
    YamlPair pair; /* in a sequence only its value is used */
    struct Child *next;
} Child;

typedef struct Children {
    Child *first, **end;
    size_t count;
} Children;

static YamlMark mark_of(yaml_mark_t mark)
{
    return (YamlMark){(int)mark.line + 1, (int)mark.column + 1};
}

/* Always false, so that a failing step can end with it. */
static bool add_fault(Loader *loader, YamlMark mark, const char *message)
{
    if (loader->fault_count < YAML_FAULTS_MAX)
        loader->faults[loader->fault_count++] = (YamlFault){mark, message};
    return false;
}

/* The reader knows only the offset of a bad byte. */
static YamlMark mark_at_offset(const Loader *loader, size_t offset)
{
    YamlMark mark = {1, 1};
    for (size_t i = 0; i < offset && i < loader->text.length; i++) {
        unsigned char byte = (unsigned char)loader->text.data[i];
        if (byte == '\n')
            mark = (YamlMark){mark.line + 1, 1};
        else if ((byte & 0xc0) != 0x80)
            mark.column++;
    }
    return mark;
}

/* From a place to the end of the text. */
static const char *text_at(StrView text, YamlMark mark)
{
    int line = 1;
    size_t i = 0;
    for (; i < text.length && line < mark.line; i++)
        line += text.data[i] == '\n';
    for (int column = 1; i < text.length && column < mark.column; i++)
        column += (text.data[i] & 0xc0) != 0x80;
    return text.data + i;
}

static bool line_contains(StrView text, int line, const char *wanted)
{
    const char *start = text_at(text, (YamlMark){line, 1});
    size_t rest = text.length - (size_t)(start - text.data);
    const char *end = memchr(start, '\n', rest);
    return memmem(start, end ? (size_t)(end - start) : rest, wanted, strlen(wanted)) != NULL;
}

/* What most likely went wrong; the library only says what it would have liked to see. */
static const char *syntax_advice(const Loader *loader, YamlMark mark, const char *problem)
{
    StrView text = loader->text;
    const char *place = text_at(text, mark);
    if (strstr(problem, "cannot start any token"))
        return place < text.data + text.length && *place == '\t'
                   ? "; indent with spaces, never with tabs"
                   : "; put the whole text in quotes";
    if (strstr(problem, "mapping values are not allowed"))
        return "; is the indentation right? A text with \": \" in it needs quotes";
    if (strstr(problem, "could not find expected ':'"))
        return "; a key needs \": \" after it, or the indentation is wrong";
    if (strstr(problem, "expected ',' or") && line_contains(text, mark.line, "${"))
        return "; inside { } and [ ], ${…} needs quotes";
    return "";
}

static bool add_syntax_fault(Loader *loader)
{
    const yaml_parser_t *parser = &loader->parser;
    const char *problem = parser->problem;
    if (parser->error == YAML_MEMORY_ERROR)
        memory_exhausted(0);
    if (parser->error == YAML_READER_ERROR)
        return add_fault(loader, mark_at_offset(loader, parser->problem_offset),
                         arena_printf(loader->arena, "the file is not UTF-8 text: %s", problem));
    YamlMark mark = mark_of(parser->problem_mark), begin = mark_of(parser->context_mark);
    const char *context = "";
    if (parser->context && begin.line < mark.line)
        context = arena_printf(loader->arena, " (%s that begins in line %d)", parser->context,
                               begin.line);
    return add_fault(loader, mark,
                     arena_printf(loader->arena, "YAML syntax: %s%s%s", problem, context,
                                  syntax_advice(loader, mark, problem)));
}

static bool next_event(Loader *loader, yaml_event_t *ret_event)
{
    return yaml_parser_parse(&loader->parser, ret_event) || add_syntax_fault(loader);
}

static void check_tag(Loader *loader, const yaml_char_t *tag, YamlMark mark)
{
    if (tag)
        add_fault(loader, mark,
                  "tags (!…) are not supported here: leave it out, or put the text in quotes");
}

static bool add_weight(Loader *loader, size_t weight, YamlMark mark)
{
    loader->weight += weight;
    if (loader->weight <= YAML_NODES_MAX)
        return true;
    return add_fault(loader, mark,
                     arena_printf(loader->arena,
                                  "more than %d values (aliases counted at each use)",
                                  YAML_NODES_MAX));
}

static void add_anchor(Loader *loader, const yaml_char_t *name, const YamlNode *node)
{
    if (!name)
        return;
    Anchor *anchor = ARENA_NEW(loader->arena, Anchor);
    *anchor = (Anchor){arena_strdup(loader->arena, (const char *)name), node, loader->anchors};
    loader->anchors = anchor;
}

static bool find_alias(Loader *loader, const yaml_event_t *event, const YamlNode **ret_node)
{
    const char *name = (const char *)event->data.alias.anchor;
    YamlMark mark = mark_of(event->start_mark);
    for (const Anchor *anchor = loader->anchors; anchor; anchor = anchor->older) {
        if (strcmp(anchor->name, name) == 0) {
            *ret_node = anchor->node;
            return add_weight(loader, anchor->node->weight, mark);
        }
    }
    return add_fault(
        loader, mark,
        arena_printf(loader->arena, "*%s: nothing above is anchored as &%s", name, name));
}

static bool load_scalar(Loader *loader, const yaml_event_t *event, YamlNode *node)
{
    const char *text = (const char *)event->data.scalar.value;
    check_tag(loader, event->data.scalar.tag, node->mark);
    if (strlen(text) != event->data.scalar.length)
        return add_fault(loader, node->mark, "a NUL byte cannot stand in a text");
    node->kind = YAML_SCALAR;
    node->text = arena_strdup(loader->arena, text);
    node->plain = event->data.scalar.style == YAML_PLAIN_SCALAR_STYLE;
    return true;
}

static void add_child(Loader *loader, Children *children, YamlPair pair)
{
    Child *child = ARENA_NEW(loader->arena, Child);
    child->pair = pair;
    *children->end = child;
    children->end = &child->next;
    children->count++;
}

static bool load_node(Loader *loader, const yaml_event_t *event, const YamlNode **ret_node);

static bool load_sequence(Loader *loader, YamlNode *node)
{
    Children children = {.end = &children.first};
    for (;;) {
        CLEANUP(yaml_event_delete) yaml_event_t event;
        memset(&event, 0, sizeof event);
        YamlPair pair = {0};
        if (!next_event(loader, &event))
            return false;
        if (event.type == YAML_SEQUENCE_END_EVENT)
            break;
        if (!load_node(loader, &event, &pair.value))
            return false;
        add_child(loader, &children, pair);
    }
    const YamlNode **items = ARENA_ARRAY(loader->arena, const YamlNode *, children.count);
    size_t i = 0;
    for (const Child *child = children.first; child; child = child->next)
        items[i++] = child->pair.value;
    node->items = items;
    node->count = children.count;
    return true;
}

static int compare_pairs(const void *left, const void *right)
{
    const YamlPair *a = *(const YamlPair *const *)left, *b = *(const YamlPair *const *)right;
    int order = strcmp(a->key, b->key);
    return order ? order : (a > b) - (a < b);
}

static void check_duplicates(Loader *loader, const YamlNode *node)
{
    const YamlPair **sorted = ARENA_ARRAY(loader->arena, const YamlPair *, node->count);
    for (size_t i = 0; i < node->count; i++)
        sorted[i] = &node->pairs[i];
    qsort(sorted, node->count, sizeof(const YamlPair *), compare_pairs);
    for (size_t i = 1; i < node->count; i++) {
        if (strcmp(sorted[i]->key, sorted[i - 1]->key) == 0)
            add_fault(loader, sorted[i]->mark,
                      arena_printf(loader->arena,
                                   "duplicate key \"%.60s\" (it stands in line %d already)",
                                   sorted[i]->key, sorted[i - 1]->mark.line));
    }
}

static bool load_pair(Loader *loader, const yaml_event_t *event, YamlPair *ret_pair)
{
    const YamlNode *key;
    if (!load_node(loader, event, &key))
        return false;
    *ret_pair = (YamlPair){.mark = mark_of(event->start_mark)};
    if (key->kind != YAML_SCALAR)
        return add_fault(loader, ret_pair->mark, "a key must be a plain text");
    if (key->plain && strcmp(key->text, "<<") == 0)
        add_fault(loader, ret_pair->mark,
                  "merge keys (<<) are not supported here: use `defaults:`, or write the keys out");
    ret_pair->key = key->text;
    CLEANUP(yaml_event_delete) yaml_event_t value;
    memset(&value, 0, sizeof value);
    return next_event(loader, &value) && load_node(loader, &value, &ret_pair->value);
}

static bool load_mapping(Loader *loader, YamlNode *node)
{
    Children children = {.end = &children.first};
    for (;;) {
        CLEANUP(yaml_event_delete) yaml_event_t event;
        memset(&event, 0, sizeof event);
        YamlPair pair;
        if (!next_event(loader, &event))
            return false;
        if (event.type == YAML_MAPPING_END_EVENT)
            break;
        if (!load_pair(loader, &event, &pair))
            return false;
        add_child(loader, &children, pair);
    }
    YamlPair *pairs = ARENA_ARRAY(loader->arena, YamlPair, children.count);
    size_t i = 0;
    for (const Child *child = children.first; child; child = child->next)
        pairs[i++] = child->pair;
    node->pairs = pairs;
    node->count = children.count;
    check_duplicates(loader, node);
    return true;
}

static bool load_collection(Loader *loader, const yaml_event_t *event, YamlNode *node)
{
    bool is_mapping = event->type == YAML_MAPPING_START_EVENT;
    if (loader->depth >= YAML_DEPTH_MAX)
        return add_fault(
            loader, node->mark,
            arena_printf(loader->arena, "nested more than %d levels deep", YAML_DEPTH_MAX));
    check_tag(loader, is_mapping ? event->data.mapping_start.tag : event->data.sequence_start.tag,
              node->mark);
    node->kind = is_mapping ? YAML_MAPPING : YAML_SEQUENCE;
    loader->depth++;
    bool loaded = is_mapping ? load_mapping(loader, node) : load_sequence(loader, node);
    loader->depth--;
    return loaded;
}

static const yaml_char_t *anchor_of(const yaml_event_t *event)
{
    if (event->type == YAML_SCALAR_EVENT)
        return event->data.scalar.anchor;
    if (event->type == YAML_MAPPING_START_EVENT)
        return event->data.mapping_start.anchor;
    return event->data.sequence_start.anchor;
}

static bool load_node(Loader *loader, const yaml_event_t *event, const YamlNode **ret_node)
{
    if (event->type == YAML_ALIAS_EVENT)
        return find_alias(loader, event, ret_node);
    YamlNode *node = ARENA_NEW(loader->arena, YamlNode);
    node->mark = mark_of(event->start_mark);
    node->text = "";
    size_t before = loader->weight;
    if (!add_weight(loader, 1, node->mark))
        return false;
    bool loaded = event->type == YAML_SCALAR_EVENT ? load_scalar(loader, event, node)
                                                   : load_collection(loader, event, node);
    if (!loaded)
        return false;
    node->weight = loader->weight - before;
    /* only now: an alias inside its own anchor would make the tree endless */
    add_anchor(loader, anchor_of(event), node);
    *ret_node = node;
    return true;
}

/* *ret_done: the stream has ended. */
static bool load_document(Loader *loader, const YamlNode **root, bool *ret_done)
{
    CLEANUP(yaml_event_delete) yaml_event_t event;
    memset(&event, 0, sizeof event);
    if (!next_event(loader, &event))
        return false;
    *ret_done = event.type == YAML_STREAM_END_EVENT;
    if (*ret_done || event.type == YAML_STREAM_START_EVENT ||
        event.type == YAML_DOCUMENT_END_EVENT ||
        (event.type == YAML_DOCUMENT_START_EVENT && !*root))
        return true;
    if (event.type == YAML_DOCUMENT_START_EVENT)
        return add_fault(loader, mark_of(event.start_mark),
                         "a second document begins here: a file holds one (remove the ---)");
    return load_node(loader, &event, root);
}

bool yaml_parse(StrView text, Arena *arena, YamlDocument *ret_document)
{
    Loader loader = {.text = text, .arena = arena};
    loader.faults = ARENA_ARRAY(arena, YamlFault, YAML_FAULTS_MAX);
    const YamlNode *root = NULL;
    bool loaded = true, done = false;
    if (text.length > YAML_SIZE_MAX) {
        loaded = add_fault(&loader, (YamlMark){1, 1},
                           arena_printf(arena, "the file is larger than %d bytes", YAML_SIZE_MAX));
    } else {
        if (!yaml_parser_initialize(&loader.parser))
            memory_exhausted(sizeof loader.parser);
        yaml_parser_set_encoding(&loader.parser, YAML_UTF8_ENCODING);
        yaml_parser_set_input_string(&loader.parser, (const unsigned char *)text.data, text.length);
        while (loaded && !done)
            loaded = load_document(&loader, &root, &done);
        yaml_parser_delete(&loader.parser);
    }
    *ret_document = (YamlDocument){loaded ? root : NULL, loader.faults, loader.fault_count};
    return loader.fault_count == 0;
}

const YamlNode *yaml_get(const YamlNode *mapping, const char *key)
{
    for (size_t i = 0; mapping && i < mapping->count && mapping->kind == YAML_MAPPING; i++) {
        if (strcmp(mapping->pairs[i].key, key) == 0)
            return mapping->pairs[i].value;
    }
    return NULL;
}

bool yaml_is_null(const YamlNode *node)
{
    static const char *const words[] = {"", "~", "null", "Null", "NULL"};
    for (size_t i = 0; i < sizeof words / sizeof *words; i++) {
        if (node->kind == YAML_SCALAR && node->plain && strcmp(node->text, words[i]) == 0)
            return true;
    }
    return false;
}
