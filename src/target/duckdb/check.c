/* SPDX-License-Identifier: Apache-2.0 */
#include "target/duckdb/duckdb_state.h"

#include <errno.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/statvfs.h>

static void report_error(CheckReport *report, const char *what, const Error *error)
{
    check_add(report, CHECK_FAILED, what, error->message, *error->hint ? error->hint : NULL);
}

/* One line for each place that was looked at. */
static void report_places(const DuckLibrary *library, CheckReport *report)
{
    for (size_t i = 0; i < library->place_count; i++) {
        const DuckPlace *place = &library->places[i];
        if (!place->outcome)
            break; /* found before */
        bool harmless = library->version || strcmp(place->outcome, "no such file") == 0;
        check_add(
            report, place->loaded || harmless ? CHECK_OK : CHECK_WARNING,
            "duckdb library looked for",
            arena_printf(report->arena, "%s: %s: %s", place->origin, place->path, place->outcome),
            NULL);
    }
}

static bool check_library(DuckTarget *target, CheckReport *report)
{
    Error error = {0};
    pthread_mutex_lock(&target->lock);
    if (!target->library_loaded)
        target->library_loaded =
            duck_library_load(target->library_path, &target->arena, &target->library, &error);
    pthread_mutex_unlock(&target->lock);
    report_places(&target->library, report);
    if (target->library_loaded)
        check_add(report, CHECK_OK, "duckdb library",
                  arena_printf(report->arena, "DuckDB %s in %s", target->library.version,
                               target->library.path),
                  NULL);
    else
        report_error(report, "duckdb library", &error);
    return target->library_loaded;
}

static const char *folder_of(const char *path, Arena *arena)
{
    const char *slash = strrchr(path, '/');
    if (!slash)
        return ".";
    return slash == path ? "/" : arena_strndup(arena, path, (size_t)(slash - path));
}

static void check_space(const char *path, CheckReport *report)
{
    struct statvfs status;
    if (statvfs(folder_of(path, report->arena), &status) != 0)
        return;
    double free_bytes = (double)status.f_bavail * (double)status.f_frsize;
    check_add(report, CHECK_OK, "duckdb disk space",
              arena_printf(report->arena, "%.1f GB free for the file and its spill folder",
                           free_bytes / 1e9),
              NULL);
}

/* A file that is not there is not made by looking. */
static void check_new_file(const char *path, CheckReport *report)
{
    const char *folder = folder_of(path, report->arena);
    if (access(folder, W_OK | X_OK) == 0) {
        check_add(
            report, CHECK_OK, "duckdb file",
            arena_printf(report->arena, "%s does not exist yet: the first run makes it", path),
            NULL);
        return;
    }
    Error error = {0};
    error_set_errno(&error, ERROR_TARGET, errno, "%s cannot be made: its folder %s", path, folder);
    error_hint(&error, "make %s and let this user write there, or correct destination.path",
               folder);
    report_error(report, "duckdb file", &error);
}

static void check_file(DuckTarget *target, CheckReport *report)
{
    CLEANUP(duck_disconnect) DuckConnection connection = {0};
    Error error = {0};
    DuckRows rows;
    DuckQuery query = {.sql = "SELECT typeof(CAST(NULL AS JSON)), (SELECT count(*) FROM "
                              "duckdb_tables() WHERE database_name = current_database() AND "
                              "NOT internal)::VARCHAR"};
    if (!duck_target_connect(target, &connection, &error) ||
        !duck_rows(&connection, &query, report->arena, &rows, &error))
        report_error(report, "duckdb file", &error);
    else
        check_add(report, CHECK_OK, "duckdb file",
                  arena_printf(report->arena, "%s can be written; it has %s tables",
                               target->settings.path, rows.cells[1]),
                  NULL);
}

bool duck_check(Target *base, CheckReport *report, Error *error)
{
    DuckTarget *target = (DuckTarget *)base;
    (void)error;
    bool has_library = check_library(target, report);
    if (!duck_target_has_file(target))
        check_new_file(target->settings.path, report);
    else if (has_library)
        check_file(target, report);
    check_space(target->settings.path, report);
    return true;
}
