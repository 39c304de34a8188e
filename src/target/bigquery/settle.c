/* SPDX-License-Identifier: Apache-2.0 */
#include "base/cancel.h"
#include "base/clock.h"
#include "base/fault.h"
#include "base/id.h"
#include "base/log.h"
#include "target/bigquery/apply.h"
#include "target/bigquery/calls.h"
#include "target/bigquery/run_state.h"
#include "target/bigquery/sink.h"
#include "target/bigquery/step.h"
#include "target/bigquery/way.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

/* Whether every object is there as it was written. */
static bool find_objects(const BqWork *work, bool *ret_whole, Error *error)
{
    GcsScope gcs = bq_gcs(&work->scope, work->way->bucket);
    *ret_whole = true;
    for (size_t i = 0; *ret_whole && i < work->delivery->shard_count; i++) {
        const char *name;
        int64_t generation;
        GcsObject object;
        bool found;
        if (!bq_object_of_handle(work->delivery->shards[i].handle, work->scope.arena, &name,
                                 &generation)) {
            *ret_whole = false;
        } else if (!gcs_stat(&gcs, name, work->scope.arena, &object, &found, error)) {
            return false;
        } else {
            *ret_whole = found && object.generation == generation &&
                         object.size == work->delivery->shards[i].bytes;
        }
    }
    return true;
}

static bool find_staging(const BqWork *work, bool *ret_whole, Error *error)
{
    int64_t rows;
    if (!bq_staging_rows(&work->scope, work->delivery, work->way, &rows, error))
        return false;
    *ret_whole = rows >= 0 && (uint64_t)rows == bq_staged_rows(work->delivery);
    return true;
}

static bool is_whole(const BqWork *work, bool *ret_whole, Error *error)
{
    if (!work->way->bucket)
        return find_staging(work, ret_whole, error);
    if (!find_objects(work, ret_whole, error))
        return false;
    /* Objects may be gone when all of them are in staging already. */
    return *ret_whole || !bq_is_staged(work->way, work->delivery) ||
           find_staging(work, ret_whole, error);
}

/* The step did its work, or (NULL) nothing can do it any more. */
static bool settled(const BqWork *work, const StepResult *step, DeliveryStatus *ret_status,
                    uint64_t *ret_rows)
{
    ApplyResult result = {0};
    if (step)
        bq_step_result(work, step, &result);
    bq_run_settle(work->scope.bq, work->delivery, step ? &result : NULL);
    *ret_status = step ? DELIVERY_APPLIED : DELIVERY_UNKNOWN;
    if (ret_rows && step)
        *ret_rows = result.rows;
    return true;
}

/* The rows went from the process straight into a load job. If that has no trace of it, its last
 * bytes may still be on their way: the id is taken from them before anything is said. */
static bool upload_status(const BqWork *work, DeliveryStatus *ret_status, uint64_t *ret_rows,
                          Error *error)
{
    StepResult step;
    Resumable *held = bq_run_take(work->scope.bq, work->delivery);
    if (held) { /* asked by the process that has them */
        bq_run_hold(work->scope.bq, work->delivery, held);
        *ret_status = DELIVERY_STAGED;
        return true;
    }
    if (!bq_step_look(work, "load", "load", &step, error) ||
        (step.state == STEP_ABSENT && !bq_step_fence(work, "load", "load", &step, error)))
        return false;
    return settled(work, step.state == STEP_DONE ? &step : NULL, ret_status, ret_rows);
}

/* How far the copies of single partitions got: all (*ret_rows ≥ 0), some, or none. */
static bool look_at_parts(const BqWork *work, size_t parts, size_t *ret_done, int64_t *ret_rows,
                          Error *error)
{
    *ret_rows = 0;
    for (*ret_done = 0; *ret_done < parts; (*ret_done)++) {
        StepResult step;
        const char *name = arena_printf(work->scope.arena, "part%zu", *ret_done);
        if (!bq_step_look(work, name, "copy", &step, error))
            return false;
        if (step.state != STEP_DONE)
            break;
        *ret_rows = *ret_rows < 0 || step.rows < 0 ? -1 : *ret_rows + step.rows;
    }
    if (*ret_rows < 0)
        *ret_rows = (int64_t)bq_staged_rows(work->delivery);
    return true;
}

static bool parts_status(const BqWork *work, DeliveryStatus *ret_status, uint64_t *ret_rows,
                         Error *error)
{
    size_t parts, done;
    int64_t rows;
    bool whole;
    bq_partition_union(work->delivery, work->scope.arena, &parts);
    if (!look_at_parts(work, parts, &done, &rows, error))
        return false;
    const StepResult all = {.state = STEP_DONE, .rows = rows};
    if (done == parts) /* with no rows there is nothing to replace, and so it is done */
        return settled(work, &all, ret_status, ret_rows);
    if (!is_whole(work, &whole, error))
        return false;
    /* Copies of what is not there do nothing, whenever they may come. */
    if (!whole && done > 0)
        return settled(work, NULL, ret_status, ret_rows);
    *ret_status = !whole ? DELIVERY_UNKNOWN : done ? DELIVERY_BEGUN : DELIVERY_STAGED;
    return true;
}

static bool other_status(const BqWork *work, DeliveryStatus *ret_status, uint64_t *ret_rows,
                         Error *error)
{
    const char *kind, *last = bq_last_step(work->way, work->delivery, &kind);
    StepResult step;
    bool whole;
    if (work->delivery->replace_partitions)
        return parts_status(work, ret_status, ret_rows, error);
    if (!bq_step_look(work, last, kind, &step, error))
        return false;
    if (step.state == STEP_DONE)
        return settled(work, &step, ret_status, ret_rows);
    if (!is_whole(work, &whole, error))
        return false;
    *ret_status = whole ? DELIVERY_STAGED : DELIVERY_UNKNOWN;
    return true;
}

/* BigQuery forgets jobs after six months (docs/managing-jobs), and takes their ids anew. Where the
 * same rows twice are wrong, nobody can tell any more what became of them. */
static bool is_remembered(const Delivery *delivery, Error *error)
{
    enum { REMEMBERED_DAYS = 170 };
    const int64_t day_us = INT64_C(24) * 3600 * 1000000;
    int64_t begun_us;
    if (delivery->load != LOAD_APPEND || delivery_merges(delivery) ||
        !id_time(delivery->run_id, &begun_us) ||
        clock_wall_us() - begun_us < REMEMBERED_DAYS * day_us)
        return true;
    error_set(error, ERROR_TARGET,
              "run %s was interrupted %" PRId64
              " days ago, and BigQuery has forgotten by now whether its %" PRIu64
              " rows were added to %s.%s",
              delivery->run_id, (clock_wall_us() - begun_us) / day_us, bq_staged_rows(delivery),
              delivery->table.dataset, delivery->table.table);
    return error_hint(error,
                      "look whether they are there, then bqferry state reset %s --force, and "
                      "--full-refresh to load the table anew; or, with a cursor, bqferry state set "
                      "%s to go on behind them",
                      delivery->job, delivery->job);
}

bool bq_status(Target *target, const Delivery *delivery, DeliveryStatus *ret_status,
               uint64_t *ret_rows, Error *error)
{
    CLEANUP(arena_done) Arena arena = {0};
    CLEANUP(bq_way_done) BqWay way = {0};
    BqScope scope = bq_scope(target, delivery, &arena);
    *ret_status = DELIVERY_UNKNOWN;
    if (!delivery->shards) /* apply comes only after the counts */
        return true;
    if (!is_remembered(delivery, error) || !bq_way_read(&scope, delivery, &way, error))
        return false;
    const BqWork work = {scope, delivery, &way};
    Error asking = {0};
    bool known = way.staged || way.bucket ? other_status(&work, ret_status, ret_rows, &asking)
                                          : upload_status(&work, ret_status, ret_rows, &asking);
    if (!known && error)
        *error = asking;
    return known;
}

static bool applied_meanwhile(const BqWork *work, Error *error)
{
    return error_set_retryable(error, ERROR_TARGET,
                               "the rows of run %s have been applied meanwhile",
                               work->delivery->run_id);
}

/* What a dead process may have sent must not come to life after its staging is gone. */
static bool stop_apply(const BqWork *work, Error *error)
{
    const char *kind, *last = bq_last_step(work->way, work->delivery, &kind);
    Error asking = {0};
    StepResult step;
    if (!work->delivery->shards ||
        bq_run_settled(work->scope.bq, work->delivery, NULL) != SETTLED_NOT)
        return true;
    if (!bq_step_fence(work, last, kind, &step, &asking)) {
        *error = asking;
        return false;
    }
    if (step.state == STEP_DONE)
        return applied_meanwhile(work, error);
    bq_run_settle(work->scope.bq, work->delivery, NULL);
    return true;
}

/* Names and generations of a run are never used again: what nobody may remove does no harm, and is
 * no reason to stop. Only the copies of single partitions that a lost process may have sent must
 * find nothing to copy. */
static bool leave_behind(const BqWork *work, bool removed, const char *after, Error *problem,
                         Error *error)
{
    const Delivery *delivery = work->delivery;
    if (removed)
        return true;
    bool harmless = !delivery->replace_partitions || !delivery->shards ||
                    bq_run_settled(work->scope.bq, delivery, NULL) == SETTLED_APPLIED;
    if (problem->denied && harmless) {
        log_warning(work->scope.job, "what run %s staged stays behind: %s%s%s; %s",
                    delivery->run_id, problem->message, *problem->hint ? ". " : "", problem->hint,
                    after);
        return true;
    }
    if (error)
        *error = *problem;
    if (error && problem->denied) {
        error->hint[0] = '\0';
        error_hint(error,
                   "%s. Or, when no job of that run is under way any more, give it up: bqferry "
                   "state reset %s --force",
                   problem->hint, delivery->job);
    }
    return false;
}

static bool drop_tables(const BqWork *work, Error *error)
{
    const Delivery *delivery = work->delivery;
    for (int attempt = 1; attempt <= delivery->attempt; attempt++) {
        TableRef staging = {delivery->table.dataset,
                            bq_staging_name(delivery, attempt, work->scope.arena)};
        const TableRef unique = {staging.dataset,
                                 arena_printf(work->scope.arena, "%s_unique", staging.table)};
        if (!bq_table_delete(&work->scope, &staging, error) ||
            (delivery->merge.unique && !bq_table_delete(&work->scope, &unique, error)))
            return false;
    }
    return true;
}

static bool drop_staging(const BqWork *work, Error *error)
{
    Error problem = {0};
    bool dropped = drop_tables(work, &problem);
    return leave_behind(work, dropped, "BigQuery removes it by itself (staging_expiration)",
                        &problem, error) &&
           fault_point("bigquery.staging.dropped", error);
}

static bool delete_object(void *context, const GcsObject *object, Error *error)
{
    return gcs_delete(context, object->name, object->generation, NULL, error);
}

/* By name where every object is known, else whatever the run has left. */
static bool delete_known(const BqWork *work, Error *error)
{
    const Delivery *delivery = work->delivery;
    GcsScope gcs = bq_gcs(&work->scope, work->way->bucket);
    gcs.last_words = cancel_requested();
    bool known = delivery->attempt == 1 && delivery->shards;
    for (size_t i = 0; known && i < delivery->shard_count; i++) {
        const char *name;
        int64_t generation;
        if (!bq_object_of_handle(delivery->shards[i].handle, work->scope.arena, &name, &generation))
            known = false;
        else if (!gcs_delete(&gcs, name, generation, NULL, error))
            return false;
    }
    return known || gcs_list(&gcs, work->way->prefix, delete_object, &gcs, error);
}

static bool delete_objects(const BqWork *work, Error *error)
{
    Error problem = {0};
    bool deleted = delete_known(work, &problem);
    return leave_behind(work, deleted, "bqferry gc, or a rule of the bucket, removes it", &problem,
                        error) &&
           fault_point("bigquery.objects.deleted", error);
}

bool bq_discard(Target *target, const Delivery *delivery, Error *error)
{
    CLEANUP(arena_done) Arena arena = {0};
    CLEANUP(bq_way_done) BqWay way = {0};
    BqScope scope = bq_scope(target, delivery, &arena);
    if (!bq_way_read(&scope, delivery, &way, error))
        return false;
    const BqWork work = {scope, delivery, &way};
    Resumable *held = bq_run_take(scope.bq, delivery);
    if (held) { /* its last bytes were never sent */
        resumable_close(held);
        bq_run_settle(scope.bq, delivery, NULL);
    }
    if (!stop_apply(&work, error))
        return false;
    const char *kind, *last = bq_last_step(&way, delivery, &kind);
    if (strcmp(last, "load") != 0 && !drop_staging(&work, error))
        return false;
    return !way.bucket || delete_objects(&work, error);
}
