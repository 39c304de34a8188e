/* SPDX-License-Identifier: Apache-2.0 */
/* cmd/execute.h: runs jobs for `run` and `copy`: progress, result lines, report file, exit code. */
#pragma once

#include "cmd/command.h"
#include "run/run.h"

typedef struct ExecuteOptions {
    RunOptions run; /* display is set here */
    const char *progress;
    bool by_table;            /* result lines name what was read, not the job */
    const char *report_path;  /* NULL: none; "-": standard output, instead of the result lines */
    const char *metrics_path; /* NULL: none */
    bool keeps_report;        /* with the state, for `bqferry runs` */
} ExecuteOptions;

/* Removes the report file of a run before, if there is one, so that nobody takes it for this run's
 * when this one cannot even start. `path` as in ExecuteOptions. */
void execute_remove_report(const char *path);

/* False when nothing could be started. Else the result lines are printed (unless quiet), the report
 * is written whatever the jobs came to, and *ret_exit_code says what that is. Call run_report_done
 * either way. */
bool execute_jobs(const CommandContext *context, ExecuteOptions *options, RunReport *ret_report,
                  int *ret_exit_code, Error *error);
