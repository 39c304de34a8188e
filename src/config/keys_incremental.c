/* SPDX-License-Identifier: Apache-2.0 */
#include "config/declare.h"
#include "config/raw.h"

enum { DAY_MS = 24 * 3600 * 1000 };

#define AMOUNT_PATTERN "^([0-9]+|([0-9]+(ms|s|m|h|d))+)$"
#define AMOUNT_EXPECTED "a duration such as 5m or 7d, or a count such as 1000"

static const ConfigKey cursor_keys[] = {
    {.name = "column",
     .type = KEY_TEXT_OR_LIST,
     FIELD(RawJob, config.cursor.columns),
     .required = true,
     .doc =
         "A source column that grows whenever a row is added or changed: a timestamp, a date or a "
         "whole number; or a timestamp and a key that orders rows of one time "
         "(`[updated_at, id]`).",
     .example = "updated_at"},
    {.name = "operator",
     .type = KEY_WORD,
     FIELD(RawJob, config.cursor.comparison),
     WORDS(">=", ">"),
     .otherwise = ">=",
     .doc =
         "`>=` reads from the last bound up to before the new one, `>` from after the last bound up to "
         "the new one. Either way no row is left out or read twice at the edge.",
     .example = "\">=\""},
    {.name = "lookback",
     .type = KEY_TEXT,
     FIELD(RawJob, config.cursor.lookback),
     .pattern = AMOUNT_PATTERN,
     .expected = AMOUNT_EXPECTED,
     .otherwise_text = "none",
     .doc =
         "Reads this much below the last bound again, for rows that arrive late: a duration, days for "
         "dates, a count for numbers. Upserts take them once more; an append leaves out those that "
         "it has by key, or else replaces the range.",
     .example = "5m"},
    {.name = "start",
     .type = KEY_TEXT,
     FIELD(RawJob, config.cursor.start),
     .otherwise_text = "all",
     .doc =
         "Where the first run begins: a place (`2024-01-01`, a number), an age (`30d`), or `all`.",
     .example = "90d"},
    {.name = "time_zone",
     .type = KEY_TEXT,
     FIELD(RawJob, config.cursor.time_zone),
     .otherwise_text = "UTC, when that is the server's; else it must be said",
     .doc = "IANA name of the zone whose clock stamps a column without a time zone.",
     .example = "Europe/Berlin"},
    {.name = "grace",
     .type = KEY_DURATION,
     FIELD(RawJob, config.cursor.grace_ms),
     .max = 7LL * DAY_MS,
     .otherwise = "1s",
     .doc =
         "How far a row's time may lie before the start of the transaction that writes it: the skew of "
         "the clocks of applications that stamp rows themselves. Rows this young wait for the next "
         "run.",
     .example = "1s"},
    {.name = "wait",
     .type = KEY_DURATION,
     FIELD(RawJob, config.cursor.wait_ms),
     .max = 1LL * DAY_MS,
     .otherwise = "30s",
     .doc =
         "How long a run waits for open transactions to end, where it must: for numbers, and where the "
         "role may not see when they began. After that, new rows wait for the next run.",
     .example = "30s"},
};

const KeySection keys_cursor = {
    .id = "job_cursor",
    .title = "jobs[].cursor",
    .doc =
        "Reads only what is new or changed. docs/incremental.md tells what that can and cannot see. A "
        "plain text stands for its `column`: `cursor: updated_at`.",
    KEYS(cursor_keys),
    .shorthand = "column",
};

static const ConfigKey soft_delete_keys[] = {
    {.name = "column",
     .type = KEY_TEXT,
     FIELD(RawJob, config.soft_delete.column),
     .otherwise = "_bqferry_deleted_at",
     .doc = "Name of the mark's column in the target.",
     .example = "is_deleted"},
    {.name = "type",
     .type = KEY_WORD,
     FIELD(RawJob, config.soft_delete.type),
     WORDS("TIMESTAMP", "BOOL"),
     .otherwise = "TIMESTAMP",
     .doc =
         "`TIMESTAMP`: when it was seen that the row is gone, NULL for rows that are there; `BOOL`: "
         "true and false.",
     .example = "BOOL"},
};

const KeySection keys_soft_delete = {
    .id = "job_soft_delete",
    .title = "jobs[].soft_delete",
    .doc = "The mark of rows that the source no longer has, with `load: soft_delete`.",
    KEYS(soft_delete_keys),
};

static const ConfigKey deletes_keys[] = {
    {.name = "action",
     .type = KEY_WORD,
     FIELD(RawJob, config.deletes.action),
     WORDS("soft", "hard"),
     .otherwise_text = "`soft` with `load: soft_delete`; else it must be said",
     .doc = "`soft` marks the rows, `hard` deletes them.",
     .example = "hard"},
    {.name = "every",
     .type = KEY_DURATION,
     FIELD(RawJob, config.deletes.every_ms),
     .max = 3660LL * DAY_MS,
     .otherwise_text = "1d",
     .doc = "How often a job with a cursor compares all keys of source and target; 0: on each run. "
            "Without a cursor each run sees all rows anyway.",
     .example = "1d"},
};

const KeySection keys_deletes = {
    .id = "job_deletes",
    .title = "jobs[].deletes",
    .doc =
        "What happens to rows of the target that the source no longer has. A plain text stands for its "
        "`action`: `deletes: hard`.",
    KEYS(deletes_keys),
    .shorthand = "action",
};

static const ConfigKey schema_keys[] = {
    {.name = "evolve",
     .type = KEY_WORD,
     FIELD(RawJob, config.evolve),
     WORDS("add_columns", "fail", "ignore"),
     .otherwise_text = "`add_columns`; `ignore` for a job that lists its columns",
     .doc =
         "New columns of the source are added to the target, stop the job, or are left out with a "
         "warning. Columns that the source has dropped stay, and are NULL from then on.",
     .example = "add_columns"},
};

const KeySection keys_schema = {
    .id = "job_schema",
    .title = "jobs[].schema",
    .doc = "What happens when the source's columns change.",
    KEYS(schema_keys),
};

static const ConfigKey backfill_keys[] = {
    {.name = "window",
     .type = KEY_TEXT,
     FIELD(RawJob, config.window),
     .pattern = AMOUNT_PATTERN,
     .expected = AMOUNT_EXPECTED,
     .otherwise_text = "about 4 GB at a time, when an index leads with the cursor",
     .doc =
         "Long ranges (the first run's, `bqferry backfill`) are cut into windows of this length, each of "
         "which is committed before the next begins: a duration, or a count for numbers.",
     .example = "7d"},
};

const KeySection keys_backfill = {
    .id = "job_backfill",
    .title = "jobs[].backfill",
    .doc = "How much history is read at a time. A plain text stands for its `window`.",
    KEYS(backfill_keys),
    .shorthand = "window",
};
