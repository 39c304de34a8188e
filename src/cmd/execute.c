/* SPDX-License-Identifier: Apache-2.0 */
#include "cmd/execute.h"

#include "base/log.h"
#include "cmd/display.h"
#include "cmd/human.h"
#include "cmd/metrics.h"
#include "cmd/results.h"

#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

static bool is_stdout(const char *path)
{
    return path && strcmp(path, "-") == 0;
}

static bool write_report(const ExecuteOptions *options, const RunReport *report, Error *error)
{
    if (!options->report_path)
        return true;
    if (is_stdout(options->report_path)) {
        CLEANUP(json_free_ptr) Json *json = run_report_json(report);
        json_print(stdout, json, true);
        return true;
    }
    return run_report_write(report, options->report_path, error) ||
           error_prefix(error, "the jobs ran, but the report could not be written");
}

static bool write_metrics(const ExecuteOptions *options, const RunReport *report, Error *error)
{
    return !options->metrics_path || metrics_write(report, options->metrics_path, error) ||
           error_prefix(error, "the jobs ran, but the metrics could not be written");
}

/* The jobs' outcome does not depend on it. */
static void keep_report(const ExecuteOptions *options, const RunReport *report)
{
    Error error = {0};
    if (!run_report_keep(report, &options->run, &error))
        log_warning(NULL, "the report of this run could not be kept: %s", error.message);
}

void execute_remove_report(const char *path)
{
    struct stat status;
    if (path && !is_stdout(path) && stat(path, &status) == 0 && S_ISREG(status.st_mode))
        unlink(path);
}

static void log_end(const RunReport *report)
{
    char time[HUMAN_SIZE];
    size_t counts[JOB_NOT_RUN + 1] = {0};
    for (size_t i = 0; i < report->job_count; i++)
        counts[report->jobs[i].status]++;
    log_info(NULL, "the run ended after %s: %zu succeeded, %zu settled, %zu failed, %zu not run",
             human_duration((report->finished_us - report->started_us) * 1000, time),
             counts[JOB_SUCCEEDED], counts[JOB_SETTLED], counts[JOB_FAILED], counts[JOB_NOT_RUN]);
}

bool execute_jobs(const CommandContext *context, ExecuteOptions *options, RunReport *ret_report,
                  int *ret_exit_code, Error *error)
{
    *ret_report = (RunReport){0};
    DisplayMode mode = display_mode(options->progress, context->globals->quiet);
    CLEANUP(display_free_ptr) Display *display = display_new(mode, stderr);
    options->run.display = display_progress(display);
    options->run.drivers = context->app->drivers;
    if (!run_jobs(&options->run, ret_report, error))
        return false;
    log_end(ret_report);
    if (!context->globals->quiet && !is_stdout(options->report_path))
        results_print(ret_report, options->by_table, stdout, context->arena);
    *ret_exit_code = run_report_exit_code(ret_report);
    if (options->keeps_report)
        keep_report(options, ret_report);
    return write_metrics(options, ret_report, error) && write_report(options, ret_report, error);
}
