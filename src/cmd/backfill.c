/* SPDX-License-Identifier: Apache-2.0 */
#include "cmd/command.h"
#include "cmd/display.h"
#include "cmd/execute.h"

typedef struct BackfillSettings {
    const char *job;
    const char *start;
    const char *end;
    const char *lock_wait;
    const char *progress;
    const char *report;
    const char *metrics;
} BackfillSettings;

static const Option options[] = {
    {OPTION_ARGUMENT, 0, "JOB", NULL, NULL, NULL, "a job with a cursor",
     offsetof(BackfillSettings, job)},
    {OPTION_TEXT, 0, "start", "PLACE", NULL, NULL, "first place to read: a time, a date, a number",
     offsetof(BackfillSettings, start)},
    {OPTION_TEXT, 0, "end", "PLACE", NULL, NULL,
     "where to stop, exclusive, but a plain date includes that day; without it, at the job's cursor",
     offsetof(BackfillSettings, end)},
    {OPTION_TEXT, 0, "lock-wait", "TIME", "0", NULL,
     "how long to wait for another run that has the job or its table, before the first window",
     offsetof(BackfillSettings, lock_wait)},
    {OPTION_TEXT, 0, "progress", NULL, "auto", display_choices,
     "how progress is shown; auto: live lines on a terminal, else plain lines",
     offsetof(BackfillSettings, progress)},
    {OPTION_TEXT, 0, "report", "FILE", NULL, NULL,
     "write what was done as JSON, also when it failed; - is standard output",
     offsetof(BackfillSettings, report)},
    {OPTION_TEXT, 0, "metrics", "FILE", NULL, NULL,
     "write what was done as Prometheus text, for node-exporter's textfile collector",
     offsetof(BackfillSettings, metrics)},
    {0},
};

static const CommandExample examples[] = {
    {"bqferry backfill orders --start 2024-01-01 --end 2024-12-31", "the whole of 2024"},
    {"bqferry backfill events --start 2026-01-31T00:00:00Z --end 2026-01-31T06:00:00Z",
     "six hours"},
    {NULL, NULL},
};

static bool run(const CommandContext *context, void *settings, int *ret_exit_code, Error *error)
{
    const BackfillSettings *own = settings;
    CLEANUP(config_done) Config config = {0};
    int64_t lock_wait_ms;
    if (!own->start)
        return error_set(error, ERROR_USAGE, "--start PLACE is missing");
    if (!command_duration("--lock-wait", own->lock_wait, &lock_wait_ms, error))
        return false;
    execute_remove_report(own->report);
    if (!command_load_config(context, &config, error))
        return false;
    const BackfillOptions backfill = {own->start, own->end};
    ExecuteOptions execute = {
        .run = {.config = &config,
                .names = (const char *const[]){own->job},
                .name_count = 1,
                .lock_wait_ms = lock_wait_ms,
                .backfill = &backfill},
        .progress = own->progress,
        .report_path = own->report,
        .metrics_path = own->metrics,
        .keeps_report = true,
    };
    CLEANUP(run_report_done) RunReport report = {0};
    return execute_jobs(context, &execute, &report, ret_exit_code, error);
}

const Command command_backfill = {
    .name = "backfill",
    .summary = "reads a stretch of a job's history again, window by window",
    .description =
        "The stretch is cut into windows (`backfill.window`), each of which is committed before the next "
        "begins; the same command goes on after an interruption. The job's cursor stays where it is, and "
        "what it has yet to read is left to it. Between windows other runs of the job have their turn. Rows "
        "are upserted as the job says; an append leaves out what is in the target already, by key, or else "
        "replaces the window.",
    .options = options,
    .examples = examples,
    .settings_size = sizeof(BackfillSettings),
    .run = run,
};
