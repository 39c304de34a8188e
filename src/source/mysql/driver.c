/* SPDX-License-Identifier: Apache-2.0 */
#include "source/mysql/driver.h"

#include "base/memory.h"
#include "source/mysql/mysql_source.h"

#include <string.h>

bool mysqld_borrow(MysqlSource *source, MysqlConnection **ret_connection, bool *ret_fresh,
                   Error *error)
{
    pthread_mutex_lock(&source->lock);
    MysqlConnection *idle = source->idle_count > 0 ? source->idle[--source->idle_count] : NULL;
    pthread_mutex_unlock(&source->lock);
    *ret_fresh = !idle;
    *ret_connection = idle;
    if (idle || mysqld_connect(source->config, ret_connection, error))
        return true;
    const char *name = source->config->name;
    return error_prefix(error, "connection %s", name ? name : "to MySQL");
}

void mysqld_return(MysqlSource *source, MysqlConnection *connection)
{
    bool usable = mysqld_is_open(connection) && connection->mysql.status == MYSQL_STATUS_READY;
    connection->stop = NULL;
    pthread_mutex_lock(&source->lock);
    bool kept = usable && source->idle_count < MYSQLD_IDLE_MAX;
    if (kept)
        source->idle[source->idle_count++] = connection;
    pthread_mutex_unlock(&source->lock);
    if (!kept)
        mysqld_disconnect(connection);
}

bool mysqld_ask_source(MysqlSource *source, const MysqlQuestion *question, Arena *arena,
                       MysqlResults *ret_results, Error *error)
{
    bool fresh = false, done = false;
    while (!fresh && !done) {
        MysqlConnection *connection = NULL;
        if (!mysqld_borrow(source, &connection, &fresh, error))
            return false;
        const char *sql = question->sql(connection, question->context, arena);
        done = mysqld_ask(connection, sql, question->action, ret_results, error);
        bool lost = !mysqld_is_open(connection) && !connection->stopped;
        mysqld_return(source, connection);
        if (!done && !lost)
            return false;
    }
    return done;
}

static void close_source(Source *base)
{
    MysqlSource *source = (MysqlSource *)base;
    if (!source)
        return;
    for (size_t i = 0; i < source->idle_count; i++)
        mysqld_disconnect(source->idle[i]);
    pthread_mutex_destroy(&source->lock);
    free(source);
}

static const SourceOps ops = {
    .close = close_source,
    .check = mysqld_check,
    .list = mysqld_list,
    .describe = mysqld_describe,
    .sample = mysqld_sample,
    .bounds = mysqld_bounds,
    .snapshot_open = mysqld_snapshot_open,
    .shards = mysqld_shards,
    .survey = mysqld_survey,
    .reader_open = mysqld_reader_open,
    .map_column = mapping_mysql,
};

static pthread_once_t library_once = PTHREAD_ONCE_INIT;

static void init_library(void)
{
    mysql_library_init(0, NULL, NULL); /* not safe from two threads at once */
}

static bool open_source(const ConnectionConfig *config, Source **ret_source, Error *error)
{
    (void)error;
    pthread_once(&library_once, init_library);
    MysqlSource *source = memory_zalloc(1, sizeof *source);
    *source = (MysqlSource){.base = {.ops = &ops}, .config = config};
    pthread_mutex_init(&source->lock, NULL);
    *ret_source = &source->base;
    return true;
}

static const char *const mysql_schemes[] = {"mysql", NULL};
static const char *const mariadb_schemes[] = {"mariadb", NULL};

const SourceDriver source_mysql_driver = {
    .type = "mysql",
    .url_schemes = mysql_schemes,
    .open = open_source,
};

const SourceDriver source_mariadb_driver = {
    .type = "mariadb",
    .url_schemes = mariadb_schemes,
    .open = open_source,
};
