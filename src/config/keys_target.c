/* SPDX-License-Identifier: Apache-2.0 */
/* The keys of a job's `target`. */
#include "config/declare.h"
#include "config/raw.h"

enum { HOUR_MS = 3600 * 1000 };
#define YEARS_MS (100LL * 366 * 24 * HOUR_MS)

static const ConfigKey partition_by_keys[] = {
    {.name = "column",
     .type = KEY_TEXT,
     FIELD(RawPartitionBy, column),
     .otherwise_text = "none: the time of loading decides",
     .doc =
         "Column of the target: DATE, DATETIME or TIMESTAMP, INT64 for `range`. Rows are divided "
         "by their UTC time.",
     .example = "created_at"},
    {.name = "type",
     .type = KEY_WORD,
     FIELD(RawPartitionBy, type),
     WORDS("hour", "day", "month", "year", "range", "none"),
     .otherwise = "day",
     .doc =
         "How large a partition is. One run may touch 4,000, and a table may have 10,000 of them: "
         "for more than ten years, choose `month`. `none`: the table is kept whole, even where it "
         "would be divided by default.",
     .example = "day"},
    {.name = "start",
     .type = KEY_INTEGER,
     FIELD(RawPartitionBy, start),
     .min = INT64_MIN,
     .max = INT64_MAX,
     .expected = "a whole number",
     ONLY_FOR("range"),
     .otherwise = "0",
     .otherwise_text = "required for `range`",
     .doc = "First number of the first partition.",
     .example = "0",
     .commented = true},
    {.name = "end",
     .type = KEY_INTEGER,
     FIELD(RawPartitionBy, end),
     .min = INT64_MIN,
     .max = INT64_MAX,
     .expected = "a whole number",
     ONLY_FOR("range"),
     .otherwise = "0",
     .otherwise_text = "required for `range`",
     .doc = "First number behind the last partition.",
     .example = "1000000",
     .commented = true},
    {.name = "interval",
     .type = KEY_INTEGER,
     FIELD(RawPartitionBy, interval),
     .min = 1,
     .max = INT64_MAX,
     .expected = "a whole number of at least 1",
     ONLY_FOR("range"),
     .otherwise = "0",
     .otherwise_text = "required for `range`",
     .doc = "How many numbers a partition holds.",
     .example = "1000",
     .commented = true},
    {.name = "expiration",
     .type = KEY_DURATION,
     FIELD(RawPartitionBy, expiration_ms),
     .min = HOUR_MS,
     .max = YEARS_MS,
     ONLY_FOR("hour", "day", "month", "year"),
     .otherwise = "0",
     .otherwise_text = "never",
     .doc = "How long after its time a partition is removed. A table that is there is given it.",
     .example = "400d",
     .commented = true},
    {.name = "require_filter",
     .type = KEY_BOOLEAN,
     FIELD(RawPartitionBy, require_filter),
     .otherwise = "false",
     .doc = "Whether queries must say which partitions they read. `true` is set in a table that is "
            "there, too.",
     .example = "true",
     .commented = true},
    {.name = "immutable",
     .type = KEY_BOOLEAN,
     FIELD(RawPartitionBy, immutable),
     .otherwise = "false",
     .doc = "Promises that a row never moves to another partition: its column never changes.",
     .example = "true",
     .commented = true},
};

static const KeySection partition_by = {
    .id = "partition_by",
    .title = "jobs[].target.partition_by",
    .doc = "Partitions of the table; a plain text stands for its `column`. Only BigQuery has them: "
           "duckdb and files keep the table whole, and `plan` says so.",
    KEYS(partition_by_keys),
    .shorthand = "column",
};

static const ConfigKey target_keys[] = {
    {.name = "table",
     .type = KEY_TEXT,
     FIELD(RawJob, config.target_table),
     .otherwise_text = "the source table's name behind `destination.table_prefix`",
     .doc = "Name of the table, or `DATASET.NAME`.",
     .example = "orders"},
    {.name = "dataset",
     .type = KEY_TEXT,
     FIELD(RawJob, config.target_dataset),
     .otherwise_text = "`destination.dataset`",
     .doc = "Where the table goes: a dataset in bigquery, a schema in duckdb, a folder in files.",
     .example = "raw_data"},
    {.name = "partition_by",
     .type = KEY_SECTION,
     FIELD(RawJob, partition_by),
     .section = &partition_by,
     .otherwise_text =
         "days of the cursor, for a new table that a job with a cursor of time appends to",
     .doc = "Partitions of the table. An existing table keeps those that it has."},
    {.name = "cluster_by",
     .type = KEY_TEXT_OR_LIST,
     FIELD(RawJob, config.target.cluster_by),
     .otherwise_text =
         "the key, for a new table of an upsert or soft delete; the cursor where days of it "
         "are the partitions; `[]` for none",
     .doc =
         "Up to four columns of the target that rows are kept in order of. Only BigQuery does so.",
     .example = "[customer_id, id]"},
    {.name = "description",
     .type = KEY_TEXT,
     FIELD(RawJob, config.target.description),
     .otherwise_text = "the source table's comment",
     .doc = "Description of the table in BigQuery. A table that is there is given it when it is "
            "said here.",
     .example = "Orders of the web shop"},
    {.name = "labels",
     .type = KEY_TEXT_MAP,
     FIELD(RawJob, config.target.labels),
     .otherwise_text = "`destination.labels`",
     .doc = "Labels of the table and its jobs in BigQuery, over those of the destination. A table "
            "that is there is given them, and keeps its others.",
     .example = "{ domain: sales }",
     .commented = true},
    {.name = "expiration",
     .type = KEY_DURATION,
     FIELD(RawJob, config.target.expiration_ms),
     .min = HOUR_MS,
     .max = YEARS_MS,
     .otherwise = "0",
     .otherwise_text = "never",
     .doc = "How long after it was made the table is removed by BigQuery. A table that is there is "
            "given it, unless it is older than that.",
     .example = "90d",
     .commented = true},
    {.name = "kms_key",
     .type = KEY_TEXT,
     FIELD(RawJob, config.target.kms_key),
     .pattern = KMS_KEY_PATTERN,
     .expected = KMS_KEY_EXPECTED,
     .otherwise_text = "`destination.kms_key`",
     .doc = "Customer-managed key of this table in BigQuery. A table that is there keeps its own.",
     .example = "projects/p/locations/eu/keyRings/r/cryptoKeys/k",
     .commented = true},
    {.name = "on_schema_change",
     .type = KEY_WORD,
     FIELD(RawJob, config.target.on_schema_change),
     WORDS("rebuild", "fail"),
     .otherwise_text = "rebuild when a table is replaced, else fail",
     .doc =
         "What happens in BigQuery when the rows have other columns than the table: `rebuild` gives "
         "the table the new ones in the step that replaces its rows, `fail` stops before anything "
         "is read.",
     .example = "rebuild",
     .commented = true},
};

const KeySection keys_target = {
    .id = "job_target",
    .title = "jobs[].target",
    .doc = "The table that is written. A plain text stands for its `table`: `target: orders`.",
    KEYS(target_keys),
    .shorthand = "table",
};
