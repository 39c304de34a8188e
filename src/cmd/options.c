/* SPDX-License-Identifier: Apache-2.0 */
#include "cmd/options.h"

#include "base/nearest.h"
#include "base/view.h"

#include <errno.h>
#include <stdlib.h>

typedef struct Parser {
    const OptionGroup *groups;
    size_t group_count;
    const Words *words;
    size_t next;
    const char **positions;
    const char **positions_shown;
    size_t position_count;
    Arena *arena;
    Error *error;
} Parser;

/* An option as it was found, and whose settings it writes to. */
typedef struct Found {
    const Option *option;
    void *settings;
} Found;

bool option_is_position(const Option *option)
{
    return option->kind >= OPTION_ARGUMENT;
}

static void *member(const Option *option, void *settings)
{
    return (char *)settings + option->offset;
}

const char *option_value_text(const Option *option, Arena *arena)
{
    if (option->kind == OPTION_FLAG)
        return "";
    if (!option->choices)
        return option->value ? option->value : option->name;
    const char *text = option->choices[0];
    for (const char *const *choice = option->choices + 1; *choice; choice++)
        text = arena_printf(arena, "%s|%s", text, *choice);
    return text;
}

static void list_add(TextList *list, const char *text, Arena *arena)
{
    const char **items = ARENA_ARRAY(arena, const char *, list->count + 1);
    if (list->count)
        memcpy(items, list->items, list->count * sizeof *items);
    items[list->count] = text;
    *list = (TextList){items, list->count + 1};
}

static StrView trim(StrView view)
{
    while (view.length && view.data[0] == ' ')
        view = (StrView){view.data + 1, view.length - 1};
    while (view.length && view.data[view.length - 1] == ' ')
        view.length--;
    return view;
}

TextList text_list_split(const char *text, Arena *arena)
{
    TextList list = {0};
    while (text) {
        const char *comma = strchr(text, ',');
        StrView part = trim((StrView){text, comma ? (size_t)(comma - text) : strlen(text)});
        if (part.length)
            list_add(&list, arena_strndup(arena, part.data, part.length), arena);
        text = comma ? comma + 1 : NULL;
    }
    return list;
}

static bool check_choice(const Option *option, const char *value, const char *shown, Arena *arena,
                         Error *error)
{
    if (!option->choices)
        return true;
    size_t count = 0;
    for (; option->choices[count]; count++) {
        if (strcmp(option->choices[count], value) == 0)
            return true;
    }
    const char *near = nearest_word(value, option->choices, count);
    error_set(error, ERROR_USAGE, "%s%s: \"%s\" is none of %s",
              option_is_position(option) ? "" : "--", option->name, shown,
              option_value_text(option, arena));
    return near ? error_hint(error, "did you mean %s?", near) : false;
}

static bool read_count(const Option *option, const char *value, int64_t *ret_count, Error *error)
{
    char *end;
    errno = 0;
    long long count = strtoll(value, &end, 10);
    int least = option->kind == OPTION_POSITIVE;
    if (errno || end == value || *end || count < least)
        return error_set(error, ERROR_USAGE, "--%s: \"%s\" is not a whole number from %d",
                         option->name, value, least);
    *ret_count = count;
    return true;
}

static bool store(const Parser *parser, Found found, const char *value, const char *shown)
{
    const Option *option = found.option;
    void *place = member(option, found.settings);
    if (!check_choice(option, value, shown, parser->arena, parser->error))
        return false;
    switch (option->kind) {
    case OPTION_FLAG:
        *(bool *)place = true;
        return true;
    case OPTION_COUNT:
    case OPTION_POSITIVE:
        return read_count(option, value, place, parser->error);
    case OPTION_LIST:
    case OPTION_REST:
        list_add(place, value, parser->arena);
        return true;
    case OPTION_TEXT:
    case OPTION_ARGUMENT:
    case OPTION_OPTIONAL:
        *(const char **)place = value;
        return true;
    }
    return false;
}

static Found find_long(const Parser *parser, StrView name)
{
    for (size_t i = 0; i < parser->group_count; i++) {
        for (const Option *option = parser->groups[i].options; option->name; option++) {
            if (!option_is_position(option) && view_equals(name, view_of(option->name)))
                return (Found){option, parser->groups[i].settings};
        }
    }
    return (Found){0};
}

static Found find_letter(const Parser *parser, char letter)
{
    for (size_t i = 0; i < parser->group_count; i++) {
        for (const Option *option = parser->groups[i].options; option->name; option++) {
            if (!option_is_position(option) && option->letter && option->letter == letter)
                return (Found){option, parser->groups[i].settings};
        }
    }
    return (Found){0};
}

static size_t collect_names(const Parser *parser, const char **names)
{
    size_t count = 0;
    for (size_t i = 0; i < parser->group_count; i++) {
        for (const Option *option = parser->groups[i].options; option->name; option++) {
            if (option_is_position(option))
                continue;
            if (names)
                names[count] = option->name;
            count++;
        }
    }
    return count;
}

static bool fail_unknown(const Parser *parser, const char *shown)
{
    const char *name = shown + strspn(shown, "-");
    name = arena_strndup(parser->arena, name, strcspn(name, "="));
    const char **names = ARENA_ARRAY(parser->arena, const char *, collect_names(parser, NULL) + 1);
    size_t count = collect_names(parser, names);
    const char *near = nearest_word(name, names, count);
    error_set(parser->error, ERROR_USAGE, "unknown option %s", shown);
    return near ? error_hint(parser->error, "did you mean --%s?", near) : false;
}

/* The option's value is the rest of its own word or the next word. */
static bool take_value(Parser *parser, Found found, const char *attached)
{
    size_t at = parser->next - 1;
    const char *shown = parser->words->shown[at];
    if (found.option->kind == OPTION_FLAG) {
        if (attached)
            return error_set(parser->error, ERROR_USAGE, "--%s takes no value", found.option->name);
        return store(parser, found, "", "");
    }
    if (attached)
        return store(parser, found, attached, shown + strcspn(shown, "=") + 1);
    if (parser->next == parser->words->count)
        return error_set(parser->error, ERROR_USAGE, "--%s needs a value: %s", found.option->name,
                         option_value_text(found.option, parser->arena));
    at = parser->next++;
    return store(parser, found, parser->words->items[at], parser->words->shown[at]);
}

static bool parse_long(Parser *parser, const char *word)
{
    const char *equals = strchr(word, '=');
    StrView name = {word + 2, equals ? (size_t)(equals - word) - 2 : strlen(word) - 2};
    Found found = find_long(parser, name);
    if (!found.option)
        return fail_unknown(parser, parser->words->shown[parser->next - 1]);
    return take_value(parser, found, equals ? equals + 1 : NULL);
}

static bool parse_letters(Parser *parser, const char *word)
{
    for (const char *letter = word + 1; *letter; letter++) {
        Found found = find_letter(parser, *letter);
        if (!found.option)
            return fail_unknown(parser, parser->words->shown[parser->next - 1]);
        if (found.option->kind != OPTION_FLAG && letter[1])
            return error_set(parser->error, ERROR_USAGE, "-%c needs a value of its own", *letter);
        if (!take_value(parser, found, NULL))
            return false;
    }
    return true;
}

/* Only the first group: the global options were set before the command was known. */
static void parser_init(Parser *parser, Arena *arena)
{
    parser->arena = arena;
    parser->positions = ARENA_ARRAY(arena, const char *, parser->words->count + 1);
    parser->positions_shown = ARENA_ARRAY(arena, const char *, parser->words->count + 1);
    for (const Option *option = parser->groups[0].options; option->name; option++) {
        if (option->kind == OPTION_TEXT)
            *(const char **)member(option, parser->groups[0].settings) = option->otherwise;
    }
}

/* "-" alone is a word: standard output. */
static bool is_option(const char *word)
{
    return word[0] == '-' && word[1];
}

static bool parse_word(Parser *parser, bool *options_ended)
{
    const char *word = parser->words->items[parser->next];
    parser->next++;
    if (!*options_ended && strcmp(word, "--") == 0) {
        *options_ended = true;
        return true;
    }
    if (!*options_ended && is_option(word))
        return word[1] == '-' ? parse_long(parser, word) : parse_letters(parser, word);
    parser->positions[parser->position_count] = word;
    parser->positions_shown[parser->position_count++] = parser->words->shown[parser->next - 1];
    return true;
}

static size_t count_kind(const Option *options, OptionKind kind)
{
    size_t count = 0;
    for (const Option *option = options; option->name; option++)
        count += option->kind == kind;
    return count;
}

/* Required positions come first: an optional one gets a word only when there is one to spare. */
static bool assign_positions(const Parser *parser)
{
    const OptionGroup *group = &parser->groups[0];
    size_t required = count_kind(group->options, OPTION_ARGUMENT);
    size_t spare = parser->position_count > required ? parser->position_count - required : 0;
    size_t next = 0;
    for (const Option *option = group->options; option->name; option++) {
        bool many = option->kind == OPTION_REST;
        if (!option_is_position(option) || (option->kind == OPTION_OPTIONAL && spare == 0))
            continue;
        spare -= option->kind == OPTION_OPTIONAL;
        for (bool first = true; next < parser->position_count && (first || many); first = false) {
            Found found = {option, group->settings};
            const char *shown = parser->positions_shown[next];
            if (!store(parser, found, parser->positions[next++], shown))
                return false;
        }
    }
    if (next < parser->position_count)
        return error_set(parser->error, ERROR_USAGE, "one word too many: %s",
                         parser->positions_shown[next]);
    return true;
}

bool options_parse_leading(const OptionGroup *group, const Words *words, Arena *arena,
                           size_t *ret_used, Error *error)
{
    Parser parser = {.groups = group, .group_count = 1, .words = words, .error = error};
    parser_init(&parser, arena);
    bool ended = false;
    while (parser.next < words->count && is_option(words->items[parser.next]) && !ended) {
        if (!parse_word(&parser, &ended))
            return false;
    }
    *ret_used = parser.next;
    return true;
}

bool options_parse(const OptionGroup *groups, size_t group_count, const Words *words, Arena *arena,
                   Error *error)
{
    Parser parser = {.groups = groups, .group_count = group_count, .words = words, .error = error};
    parser_init(&parser, arena);
    bool ended = false;
    while (parser.next < words->count) {
        if (!parse_word(&parser, &ended))
            return false;
    }
    return assign_positions(&parser);
}

bool options_complete(const OptionGroup *group, Error *error)
{
    for (const Option *option = group->options; option->name; option++) {
        const char *const *place = member(option, group->settings);
        if (option->kind == OPTION_ARGUMENT && !*place)
            return error_set(error, ERROR_USAGE, "%s is missing", option->name);
    }
    return true;
}
