/* SPDX-License-Identifier: Apache-2.0 */
#include "base/memory.h"
#include "target/duckdb/duckdb_state.h"

#include <errno.h>
#include <sys/stat.h>

static void target_close(Target *base)
{
    DuckTarget *target = (DuckTarget *)base;
    if (!target)
        return;
    duck_database_close(&target->database);
    pthread_mutex_destroy(&target->lock);
    arena_done(&target->arena);
    free(target);
}

/* DuckDB lets one process write to a file, as long as that has it open. */
static void target_rest(Target *base)
{
    DuckTarget *target = (DuckTarget *)base;
    pthread_mutex_lock(&target->lock);
    duck_database_close(&target->database);
    pthread_mutex_unlock(&target->lock);
}

static const TargetOps TARGET_OPS = {
    .close = target_close,
    .check = duck_check,
    .describe = duck_describe,
    .ddl = duck_ddl,
    .validate = duck_validate,
    .prepare = duck_prepare,
    .sink_open = duck_sink_open,
    .status = duck_status,
    .apply = duck_apply,
    .discard = duck_discard,
    .gc = duck_gc,
    .rest = target_rest,
};

static bool open_locked(DuckTarget *target, Error *error)
{
    if (target->database.api)
        return true;
    if (!target->library_loaded &&
        !duck_library_load(target->library_path, &target->arena, &target->library, error))
        return false;
    target->library_loaded = true;
    return duck_database_open(&target->library, &target->settings, &target->database, error);
}

/* DuckDB holds up to 1.5 MB a column for a sink (docs/targets/duckdb.md), and as much again for
 * each further one that commits into the same table. */
enum { WIDE_COLUMNS = 256 };

bool duck_target_open(const DestinationConfig *config, Target **ret_target, Error *error)
{
    if (!config->path)
        return error_set(error, ERROR_CONFIG,
                         "destination.path is missing: the duckdb target needs a file to write");
    DuckTarget *target = memory_zalloc(1, sizeof *target);
    target->base.ops = &TARGET_OPS;
    target->base.one_shard_columns = WIDE_COLUMNS;
    target->settings = (DuckSettings){.path = arena_strdup(&target->arena, config->path),
                                      .memory_limit = config->memory_limit,
                                      .threads = config->threads};
    target->library_path = arena_strdup(&target->arena, config->library);
    pthread_mutex_init(&target->lock, NULL);
    *ret_target = &target->base;
    return true;
}

TableRef duck_table_ref(const TableRef *table)
{
    bool named = table->dataset && *table->dataset;
    return (TableRef){named ? table->dataset : "main", table->table};
}

Delivery duck_delivery(const Delivery *delivery)
{
    Delivery named = *delivery;
    named.table = duck_table_ref(&delivery->table);
    return named;
}

bool duck_target_connect(DuckTarget *target, DuckConnection *ret_connection, Error *error)
{
    *ret_connection = (DuckConnection){0};
    pthread_mutex_lock(&target->lock);
    bool is_open = open_locked(target, error);
    pthread_mutex_unlock(&target->lock);
    return is_open && duck_connect(&target->database, ret_connection, error);
}

bool duck_target_has_file(DuckTarget *target)
{
    struct stat status;
    return stat(target->settings.path, &status) == 0 || (errno != ENOENT && errno != ENOTDIR);
}
