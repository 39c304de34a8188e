/* SPDX-License-Identifier: Apache-2.0 */
#include "config/include.h"

#include "base/cleanup.h"
#include "format/file.h"

#include <glob.h>
#include <string.h>

typedef struct Includer {
    const Binder *binder;
    RawConfig *raw;
    const char *paths[INCLUDED_FILES_MAX + 1]; /* the main file, and what was read */
    size_t count;
    ConfigPlace place; /* of the pattern at work */
    KeyPath path;
} Includer;

static void mistake(Includer *includer, const char *message)
{
    Mistakes *mistakes = includer->binder->mistakes;
    includer->raw->broken = true;
    mistakes_add(mistakes, includer->place, "%s: %s",
                 key_path_text(&includer->path, mistakes->arena), message);
}

/* The folder as a pattern that matches only itself. */
static const char *literal_pattern(const char *text, Arena *arena)
{
    char *pattern = arena_alloc(arena, strlen(text) * 2 + 1), *end = pattern;
    for (; *text; text++) {
        if (strchr("*?[]\\", *text))
            *end++ = '\\';
        *end++ = *text;
    }
    *end = '\0';
    return pattern;
}

static bool is_read_already(const Includer *includer, const char *path)
{
    for (size_t i = 0; i < includer->count; i++) {
        if (strcmp(includer->paths[i], path) == 0)
            return true;
    }
    return false;
}

/* The path as the person would write it, from where the main file's name starts. */
static const char *display_name(const Includer *includer, const char *path)
{
    const char *directory = includer->binder->expander->directory;
    size_t length = strlen(directory);
    if (strncmp(path, directory, length) != 0 || path[length] != '/')
        return path;
    const char *main_file = includer->binder->file, *slash = strrchr(main_file, '/');
    return arena_printf(includer->binder->arena, "%.*s%s", slash ? (int)(slash - main_file) + 1 : 0,
                        main_file, path + length + 1);
}

static void read_file(Includer *includer, const char *path)
{
    Error error = {0};
    StrView text;
    Arena *arena = includer->binder->arena;
    if (is_read_already(includer, path))
        return;
    if (includer->count > INCLUDED_FILES_MAX) {
        mistake(includer, "more than 1000 files");
        return;
    }
    includer->paths[includer->count++] = path;
    if (!file_read(path, YAML_SIZE_MAX, arena, &text, &error) || !text.data) {
        mistake(includer, text.data ? error.message : arena_printf(arena, "%s is gone", path));
        return;
    }
    Binder binder = *includer->binder;
    binder.file = display_name(includer, path);
    include_text(&binder, &keys_included, text, includer->raw);
}

static void read_pattern(Includer *includer, const char *pattern)
{
    CLEANUP(globfree) glob_t found = {0};
    Arena *arena = includer->binder->arena;
    const char *folder = literal_pattern(includer->binder->expander->directory, arena);
    int status = glob(path_in(folder, pattern, arena), 0, NULL, &found);
    if (status == GLOB_NOMATCH)
        mistake(includer,
                arena_printf(arena, "%s matches no file in %s", shown_text(pattern, arena),
                             includer->binder->expander->directory));
    else if (status != 0)
        mistake(includer, "the folder cannot be read");
    for (size_t i = 0; i < found.gl_pathc; i++)
        read_file(includer, arena_strdup(arena, found.gl_pathv[i]));
}

static ConfigPlace place_of_pattern(const RawElement *element, size_t index)
{
    const YamlNode *list = yaml_get(element->node, "include");
    bool is_item = list && index < list->count && list->kind == YAML_SEQUENCE;
    return is_item ? place_in(element->place.file, list->items[index]->mark) : element->place;
}

void include_text(const Binder *binder, const KeySection *section, StrView text, RawConfig *raw)
{
    YamlDocument document;
    yaml_parse(text, binder->arena, &document);
    for (size_t i = 0; i < document.fault_count; i++)
        mistakes_add(binder->mistakes, place_in(binder->file, document.faults[i].mark), "%s",
                     document.faults[i].message);
    if (document.root && section == &keys_main)
        raw->element = (RawElement){.node = document.root,
                                    .place = place_in(binder->file, document.root->mark)};
    raw->broken |= !document.root;
    if (document.root)
        bind_section(binder, section, document.root, raw, NULL);
    else if (document.fault_count == 0)
        mistakes_add(binder->mistakes, (ConfigPlace){binder->file, 0, 0}, "the file is empty");
}

void include_files(const Binder *binder, const char *main_path, RawConfig *raw)
{
    Includer *includer = ARENA_NEW(binder->arena, Includer);
    *includer = (Includer){.binder = binder, .raw = raw, .paths = {main_path}, .count = 1};
    KeyPath parent = {NULL, "include", 0};
    for (size_t i = 0; i < raw->include.count; i++) {
        includer->place = place_of_pattern(&raw->element, i);
        includer->path = (KeyPath){&parent, NULL, i};
        if (binder->expander->sealed)
            mistake(includer, "files cannot be included here");
        else
            read_pattern(includer, raw->include.items[i]);
    }
}
