/* SPDX-License-Identifier: Apache-2.0 */
#include "source/postgres/postgres.h"

#include "base/memory.h"
#include "source/postgres/session.h"

#include <stdio.h>

bool session_borrow(PostgresSource *source, PGconn **ret_connection, bool *ret_fresh, Error *error)
{
    pthread_mutex_lock(&source->lock);
    PGconn *idle = source->idle_count > 0 ? source->idle[--source->idle_count] : NULL;
    pthread_mutex_unlock(&source->lock);
    *ret_fresh = !idle;
    *ret_connection = idle;
    if (idle || postgres_connect(source->config, NULL, ret_connection, error))
        return true;
    const char *name = source->config->name;
    return error_prefix(error, "connection %s", name ? name : "to PostgreSQL");
}

void session_return(PostgresSource *source, PGconn *connection)
{
    bool usable =
        PQstatus(connection) == CONNECTION_OK && PQtransactionStatus(connection) == PQTRANS_IDLE;
    pthread_mutex_lock(&source->lock);
    bool kept = usable && source->idle_count < POSTGRES_IDLE_MAX;
    if (kept)
        source->idle[source->idle_count++] = connection;
    pthread_mutex_unlock(&source->lock);
    if (!kept)
        PQfinish(connection);
}

bool session_ask(PostgresSource *source, const char *sql, const PostgresAction *action,
                 PGresult **ret_result, Error *error)
{
    bool fresh = false, done = false;
    while (!fresh && !done) {
        PGconn *connection = NULL;
        if (!session_borrow(source, &connection, &fresh, error))
            return false;
        char *with_settings = NULL;
        if (asprintf(&with_settings, "%s%s", postgres_settings(connection), sql) < 0)
            memory_exhausted(strlen(sql));
        done = postgres_exec(connection, with_settings, action, ret_result, error);
        free(with_settings);
        bool lost = PQstatus(connection) == CONNECTION_BAD;
        session_return(source, connection);
        if (!done && !lost)
            return false;
    }
    return done;
}

static void close_source(Source *base)
{
    PostgresSource *source = (PostgresSource *)base;
    if (!source)
        return;
    for (size_t i = 0; i < source->idle_count; i++)
        PQfinish(source->idle[i]);
    pthread_mutex_destroy(&source->lock);
    free(source);
}

static const SourceOps ops = {
    .close = close_source,
    .check = postgres_check,
    .list = postgres_list,
    .describe = postgres_describe_relation,
    .sample = postgres_sample,
    .bounds = postgres_bounds,
    .snapshot_open = postgres_snapshot_open,
    .shards = postgres_shards,
    .survey = postgres_survey,
    .reader_open = postgres_reader_open,
    .map_column = mapping_postgres,
};

static bool open_source(const ConnectionConfig *config, Source **ret_source, Error *error)
{
    (void)error;
    PostgresSource *source = memory_zalloc(1, sizeof *source);
    *source = (PostgresSource){.base = {.ops = &ops}, .config = config};
    pthread_mutex_init(&source->lock, NULL);
    *ret_source = &source->base;
    return true;
}

static const char *const url_schemes[] = {"postgresql", "postgres", NULL};

const SourceDriver source_postgres_driver = {
    .type = "postgresql",
    .url_schemes = url_schemes,
    .open = open_source,
};
