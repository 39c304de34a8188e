/* SPDX-License-Identifier: Apache-2.0 */
#include "target/duckdb/library.h"

#include "base/cleanup.h"

#include <dlfcn.h>
#include <limits.h>
#include <link.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static const char *const FILE_NAME = "libduckdb.so";

#define DUCK_SYMBOL(name) {"duckdb_" #name, offsetof(DuckApi, name)},

static const struct {
    const char *name;
    size_t offset;
} SYMBOLS[] = {DUCK_FUNCTIONS(DUCK_SYMBOL)};

/* The folder of the running program; NULL when it cannot be known. */
static const char *executable_folder(Arena *arena)
{
    char path[PATH_MAX];
    ssize_t length = readlink("/proc/self/exe", path, sizeof path - 1);
    if (length <= 0)
        return NULL;
    path[length] = '\0';
    char *slash = strrchr(path, '/');
    return slash ? arena_strndup(arena, path, (size_t)(slash - path)) : NULL;
}

static void add_place(DuckLibrary *library, const char *origin, const char *path)
{
    library->places[library->place_count++] = (DuckPlace){.origin = origin, .path = path};
}

static void list_places(DuckLibrary *library, const char *configured, Arena *arena)
{
    const char *named = getenv("BQFERRY_DUCKDB_LIBRARY");
    if (configured) {
        add_place(library, "destination.library", configured);
        return;
    }
    if (named && *named) {
        add_place(library, "$BQFERRY_DUCKDB_LIBRARY", arena_strdup(arena, named));
        return;
    }
    const char *folder = executable_folder(arena);
    static const char *const beside[] = {"../lib/bqferry", "../.deps/duckdb", "../../.deps/duckdb"};
    for (size_t i = 0; folder && i < sizeof beside / sizeof *beside; i++)
        add_place(library, "beside the program",
                  arena_printf(arena, "%s/%s/%s", folder, beside[i], FILE_NAME));
#ifdef BQFERRY_DUCKDB_SEARCH
    add_place(library, "install prefix",
              arena_printf(arena, "%s/%s", BQFERRY_DUCKDB_SEARCH, FILE_NAME));
#endif
    add_place(library, "the loader's path", FILE_NAME);
}

/* Fills the table; returns the name of the first function that is missing, or NULL. */
static const char *resolve(void *handle, DuckApi *api)
{
    for (size_t i = 0; i < sizeof SYMBOLS / sizeof *SYMBOLS; i++) {
        void *address = dlsym(handle, SYMBOLS[i].name);
        if (!address)
            return SYMBOLS[i].name;
        memcpy((char *)api + SYMBOLS[i].offset, &address, sizeof address);
    }
    return NULL;
}

/* Where the loader has it from, without detours. */
static const char *loaded_path(void *handle, const DuckPlace *place, Arena *arena)
{
    struct link_map *map;
    bool known = dlinfo(handle, RTLD_DI_LINKMAP, &map) == 0 && map->l_name && *map->l_name;
    CLEANUP(free_ptr) char *real = realpath(known ? map->l_name : place->path, NULL);
    return arena_strdup(arena, real ? real : place->path);
}

static bool try_place(DuckLibrary *library, DuckPlace *place, Arena *arena)
{
    if (strchr(place->path, '/') && access(place->path, F_OK) != 0) {
        place->outcome = "no such file";
        return false;
    }
    void *handle = dlopen(place->path, RTLD_NOW | RTLD_LOCAL);
    if (!handle) {
        place->outcome = arena_strdup(arena, dlerror());
        return false;
    }
    const char *missing = resolve(handle, &library->api);
    if (missing) {
        place->outcome = arena_printf(arena, "it is too old: it has no %s", missing);
        dlclose(handle);
        return false;
    }
    library->path = loaded_path(handle, place, arena);
    library->version = arena_strdup(arena, library->api.library_version());
    place->outcome = "loaded";
    place->loaded = true;
    return true;
}

static bool not_found(const DuckLibrary *library, Error *error)
{
    if (library->place_count == 1) {
        const DuckPlace *place = &library->places[0];
        error_set(error, ERROR_TARGET, "DuckDB's library cannot be loaded from %s (%s): %s",
                  place->path, place->origin, place->outcome);
        return error_hint(error, "correct %s, or leave it out to have the library looked for",
                          place->origin);
    }
    error_set(error, ERROR_TARGET, "DuckDB's library %s was not found in any of %zu places",
              FILE_NAME, library->place_count);
    return error_hint(
        error, "`bqferry check` lists the places; install libduckdb 1.5 or newer and name its "
               "file in destination.library or in $BQFERRY_DUCKDB_LIBRARY");
}

bool duck_library_load(const char *configured, Arena *arena, DuckLibrary *ret_library, Error *error)
{
    *ret_library = (DuckLibrary){0};
    list_places(ret_library, configured, arena);
    for (size_t i = 0; i < ret_library->place_count; i++)
        if (try_place(ret_library, &ret_library->places[i], arena))
            return true;
    return not_found(ret_library, error);
}
