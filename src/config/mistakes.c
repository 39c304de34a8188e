/* SPDX-License-Identifier: Apache-2.0 */
#include "config/mistakes.h"

#include "base/cleanup.h"

#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

enum { SHOWN_MAX = 60 }; /* bytes of a value in a message */

static int compare_places(const void *left, const void *right, void *context)
{
    const Mistake *a = left, *b = right;
    const Mistakes *mistakes = context;
    int order = strcmp(a->place.file, b->place.file);
    if (order != 0) {
        bool first = strcmp(a->place.file, mistakes->main_file) == 0;
        bool second = strcmp(b->place.file, mistakes->main_file) == 0;
        return first != second ? second - first : order;
    }
    if (a->place.line != b->place.line)
        return a->place.line < b->place.line ? -1 : 1;
    if (a->place.column != b->place.column)
        return a->place.column < b->place.column ? -1 : 1;
    return strcmp(a->message, b->message);
}

static bool may_hold_a_password(const char *text)
{
    return strstr(text, "://") || strcasestr(text, "password") || strcasestr(text, "secret");
}

/* The length of what is shown, never cut inside a character. */
static size_t shown_length(const char *text)
{
    size_t length = strnlen(text, SHOWN_MAX + 1);
    if (length <= SHOWN_MAX)
        return length;
    length = SHOWN_MAX;
    while (length > 0 && (text[length] & 0xc0) == 0x80)
        length--;
    return length;
}

static char *escaped(const char *text, size_t length, Arena *arena)
{
    char *copy = arena_alloc(arena, length * 4 + 1), *end = copy;
    for (size_t i = 0; i < length; i++) {
        unsigned char byte = (unsigned char)text[i];
        if (byte < 0x20 || byte == 0x7f)
            end += snprintf(end, sizeof "\\x00", "\\x%02x", byte);
        else
            *end++ = (char)byte;
    }
    *end = '\0';
    return copy;
}

static bool is_simple_key(const char *key)
{
    static const char simple[] =
        "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789_-<>";
    size_t length = strlen(key);
    return length > 0 && length <= SHOWN_MAX && strspn(key, simple) == length;
}

void mistakes_init(Mistakes *mistakes, Arena *arena, const char *main_file)
{
    *mistakes = (Mistakes){.arena = arena, .main_file = main_file};
    mistakes->items = ARENA_ARRAY(arena, Mistake, MISTAKES_MAX);
}

void mistakes_add(Mistakes *mistakes, ConfigPlace place, const char *format, ...)
{
    mistakes->total++;
    if (mistakes_full(mistakes))
        return;
    CLEANUP(free_ptr) char *message = NULL;
    va_list arguments;
    va_start(arguments, format);
    int length = vasprintf(&message, format, arguments);
    va_end(arguments);
    if (length < 0)
        message = NULL;
    mistakes->items[mistakes->count++] =
        (Mistake){place, arena_printf(mistakes->arena, "%s: %s", place_text(place, mistakes->arena),
                                      message ? message : "(no memory for the message)")};
}

ConfigErrors mistakes_sorted(Mistakes *mistakes)
{
    size_t count = mistakes->count;
    bool more = mistakes->total > count;
    const char **messages = ARENA_ARRAY(mistakes->arena, const char *, count + 1);
    qsort_r(mistakes->items, count, sizeof *mistakes->items, compare_places, mistakes);
    for (size_t i = 0; i < count; i++)
        messages[i] = mistakes->items[i].message;
    if (more)
        messages[count] =
            arena_printf(mistakes->arena, "and %zu more mistakes", mistakes->total - count);
    return (ConfigErrors){messages, count + more};
}

const char *key_path_text(const KeyPath *path, Arena *arena)
{
    if (!path)
        return "";
    const char *parent = key_path_text(path->parent, arena);
    if (!path->key)
        return arena_printf(arena, "%s[%zu]", parent, path->index);
    const char *key = is_simple_key(path->key) ? path->key : shown_text(path->key, arena);
    return arena_printf(arena, "%s%s%s", parent, *parent ? "." : "", key);
}

const char *shown_text(const char *text, Arena *arena)
{
    if (may_hold_a_password(text))
        return "(a text that is not shown: it may hold a password)";
    size_t length = shown_length(text);
    return arena_printf(arena, "\"%s%s\"", escaped(text, length, arena), text[length] ? "…" : "");
}

const char *place_text(ConfigPlace place, Arena *arena)
{
    if (place.line == 0)
        return place.file;
    return arena_printf(arena, "%s:%d:%d", place.file, place.line, place.column);
}
