/* SPDX-License-Identifier: Apache-2.0 */
#include "state/file/file.h"

#include "base/cleanup.h"
#include "base/memory.h"
#include "state/name.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>

typedef struct FileStore {
    StateStore base;
    Arena arena;
    const char *folder;
} FileStore;

struct StateLock {
    int descriptor;
};

static FileStore *store_of(StateStore *store)
{
    return (FileStore *)(void *)store;
}

static bool make_folder(const char *path, mode_t mode, Error *error)
{
    if (mkdir(path, mode) == 0)
        return true;
    struct stat status;
    if (errno == EEXIST && stat(path, &status) == 0 && S_ISDIR(status.st_mode))
        return true;
    int reason = errno == EEXIST ? ENOTDIR : errno;
    error_set_errno(error, ERROR_CONFIG, reason, "cannot make the state folder %s", path);
    return error_hint(error,
                      "state.path in the configuration (--state of `copy`) names another place");
}

/* The last one is for its owner only. */
static bool make_folders(const char *path, Error *error)
{
    CLEANUP(free_ptr) char *copy = memory_strdup(path);
    for (char *slash = strchr(copy + 1, '/'); slash; slash = strchr(slash + 1, '/')) {
        *slash = '\0';
        if (!make_folder(copy, 0777, error))
            return false;
        *slash = '/';
    }
    return make_folder(copy, 0700, error);
}

static const char *path_of(const FileStore *store, const char *kind, const char *name, Arena *arena)
{
    return arena_printf(arena, "%s/%ss/%s.%s", store->folder, kind, state_file_name(name, arena),
                        strcmp(kind, "lock") == 0 ? "lock" : "json");
}

/* Who holds the lock, from what it wrote there; less when it has not come to that yet. */
static bool fail_locked(const LockRequest *request, const char *path, Error *error)
{
    CLEANUP(json_free_ptr) Json *holder = NULL;
    json_read_file(path, &holder, NULL);
    state_fail_locked(request, holder, path, error);
    return error_hint(error, "--lock-wait 10m waits until that run has ended; a lock ends with its "
                             "process");
}

static bool write_holder(int descriptor, const char *path, const char *job, Error *error)
{
    CLEANUP(arena_done) Arena arena = {0};
    CLEANUP(json_free_ptr) Json *holder = state_holder_new(job);
    const char *text = arena_printf(&arena, "%s\n", json_dump(holder, &arena));
    if (ftruncate(descriptor, 0) == 0 &&
        pwrite(descriptor, text, strlen(text), 0) == (ssize_t)strlen(text))
        return true;
    error_set_errno(error, ERROR_INTERNAL, errno, "cannot write the lock %s", path);
    return error_hint(error, "look at the disk that holds the state folder (is it full?), then run "
                             "again; nothing was changed");
}

static bool file_lock(StateStore *store, const LockRequest *request, StateLock **ret_lock,
                      Error *error)
{
    CLEANUP(arena_done) Arena arena = {0};
    const char *path = path_of(store_of(store), "lock", request->name, &arena);
    CLEANUP(close_fd) int descriptor = open(path, O_RDWR | O_CREAT | O_CLOEXEC, 0600);
    if (descriptor < 0) {
        error_set_errno(error, ERROR_CONFIG, errno, "cannot open the lock %s", path);
        return error_hint(error, "the state folder must be writable for the user that runs this");
    }
    if (flock(descriptor, LOCK_EX | LOCK_NB) < 0) {
        if (errno == EWOULDBLOCK)
            return fail_locked(request, path, error);
        return error_set_errno(error, ERROR_CONFIG, errno, "cannot lock %s", path);
    }
    if (!write_holder(descriptor, path, request->holder, error))
        return false;
    StateLock *lock = memory_alloc(sizeof *lock);
    lock->descriptor = TAKE_FD(descriptor);
    *ret_lock = lock;
    return true;
}

/* The file stays: who opened it just now would else hold a lock that nobody can see. */
static void file_unlock(StateStore *store, StateLock *lock)
{
    (void)store;
    if (!lock)
        return;
    int emptied = ftruncate(lock->descriptor, 0);
    (void)emptied; /* a stale holder in the file misleads nobody once the lock is free */
    close(lock->descriptor);
    free(lock);
}

static bool file_load(StateStore *store, const char *job, Json **ret_state, Error *error)
{
    CLEANUP(arena_done) Arena arena = {0};
    CLEANUP(json_free_ptr) Json *state = NULL;
    const char *path = path_of(store_of(store), "job", job, &arena);
    *ret_state = NULL;
    if (!json_read_file(path, &state, error)) {
        error_prefix(error, "state of job %s", job);
        return state_hint_damaged(job, error);
    }
    if (state && !state_check_document(state, job, path, error))
        return false;
    *ret_state = TAKE_PTR(state);
    return true;
}

static bool file_save(StateStore *store, const char *job, const Json *state, Error *error)
{
    CLEANUP(arena_done) Arena arena = {0};
    const char *path = path_of(store_of(store), "job", job, &arena);
    if (json_get_int(state, "version", 0) != STATE_FORMAT)
        return error_set(error, ERROR_INTERNAL, "state of job %s: its version must be %d", job,
                         STATE_FORMAT);
    return json_write_file(path, state, error) || error_prefix(error, "state of job %s", job);
}

/* What a crash may have left in the middle of a removal is there or not: either is right. */
static bool remove_file(const char *path, Error *error)
{
    if (unlink(path) == 0 || errno == ENOENT)
        return true;
    return error_set_errno(error, ERROR_INTERNAL, errno, "cannot remove %s", path);
}

static bool file_remove(StateStore *store, const char *job, Error *error)
{
    CLEANUP(arena_done) Arena arena = {0};
    return remove_file(path_of(store_of(store), "job", job, &arena), error);
}

static int compare_texts(const void *left, const void *right)
{
    return strcmp(*(const char *const *)left, *(const char *const *)right);
}

static void close_folder(DIR **folder)
{
    if (*folder)
        closedir(*folder);
}

/* Names of the folder's JSON files without ".json", sorted. */
static bool list_folder(const FileStore *store, const char *kind, Arena *arena,
                        TextArray *ret_names, Error *error)
{
    const char *path = arena_printf(arena, "%s/%ss", store->folder, kind);
    CLEANUP(close_folder) DIR *folder = opendir(path);
    size_t count = 0, capacity = 0;
    const char **names = NULL;
    *ret_names = (TextArray){0};
    if (!folder && errno == ENOENT)
        return true;
    if (!folder)
        return error_set_errno(error, ERROR_CONFIG, errno, "cannot list %s", path);
    for (const struct dirent *entry; (entry = readdir(folder));) {
        size_t length = strlen(entry->d_name);
        if (entry->d_name[0] == '.' || length <= 5 ||
            strcmp(entry->d_name + length - 5, ".json") != 0)
            continue;
        if (count == capacity) {
            capacity = capacity ? capacity * 2 : 16;
            const char **grown = ARENA_ARRAY(arena, const char *, capacity);
            if (count)
                memcpy(grown, names, count * sizeof *grown);
            names = grown;
        }
        names[count++] = arena_strndup(arena, entry->d_name, length - 5);
    }
    if (count)
        qsort(names, count, sizeof *names, compare_texts);
    *ret_names = (TextArray){names, count};
    return true;
}

/* Long names are cut in file names: the whole one stands in the file. */
static bool file_jobs(StateStore *store, Arena *arena, TextArray *ret_names, Error *error)
{
    TextArray files;
    if (!list_folder(store_of(store), "job", arena, &files, error))
        return false;
    const char **names = ARENA_ARRAY(arena, const char *, files.count);
    for (size_t i = 0; i < files.count; i++) {
        CLEANUP(json_free_ptr) Json *state = NULL;
        Error ignored = {0};
        const char *path =
            arena_printf(arena, "%s/jobs/%s.json", store_of(store)->folder, files.items[i]);
        json_read_file(path, &state, &ignored);
        const char *job = json_get_text(state, "job");
        names[i] = job ? arena_strdup(arena, job) : files.items[i];
    }
    *ret_names = (TextArray){names, files.count};
    return true;
}

static bool file_report_save(StateStore *store, const char *id, const Json *report, Error *error)
{
    CLEANUP(arena_done) Arena arena = {0};
    const char *last = arena_printf(&arena, "%s/report.json", store_of(store)->folder);
    return json_write_file(path_of(store_of(store), "report", id, &arena), report, error) &&
           json_write_file(last, report, error);
}

static bool file_report_load(StateStore *store, const char *id, Json **ret_report, Error *error)
{
    CLEANUP(arena_done) Arena arena = {0};
    return json_read_file(path_of(store_of(store), "report", id, &arena), ret_report, error);
}

static bool file_report_remove(StateStore *store, const char *id, Error *error)
{
    CLEANUP(arena_done) Arena arena = {0};
    return remove_file(path_of(store_of(store), "report", id, &arena), error);
}

static bool file_report_list(StateStore *store, Arena *arena, TextArray *ret_ids, Error *error)
{
    return list_folder(store_of(store), "report", arena, ret_ids, error);
}

static void file_close(StateStore *store)
{
    if (!store)
        return;
    arena_done(&store_of(store)->arena);
    free(store);
}

static const StateOps file_ops = {
    .close = file_close,
    .lock = file_lock,
    .unlock = file_unlock,
    .load = file_load,
    .save = file_save,
    .remove = file_remove,
    .jobs = file_jobs,
    .report_save = file_report_save,
    .report_load = file_report_load,
    .report_remove = file_report_remove,
    .report_list = file_report_list,
};

static bool file_open(const StateConfig *config, StateStore **ret_store, Error *error)
{
    CLEANUP(arena_done) Arena arena = {0};
    const char *where = config->path;
    if (!config->only_looks &&
        (!make_folders(where, error) ||
         !make_folder(arena_printf(&arena, "%s/jobs", where), 0700, error) ||
         !make_folder(arena_printf(&arena, "%s/reports", where), 0700, error) ||
         !make_folder(arena_printf(&arena, "%s/locks", where), 0700, error)))
        return false;
    FileStore *store = memory_zalloc(1, sizeof *store);
    store->base.ops = &file_ops;
    store->folder = arena_strdup(&store->arena, where);
    *ret_store = &store->base;
    return true;
}

const StateDriver state_file_driver = {.type = "file", .open = file_open};
