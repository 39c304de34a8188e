/* SPDX-License-Identifier: Apache-2.0 */
/* config/config.h: the configuration file as plain data. Keys, types, defaults and their
 * documentation are declared once, in config/keys.c; docs/configuration.md and the JSON Schema are
 * printed from it. */
#pragma once

#include "base/arena.h"
#include "base/error.h"
#include "model/layout.h"
#include "model/policy.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

typedef enum LoadMode {
    LOAD_APPEND,
    LOAD_REPLACE,
    LOAD_UPSERT,
    LOAD_SOFT_DELETE, /* an upsert that keeps rows which vanished, marked */
    LOAD_MODE_COUNT_,
} LoadMode;

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

/* A label of BigQuery's jobs, tables and datasets, as it was written. */
typedef struct ConfigLabel {
    const char *key;
    const char *value; /* "": a tag without a value */
} ConfigLabel;

typedef struct ConfigLabels {
    const ConfigLabel *items;
    size_t count;
} ConfigLabels;

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

/* Where Google's services are, when not where they really are; NULL: see net/google.h. */
typedef struct EndpointsConfig {
    const char *bigquery;
    const char *storage;
} EndpointsConfig;

/* destination of type bigquery; NULL and 0 are "not said". */
typedef struct BigQueryConfig {
    const char *project;       /* of the tables; NULL: as the credentials say */
    const char *job_project;   /* where jobs run and are paid; NULL: project */
    const char *quota_project; /* x-goog-user-project; NULL: as the credentials say */
    const char *location;      /* NULL: the dataset's own; US for one that must be made */
    const char *bucket;        /* of staged objects; NULL: rows are uploaded into load jobs */
    const char *prefix;        /* of staged objects' names; NULL: "bqferry" */
    const char *credentials;   /* path of a credentials file; NULL: look for them */
    const char *kms_key;       /* projects/…/cryptoKeys/… of new tables and staging */
    EndpointsConfig endpoints;
    ConfigLabels labels;           /* on jobs, tables and datasets */
    int64_t job_timeout_ms;        /* how long one job is waited for; 0: the target's default */
    int64_t staging_expiration_ms; /* of staging tables; 0: the target's default */
    int64_t one_shard_bytes; /* a smaller table is read by one worker; 0: the target's default */
} BigQueryConfig;

typedef struct DestinationConfig {
    const char *type;         /* "bigquery", "duckdb", "files" */
    const char *path;         /* made absolute; files: also gs://BUCKET/PREFIX */
    const char *dataset;      /* default dataset, schema or folder; NULL: the target's own */
    const char *table_prefix; /* before target names that no job says; NULL: none */
    const char *format; /* files: "avro" (default), "ndjson"; bigquery: "auto" (default), too */
    const char
        *compression;     /* files: "auto" (default: zstd for avro, gzip for ndjson), "none", … */
    const char *library;  /* duckdb: path of libduckdb; NULL: look for it */
    int64_t memory_limit; /* duckdb: bytes; 0: the target's default */
    int64_t threads;      /* duckdb: 0: the target's default */
    int64_t retry_budget_ms; /* of one request: `defaults.retries`, else 10 minutes */
    BigQueryConfig bigquery;
    ConfigPlace place;
} DestinationConfig;

/* How a job wants its target table, beside its columns. Columns are named as in the target. */
typedef struct TargetTableConfig {
    Partitioning partition_by; /* PARTITION_NONE: none, or not said */
    ConfigText cluster_by;
    bool partition_by_said, cluster_by_said; /* be it to say that there is none */
    const char *description;                 /* NULL: the source's comment */
    ConfigLabels labels;                     /* over the destination's */
    int64_t expiration_ms;                   /* of the table after its making; 0: never */
    const char *kms_key;                     /* over the destination's; NULL */
    const char *on_schema_change; /* "rebuild", "fail"; NULL: rebuild for replace, else fail */
} TargetTableConfig;

/* Where jobs' states, locks and reports are kept. */
typedef struct StateConfig {
    const char *type;            /* "file", "gcs" */
    const char *path;            /* file: the folder, absolute */
    const char *bucket, *prefix; /* gcs; prefix may be NULL */
    const char *credentials;     /* gcs: a file; NULL: the destination's, or look for them */
    const char *endpoint;    /* gcs: of Cloud Storage; NULL: the destination's, or the real one */
    int64_t reports;         /* how many are kept */
    int64_t retry_budget_ms; /* gcs: of one request */
    bool only_looks;         /* file: not even the folder is made; not a key */
} StateConfig;

/* What tells new rows of a source from old ones. */
typedef struct CursorConfig {
    ConfigText columns;     /* none: no cursor; the column, or a timestamp and a key */
    const char *comparison; /* ">=", ">" */
    const char *lookback;   /* a duration, or a count; NULL: none */
    const char *start;      /* a place, an age, "all"; NULL: all */
    const char *time_zone;  /* of values without one; NULL: the server's, if UTC */
    int64_t grace_ms;
    int64_t wait_ms;
} CursorConfig;

typedef struct SoftDeleteConfig {
    const char *column;
    const char *type; /* "TIMESTAMP", "BOOL" */
} SoftDeleteConfig;

/* What happens to rows of the target that the source no longer has. */
typedef struct DeletesConfig {
    const char *action; /* "soft", "hard"; NULL: nothing */
    int64_t every_ms;   /* between comparisons of keys, of a job with a cursor */
} DeletesConfig;

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
    bool replace_partitions;  /* replace: only the partitions that the rows belong to */
    TargetTableConfig target; /* layout and the like */
    ConfigText key;           /* source columns; none: the source's primary key */
    CursorConfig cursor;
    SoftDeleteConfig soft_delete; /* of LOAD_SOFT_DELETE */
    DeletesConfig deletes;
    bool changed_only;     /* upsert: rows that are as they were are left alone */
    bool metadata_columns; /* every row carries when and by which run it was loaded */
    const char *evolve; /* "add_columns", "fail", "ignore"; NULL: by whether columns are listed */
    const char *window; /* of backfills: a duration, or a count; NULL: by size */
    int64_t workers;    /* readers of one table at once */
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
    StateConfig state;
    const char *state_path; /* where that is, for people: the folder, or gs://bucket/prefix */
    int64_t reports_kept;   /* of the last runs */
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

/* "append", "replace", "upsert", "soft_delete". */
const char *load_mode_name(LoadMode mode);
bool load_mode_parse(const char *name, LoadMode *ret_mode);
