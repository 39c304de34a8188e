/* SPDX-License-Identifier: Apache-2.0 */
/* run/report.h: what a run did, job by job; `--report` writes it as JSON (docs/reports.md). */
#pragma once

#include "base/arena.h"
#include "base/error.h"
#include "base/id.h"
#include "config/config.h"
#include "delivery/job_state.h"
#include "format/json.h"
#include "model/policy.h"
#include "run/progress.h"
#include "target/target.h"

typedef enum JobStatus {
    JOB_SUCCEEDED,
    JOB_SETTLED, /* an interrupted run of before was brought to its end; nothing was left to do */
    JOB_FAILED,
    JOB_NOT_RUN, /* stopped before its turn */
} JobStatus;

typedef struct ColumnInvalid {
    const char *column;
    InvalidCounts counts;
} ColumnInvalid;

/* How far a cursor has come. Texts are places (model/cursor.h). */
typedef struct CursorReport {
    const char *column; /* NULL: the job has none */
    const char *comparison;
    const char *low;      /* what was read this time; NULL: from the beginning, or nothing */
    const char *high;     /* NULL: nothing */
    const char *method;   /* how the bound is known */
    size_t ranges;        /* that were read and committed one by one */
    bool has_place;       /* of an instant or a wall time: */
    int64_t place_us;     /* how far the cursor is, microseconds since 1970 */
    uint64_t unreachable; /* rows without a value */
    bool is_backfill;
} CursorReport;

typedef struct JobReport {
    const char *job;
    JobStatus status;
    char run_id[40];
    int attempt;
    LoadMode load;
    const char *connection;
    const char *relation; /* "public.orders", or the query's text */
    const char *target;   /* "dataset.table" */
    size_t workers;
    size_t shards;
    uint64_t rows_read, bytes_read;
    uint64_t rows_staged, bytes_staged;
    uint64_t rows_applied;
    bool merges;
    ApplyCounts counts; /* when it merges */
    bool compared_keys;
    CursorReport cursor;
    ColumnInvalid *invalid; /* only columns with a count */
    size_t invalid_count;
    int64_t phase_ns[PHASE_COUNT_]; /* duration of each phase */
    int retries;
    TargetJobs target_jobs; /* what the target did for the run, in its own job list */
    const char **notes;     /* why one worker, what was settled first, … */
    size_t note_count;
    bool has_success;   /* the state knows a run that did all, not with a limit or a backfill: */
    int64_t success_us; /* when that was, microseconds since 1970 */
    Error error;        /* kind ERROR_NONE unless JOB_FAILED or JOB_NOT_RUN */
} JobReport;

typedef struct RunReport {
    Arena arena;
    char id[ID_SIZE];                /* of the run as a whole */
    int64_t started_us, finished_us; /* wall clock */
    JobReport *jobs;
    size_t job_count;
} RunReport;

void run_report_done(RunReport *report);

/* How far the job's cursor is, as a time; a cursor without a column or of numbers is none. */
void report_set_place(JobReport *report, const JobCursor *cursor);

/* 0 when every job did; else the exit code of the failed jobs' error when they agree, or 1. */
int run_report_exit_code(const RunReport *report);

/* "succeeded", "settled", "failed", "not_run". */
const char *job_status_name(JobStatus status);

Json *run_report_json(const RunReport *report);

/* run_report_json to a file, atomically. */
bool run_report_write(const RunReport *report, const char *path, Error *error);
