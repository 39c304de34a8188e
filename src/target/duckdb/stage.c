/* SPDX-License-Identifier: Apache-2.0 */
#include "target/duckdb/stage.h"
#include "base/fault.h"
#include "target/duckdb/existing.h"
#include "target/duckdb/sql.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static const char *const MAKE_RUNS =
    "CREATE SCHEMA IF NOT EXISTS \"_bqferry\";"
    "CREATE TABLE IF NOT EXISTS \"_bqferry\".\"runs\" (\"run_id\" VARCHAR PRIMARY KEY, "
    "\"job\" VARCHAR, \"target\" VARCHAR, \"load\" VARCHAR, \"rows\" UBIGINT, "
    "\"applied_at\" TIMESTAMP WITH TIME ZONE, \"counts\" VARCHAR);"
    /* earlier versions made it without */
    "ALTER TABLE \"_bqferry\".\"runs\" ADD COLUMN IF NOT EXISTS \"counts\" VARCHAR;";

static Stage stage_of(const Delivery *delivery, DuckConnection *connection, Arena *arena)
{
    return (Stage){
        .delivery = delivery,
        .staging = {delivery->table.dataset, sql_staging_name(delivery, arena)},
        .arena = arena,
        .connection = connection,
    };
}

static bool table_exists(const Stage *stage, const char *dataset, const char *table,
                         bool *ret_exists, Error *error)
{
    DuckRows rows;
    if (!duck_rows(stage->connection,
                   DUCK_QUERY("SELECT table_name FROM duckdb_tables() WHERE database_name = "
                              "current_database() AND lower(schema_name) = lower($1) AND "
                              "lower(table_name) = lower($2)",
                              dataset, table),
                   stage->arena, &rows, error))
        return false;
    *ret_exists = rows.row_count > 0;
    return true;
}

/* What a text with %s for one table name says, with the name in its place. */
static const char *with_name(const Stage *stage, const char *format, const TableRef *table,
                             Error *error)
{
    CLEANUP(buffer_done) Buffer name;
    buffer_init(&name, SQL_TEXT_MAX);
    if (!sql_table_name(&name, table, error))
        return NULL;
    const char *place = strstr(format, "%s");
    return arena_printf(stage->arena, "%.*s%.*s%s", (int)(place - format), format, (int)name.length,
                        name.data, place + 2);
}

static bool run_on(const Stage *stage, const char *format, const TableRef *table, Error *error)
{
    const char *sql = with_name(stage, format, table, error);
    return sql && duck_run(stage->connection, sql, error);
}

static const char *counts_text(const ApplyCounts *counts, Arena *arena)
{
    return arena_printf(arena, "%" PRIu64 " %" PRIu64 " %" PRIu64 " %" PRIu64 " %" PRIu64,
                        counts->inserted, counts->updated, counts->unchanged, counts->superseded,
                        counts->vanished);
}

static ApplyCounts read_counts(const char *text)
{
    ApplyCounts counts = {0};
    uint64_t *const numbers[] = {&counts.inserted, &counts.updated, &counts.unchanged,
                                 &counts.superseded, &counts.vanished};
    char *end = (char *)(uintptr_t)text;
    for (size_t i = 0; end && *end && i < sizeof numbers / sizeof *numbers; i++)
        *numbers[i] = strtoull(end, &end, 10);
    return counts;
}

/* Whether this run was applied, and how many rows that dealt with. */
static bool find_applied(const Stage *stage, bool *ret_applied, uint64_t *ret_rows, Error *error)
{
    DuckRows rows;
    bool has_runs = false;
    *ret_applied = false;
    if (!table_exists(stage, "_bqferry", "runs", &has_runs, error))
        return false;
    if (!has_runs)
        return true;
    if (!duck_rows(stage->connection,
                   DUCK_QUERY("SELECT rows::VARCHAR FROM \"_bqferry\".\"runs\" WHERE run_id = $1",
                              stage->delivery->run_id),
                   stage->arena, &rows, error))
        return false;
    *ret_applied = rows.row_count > 0;
    if (*ret_applied && ret_rows)
        *ret_rows = rows.cells[0] ? strtoull(rows.cells[0], NULL, 10) : 0;
    return true;
}

static bool find_counts(const Stage *stage, ApplyCounts *ret_counts, Error *error)
{
    DuckRows rows;
    if (!duck_rows(stage->connection,
                   DUCK_QUERY("SELECT counts FROM \"_bqferry\".\"runs\" WHERE run_id = $1",
                              stage->delivery->run_id),
                   stage->arena, &rows, error))
        return false;
    *ret_counts = read_counts(rows.row_count ? rows.cells[0] : NULL);
    return true;
}

/* *ret_whole: the staging table is there, with the rows of all shards when they are known. */
static bool find_staged(const Stage *stage, bool *ret_whole, uint64_t *ret_rows, Error *error)
{
    *ret_whole = false;
    if (!table_exists(stage, stage->staging.dataset, stage->staging.table, ret_whole, error))
        return false;
    if (!*ret_whole)
        return true;
    const char *sql = with_name(stage, "SELECT count(*)::VARCHAR FROM %s", &stage->staging, error);
    DuckRows rows;
    if (!sql || !duck_rows(stage->connection, &(DuckQuery){.sql = sql}, stage->arena, &rows, error))
        return false;
    *ret_rows = strtoull(rows.cells[0], NULL, 10);
    uint64_t expected = 0;
    for (size_t i = 0; stage->delivery->shards && i < stage->delivery->shard_count; i++)
        expected += stage->delivery->shards[i].rows;
    *ret_whole = !stage->delivery->shards || *ret_rows == expected;
    return true;
}

/* Drops the staging tables of all attempts of this run. */
static bool drop_staging(const Stage *stage, Error *error)
{
    const char *prefix = sql_staging_prefix(stage->delivery->run_id, stage->arena);
    DuckRows rows;
    if (!duck_rows(stage->connection,
                   DUCK_QUERY("SELECT table_name FROM duckdb_tables() WHERE database_name = "
                              "current_database() AND lower(schema_name) = lower($1) AND "
                              "starts_with(table_name, $2) AND "
                              "regexp_full_match(substr(table_name, length($2) + 1), '[0-9]+')",
                              stage->delivery->table.dataset, prefix),
                   stage->arena, &rows, error))
        return false;
    for (size_t i = 0; i < rows.row_count; i++)
        if (!run_on(stage, "DROP TABLE %s", &(TableRef){stage->staging.dataset, rows.cells[i]},
                    error))
            return false;
    return true;
}

/* One at a time, because two connections that make the same thing at once are in each other's way.
 */
static bool make_places(DuckTarget *target, const Stage *stage, Error *error)
{
    CLEANUP(buffer_done) Buffer sql;
    buffer_init(&sql, SQL_TEXT_MAX);
    if (!buffer_printf(&sql, error, "%s CREATE SCHEMA IF NOT EXISTS ", MAKE_RUNS) ||
        !sql_identifier(&sql, stage->staging.dataset, error))
        return false;
    pthread_mutex_lock(&target->lock);
    bool done = duck_run(stage->connection, sql_text(&sql, stage->arena), error);
    pthread_mutex_unlock(&target->lock);
    return done;
}

/* What the table's columns will be when the rows are applied, so that staging can take its place.
 * *ret_columns is NULL where it must not. */
static bool find_columns(const Stage *stage, const char **ret_columns, Error *error)
{
    const Delivery *delivery = stage->delivery;
    bool exists;
    *ret_columns = NULL;
    if (!delivery_upserts(delivery) || delivery->merge.keys_only)
        return true;
    return duck_validate_in(stage->connection, delivery, &exists, error) &&
           existing_plain(stage->connection, delivery, stage->arena, ret_columns, error);
}

static bool create_staging(const Stage *stage, Error *error)
{
    CLEANUP(buffer_done) Buffer sql;
    buffer_init(&sql, SQL_TEXT_MAX);
    Delivery staged = *stage->delivery;
    staged.table = stage->staging;
    const char *columns;
    if (!find_columns(stage, &columns, error))
        return false;
    if (!columns)
        return sql_create_table(&sql, "CREATE TABLE", &staged.table, &staged.schema, error) &&
               duck_run(stage->connection, sql_text(&sql, stage->arena), error);
    return buffer_printf(&sql, error, "CREATE TABLE ") &&
           sql_table_name(&sql, &staged.table, error) &&
           buffer_printf(&sql, error, " %s", columns) &&
           duck_run(stage->connection, sql_text(&sql, stage->arena), error) &&
           existing_evolve(stage->connection, &staged, stage->arena, error);
}

static bool make_staging(const Stage *stage, Error *error)
{
    CLEANUP(duck_rollback) DuckTransaction transaction = {0};
    return duck_begin(stage->connection, &transaction, error) && drop_staging(stage, error) &&
           create_staging(stage, error) && duck_commit(&transaction, error);
}

bool stage_becomes_table(const Stage *stage, Error *error)
{
    CLEANUP(buffer_done) Buffer sql;
    buffer_init(&sql, SQL_TEXT_MAX);
    return buffer_printf(&sql, error, "ALTER TABLE ") &&
           sql_table_name(&sql, &stage->staging, error) &&
           buffer_printf(&sql, error, " RENAME TO ") &&
           sql_identifier(&sql, stage->delivery->table.table, error) &&
           duck_run(stage->connection, sql_text(&sql, stage->arena), error);
}

static bool insert_staging(const Stage *stage, Error *error)
{
    const Schema *schema = &stage->delivery->schema;
    CLEANUP(buffer_done) Buffer sql;
    buffer_init(&sql, SQL_TEXT_MAX);
    return buffer_printf(&sql, error, "INSERT INTO ") &&
           sql_table_name(&sql, &stage->delivery->table, error) &&
           buffer_printf(&sql, error, " (") && sql_column_list(&sql, schema, error) &&
           buffer_printf(&sql, error, ") SELECT ") && sql_column_list(&sql, schema, error) &&
           buffer_printf(&sql, error, " FROM ") && sql_table_name(&sql, &stage->staging, error) &&
           duck_run_long(stage->connection, sql_text(&sql, stage->arena), error);
}

/* Puts the staged rows in place of the table, or into it. */
static bool place_rows(const Stage *stage, ApplyResult *result, Error *error)
{
    const Delivery *delivery = stage->delivery;
    bool exists;
    if (!duck_validate_in(stage->connection, delivery, &exists, error))
        return false;
    if (exists && delivery->load != LOAD_REPLACE &&
        !existing_evolve(stage->connection, delivery, stage->arena, error))
        return false;
    if (delivery_merges(delivery))
        return stage_merge(stage, exists, &result->counts, error) && drop_staging(stage, error);
    if (exists && delivery->load == LOAD_APPEND)
        return insert_staging(stage, error) && drop_staging(stage, error);
    return (!exists || run_on(stage, "DROP TABLE %s", &delivery->table, error)) &&
           stage_becomes_table(stage, error);
}

static bool remember_run(const Stage *stage, const ApplyResult *result, Error *error)
{
    const Delivery *delivery = stage->delivery;
    const char *rows = arena_printf(stage->arena, "%" PRIu64, result->rows);
    const char *target =
        arena_printf(stage->arena, "%s.%s", delivery->table.dataset, delivery->table.table);
    return duck_execute(
        stage->connection,
        DUCK_QUERY("INSERT INTO \"_bqferry\".\"runs\" (run_id, job, target, load, rows, "
                   "applied_at, counts) VALUES ($1, $2, $3, $4, $5::UBIGINT, now(), $6)",
                   delivery->run_id, delivery->job ? delivery->job : "", target,
                   load_mode_name(delivery->load), rows,
                   counts_text(&result->counts, stage->arena)),
        error);
}

/* In a transaction that the caller commits. */
static bool apply_steps(const Stage *stage, ApplyResult *result, Error *error)
{
    bool applied_before, whole;
    if (!find_applied(stage, &applied_before, &result->rows, error))
        return false;
    if (applied_before)
        return find_counts(stage, &result->counts, error) && drop_staging(stage, error);
    if (!find_staged(stage, &whole, &result->rows, error))
        return false;
    if (!whole)
        return error_set(error, ERROR_TARGET, "the rows staged for run %s are not all there",
                         stage->delivery->run_id);
    return place_rows(stage, result, error) && remember_run(stage, result, error) &&
           fault_point("target.apply", error);
}

static bool apply_once(const Stage *stage, ApplyResult *result, Error *error)
{
    CLEANUP(duck_rollback) DuckTransaction transaction = {0};
    *result = (ApplyResult){0};
    return duck_begin(stage->connection, &transaction, error) &&
           apply_steps(stage, result, error) && duck_commit(&transaction, error);
}

bool duck_prepare(Target *target, const Delivery *delivery, Error *error)
{
    CLEANUP(duck_disconnect) DuckConnection connection = {0};
    CLEANUP(arena_done) Arena arena = {0};
    DuckTarget *duck = (DuckTarget *)target;
    Delivery named = duck_delivery(delivery);
    if (!duck_target_connect(duck, &connection, error))
        return false;
    Stage stage = stage_of(&named, &connection, &arena);
    if (make_places(duck, &stage, error) && make_staging(&stage, error))
        return true;
    return error_prefix(error, "cannot make a staging table for %s.%s", named.table.dataset,
                        named.table.table);
}

bool duck_status(Target *target, const Delivery *delivery, DeliveryStatus *ret_status,
                 uint64_t *ret_rows, Error *error)
{
    CLEANUP(duck_disconnect) DuckConnection connection = {0};
    CLEANUP(arena_done) Arena arena = {0};
    DuckTarget *duck = (DuckTarget *)target;
    Delivery named = duck_delivery(delivery);
    bool applied, whole = false;
    uint64_t rows = 0;
    *ret_status = DELIVERY_UNKNOWN;
    if (!duck_target_has_file(duck))
        return true;
    if (!duck_target_connect(duck, &connection, error))
        return false;
    Stage stage = stage_of(&named, &connection, &arena);
    if (!find_applied(&stage, &applied, &rows, error))
        return false;
    if (applied && ret_rows)
        *ret_rows = rows;
    if (!applied && named.shards && !find_staged(&stage, &whole, &rows, error))
        return false;
    if (applied)
        *ret_status = DELIVERY_APPLIED;
    else if (whole)
        *ret_status = DELIVERY_STAGED;
    return true;
}

/* A join of all staged keys, and what changed rows were before, are held until the commit: with too
 * little memory DuckDB moves them to and from the disk for hours. It takes only what it needs. */
static int64_t memory_of_merge(const Delivery *delivery)
{
    const int64_t base = 512LL << 20, times = 8, most = 1LL << 44;
    int64_t staged = 0;
    for (size_t i = 0; delivery->shards && i < delivery->shard_count; i++)
        staged += (int64_t)delivery->shards[i].bytes;
    return delivery_merges(delivery) ? base + times * (staged < most ? staged : most) : 0;
}

bool duck_apply(Target *target, const Delivery *delivery, ApplyResult *ret_result, Error *error)
{
    CLEANUP(duck_disconnect) DuckConnection connection = {0};
    CLEANUP(arena_done) Arena arena = {0};
    DuckTarget *duck = (DuckTarget *)target;
    Delivery named = duck_delivery(delivery);
    Error first = {0};
    if (!duck_target_connect(duck, &connection, error))
        return false;
    Stage stage = stage_of(&named, &connection, &arena);
    int64_t memory = memory_of_merge(&named);
    duck_memory_reserve(&duck->database, memory);
    bool done = make_places(duck, &stage, &first) && apply_once(&stage, ret_result, &first);
    if (!done && duck_error_is_memory(&first) && duck_memory_raise(&duck->database))
        done = apply_once(&stage, ret_result, &first);
    duck_memory_reserve(&duck->database, -memory);
    /* Rows that were refused are refused again: somebody has to change them first. */
    ret_result->lost = !done && first.kind == ERROR_DATA;
    if (!done && error)
        *error = first;
    return done || error_prefix(error, "cannot apply run %s to %s.%s", named.run_id,
                                named.table.dataset, named.table.table);
}

bool duck_discard(Target *target, const Delivery *delivery, Error *error)
{
    CLEANUP(duck_disconnect) DuckConnection connection = {0};
    CLEANUP(arena_done) Arena arena = {0};
    DuckTarget *duck = (DuckTarget *)target;
    Delivery named = duck_delivery(delivery);
    if (!duck_target_has_file(duck))
        return true;
    if (!duck_target_connect(duck, &connection, error))
        return false;
    Stage stage = stage_of(&named, &connection, &arena);
    return drop_staging(&stage, error);
}
