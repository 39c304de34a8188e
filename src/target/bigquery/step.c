/* SPDX-License-Identifier: Apache-2.0 */
#include "target/bigquery/step.h"

#include "base/fault.h"
#include "target/bigquery/calls.h"

static BqJobWait wait_of(const BqWork *work, const char *step, const char *kind, int try)
{
    return (BqJobWait){
        .delivery = work->delivery,
        .way = work->way,
        .id = bq_job_id(work->delivery, step, try, work->scope.arena),
        .kind = kind,
        .leave = true,
    };
}

/* How a job ends, as a step's result. A job that failed is no failure of asking. */
static bool end_of(const BqWork *work, const BqJobWait *wait, Json **job, StepResult *result,
                   Error *error)
{
    BqJobEnd end;
    if (!bq_job_wait(&work->scope, wait, job, error))
        return false;
    bool done = bq_job_end(&work->scope, wait, *job, &end, error);
    *result = (StepResult){
        .state = done ? STEP_DONE : STEP_FAILED,
        .again = end.again,
        .hopeless = end.hopeless,
        .rows = end.rows,
        .dml = end.dml,
    };
    return true;
}

static bool look_at(const BqWork *work, const BqJobWait *wait, StepResult *result, Error *error)
{
    CLEANUP(json_free_ptr) Json *job = NULL;
    const BqJobKey key = {
        .project = work->way->job_project, .location = work->way->location, .id = wait->id};
    *result = (StepResult){.rows = -1};
    if (!bq_job_get(&work->scope, &key, &job, error))
        return false;
    return !job || end_of(work, wait, &job, result, error);
}

bool bq_step_look(const BqWork *work, const char *step, const char *kind, StepResult *ret_result,
                  Error *error)
{
    *ret_result = (StepResult){.rows = -1};
    for (int try = 1; try <= work->delivery->apply_attempt; try++) {
        BqJobWait wait = wait_of(work, step, kind, try);
        if (!look_at(work, &wait, ret_result, error))
            return false;
        if (ret_result->state == STEP_DONE)
            return true;
    }
    return true;
}

bool bq_step_fence(const BqWork *work, const char *step, const char *kind, StepResult *ret_result,
                   Error *error)
{
    CLEANUP(json_free_ptr) Json *job = NULL;
    BqJobWait wait = wait_of(work, step, kind, work->delivery->apply_attempt);
    *ret_result = (StepResult){.rows = -1};
    if (!fault_point("bigquery.fence", error) || !bq_job_fence(&work->scope, &wait, &job, error))
        return false;
    return !job || end_of(work, &wait, &job, ret_result, error);
}

static const char *kind_of(const BqStep *step)
{
    return step->load ? "load" : step->copy ? "copy" : "query";
}

static BqJobWait current_wait(const BqWork *work, const BqStep *step)
{
    return wait_of(work, step->name, kind_of(step), work->delivery->apply_attempt);
}

bool bq_step_send(const BqWork *work, const BqStep *step, Json **ret_job, Error *error)
{
    const JobDraft draft = {
        .project = work->way->job_project,
        .location = work->way->location,
        .id = current_wait(work, step).id,
        .labels = work->way->job_labels,
    };
    CLEANUP(json_free_ptr)
    Json *body = step->load   ? job_json_load(&draft, step->load)
                 : step->copy ? job_json_copy(&draft, step->copy)
                              : job_json_query(&draft, step->query);
    return fault_point("bigquery.step.send", error) &&
           bq_job_insert(&work->scope, body, ret_job, error) &&
           fault_point("bigquery.step.sent", error);
}

bool bq_step_wait(const BqWork *work, const BqStep *step, Json **job, StepResult *ret_result,
                  Error *error)
{
    BqJobWait wait = current_wait(work, step);
    wait.sent_before = step->sent_before;
    return end_of(work, &wait, job, ret_result, error) && fault_point("bigquery.step.ended", error);
}

/* Tries before this one have ended; what one of them did is not done again. */
static bool done_before(const BqWork *work, const BqStep *step, StepResult *result, Error *error)
{
    Error ignored = {0};
    *result = (StepResult){.rows = -1};
    for (int try = 1; try < work->delivery->apply_attempt; try++) {
        BqJobWait wait = wait_of(work, step->name, kind_of(step), try);
        if (!look_at(work, &wait, result, &ignored)) {
            if (error)
                *error = ignored;
            return false;
        }
        if (result->state == STEP_DONE)
            return true;
    }
    *result = (StepResult){.rows = -1};
    return true;
}

bool bq_step_run(const BqWork *work, const BqStep *step, StepResult *ret_result, Error *error)
{
    CLEANUP(json_free_ptr) Json *job = NULL;
    if (!done_before(work, step, ret_result, error))
        return false;
    if (ret_result->state == STEP_DONE)
        return true;
    return bq_step_send(work, step, &job, error) &&
           bq_step_wait(work, step, &job, ret_result, error);
}
