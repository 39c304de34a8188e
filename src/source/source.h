/* SPDX-License-Identifier: Apache-2.0 */
/* source/source.h: one database that rows are read from. A driver is a folder below this one.
 *
 *   Source    what the configuration calls a connection; opens server connections as it needs them
 *   Snapshot  one moment of that database, shared by all readers of a run
 *   Reader    one shard of one table, read under a snapshot
 *
 * Errors are ERROR_SOURCE unless said otherwise, and retryable when a new attempt may help. */
#pragma once

#include "base/arena.h"
#include "base/error.h"
#include "base/parallel.h"
#include "config/config.h"
#include "model/batch.h"
#include "model/check.h"
#include "model/cursor.h"
#include "schema/mapping.h"

typedef struct Source Source;
typedef struct Snapshot Snapshot;
typedef struct Reader Reader;

/* What to read: a relation by name, or a query. Exactly one is set. */
typedef struct RelationRef {
    const char *schema; /* NULL: the server's default (search path) */
    const char *name;
    const char *query;
} RelationRef;

typedef struct RelationList {
    const SourceTable *tables; /* without columns */
    size_t count;
} RelationList;

/* What tells new rows from old ones: a column of the relation, and a key that orders rows of one
 * value. */
typedef struct CursorRef {
    const char *column;
    const char *key_column; /* NULL: none */
    const char *time_zone;  /* of values without one, an IANA name; NULL: the server's, if UTC */
    int64_t grace_ms; /* how far a value may lie before its transaction's start: skew of clocks */
    int64_t wait_ms;  /* how long open transactions may be waited for */
} CursorRef;

typedef struct BoundRequest {
    RelationRef relation;
    CursorRef cursor;
} BoundRequest;

/* How far a cursor may go. */
typedef struct Bound {
    CursorKind kind;
    bool known;         /* false: nothing can be said now (`note` tells why): read nothing */
    int64_t place;      /* whatever commits later has this value or a greater one */
    const char *method; /* how that is known, for people */
    const char *note;   /* what holds the bound back, what to look out for; NULL: nothing */
    Error error;        /* why this request has none at all; kind ERROR_NONE when it has */
} Bound;

/* Rows of a cursor's range. Texts are places (model/cursor.h); a key is the source's own text. */
typedef struct CursorRange {
    const CursorRef *cursor;
    CursorKind kind;
    const char *low;     /* NULL: from the beginning */
    const char *low_key; /* with low: from this key on where the cursor equals low; NULL: all */
    const char *high;    /* NULL: no end */
    bool after_low;      /* low itself is left out (low_key: that row) */
    bool through_high;   /* high itself is read */
} CursorRange;

/* What a snapshot's rows are like, as seen from the cursor. */
typedef struct CursorSurvey {
    uint64_t unreachable; /* rows that no range holds: NULL, infinity */
    const char *first;    /* the least place from the range's low on; NULL: there is none */
} CursorSurvey;

/* One part of a table. Bounds are the driver's own text; an intent stores them, so that any process
 * that can join the snapshot can read the same rows. */
typedef struct Shard {
    const char *method;    /* "ctid", "keyset", "partitions", "whole" */
    const char *relation;  /* SQL to read FROM in the extract's place (partitions); NULL: its own */
    const char *predicate; /* SQL condition over the relation; NULL: everything */
    int64_t row_estimate;  /* −1: unknown */
} Shard;

typedef struct ShardList {
    const Shard *shards;
    size_t count;
    const char *note; /* why it is not more, for people ("a view is read by one worker"); or NULL */
} ShardList;

/* What a reader needs to know; everything in it outlives the reader. */
typedef struct Extract {
    const TablePlan *plan;
    RelationRef relation;
    const char *where;        /* further SQL condition from the job; NULL: none */
    int64_t limit;            /* rows at most over all shards of one worker; 0: no limit */
    const CursorRange *range; /* NULL: all rows */
    const Value *constants;   /* what every row of a batch ends with, behind the plan's columns */
    size_t constant_count;
} Extract;

typedef struct ReaderStats {
    uint64_t rows;
    uint64_t bytes; /* of row data on the wire */
} ReaderStats;

typedef struct SampleTable {
    const char *const *cells; /* row after row; NULL for NULL; long values are cut with "…" */
    size_t row_count;
    size_t column_count; /* those of the described table, in its order */
} SampleTable;

typedef struct SourceOps {
    /* Closes every connection. Accepts NULL. */
    void (*close)(Source *source);

    /* Connects and adds one line per thing that matters (version, TLS, role, snapshot export, …),
     * with the fix for what is missing. Fails only when it cannot connect. */
    bool (*check)(Source *source, CheckReport *report, Error *error);

    /* Relations whose "schema.name" matches the pattern; `*` matches any characters. "public.*"
     * leaves out partitions of a listed parent, foreign tables, tables of extensions, and views
     * unless asked. */
    bool (*list)(Source *source, const char *pattern, bool with_views, Arena *arena,
                 RelationList *ret_list, Error *error);

    /* Everything about one relation in one round trip. Names what is missing when it does not exist
     * (with the nearest name) or may not be read. */
    bool (*describe)(Source *source, const RelationRef *relation, Arena *arena,
                     SourceTable *ret_table, Error *error);

    /* A few rows as text, for people. */
    bool (*sample)(Source *source, const SourceTable *table, size_t rows, Arena *arena,
                   SampleTable *ret_sample, Error *error);

    /* How far each cursor may go in a snapshot that is opened afterwards: never past what a still
     * open transaction may commit. Waits for such transactions only as long as the requests allow,
     * and stops early when the run is cancelled. A request that cannot be met at all has its own
     * error; *error is for a server that does not answer. NULL: this source has no cursors. */
    bool (*bounds)(Source *source, const BoundRequest *requests, size_t count, Arena *arena,
                   Bound *ret_bounds, Error *error);

    /* Opens a snapshot; it lives until snapshot_close. `readers` is how many will read at once, at
     * most: MySQL must open them together, PostgreSQL need not know. */
    bool (*snapshot_open)(Source *source, size_t readers, Snapshot **ret_snapshot, Error *error);

    /* Cuts a relation into at most `wanted` shards that are disjoint and together complete under
     * the snapshot. */
    bool (*shards)(Snapshot *snapshot, const Extract *extract, size_t wanted, Arena *arena,
                   ShardList *ret_shards, Error *error);

    /* Looks at the cursor under the snapshot; extract->range is set. `wants_first`: also for the
     * least place, which may take a scan where no index leads with the cursor. */
    bool (*survey)(Snapshot *snapshot, const Extract *extract, bool wants_first, Arena *arena,
                   CursorSurvey *ret_survey, Error *error);

    /* Starts to read a shard. Fails (retryable) when the snapshot is gone. */
    bool (*reader_open)(Snapshot *snapshot, const Extract *extract, const Shard *shard,
                        Reader **ret_reader, Error *error);

    /* The mapping of this source's types (schema/mapping.h). */
    MapColumn *map_column;
} SourceOps;

struct Source {
    const SourceOps *ops; /* first member of each driver's struct */
};

typedef struct SnapshotOps {
    void (*close)(Snapshot *snapshot); /* accepts NULL */
} SnapshotOps;

struct Snapshot {
    const SnapshotOps *ops;
    size_t max_readers;   /* how many may read at once; 1 when it cannot be shared */
    const char *note;     /* why not more; NULL when it can be shared */
    const char *method;   /* how it is shared, for people; NULL when there is nothing to know */
    const char *position; /* the log position it stands for, the source's own text; may be NULL */
};

typedef struct ReaderOps {
    /* Next rows; row_count 0 is the end, and is given only when the source confirmed that the shard
     * is complete. Looks at `stop` (may be NULL) and cancels on the server when it is set.
     * ERROR_DATA when a policy refuses a value. */
    bool (*read)(Reader *reader, const StopFlag *stop, Batch *ret_batch, Error *error);

    /* Stops the server's work if it still runs, and frees. Accepts NULL. */
    void (*close)(Reader *reader);
} ReaderOps;

struct Reader {
    const ReaderOps *ops;
    ReaderStats stats;
    InvalidCounts *invalid; /* one per column of the plan; owned by the reader */
};

/* One row of main.c's table of drivers. */
typedef struct SourceDriver {
    const char *type;               /* "postgresql" */
    const char *const *url_schemes; /* "postgresql", "postgres", NULL */
    bool (*open)(const ConnectionConfig *config, Source **ret_source,
                 Error *error); /* connects lazily */
} SourceDriver;

static inline void source_close_ptr(Source **source)
{
    if (*source)
        (*source)->ops->close(*source);
}

static inline void snapshot_close_ptr(Snapshot **snapshot)
{
    if (*snapshot)
        (*snapshot)->ops->close(*snapshot);
}

static inline void reader_close_ptr(Reader **reader)
{
    if (*reader)
        (*reader)->ops->close(*reader);
}
