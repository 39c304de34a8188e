/* SPDX-License-Identifier: Apache-2.0 */
/* config/config.h: the configuration file as plain data. Keys, types, defaults and their
 * documentation are declared once, in config/keys.c; docs/configuration.md and the JSON Schema are
 * printed from it. */
#pragma once

#include "base/arena.h"
#include "base/error.h"
#include "model/policy.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

typedef enum LoadMode { LOAD_APPEND, LOAD_REPLACE } LoadMode;

/* Where a value stood, for later messages ("bqferry.yaml:12:5"). */
typedef struct ConfigPlace {
    const char *file;
    int line;
    int column;
} ConfigPlace;

typedef struct ConfigText {
    const char *const *items;
    size_t count;
} ConfigText;

/* Options of one column, of a job, and of the defaults: NULL or UNSET is "not said here". */
typedef struct ColumnConfig {
    const char *name; /* source column; NULL in a job's or the defaults' own options */
    const char *type;
    const char *target_name;
    const char *description;
    const char *on_invalid;            /* "fail", "null", "clamp", "string" */
    const char *mode;                  /* "nullable", "required" */
    const char *arrays;                /* "repeated", "json" */
    const char *composites;            /* "struct", "json" */
    const char *naive_timestamps_type; /* "DATETIME", "TIMESTAMP" */
    const char *naive_timestamps_zone;
    ConfigPlace place;
} ColumnConfig;

typedef struct ConnectionConfig {
    const char *name;
    const char *type; /* "postgresql" */
    const char *url;  /* a libpq URI or keyword string; may be NULL */
    /* Keywords said separately; NULL: the driver's own default (PG* variables, service, ~/.pgpass).
     */
    const char *host, *port, *user, *password, *database;
    const char *sslmode, *sslrootcert, *sslcert, *sslkey, *service;
    const char *application_name;
    int64_t connect_timeout_ms; /* 0: the driver's default */
    const char *naive_timestamps_type;
    const char *naive_timestamps_zone;
    ConfigPlace place;
} ConnectionConfig;

typedef struct DestinationConfig {
    const char *type;         /* "duckdb", "files" */
    const char *path;         /* made absolute */
    const char *dataset;      /* default schema or folder; NULL: the target's own ("main", none) */
    const char *table_prefix; /* before target names that no job says; NULL: none */
    const char *format;       /* files: "avro" (default), "ndjson" */
    const char
        *compression;     /* files: "auto" (default: zstd for avro, gzip for ndjson), "none", … */
    const char *library;  /* duckdb: path of libduckdb; NULL: look for it */
    int64_t memory_limit; /* duckdb: bytes; 0: the target's default */
    int64_t threads;      /* duckdb: 0: the target's default */
    ConfigPlace place;
} DestinationConfig;

typedef struct JobConfig {
    const char *name;
    ConfigText tags;
    const char *connection;
    ConfigText tables; /* "schema.table" or a pattern; exactly one of tables and query */
    const char *query;
    bool with_views; /* patterns also match views */
    ConfigText columns_wanted;
    const char *where;
    const char *target_table;   /* NULL: the source table's name */
    const char *target_dataset; /* NULL: the destination's */
    LoadMode load;
    int64_t workers;             /* readers of one table at once */
    int64_t retry_budget_ms;     /* 0: never retry */
    ColumnConfig options;        /* the job's own, over the defaults */
    const ColumnConfig *columns; /* per column, over the job's own */
    size_t column_count;
    ConfigPlace place;
} JobConfig;

typedef struct Config {
    Arena arena; /* owns everything below */
    const char *path;
    const char *directory; /* of the file: relative paths start here */
    const ConnectionConfig *connections;
    size_t connection_count;
    DestinationConfig destination;
    const char *state_path; /* folder, absolute */
    ColumnConfig column_defaults;
    int64_t parallel; /* jobs at once */
    const JobConfig *jobs;
    size_t job_count;
} Config;

/* All mistakes of the files, in order of place; each "file:line:column: key: what was expected…".
 */
typedef struct ConfigErrors {
    const char **messages;
    size_t count;
} ConfigErrors;

/* Reads, expands, validates. On failure *error is ERROR_CONFIG, its message names the count and the
 * first mistake, and config->arena owns *ret_errors with all of them. Call config_done either way.
 */
bool config_load(const char *path, Config *config, ConfigErrors *ret_errors, Error *error);

/* The same from text, as if it stood in directory/name; for `copy`, `init` and tests. */
bool config_parse(const char *text, const char *name, const char *directory, Config *config,
                  ConfigErrors *ret_errors, Error *error);

void config_done(Config *config);

/* NULL when there is none. */
const ConnectionConfig *config_connection(const Config *config, const char *name);
const JobConfig *config_job(const Config *config, const char *name);

/* docs/configuration.md, and the JSON Schema (draft 2020-12), printed from the declaration. */
void config_print_docs(FILE *out);
void config_print_schema(FILE *out);

/* "append", "replace". */
const char *load_mode_name(LoadMode mode);
bool load_mode_parse(const char *name, LoadMode *ret_mode);
