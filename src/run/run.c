/* SPDX-License-Identifier: Apache-2.0 */
#include "run/run.h"

#include "base/clock.h"
#include "delivery/delivery.h"
#include "run/job.h"
#include "run/session.h"

#include <string.h>

typedef struct RunGroup {
    const RunOptions *options;
    Session *session;
    const RunJobs *jobs;
    JobProgress *progress;
    RunReport *report;
    const char **seen_runs; /* each job's last run when this one began */
    pthread_mutex_t arena_lock;
} RunGroup;

static bool run_one(void *context, size_t index, size_t worker, const StopFlag *stop, Error *error)
{
    (void)worker;
    (void)stop;
    RunGroup *group = context;
    JobRun run = {
        .session = group->session,
        .options = group->options,
        .job = &group->jobs->jobs[index],
        .progress = &group->progress[index],
        .report = &group->report->jobs[index],
        .arena = &group->report->arena,
        .arena_lock = &group->arena_lock,
        .seen_run = group->seen_runs[index],
    };
    bool done = job_run(&run);
    if (!done)
        *error = run.report->error;
    return done;
}

static void start_report(const RunOptions *options, const RunJobs *jobs, RunReport *report,
                         JobProgress *progress)
{
    Arena *arena = &report->arena;
    report->jobs = ARENA_ARRAY(arena, JobReport, jobs->count);
    report->job_count = jobs->count;
    for (size_t i = 0; i < jobs->count; i++) {
        const RunJob *job = &jobs->jobs[i];
        report->jobs[i] = (JobReport){
            .job = job->name,
            .status = JOB_NOT_RUN,
            .load = options->full_refresh ? LOAD_REPLACE : job->config->load,
            .connection = arena_strdup(arena, job->config->connection),
            .relation = job->relation_text,
            .target = *job->target.dataset
                          ? arena_printf(arena, "%s.%s", job->target.dataset, job->target.table)
                          : job->target.table,
            .error = {.kind = ERROR_CANCELLED, .message = "stopped before its turn"},
        };
        progress[i].name = job->name;
        atomic_store(&progress[i].row_estimate, -1);
    }
}

static bool run_selected(RunGroup *group, Error *error)
{
    const RunOptions *options = group->options;
    const ProgressDisplay *display = options->display;
    size_t count = group->jobs->count;
    if (display && display->start &&
        !display->start(display->context, group->progress, count, error))
        return false;
    ParallelOptions parallel = {
        .count = count,
        .threads = (size_t)options->config->parallel,
        .keep_going = true,
    };
    /* What failed is in the jobs' reports, each with its own error. */
    Error first = {0};
    parallel_run(&parallel, run_one, group, &first);
    if (display && display->stop)
        display->stop(display->context);
    return true;
}

/* What is known of the job before it runs. What cannot be read now is not known: whoever needs it
 * will say so. Gauges go by it when the run fails. */
static const char *look_back(Session *session, const RunJob *job, Arena *arena, JobReport *report)
{
    DeliveryPast past;
    Error ignored = {0};
    if (!delivery_look(session_state(session), job->name, arena, &past, &ignored))
        return NULL;
    const char *success = past.state.succeeded_at;
    report->has_success = success && cursor_parse(CURSOR_INSTANT, success, &report->success_us);
    if (job->config->cursor.columns.count > 0)
        report_set_place(report, &past.state.cursor);
    return past.last_run;
}

bool run_jobs(const RunOptions *options, RunReport *ret_report, Error *error)
{
    *ret_report = (RunReport){.started_us = clock_wall_us()};
    id_new_run(ret_report->id);
    CLEANUP(session_close_ptr) Session *session = NULL;
    RunJobs jobs;
    if (!session_open(options, true, &session, error) ||
        !run_jobs_select(session, options, &ret_report->arena, &jobs, error))
        return false;
    RunGroup group = {
        .options = options,
        .session = session,
        .jobs = &jobs,
        .progress = ARENA_ARRAY(&ret_report->arena, JobProgress, jobs.count),
        .report = ret_report,
        .arena_lock = PTHREAD_MUTEX_INITIALIZER,
    };
    start_report(options, &jobs, ret_report, group.progress);
    session_set_jobs(session, &jobs, true);
    group.seen_runs = ARENA_ARRAY(&ret_report->arena, const char *, jobs.count);
    for (size_t i = 0; i < jobs.count; i++)
        group.seen_runs[i] =
            look_back(session, &jobs.jobs[i], &ret_report->arena, &ret_report->jobs[i]);
    bool ran = run_selected(&group, error);
    ret_report->finished_us = clock_wall_us();
    return ran;
}

bool run_report_keep(const RunReport *report, const RunOptions *options, Error *error)
{
    CLEANUP(state_close_ptr) StateStore *store = NULL;
    CLEANUP(json_free_ptr) Json *json = run_report_json(report);
    return drivers_open_state(options->drivers, options->config, true, &store, error) &&
           state_keep_report(store, report->id, json, (size_t)options->config->reports_kept, error);
}
