/* SPDX-License-Identifier: Apache-2.0 */
#include "cmd/command.h"
#include "cmd/display.h"
#include "cmd/execute.h"

typedef struct RunSettings {
    TextList jobs;
    const char *tag;
    bool full_refresh;
    int64_t limit;
    const char *lock_wait;
    const char *progress;
    const char *report;
    const char *metrics;
} RunSettings;

static const Option options[] = {
    {OPTION_REST, 0, "JOB", NULL, NULL, NULL, "jobs by name; without any, all of them",
     offsetof(RunSettings, jobs)},
    {OPTION_TEXT, 0, "tag", "TAG", NULL, NULL, "only jobs that carry this tag",
     offsetof(RunSettings, tag)},
    {OPTION_FLAG, 0, "full-refresh", NULL, NULL, NULL,
     "replace the targets this once, whatever the jobs' load modes; cursors begin again at `start`",
     offsetof(RunSettings, full_refresh)},
    {OPTION_COUNT, 0, "limit", "N", NULL, NULL, "at most this many rows of each table; 0 for all",
     offsetof(RunSettings, limit)},
    {OPTION_TEXT, 0, "lock-wait", "TIME", "0", NULL,
     "how long to wait for another run that has a job or its table: 30s, 5m; 0: not at all",
     offsetof(RunSettings, lock_wait)},
    {OPTION_TEXT, 0, "progress", NULL, "auto", display_choices,
     "how progress is shown; auto: live lines on a terminal, else plain lines",
     offsetof(RunSettings, progress)},
    {OPTION_TEXT, 0, "report", "FILE", NULL, NULL,
     "write what each job did as JSON, also when jobs failed; - is standard output",
     offsetof(RunSettings, report)},
    {OPTION_TEXT, 0, "metrics", "FILE", NULL, NULL,
     "write what each job did as Prometheus text, for node-exporter's textfile collector",
     offsetof(RunSettings, metrics)},
    {0},
};

static const CommandExample examples[] = {
    {"bqferry run", "run every job of bqferry.yaml"},
    {"bqferry run orders customers --progress plain", "two jobs, with progress as log lines"},
    {"bqferry run --tag hourly --report report.json --log-format json",
     "as a scheduler would: structured logs and a report to keep"},
    {NULL, NULL},
};

static bool run(const CommandContext *context, void *settings, int *ret_exit_code, Error *error)
{
    const RunSettings *own = settings;
    CLEANUP(config_done) Config config = {0};
    int64_t lock_wait_ms;
    if (!command_duration("--lock-wait", own->lock_wait, &lock_wait_ms, error))
        return false;
    execute_remove_report(own->report);
    if (!command_load_config(context, &config, error))
        return false;
    ExecuteOptions execute = {
        .run = {.config = &config,
                .lock_wait_ms = lock_wait_ms,
                .names = own->jobs.items,
                .name_count = own->jobs.count,
                .tag = own->tag,
                .full_refresh = own->full_refresh,
                .limit = own->limit},
        .progress = own->progress,
        .report_path = own->report,
        .metrics_path = own->metrics,
        .keeps_report = true,
    };
    CLEANUP(run_report_done) RunReport report = {0};
    return execute_jobs(context, &execute, &report, ret_exit_code, error);
}

const Command command_run = {
    .name = "run",
    .summary = "runs jobs: reads each table and makes its rows visible in the target at once",
    .description =
        "Each job is one run: an interrupted one of before is brought to its end first, then the table is "
        "read under one snapshot, staged, counted, and applied in one atomic step. A job that fails does "
        "not stop the others. Jobs run side by side, as many as `parallel` allows. Ctrl-C stops the run "
        "and leaves every target as it was or as it should be; a second Ctrl-C ends it at once, and the "
        "next run settles what was left.",
    .options = options,
    .examples = examples,
    .settings_size = sizeof(RunSettings),
    .run = run,
};
