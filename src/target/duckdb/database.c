/* SPDX-License-Identifier: Apache-2.0 */
#include "target/duckdb/database.h"

#include "base/cleanup.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>

static const int64_t MEMORY_BASE = 96LL << 20;
static const int64_t MEMORY_STEP = 16LL << 20;

static void free_config(duckdb_config *config, const DuckApi *api)
{
    if (*config)
        api->destroy_config(config);
}

static bool set_option(const DuckApi *api, duckdb_config config, const char *name,
                       const char *value, Error *error)
{
    if (api->set_config(config, name, value) == DuckDBSuccess)
        return true;
    return error_set(error, ERROR_TARGET, "DuckDB does not take the setting %s = %s", name, value);
}

static bool set_options(const DuckApi *api, duckdb_config config, const DuckSettings *settings,
                        Error *error)
{
    char threads[24];
    snprintf(threads, sizeof threads, "%lld",
             (long long)(settings->threads > 0 ? settings->threads : 1));
    /* With its order kept, an insert goes straight to the file; else each thread gathers rows
     * first. */
    return set_option(api, config, "threads", threads, error) &&
           set_option(api, config, "preserve_insertion_order", "true", error) &&
           set_option(api, config, "autoinstall_known_extensions", "false", error) &&
           set_option(api, config, "autoload_known_extensions", "false", error);
}

static bool explain_open_failure(const DuckSettings *settings, const DuckLibrary *library,
                                 const char *text, Error *error)
{
    bool held = strstr(text, "Could not set lock") != NULL;
    if (held)
        error_set_retryable(error, ERROR_LOCKED, "cannot open %s: another process has it open: %s",
                            settings->path, text);
    else
        error_set(error, ERROR_TARGET, "cannot open %s: %s", settings->path, text);

    if (held)
        return error_hint(error, "only one process can write a DuckDB file at a time: close the "
                                 "program that is named above, then run again");
    if (strstr(text, "not a valid DuckDB database"))
        return error_hint(error, "destination.path names a file that DuckDB did not write: choose "
                                 "another path, or move the file away");
    if (strstr(text, "version number"))
        return error_hint(error,
                          "the file was written by another DuckDB than %s at %s: name a "
                          "newer library in destination.library",
                          library->version, library->path);
    if (strstr(text, "No space left"))
        return error_hint(error, "free some space on that file system, then run again");
    return error_hint(error, "look at the file and at the rights on it and on its folder");
}

/* What DuckDB would say late or vaguely; *ret_is_new: the file does not exist yet. */
static bool look_at_path(const char *path, bool *ret_is_new, Error *error)
{
    char folder[4096];
    struct stat status;
    snprintf(folder, sizeof folder, "%s", path);
    char *slash = strrchr(folder, '/');
    *ret_is_new = false;
    if (slash && slash != folder) {
        *slash = '\0';
        if (stat(folder, &status) != 0) {
            error_set_errno(error, ERROR_TARGET, errno, "cannot open %s: its folder %s", path,
                            folder);
            return error_hint(error, "make the folder (mkdir -p '%s') or correct destination.path",
                              folder);
        }
    }
    *ret_is_new = stat(path, &status) != 0 && errno == ENOENT;
    if (*ret_is_new || access(path, R_OK | W_OK) == 0)
        return true;
    error_set_errno(error, ERROR_TARGET, errno, "cannot write %s", path);
    return error_hint(error,
                      "make the file writable for this user (chmod u+w '%s'), or choose "
                      "another destination.path",
                      path);
}

static bool open_file(const DuckLibrary *library, const DuckSettings *settings,
                      duckdb_database *ret_handle, Error *error)
{
    const DuckApi *api = &library->api;
    duckdb_config config = NULL;
    bool is_new;
    char *text = NULL;
    if (!look_at_path(settings->path, &is_new, error))
        return false;
    if (api->create_config(&config) != DuckDBSuccess)
        return error_set(error, ERROR_INTERNAL, "DuckDB cannot make a configuration");
    bool done = set_options(api, config, settings, error);
    if (done && api->open_ext(settings->path, ret_handle, config, &text) != DuckDBSuccess) {
        explain_open_failure(settings, library, text ? text : "unknown error", error);
        if (is_new && error && !error->retryable)
            unlink(settings->path); /* a file that we began and that nobody could open */
        done = false;
    }
    if (text)
        api->free(text);
    free_config(&config, api);
    return done;
}

/* Files of a process that was killed while it spilled; it had the lock that we have now. */
static void remove_spilled(const char *path, time_t opened_at)
{
    char folder_path[4096];
    snprintf(folder_path, sizeof folder_path, "%s.tmp", path);
    DIR *folder = opendir(folder_path);
    if (!folder)
        return;
    struct dirent *entry;
    struct stat status;
    while ((entry = readdir(folder)) != NULL) {
        if (strncmp(entry->d_name, "duckdb_temp_", strlen("duckdb_temp_")) == 0 &&
            fstatat(dirfd(folder), entry->d_name, &status, AT_SYMLINK_NOFOLLOW) == 0 &&
            S_ISREG(status.st_mode) && status.st_mtime < opened_at - 1)
            unlinkat(dirfd(folder), entry->d_name, 0);
    }
    closedir(folder);
}

/* "18.8 GiB", "512 bytes"; 0 when it is nothing of the kind. */
static int64_t parse_size(const char *text)
{
    static const char *const units[] = {" bytes", " KiB", " MiB", " GiB", " TiB"};
    char *unit;
    double number = strtod(text, &unit);
    for (size_t i = 0; i < sizeof units / sizeof *units; i++)
        if (strcmp(unit, units[i]) == 0)
            return (int64_t)(number * (double)(1LL << (10 * i)));
    return 0;
}

static bool set_memory_limit(DuckDatabase *database, int64_t bytes, Error *error)
{
    CLEANUP(duck_disconnect) DuckConnection connection = {0};
    char sql[64];
    snprintf(sql, sizeof sql, "SET memory_limit = '%lldB'", (long long)bytes);
    if (!duck_connect(database, &connection, error) || !duck_run(&connection, sql, error))
        return false;
    database->memory_limit = bytes;
    return true;
}

static bool read_memory_most(DuckDatabase *database, Error *error)
{
    CLEANUP(duck_disconnect) DuckConnection connection = {0};
    CLEANUP(arena_done) Arena arena = {0};
    DuckRows rows;
    DuckQuery query = {.sql = "SELECT current_setting('memory_limit')::VARCHAR"};
    if (!duck_connect(database, &connection, error))
        return false;
    (void)duck_run(&connection, "SET write_buffer_row_group_count = 1", NULL); /* new in 1.5 */
    if (!duck_rows(&connection, &query, &arena, &rows, error))
        return error_prefix(error, "DuckDB's settings cannot be read");
    database->memory_most = rows.row_count == 1 && rows.cells[0] ? parse_size(rows.cells[0]) : 0;
    return true;
}

static bool start_memory(DuckDatabase *database, int64_t configured, Error *error)
{
    if (!read_memory_most(database, error))
        return false;
    database->memory_is_fixed = configured > 0;
    if (database->memory_is_fixed)
        return set_memory_limit(database, configured, error);
    /* What was replayed from the log may need more at once. */
    for (int64_t limit = MEMORY_BASE; limit < database->memory_most; limit *= 2)
        if (set_memory_limit(database, limit, NULL))
            return true;
    database->memory_limit = database->memory_most;
    return true;
}

bool duck_database_open(const DuckLibrary *library, const DuckSettings *settings,
                        DuckDatabase *ret_database, Error *error)
{
    time_t opened_at = time(NULL);
    *ret_database = (DuckDatabase){.version = library->version};
    if (!open_file(library, settings, &ret_database->handle, error))
        return false;
    ret_database->api = &library->api;
    pthread_mutex_init(&ret_database->lock, NULL);
    remove_spilled(settings->path, opened_at);
    if (start_memory(ret_database, settings->memory_limit, error))
        return true;
    duck_database_close(ret_database);
    return false;
}

void duck_database_close(DuckDatabase *database)
{
    if (!database->api)
        return;
    database->api->close(&database->handle);
    pthread_mutex_destroy(&database->lock);
    database->api = NULL;
}

bool duck_connect(DuckDatabase *database, DuckConnection *ret_connection, Error *error)
{
    *ret_connection = (DuckConnection){.api = database->api};
    if (database->api->connect(database->handle, &ret_connection->handle) == DuckDBSuccess)
        return true;
    ret_connection->handle = NULL;
    return error_set(error, ERROR_TARGET, "DuckDB refuses a further connection");
}

void duck_memory_reserve(DuckDatabase *database, int64_t bytes)
{
    pthread_mutex_lock(&database->lock);
    database->memory_reserved += bytes;
    int64_t wanted = MEMORY_BASE + database->memory_reserved;
    wanted = (wanted + MEMORY_STEP - 1) / MEMORY_STEP * MEMORY_STEP;
    if (wanted > database->memory_most)
        wanted = database->memory_most;
    /* Without the raise DuckDB spills, or fails and says so. */
    if (!database->memory_is_fixed && wanted > database->memory_limit)
        (void)set_memory_limit(database, wanted, NULL);
    pthread_mutex_unlock(&database->lock);
}

bool duck_memory_raise(DuckDatabase *database)
{
    pthread_mutex_lock(&database->lock);
    bool raised = !database->memory_is_fixed && database->memory_limit < database->memory_most &&
                  set_memory_limit(database, database->memory_most, NULL);
    pthread_mutex_unlock(&database->lock);
    return raised;
}
