/* SPDX-License-Identifier: Apache-2.0 */
/* target/target.h: where rows go. A driver is a folder below this one.
 *
 *   Target    the configuration's destination; shared by all jobs of a run and their threads
 *   Delivery  one run of one job into one table: all that must be known again after a crash
 *   Sink      takes one shard's rows and stages them
 *
 * A delivery goes: arrange → prepare → sinks (write … finish) → apply → discard. Each may be
 * repeated after a crash with the same Delivery and then ends in the same state; nothing before
 * apply is visible to a reader of the target table, and apply is atomic. Errors are ERROR_TARGET
 * unless said otherwise, and retryable when the same call may succeed later. */
#pragma once

#include "base/arena.h"
#include "base/error.h"
#include "base/parallel.h"
#include "config/config.h"
#include "model/batch.h"
#include "model/check.h"
#include "model/layout.h"
#include "model/policy.h"
#include "model/type.h"
#include "target/gc.h"
#include "target/merge.h"
#include "target/target_job.h"

typedef struct Target Target;
typedef struct Sink Sink;

typedef struct TableRef {
    const char *dataset; /* a schema in DuckDB, a folder in files ("" for none); never NULL */
    const char *table;
} TableRef;

typedef struct ShardResult {
    uint64_t rows;
    uint64_t bytes;       /* as staged: file bytes where there are files, else an estimate */
    const char *checksum; /* "crc32c:…" of a staged file; NULL where there is none */
    const char *handle;   /* the target's own words for what is staged; NULL: needs none */
    const char *const *partitions; /* ids of the partitions that its rows belong to, each once; */
    size_t partition_count;        /* none where the target does not ask */
} ShardResult;

/* Plain data; an intent stores all of it (delivery/intent.h). */
typedef struct Delivery {
    const char *job;    /* the job's name, for labels and messages */
    const char *run_id; /* base/id.h: [a-z0-9-], never reused for other work */
    int attempt;        /* from 1; rises, durably, when staged data is void and read again */
    LoadMode load;
    TableRef table;
    Schema schema;      /* of the rows, and of the target table */
    TableLayout layout; /* of the target table */
    const char *source; /* where the rows come from, for people: "shop public.orders"; or NULL */
    bool replace_partitions; /* LOAD_REPLACE: only the partitions that the rows belong to */
    const char *format;      /* of staged files: "avro", "ndjson"; NULL: the target's own way */
    size_t shard_count;
    const ShardResult *shards;       /* shard_count of them once staged; NULL before */
    const TargetTableConfig *wishes; /* the job's, for validate, ddl and arrange, which put what
                                        counts into layout and arranged; NULL: none; not stored */
    const char *arranged; /* the target's own words on its way, ids, names (JSON); NULL: none */
    int apply_attempt;    /* from 1; rises, durably, when an apply has ended without effect */
    SchemaEvolve evolve;
    MergeSpec merge;
    MetadataColumns metadata;
    int64_t at_us; /* when the run began, microseconds since 1970 UTC */
} Delivery;

/* True when staged rows meet those of the table, instead of being added or put in their place. */
static inline bool delivery_merges(const Delivery *delivery)
{
    return delivery->load == LOAD_UPSERT || delivery->load == LOAD_SOFT_DELETE ||
           delivery->merge.unique || delivery->merge.present || delivery->merge.range.column;
}

typedef struct ApplyResult {
    uint64_t rows; /* of those that were staged, all that the step dealt with: when the delivery
                      merges, the sum of the first four counts */
    ApplyCounts counts; /* when the delivery merges */
    bool spent; /* on failure: this attempt at applying has ended for good, without effect, and
                   the next try needs the next apply_attempt */
    bool lost;  /* on failure: nothing was applied nor ever will be, and what was staged is gone:
                   the rows must be read again */
} ApplyResult;

/* What a target knows of a delivery: the answer to "was this run applied?" after a crash. */
typedef enum DeliveryStatus {
    DELIVERY_UNKNOWN, /* nothing whole is staged */
    DELIVERY_STAGED,  /* every shard in `shards` is staged whole, not yet visible */
    DELIVERY_BEGUN,   /* the same, but apply has begun and must be brought to its end */
    DELIVERY_APPLIED, /* visible */
} DeliveryStatus;

typedef struct TargetTable {
    bool exists;
    Schema schema;      /* of the existing table, in BigQuery's terms where the target can tell */
    TableLayout layout; /* where the target knows partitions and clusters */
    int64_t row_count, byte_count; /* −1: unknown */
    const char *const *others; /* columns of types that nothing of ours has: not in the schema */
    size_t other_count;
    int64_t made_us; /* when it was made, microseconds since 1970 UTC; 0: unknown */
} TargetTable;

typedef struct TargetTableName {
    const char *dataset;
    const char *table;
    const char *kind; /* "table", "view", … */
} TargetTableName;

typedef struct TargetTableList {
    TargetTableName *tables; /* in order of dataset and table */
    size_t count;
} TargetTableList;

/* What a run is expected to bring; −1: unknown. */
typedef struct TargetLoad {
    int64_t rows;
    int64_t source_bytes;
    size_t shards;
} TargetLoad;

/* What it will make the target do, and what that costs at list prices; −1: unknown. */
typedef struct TargetForecast {
    const char *way;       /* "1 load job, straight into the table" */
    const char *format;    /* "avro" */
    int64_t load_jobs;     /* per run, of load_jobs_per_day */
    int64_t table_changes; /* of the target table, of table_changes_per_day; −1: by partitions */
    int64_t load_jobs_per_day; /* the target's limits */
    int64_t table_changes_per_day;
    int64_t storage_bytes; /* of these rows, uncompressed */
    double storage_month_usd;
    double scan_usd; /* one query that reads all of these rows */
    const char **notes;
    size_t note_count;
} TargetForecast;

typedef struct TargetOps {
    void (*close)(Target *target); /* accepts NULL */

    /* Adds one line per thing that matters (where the library was looked for, whether the file can
     * be written, …). Fails only when nothing could be looked at. */
    bool (*check)(Target *target, CheckReport *report, Error *error);

    /* The table as it is now; exists = false is not an error. */
    bool (*describe)(Target *target, const TableRef *table, Arena *arena, TargetTable *ret_table,
                     Error *error);

    /* The statements (or, for files, the schema) that would make the table; for `plan`. */
    bool (*ddl)(Target *target, const Delivery *delivery, Arena *arena, const char **ret_text,
                Error *error);

    /* Refuses (ERROR_CONFIG) what cannot be delivered into the table as it is: columns that the
     * existing table has with another type, or does not have and `evolve` does not add; a merge
     * that the target cannot do. Changes nothing. Also said of a delivery without run id,
     * attempt and shards, as is ddl. */
    bool (*validate)(Target *target, const Delivery *delivery, Error *error);

    /* Chooses the way of this delivery before its intent is saved, when run id, attempt and
     * shard_count are known: fills delivery->arranged (in the arena). NULL: there is one way. */
    bool (*arrange)(Target *target, Delivery *delivery, Arena *arena, Error *error);

    /* Makes an empty staging place; removes what an earlier attempt of this run left there. */
    bool (*prepare)(Target *target, const Delivery *delivery, Error *error);

    /* A sink for one shard (0 … shard_count−1). Sinks of several shards work side by side. */
    bool (*sink_open)(Target *target, const Delivery *delivery, size_t shard, Sink **ret_sink,
                      Error *error);

    /* delivery->shards set: looks whether they are staged whole (rows, size, checksum) or applied.
     * Not set: only whether the run was applied. *ret_rows (may be NULL): rows applied, when known.
     */
    bool (*status)(Target *target, const Delivery *delivery, DeliveryStatus *ret_status,
                   uint64_t *ret_rows, Error *error);

    /* Removes staging of runs that nobody will come back to (gc): begun before `before_us` and not
     * in `live` (run ids, sorted). Only looks when `dry`. Adds a line for each. NULL: none. */
    bool (*gc)(Target *target, const GcRequest *request, Arena *arena, GcList *ret_list,
               Error *error);

    /* One atomic step: a reader sees the rows of before or those of after. Remembers the run id
     * with the same step, so that doing it again does nothing. */
    bool (*apply)(Target *target, const Delivery *delivery, ApplyResult *ret_result, Error *error);

    /* Removes what is staged for this run, if anything. Never touches what was applied. */
    bool (*discard)(Target *target, const Delivery *delivery, Error *error);

    /* Nothing is under way: gives back what keeps other processes out (a file that is open), until
     * the next call. NULL: there is nothing of the kind. */
    void (*rest)(Target *target);

    /* What this process made the target do for the run so far (only run_id is looked at). NULL:
     * nothing to tell. */
    bool (*jobs)(Target *target, const Delivery *delivery, Arena *arena, TargetJobs *ret_jobs,
                 Error *error);

    /* For `plan`; asks nothing that validate has not asked. NULL: there is nothing to count, and no
     * partitions, clusters, labels or expiration either. */
    bool (*forecast)(Target *target, const Delivery *delivery, const TargetLoad *load, Arena *arena,
                     TargetForecast *ret_forecast, Error *error);

    /* The tables of a dataset, or (NULL) of all there are. NULL: the target cannot tell. */
    bool (*list)(Target *target, const char *dataset, Arena *arena, TargetTableList *ret_list,
                 Error *error);
} TargetOps;

struct Target {
    const TargetOps *ops;     /* first member of each driver's struct */
    const char *place;        /* tells it from others of its type; NULL: its configured path does */
    int64_t one_shard_bytes;  /* a table smaller than this is best taken as one shard; 0: no wish */
    size_t one_shard_columns; /* one of at least so many columns, too; 0: no wish */
};

typedef struct SinkOps {
    /* Takes all rows of the batch; values are borrowed only during the call. ERROR_DATA for a row
     * that the target's format cannot hold. */
    bool (*write)(Sink *sink, const Batch *batch, Error *error);

    /* Makes the shard durable; *ret_result's strings live as long as the arena. Call once. */
    bool (*finish)(Sink *sink, Arena *arena, ShardResult *ret_result, Error *error);

    /* Frees (NULL, too); an unfinished shard leaves nothing that could be taken for a whole one. */
    void (*close)(Sink *sink);
} SinkOps;

struct Sink {
    const SinkOps *ops;
    uint64_t rows;  /* written so far */
    uint64_t bytes; /* staged so far, for progress */
    StopFlag stop;  /* ends its calls; whoever opened it sets the parent before the first write */
    bool again;     /* after a failure: nothing of the shard is staged nor ever will be, so that it
                       may be carried through another sink, whatever becomes of the others */
};

/* One row of main.c's table of drivers. */
typedef struct TargetDriver {
    const char *type;            /* "duckdb" */
    const char *default_dataset; /* when the configuration names none: "main"; NULL: "" */
    bool (*open)(const DestinationConfig *config, Target **ret_target, Error *error);
} TargetDriver;

static inline void target_close_ptr(Target **target)
{
    if (*target)
        (*target)->ops->close(*target);
}

static inline void sink_close_ptr(Sink **sink)
{
    if (*sink)
        (*sink)->ops->close(*sink);
}
