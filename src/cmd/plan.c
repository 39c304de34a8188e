/* SPDX-License-Identifier: Apache-2.0 */
#include "base/log.h"
#include "cmd/command.h"
#include "cmd/plan_print.h"

typedef struct PlanSettings {
    TextList jobs;
    const char *tag;
    bool full_refresh;
    bool json;
} PlanSettings;

static const Option options[] = {
    {OPTION_REST, 0, "JOB", NULL, NULL, NULL, "jobs by name; without any, all of them",
     offsetof(PlanSettings, jobs)},
    {OPTION_TEXT, 0, "tag", "TAG", NULL, NULL, "only jobs that carry this tag",
     offsetof(PlanSettings, tag)},
    {OPTION_FLAG, 0, "full-refresh", NULL, NULL, NULL, "as bqferry run --full-refresh would do it",
     offsetof(PlanSettings, full_refresh)},
    {OPTION_FLAG, 0, "json", NULL, NULL, NULL, "print all of it as JSON",
     offsetof(PlanSettings, json)},
    {0},
};

static const CommandExample examples[] = {
    {"bqferry plan", "every job: types, confidence, warnings, DDL, shards, sizes"},
    {"bqferry plan orders --json | jq '.jobs[].columns[] | select(.target.confidence != \"high\")'",
     "the columns of a job that deserve a look"},
    {NULL, NULL},
};

static int plan_exit_code(const RunPlan *plan)
{
    int code = 0;
    for (size_t i = 0; i < plan->job_count; i++)
        code = command_fold_exit_code(code, error_exit_code(plan->jobs[i].error.kind));
    return code;
}

static void log_failures(const RunPlan *plan)
{
    size_t failed = 0;
    for (size_t i = 0; i < plan->job_count; i++)
        failed += plan->jobs[i].error.kind != ERROR_NONE;
    if (failed)
        log_event(LOG_ERROR, NULL, "%zu of %zu jobs cannot be planned", failed, plan->job_count);
}

static bool run(const CommandContext *context, void *settings, int *ret_exit_code, Error *error)
{
    const PlanSettings *own = settings;
    CLEANUP(config_done) Config config = {0};
    if (!command_load_config(context, &config, error))
        return false;
    RunOptions run_options = {
        .config = &config,
        .drivers = context->app->drivers,
        .names = own->jobs.items,
        .name_count = own->jobs.count,
        .tag = own->tag,
        .full_refresh = own->full_refresh,
    };
    CLEANUP(run_plan_done) RunPlan plan = {0};
    if (!run_plan(&run_options, &plan, error))
        return false;
    CLEANUP(json_free_ptr) Json *json = own->json ? plan_print_json(&plan, context->arena) : NULL;
    if (json)
        json_print(stdout, json, true);
    else
        plan_print_text(&plan, stdout, context->arena);
    log_failures(&plan);
    *ret_exit_code = plan_exit_code(&plan);
    return true;
}

const Command command_plan = {
    .name = "plan",
    .summary = "shows what a run would do: types, DDL, shards, sizes; changes nothing",
    .description =
        "Each column is shown with the type it gets and how sure that is: high is declared and exact, "
        "medium was chosen from several that would do, low needs a look. A job that cannot be planned "
        "shows why, and the exit code says so.",
    .options = options,
    .examples = examples,
    .settings_size = sizeof(PlanSettings),
    .run = run,
};
