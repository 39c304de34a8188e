/* SPDX-License-Identifier: Apache-2.0 */
#include "target/files/gc.h"

#include "target/files/file_error.h"
#include "target/files/folder.h"

#include <errno.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define STAGING ".staging-"

enum { DEPTH_MAX = 2 }; /* ROOT/DATASET/TABLE */

typedef struct Collecting {
    const GcRequest *request;
    Arena *arena;
    GcItem *items;
    size_t count;
    size_t capacity;
    int depth;
} Collecting;

static bool is_folder(const char *path)
{
    struct stat status;
    return lstat(path, &status) == 0 && S_ISDIR(status.st_mode);
}

static bool remove_file(void *context, const char *folder, const char *name, Error *error)
{
    (void)context;
    return folder_remove_file(folder, name, error);
}

static bool remove_folder(const char *path, Error *error)
{
    if (!folder_walk(path, remove_file, NULL, error))
        return false;
    return rmdir(path) == 0 || errno == ENOENT || file_error("remove", path, error);
}

static void add(Collecting *found, const char *path, const char *run_id)
{
    if (found->count == found->capacity) {
        found->capacity = found->capacity ? found->capacity * 2 : 16;
        GcItem *grown = ARENA_ARRAY(found->arena, GcItem, found->capacity);
        if (found->count)
            memcpy(grown, found->items, found->count * sizeof *grown);
        found->items = grown;
    }
    found->items[found->count++] = (GcItem){
        .what = arena_printf(found->arena, "folder %s", path),
        .run_id = gc_run_id(run_id, found->arena),
    };
}

static bool visit(void *context, const char *folder, const char *name, Error *error)
{
    Collecting *found = context;
    const char *path = arena_printf(found->arena, "%s/%s", folder, name);
    if (!is_folder(path))
        return true;
    if (strncmp(name, STAGING, strlen(STAGING)) != 0) {
        if (name[0] == '.' || found->depth == DEPTH_MAX)
            return true;
        found->depth++;
        bool walked = folder_walk(path, visit, found, error);
        found->depth--;
        return walked;
    }
    const char *run_id = name + strlen(STAGING);
    if (!gc_is_ownerless(found->request, run_id))
        return true;
    if (!found->request->dry && !remove_folder(path, error))
        return false;
    add(found, path, run_id);
    return true;
}

bool folder_gc(const char *root, const GcRequest *request, Arena *arena, GcList *ret_list,
               Error *error)
{
    Collecting found = {.request = request, .arena = arena};
    bool walked = folder_walk(root, visit, &found, error);
    *ret_list = (GcList){found.items, found.count};
    return walked;
}
