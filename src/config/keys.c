/* SPDX-License-Identifier: Apache-2.0 */
#include "config/declare.h"

#include "config/raw.h"

#include <stdio.h>
#include <string.h>

#define BUCKET_PATTERN "^[a-z0-9][a-z0-9._-]{1,220}[a-z0-9]$"

enum { DAY_MS = 24 * 3600 * 1000 };

#define NAME_PATTERN "^[A-Za-z0-9_.-]{1,128}$"
#define NAME_EXPECTED "1 to 128 letters, digits, _ . or -"
/* 1 to 65535 */
#define PORT                                                                                       \
    "([1-9][0-9]{0,3}|[1-5][0-9]{4}|6[0-4][0-9]{3}|65[0-4][0-9]{2}|655[0-2][0-9]|6553[0-5])"
#define PORT_PATTERN "^" PORT "(," PORT ")*$"

static const ConfigKey naive_timestamps_keys[] = {
    {.name = "type",
     .type = KEY_WORD,
     FIELD(NaiveTimestamps, type),
     .required = true,
     WORDS("DATETIME", "TIMESTAMP"),
     .doc =
         "DATETIME keeps the wall clock as it is; TIMESTAMP makes it an instant, read as local time "
         "of `time_zone`.",
     .example = "TIMESTAMP"},
    {.name = "time_zone",
     .type = KEY_TEXT,
     FIELD(NaiveTimestamps, zone),
     ONLY_FOR("TIMESTAMP"),
     .otherwise_text = "UTC",
     .doc = "The time zone's IANA name.",
     .example = "Europe/Berlin"},
};

static const KeySection naive_timestamps = {
    .id = "naive_timestamps",
    .title = "naive_timestamps",
    .doc =
        "What happens to timestamps without a time zone. Said for a connection, in `defaults`, for a "
        "job or for a column; the nearest one counts.",
    KEYS(naive_timestamps_keys),
};

#define BUDGET_KEY                                                                                 \
    .name = "budget", .type = KEY_DURATION, FIELD(RetryConfig, budget_ms), .max = 7LL * DAY_MS,    \
    .doc = "How long all waits before new attempts may take together; `0` never tries again.",     \
    .example = "10m"
#define RETRIES_DOC                                                                                \
    "New attempts after errors that may pass: a lost connection, a busy server. Waits grow from "  \
    "250 ms to 30 s, with jitter."

static const ConfigKey retries_keys[] = {{BUDGET_KEY, .otherwise_text = "from `defaults`"}};
static const ConfigKey default_retries_keys[] = {{BUDGET_KEY, .otherwise = "10m"}};

static const KeySection retries = {
    .id = "job_retries",
    .title = "jobs[].retries",
    .doc = RETRIES_DOC,
    KEYS(retries_keys),
};

static const KeySection default_retries = {
    .id = "default_retries",
    .title = "defaults.retries",
    .doc = RETRIES_DOC,
    KEYS(default_retries_keys),
};

/* The options that defaults, a job and a column share; `from` says where the value comes from else.
 */
#define COLUMN_OPTION_KEYS(Struct, columns, on_invalid_from, mode_from, arrays_from,                \
                           composites_from, naive_from)                                             \
    {.name = "on_invalid",                                                                          \
     .type = KEY_WORD,                                                                              \
     FIELD(Struct, columns.on_invalid),                                                             \
     WORDS("fail", "null", "clamp", "string"),                                                      \
     .otherwise_text = on_invalid_from,                                                             \
     .doc =                                                                                         \
         "What to do with a value that the target type cannot hold (infinity, year 10000, NaN in "  \
         "NUMERIC, …). `fail` stops the job, `null` writes NULL, `clamp` the nearest value that " \
         "fits, `string` makes the column a STRING. Each use is counted in the report.",            \
     .example = "fail"},                                                                            \
        {.name = "mode",                                                                            \
         .type = KEY_WORD,                                                                          \
         FIELD(Struct, columns.mode),                                                               \
         WORDS("nullable", "required"),                                                             \
         .otherwise_text = mode_from,                                                               \
         .doc =                                                                                     \
             "`required` makes columns that are NOT NULL in the source REQUIRED in the target; "    \
             "said for one column, it does so whatever the source declares.",                       \
         .example = "nullable"},                                                                    \
        {.name = "arrays",                                                                          \
         .type = KEY_WORD,                                                                          \
         FIELD(Struct, columns.arrays),                                                             \
         WORDS("repeated", "json"),                                                                 \
         .otherwise_text = arrays_from,                                                             \
         .doc = "Arrays become REPEATED columns, or JSON.",                                         \
         .example = "repeated"},                                                                    \
        {.name = "composites",                                                                      \
         .type = KEY_WORD,                                                                          \
         FIELD(Struct, columns.composites),                                                         \
         WORDS("struct", "json"),                                                                   \
         .otherwise_text = composites_from,                                                         \
         .doc = "Composite types become STRUCT columns, or JSON.",                                  \
         .example = "struct"},                                                                      \
    {                                                                                               \
        .name = "naive_timestamps", .type = KEY_SECTION,                                            \
        FIELD(Struct, columns.naive_timestamps_type), .section = &naive_timestamps,                 \
        .otherwise_text = naive_from, .doc = "What happens to timestamps without a time zone."      \
    }

static const ConfigKey connection_keys[] = {
    {.name = "type",
     .type = KEY_WORD,
     FIELD(RawConnection, config.type),
     WORDS("postgresql", "mysql", "mariadb"),
     .otherwise_text = "what the URL's scheme says",
     .doc =
         "The kind of database; `mysql` and `mariadb` are one. Needed when there is no `url` that "
         "says it.",
     .example = "postgresql"},
    {.name = "url",
     .type = KEY_TEXT,
     FIELD(RawConnection, config.url),
     .secret = true,
     .doc = "A URL `postgresql://user:password@host:port/database?sslmode=…`, likewise `mysql://` "
            "and `mariadb://`, or libpq keywords (`host=db.example.com dbname=shop`). What is said "
            "by the keys below counts more.",
     .example = "\"${SHOP_URL}\""},
    {.name = "host",
     .type = KEY_TEXT,
     FIELD(RawConnection, config.host),
     .otherwise_text = "libpq's own (`PGHOST`, else the local socket)",
     .doc =
         "Host name, address, or folder of the server's socket; several with commas between them. Of "
         "MySQL and MariaDB one name or address, or the path of the socket (default: the library's "
         "socket).",
     .example = "db.example.com",
     .commented = true},
    {.name = "port",
     .type = KEY_TEXT,
     FIELD(RawConnection, config.port),
     .pattern = PORT_PATTERN,
     .expected = "a port number such as 5432",
     .otherwise_text = "libpq's own (`PGPORT`, else 5432); MySQL and MariaDB 3306",
     .doc =
         "Port of the server; with several hosts, one for all or one each, with commas between them.",
     .example = "5432",
     .commented = true},
    {.name = "user",
     .type = KEY_TEXT,
     FIELD(RawConnection, config.user),
     .otherwise_text = "libpq's own (`PGUSER`, else the system user)",
     .doc = "Role to log in as.",
     .example = "etl",
     .commented = true},
    {.name = "password",
     .type = KEY_TEXT,
     FIELD(RawConnection, config.password),
     .secret = true,
     .otherwise_text = "libpq's own (`PGPASSWORD`, `~/.pgpass`); MySQL and MariaDB none",
     .doc = "Password of the role; better as `${VAR}` or `${file:PATH}` than here.",
     .example = "\"${SHOP_PASSWORD}\"",
     .commented = true},
    {.name = "database",
     .type = KEY_TEXT,
     FIELD(RawConnection, config.database),
     .otherwise_text = "libpq's own (`PGDATABASE`, else the user's name); MySQL and MariaDB none",
     .doc = "Database to read. Of MySQL and MariaDB the one of tables that are named without one.",
     .example = "shop",
     .commented = true},
    {.name = "sslmode",
     .type = KEY_WORD,
     FIELD(RawConnection, config.sslmode),
     WORDS("disable", "allow", "prefer", "require", "verify-ca", "verify-full"),
     .otherwise_text = "libpq's own (`PGSSLMODE`, else prefer); MySQL and MariaDB prefer",
     .doc = "Whether the connection is encrypted, and whether the server must prove who it is.",
     .example = "verify-full"},
    {.name = "sslrootcert",
     .type = KEY_PATH,
     FIELD(RawConnection, config.sslrootcert),
     WORDS("system"),
     .otherwise_text = "libpq's own",
     .doc =
         "File with the certificates of the authorities that are trusted; `system` trusts those of "
         "the operating system.",
     .example = "certificates/root.crt"},
    {.name = "sslcert",
     .type = KEY_PATH,
     FIELD(RawConnection, config.sslcert),
     .otherwise_text = "libpq's own",
     .doc = "File with the client's certificate.",
     .example = "certificates/client.crt",
     .commented = true},
    {.name = "sslkey",
     .type = KEY_PATH,
     FIELD(RawConnection, config.sslkey),
     .otherwise_text = "libpq's own",
     .doc = "File with the client's private key.",
     .example = "certificates/client.key",
     .commented = true},
    {.name = "service",
     .type = KEY_TEXT,
     FIELD(RawConnection, config.service),
     .otherwise_text = "libpq's own (`PGSERVICE`)",
     .doc =
         "Section of the service file (`~/.pg_service.conf`) to take the rest from; PostgreSQL only.",
     .example = "shop",
     .commented = true},
    {.name = "application_name",
     .type = KEY_TEXT,
     FIELD(RawConnection, config.application_name),
     .otherwise_text = "bqferry",
     .doc = "How the server lists the connections (`pg_stat_activity`, `session_connect_attrs`).",
     .example = "bqferry"},
    {.name = "connect_timeout",
     .type = KEY_DURATION,
     FIELD(RawConnection, config.connect_timeout_ms),
     .max = DAY_MS,
     .otherwise = "0",
     .otherwise_text = "the driver's own",
     .doc = "How long to wait for the server to accept a connection.",
     .example = "10s"},
    {.name = "naive_timestamps",
     .type = KEY_SECTION,
     FIELD(RawConnection, config.naive_timestamps_type),
     .section = &naive_timestamps,
     .otherwise_text = "DATETIME",
     .doc = "What happens to timestamps without a time zone."},
};

static const KeySection connection = {
    .id = "connection",
    .title = "connections.<name>",
    .doc = "A database that rows are read from.",
    KEYS(connection_keys),
    .size = sizeof(RawConnection),
    .name_pattern = NAME_PATTERN,
    .name_expected = NAME_EXPECTED,
    .example_name = "shop",
};

static const ConfigKey state_keys[] = {
    {.name = "type",
     .type = KEY_WORD,
     FIELD(StateConfig, type),
     WORDS("file", "gcs"),
     .otherwise = "file",
     .doc =
         "`file` keeps one JSON document a job in a folder, `gcs` one object a job in a bucket of "
         "Cloud Storage, where jobs can run on any machine.",
     .example = "file"},
    {.name = "bucket",
     .type = KEY_TEXT,
     FIELD(StateConfig, bucket),
     .pattern = BUCKET_PATTERN,
     .expected = "the name of a bucket, without gs://",
     ONLY_FOR("gcs"),
     .otherwise_text = "required for `gcs`",
     .doc = "The bucket. bqferry never makes one.",
     .example = "acme-etl",
     .commented = true},
    {.name = "prefix",
     .type = KEY_TEXT,
     FIELD(StateConfig, prefix),
     ONLY_FOR("gcs"),
     .otherwise_text = "bqferry-state",
     .doc = "What the objects' names begin with. Each configuration needs its own.",
     .example = "bqferry/production",
     .commented = true},
    {.name = "credentials",
     .type = KEY_PATH,
     FIELD(StateConfig, credentials),
     ONLY_FOR("gcs"),
     .otherwise_text = "`destination.credentials`, else as there",
     .doc = "A file with Google credentials.",
     .example = "service-account.json",
     .commented = true},
    {.name = "endpoint",
     .type = KEY_TEXT,
     FIELD(StateConfig, endpoint),
     ONLY_FOR("gcs"),
     .otherwise_text = "`destination.endpoints.storage`, `STORAGE_EMULATOR_HOST`",
     .doc = "Cloud Storage elsewhere: an emulator, a private endpoint.",
     .example = "http://localhost:4443",
     .commented = true},
    {.name = "path",
     .type = KEY_PATH,
     FIELD(StateConfig, path),
     ONLY_FOR("file"),
     .otherwise = ".bqferry/",
     .doc = "The folder. Made when it is missing, readable by its owner only.",
     .example = ".bqferry/"},
    {.name = "reports",
     .type = KEY_INTEGER,
     FIELD(StateConfig, reports),
     .min = 1,
     .max = 100000,
     .otherwise = "100",
     .doc = "How many reports of the last runs are kept, for `bqferry runs`.",
     .example = "100",
     .commented = true},
};

static const KeySection state = {
    .id = "state",
    .title = "state",
    .doc =
        "What must be known again after a crash: which rows are on their way, and which have arrived. "
        "Keep it, and keep it with the destination that it speaks of.",
    KEYS(state_keys),
};

#define LOAD_WORDS WORDS("append", "replace", "upsert", "soft_delete")
#define LOAD_DOC                                                                                   \
    "How rows get into the target table. `append` adds them to those that are there (without a "   \
    "cursor, all of them again on each run); `replace` puts them in the place of those that were " \
    "there; `upsert` updates the rows that have the same key and adds the others; `soft_delete` "  \
    "also marks rows that the source no longer has."

#define MERGE_KEYS(Struct, prefix, from)                                                           \
    {.name = "changed_only",                                                                       \
     .type = KEY_BOOLEAN,                                                                          \
     FIELD(Struct, prefix changed_only),                                                           \
     from,                                                                                         \
     .doc = "Whether an upsert leaves rows alone that are as they were. Costs a comparison of "    \
            "every column, saves writing.",                                                        \
     .example = "false"},                                                                          \
    {                                                                                              \
        .name = "metadata_columns", .type = KEY_BOOLEAN, FIELD(Struct, prefix metadata_columns),   \
        from,                                                                                      \
        .doc = "Whether every row carries `_bqferry_synced_at`, when its run began, and "          \
               "`_bqferry_run_id`, which run that was.",                                           \
        .example = "false"                                                                         \
    }

static const ConfigKey defaults_keys[] = {
    {.name = "load",
     .type = KEY_WORD,
     FIELD(RawOptions, load),
     LOAD_WORDS,
     .doc = LOAD_DOC,
     .example = "upsert"},
    MERGE_KEYS(RawOptions, , .otherwise = "false"),
    COLUMN_OPTION_KEYS(RawOptions, columns, "fail", "nullable", "repeated", "struct",
                       "the connection's, else DATETIME"),
    {.name = "workers",
     .type = KEY_INTEGER,
     FIELD(RawOptions, workers),
     .min = 1,
     .max = 64,
     .otherwise = "2",
     .doc = "Readers of one table at once, each with a server connection of its own.",
     .example = "2"},
    {.name = "retries",
     .type = KEY_SECTION,
     FIELD(RawOptions, retries),
     .section = &default_retries,
     .doc = "New attempts after errors that may pass."},
};

static const KeySection defaults = {
    .id = "defaults",
    .title = "defaults",
    .doc = "Options of every job that does not say them itself.",
    KEYS(defaults_keys),
};

static const ConfigKey source_keys[] = {
    {.name = "connection",
     .type = KEY_TEXT,
     FIELD(RawJob, config.connection),
     .otherwise_text = "the only connection there is",
     .doc = "A name from `connections`.",
     .example = "shop"},
    {.name = "table",
     .type = KEY_TEXT_OR_LIST,
     FIELD(RawJob, config.tables),
     .doc =
         "`schema.table`; `*` stands for any characters (`public.*`). A pattern or a list becomes one "
         "job a table, named `<job>.<table>`, or `<job>.<schema>.<table>` where that is needed.",
     .example = "public.orders"},
    {.name = "query",
     .type = KEY_TEXT,
     FIELD(RawJob, config.query),
     .doc = "A SELECT to read instead of a table; needs `target`.",
     .example = "\"SELECT id, total FROM orders WHERE total > 0\"",
     .commented = true},
    {.name = "columns",
     .type = KEY_TEXT_LIST,
     FIELD(RawJob, config.columns_wanted),
     .otherwise_text = "all",
     .doc = "The columns to carry, in this order.",
     .example = "[id, customer_id, total, created_at]"},
    {.name = "where",
     .type = KEY_TEXT,
     FIELD(RawJob, config.where),
     .doc = "A condition, in the source's SQL, that rows must meet.",
     .example = "\"created_at >= '2024-01-01'\""},
    {.name = "views",
     .type = KEY_BOOLEAN,
     FIELD(RawJob, config.with_views),
     .otherwise = "false",
     .doc = "Whether patterns also match views and materialized views.",
     .example = "true",
     .commented = true},
};

static const KeySection source = {
    .id = "job_source",
    .title = "jobs[].source",
    .doc = "What is read.",
    KEYS(source_keys),
    .exactly_one = (const char *const[]){"table", "query", NULL},
};

static const ConfigKey column_keys[] = {
    {.name = "type",
     .type = KEY_TEXT,
     FIELD(RawColumn, config.type),
     .otherwise_text = "what the source's type maps to; `bqferry plan` shows it",
     .doc = "Target type, in BigQuery's words: `STRING`, `NUMERIC(20,4)`, `JSON`.",
     .example = "NUMERIC(20,4)"},
    {.name = "name",
     .type = KEY_TEXT,
     FIELD(RawColumn, config.target_name),
     .otherwise_text = "the source column's name",
     .doc = "Name of the column in the target.",
     .example = "total_amount"},
    {.name = "description",
     .type = KEY_TEXT,
     FIELD(RawColumn, config.description),
     .otherwise_text = "the source column's comment",
     .doc =
         "Description of the column in the target, where it is made. A column of BigQuery that is "
         "there keeps its own.",
     .example = "Sum of all items, with taxes"},
    COLUMN_OPTION_KEYS(RawColumn, config, "the job's", "the job's", "the job's", "the job's",
                       "the job's"),
};

static const KeySection column = {
    .id = "column",
    .title = "jobs[].columns.<name>",
    .doc = "Wishes for one column, by its name in the source.",
    KEYS(column_keys),
    .size = sizeof(RawColumn),
    .name_pattern = "^.+$",
    .name_expected = "a column's name",
    .example_name = "total",
};

static const ConfigKey job_keys[] = {
    {.name = "name",
     .type = KEY_TEXT,
     FIELD(RawJob, config.name),
     .required = true,
     .pattern = NAME_PATTERN,
     .expected = NAME_EXPECTED,
     .doc =
         "Name of the job, for the command line, the state and the report. Every job has its own.",
     .example = "orders"},
    {.name = "tags",
     .type = KEY_TEXT_LIST,
     FIELD(RawJob, config.tags),
     .doc = "Words to choose jobs by: `bqferry run --tag hourly`.",
     .example = "[hourly]"},
    {.name = "source",
     .type = KEY_SECTION,
     .section = &source,
     .required = true,
     .doc = "What is read."},
    {.name = "target",
     .type = KEY_SECTION,
     .section = &keys_target,
     .otherwise_text = "the source table's name in the destination's dataset",
     .doc = "The table that is written."},
    {.name = "load",
     .type = KEY_WORD,
     FIELD(RawJob, options.load),
     LOAD_WORDS,
     .otherwise_text = "from `defaults`; required when that has none",
     .doc = LOAD_DOC,
     .example = "upsert"},
    {.name = "replace",
     .type = KEY_WORD,
     FIELD(RawJob, replace),
     WORDS("table", "partition"),
     .otherwise_text = "table",
     .doc =
         "What `load: replace` replaces: the whole `table`, or each `partition` that a row of the run "
         "belongs to, all others untouched. `partition` needs `target.partition_by` with a column, and a "
         "destination of type bigquery.",
     .example = "table",
     .commented = true},
    {.name = "key",
     .type = KEY_TEXT_OR_LIST,
     FIELD(RawJob, config.key),
     .otherwise_text = "the source's primary key, else a unique key that is NOT NULL",
     .doc = "Source columns that tell rows apart, for `upsert`, `soft_delete` and `lookback`.",
     .example = "[id]"},
    {.name = "cursor",
     .type = KEY_SECTION,
     .section = &keys_cursor,
     .doc =
         "Reads only rows that are new or changed since the last run. Without it each run reads all."},
    MERGE_KEYS(RawJob, options., .otherwise_text = "from `defaults`"),
    {.name = "soft_delete",
     .type = KEY_SECTION,
     .section = &keys_soft_delete,
     .commented = true,
     .doc = "The mark of `load: soft_delete`."},
    {.name = "deletes",
     .type = KEY_SECTION,
     .section = &keys_deletes,
     .doc = "What happens to rows of the target that the source no longer has."},
    {.name = "schema",
     .type = KEY_SECTION,
     .section = &keys_schema,
     .doc = "What happens when the source's columns change."},
    {.name = "backfill",
     .type = KEY_SECTION,
     .section = &keys_backfill,
     .doc = "How much history is read at a time."},
    COLUMN_OPTION_KEYS(RawJob, options.columns, "from `defaults`", "from `defaults`",
                       "from `defaults`", "from `defaults`", "from `defaults`"),
    {.name = "workers",
     .type = KEY_INTEGER,
     FIELD(RawJob, options.workers),
     .min = 1,
     .max = 64,
     .otherwise_text = "from `defaults`",
     .doc = "Readers of one table at once, each with a server connection of its own.",
     .example = "4"},
    {.name = "retries",
     .type = KEY_SECTION,
     FIELD(RawJob, options.retries),
     .section = &retries,
     .otherwise_text = "from `defaults`",
     .doc = "New attempts after errors that may pass."},
    {.name = "columns",
     .type = KEY_NAMED_SECTIONS,
     ELEMENTS(RawJob, columns, column_count),
     .section = &column,
     .doc = "Wishes for single columns."},
};

static const KeySection job = {
    .id = "job",
    .title = "jobs[]",
    .doc = "One table on its way, or several of the same kind.",
    KEYS(job_keys),
    .size = sizeof(RawJob),
};

#define VERSION_KEY(is_required)                                                                   \
    {                                                                                              \
        .name = "version", .type = KEY_INTEGER, FIELD(RawConfig, version),                         \
        .required = (is_required), .min = 1, .max = 1,                                             \
        .expected = "1, the version of this format", .doc = "Version of this format.",             \
        .example = "1"                                                                             \
    }
#define CONNECTIONS_KEY                                                                            \
    {                                                                                              \
        .name = "connections", .type = KEY_NAMED_SECTIONS,                                         \
        ELEMENTS(RawConfig, connections, connection_count), .section = &connection,                \
        .doc = "The databases that rows are read from, by name."                                   \
    }
#define JOBS_KEY                                                                                   \
    {                                                                                              \
        .name = "jobs", .type = KEY_SECTION_LIST, ELEMENTS(RawConfig, jobs, job_count),            \
        .section = &job, .doc = "The tables to carry."                                             \
    }

static const ConfigKey main_keys[] = {
    VERSION_KEY(true),
    CONNECTIONS_KEY,
    {.name = "destination",
     .type = KEY_SECTION,
     FIELD(RawConfig, destination),
     .section = &keys_destination,
     .required = true,
     .doc = "Where the rows go."},
    {.name = "state",
     .type = KEY_SECTION,
     FIELD(RawConfig, state),
     .section = &state,
     .doc = "What must be known again after a crash."},
    {.name = "parallel",
     .type = KEY_INTEGER,
     FIELD(RawConfig, parallel),
     .min = 1,
     .max = 64,
     .otherwise = "2",
     .doc = "Jobs that run at once.",
     .example = "2"},
    {.name = "include",
     .type = KEY_TEXT_LIST,
     FIELD(RawConfig, include),
     .doc = "Patterns of files with more `connections` and `jobs`; `*` and `?` within one folder.",
     .example = "[\"jobs/*.yaml\"]",
     .commented = true},
    {.name = "defaults",
     .type = KEY_SECTION,
     FIELD(RawConfig, defaults),
     .section = &defaults,
     .doc = "Options of every job that does not say them itself."},
    JOBS_KEY,
};

static const ConfigKey included_keys[] = {VERSION_KEY(false), CONNECTIONS_KEY, JOBS_KEY};

const KeySection keys_main = {
    .id = "main",
    .title = "bqferry.yaml",
    .doc = "",
    KEYS(main_keys),
};

const KeySection keys_included = {
    .id = "included",
    .title = "Included files",
    .doc = "",
    KEYS(included_keys),
};

static const char *print_words(const ConfigKey *key, char *text, size_t size)
{
    if (!key->words[1]) {
        snprintf(text, size, "%s", key->words[0]);
        return text;
    }
    size_t length = (size_t)snprintf(text, size, "one of");
    for (const char *const *word = key->words; *word && length < size; word++)
        length += (size_t)snprintf(text + length, size - length, "%s %s",
                                   word == key->words ? "" : ",", *word);
    return text;
}

static const char *print_range(const ConfigKey *key, char *text, size_t size)
{
    snprintf(text, size, "a whole number from %lld to %lld", (long long)key->min,
             (long long)key->max);
    return text;
}

const ConfigKey *section_key(const KeySection *section, const char *name)
{
    for (size_t i = 0; i < section->count; i++) {
        if (strcmp(section->keys[i].name, name) == 0)
            return &section->keys[i];
    }
    return NULL;
}

bool key_goes_with(const ConfigKey *key, const char *type)
{
    for (const char *const *word = key->only_for; type && word && *word; word++) {
        if (strcmp(*word, type) == 0)
            return true;
    }
    return !key->only_for;
}

const char *key_expectation(const ConfigKey *key, char *text, size_t size)
{
    static const char *const by_type[KEY_TYPE_COUNT_] = {
        [KEY_TEXT] = "a text",
        [KEY_BOOLEAN] = "true or false",
        [KEY_DURATION] = "a duration such as 30s, 10m or 2h",
        [KEY_SIZE] = "a size such as 256MB or 2GiB",
        [KEY_PATH] = "the path of a file or folder",
        [KEY_TEXT_LIST] = "a list of texts such as [a, b]",
        [KEY_TEXT_OR_LIST] = "a text or a list of texts",
        [KEY_TEXT_MAP] = "a mapping from names to texts",
        [KEY_SECTION] = "a mapping (key: value)",
        [KEY_NAMED_SECTIONS] = "a mapping (name: …)",
        [KEY_SECTION_LIST] = "a list (- …)",
    };
    if (key->expected)
        return key->expected;
    if (key->type == KEY_WORD)
        return print_words(key, text, size);
    return key->type == KEY_INTEGER ? print_range(key, text, size) : by_type[key->type];
}
