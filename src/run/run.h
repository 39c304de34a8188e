/* SPDX-License-Identifier: Apache-2.0 */
/* run/run.h: a batch run: settle → plan → intent → extract → apply → check → commit, job by job. */
#pragma once

#include "run/drivers.h"
#include "run/progress.h"
#include "run/report.h"

/* A stretch of a job's history to be read again; both ends as people write them. */
typedef struct BackfillOptions {
    const char *start;
    const char *end; /* exclusive, but a plain date includes its day; NULL: up to the cursor */
} BackfillOptions;

/* Which jobs, and how; everything outlives the call. */
typedef struct RunOptions {
    const Config *config;
    const Drivers *drivers;
    const char *const *names; /* jobs by name; none and no tag: all */
    size_t name_count;
    const char *tag;                 /* jobs that carry it; NULL: no condition */
    bool full_refresh;               /* replace, whatever the job's load mode */
    int64_t limit;                   /* rows per table at most; 0: all */
    int64_t lock_wait_ms;            /* how long other processes' locks are waited for */
    const BackfillOptions *backfill; /* instead of what is new; NULL: no */
    const ProgressDisplay *display;  /* may be NULL */
} RunOptions;

/* Runs the jobs. Returns false only when nothing could be started at all (unknown job, connection
 * that cannot be opened for expanding patterns, …); a job's failure is in the report. Call
 * run_report_done either way. */
bool run_jobs(const RunOptions *options, RunReport *ret_report, Error *error);

/* Keeps the report with the state, where `bqferry runs` finds it. */
bool run_report_keep(const RunReport *report, const RunOptions *options, Error *error);

/* What a job would do, for `plan`. */
typedef struct JobPlan {
    const char *job;
    LoadMode load;
    const char *connection;
    const char *relation;
    TableRef target;
    SourceTable table;
    TablePlan plan;
    TargetTable existing;
    const char *ddl; /* as the target prints it */
    ShardList shards;
    size_t workers;
    const char *const *key; /* of the target, when it matters; */
    size_t key_count;
    const char *interrupted; /* the id of a run that the next one settles first; NULL: none */
    const char *cursor; /* "updated_at >= … and < 2026-01-31 …": what the next run reads; NULL: all
                           rows, nothing new, or not known now */
    bool cursor_is_at_end;     /* nothing new can be read now */
    const char *cursor_value;  /* as saved; NULL: the first run, or a full refresh */
    const char *cursor_set_by; /* a run's id, or "state set" */
    const char *cursor_set_at;
    const char *bound;              /* how that end is known; NULL: no cursor */
    const TargetForecast *forecast; /* NULL: the target counts nothing */
    const char **notes;
    size_t note_count;
    Error error; /* why it cannot be planned; kind ERROR_NONE when it can */
} JobPlan;

typedef struct RunPlan {
    Arena arena;
    JobPlan *jobs;
    size_t job_count;
} RunPlan;

/* As run_jobs, but changes nothing anywhere. */
bool run_plan(const RunOptions *options, RunPlan *ret_plan, Error *error);
void run_plan_done(RunPlan *plan);
