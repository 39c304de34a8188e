/* SPDX-License-Identifier: Apache-2.0 */
#include "target/bigquery/apply.h"

#include "base/clock.h"
#include "base/fault.h"
#include "base/log.h"
#include "target/bigquery/calls.h"
#include "target/bigquery/compare.h"
#include "target/bigquery/evolve.h"
#include "target/bigquery/explain.h"
#include "target/bigquery/lookup.h"
#include "target/bigquery/merge.h"
#include "target/bigquery/pace.h"
#include "target/bigquery/run_state.h"
#include "target/bigquery/sink.h"
#include "target/bigquery/step.h"
#include "target/bigquery/way.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum {
    URIS_MAX = 10000, /* of one load job (quotas) */
    COPIES_AT_ONCE = 8,
    US_PER_MS = 1000,
};

/* "15 TB" of one load job (quotas), with room for what an estimate misses. */
static const int64_t load_bytes_max = 14ll * 1000 * 1000 * 1000 * 1000;

/* 200 years: the earliest partition is that of 1960. */
static const char never_ms[] = "6311520000000";

uint64_t bq_staged_rows(const Delivery *delivery)
{
    uint64_t rows = 0;
    for (size_t i = 0; delivery->shards && i < delivery->shard_count; i++)
        rows += delivery->shards[i].rows;
    return rows;
}

static int compare_texts(const void *left, const void *right)
{
    return strcmp(*(const char *const *)left, *(const char *const *)right);
}

const char *const *bq_partition_union(const Delivery *delivery, Arena *arena, size_t *ret_count)
{
    size_t all = 0, count = 0;
    for (size_t i = 0; delivery->shards && i < delivery->shard_count; i++)
        all += delivery->shards[i].partition_count;
    const char **ids = ARENA_ARRAY(arena, const char *, all);
    for (size_t i = 0; all && i < delivery->shard_count; i++) {
        for (size_t j = 0; j < delivery->shards[i].partition_count; j++)
            ids[count++] = delivery->shards[i].partitions[j];
    }
    if (all)
        qsort(ids, all, sizeof *ids, compare_texts);
    count = 0;
    for (size_t i = 0; i < all; i++) {
        if (i == 0 || strcmp(ids[i], ids[count - 1]) != 0)
            ids[count++] = ids[i];
    }
    *ret_count = count;
    return ids;
}

static TableRef staging_ref(const Delivery *delivery, const BqWay *way)
{
    return (TableRef){delivery->table.dataset, way->staging};
}

static void set_expiration(Json *table, int64_t after_ms)
{
    char text[24];
    snprintf(text, sizeof text, "%" PRId64, clock_wall_us() / US_PER_MS + after_ms);
    json_set_text(table, "expirationTime", text);
}

/* Partitions of a staging table outlive it, however old the days are that they stand for: the
 * target's expiration, or the dataset's default, would take their rows away before they are copied
 * (docs/managing-partitioned-tables#partition-expiration). */
static Json *staging_json(const BqScope *scope, const BqWay *way)
{
    Json *body = json_clone(bq_way_loaded(way));
    Json *partitioning = json_get(body, "timePartitioning");
    if (partitioning)
        json_set_text(partitioning, "expirationMs", never_ms);
    set_expiration(body, scope->bq->staging_expiration_ms);
    return body;
}

bool bq_make_staging(const BqWork *work, const char *table, Error *error)
{
    CLEANUP(json_free_ptr) Json *body = staging_json(&work->scope, work->way);
    const TableRef staging = {work->delivery->table.dataset, table};
    if (!bq_table_insert(&work->scope, &staging, body, NULL, error))
        return error_prefix(error, "making the staging table %s", staging.table);
    return fault_point("bigquery.staging.made", error);
}

/* What an attempt before this one could not remove, or one that is prepared again. */
static bool clear_staging(const BqScope *scope, const Delivery *delivery, const BqWay *way,
                          Error *error)
{
    for (int attempt = 1; way->staged && attempt < delivery->attempt; attempt++) {
        TableRef staging = {delivery->table.dataset,
                            bq_staging_name(delivery, attempt, scope->arena)};
        Error problem = {0};
        if (bq_table_delete(scope, &staging, &problem) || problem.denied)
            continue; /* no other attempt uses its name */
        if (error)
            *error = problem;
        return false;
    }
    return true;
}

/* The same once more does nothing. */
static bool patch_target(const BqScope *scope, const Delivery *delivery, const BqWay *way,
                         Error *error)
{
    if (!way->patch)
        return true;
    return (bq_table_patch(scope, &delivery->table, way->patch, error) &&
            fault_point("bigquery.target.patched", error)) ||
           error_prefix(error, "changing what target says of the table %s", delivery->table.table);
}

bool bq_prepare(Target *target, const Delivery *delivery, Error *error)
{
    CLEANUP(arena_done) Arena arena = {0};
    CLEANUP(bq_way_done) BqWay way = {0};
    BqScope scope = bq_scope(target, delivery, &arena);
    if (!bq_way_read(&scope, delivery, &way, error) ||
        !bq_need_dataset(&scope, delivery->table.dataset, error) ||
        !patch_target(&scope, delivery, &way, error) ||
        !clear_staging(&scope, delivery, &way, error))
        return false;
    if (!way.staged || way.bucket)
        return true;
    bool made;
    TableRef staging = staging_ref(delivery, &way);
    CLEANUP(json_free_ptr) Json *body = staging_json(&scope, &way);
    if (!bq_table_insert(&scope, &staging, body, &made, error))
        return error_prefix(error, "making the staging table %s", staging.table);
    if (!made && (!bq_table_delete(&scope, &staging, error) ||
                  !bq_table_insert(&scope, &staging, body, NULL, error)))
        return false;
    (void)bq_run_is_due(scope.bq, delivery, 0);
    return fault_point("bigquery.staging.made", error);
}

/* A failure is none of the rows' yet: there are more calls before the table expires. */
void bq_keep_staging(const BqScope *scope, const Delivery *delivery, const BqWay *way)
{
    const int64_t parts = 4;
    Error error = {0};
    if (!way->staged || way->bucket ||
        !bq_run_is_due(scope->bq, delivery, scope->bq->staging_expiration_ms / parts))
        return;
    CLEANUP(json_free_ptr) Json *body = json_object_new();
    const TableRef staging = staging_ref(delivery, way);
    set_expiration(body, scope->bq->staging_expiration_ms);
    if (!bq_table_patch(scope, &staging, body, &error) && error.kind != ERROR_CANCELLED)
        log_warning(scope->job, "renewing the staging table %s: %s", staging.table, error.message);
}

/* The target, when it was not there, or its columns. Whoever made it meanwhile must have meant the
 * same. */
static bool need_target(const BqWork *work, Error *error)
{
    const BqWay *way = work->way;
    bool made;
    if (way->exists)
        return !way->evolves || bq_evolve(work, error);
    CLEANUP(json_free_ptr) Json *body = json_clone(way->table);
    if (way->expiration_ms)
        set_expiration(body, way->expiration_ms);
    if (!bq_table_insert(&work->scope, &work->delivery->table, body, &made, error))
        return error_prefix(error, "making the table %s", work->delivery->table.table);
    if (made)
        return fault_point("bigquery.target.made", error);
    CLEANUP(json_free_ptr) Json *now = NULL;
    if (!bq_table_get(&work->scope, &work->delivery->table, &now, error))
        return false;
    if (now && compare_same(now, &work->delivery->schema))
        return true;
    return error_set(error, ERROR_TARGET,
                     "the table %s was made meanwhile by someone else, with other columns",
                     work->delivery->table.table);
}

void bq_step_result(const BqWork *work, const StepResult *step, ApplyResult *ret_result)
{
    if (delivery_merges(work->delivery))
        bq_merge_result(work, step, ret_result);
    else
        *ret_result = (ApplyResult){.rows = step->rows < 0 ? bq_staged_rows(work->delivery)
                                                           : (uint64_t)step->rows};
}

static bool applied(const BqWork *work, const StepResult *step, ApplyResult *result)
{
    bq_step_result(work, step, result);
    bq_run_settle(work->scope.bq, work->delivery, result);
    return true;
}

/* The id of the attempt is used up. Rows that can never be loaded are of no use any more. */
static bool failed(const BqWork *work, const StepResult *step, ApplyResult *result, Error *error)
{
    result->spent = true;
    result->lost = step->hopeless;
    error->retryable = step->again;
    bq_run_settle(work->scope.bq, work->delivery, NULL);
    return false;
}

static bool lost(const BqWork *work, ApplyResult *result)
{
    result->lost = true;
    bq_run_settle(work->scope.bq, work->delivery, NULL);
    return false;
}

/* The upload's job has ended badly: the bytes are gone with it. */
static bool upload_ended(const BqWork *work, const StepResult *step, ApplyResult *result,
                         Error *error)
{
    if (step->state == STEP_DONE)
        return applied(work, step, result);
    error->retryable = step->again;
    return lost(work, result);
}

/* Nobody knows whether the last bytes arrived. */
static bool find_upload(const BqWork *work, ApplyResult *result, Error *error)
{
    StepResult step;
    Error before = *error;
    if (!bq_step_look(work, "load", "load", &step, error))
        return false;
    if (step.state == STEP_ABSENT && !bq_step_fence(work, "load", "load", &step, error))
        return false;
    if (step.state != STEP_ABSENT)
        return upload_ended(work, &step, result, error);
    *error = before;
    if (error->kind == ERROR_NONE)
        error_set_retryable(error, ERROR_TARGET, "the upload ended with the process that made it");
    return lost(work, result);
}

static bool apply_upload(const BqWork *work, ApplyResult *result, Error *error)
{
    CLEANUP(google_failure_done) GoogleFailure failure = {0};
    CLEANUP(json_free_ptr) Json *job = NULL;
    if (!need_target(work, error))
        return false;
    CLEANUP(resumable_close_ptr) Resumable *upload = bq_run_take(work->scope.bq, work->delivery);
    if (!upload || !fault_point("bigquery.upload.finish", error))
        return find_upload(work, result, error);
    if (!resumable_finish(upload, &job, &failure, error)) {
        explain_upload(error);
        if (error->kind == ERROR_CANCELLED || failure.status == 409)
            log_debug(work->scope.job, "%s", error->message);
        if (failure.status == 409)
            *error = (Error){0};
        return find_upload(work, result, error);
    }
    if (!fault_point("bigquery.upload.finished", error))
        return false;
    StepResult step;
    const LoadDraft unused = {0};
    const BqStep load = {.name = "load", .load = &unused};
    return bq_step_wait(work, &load, &job, &step, error) &&
           upload_ended(work, &step, result, error);
}

/* First shard of the next load job; each job takes as many objects as one may. */
static size_t end_of_batch(const Delivery *delivery, size_t begin)
{
    uint64_t bytes = 0, bytes_max = (uint64_t)fault_limit("bigquery.load_bytes", load_bytes_max);
    size_t end = begin, most = (size_t)fault_limit("bigquery.uris", URIS_MAX);
    for (; end < delivery->shard_count && end - begin < most; end++) {
        bytes += delivery->shards ? delivery->shards[end].bytes : 0;
        if (end > begin && bytes > bytes_max)
            break;
    }
    return end;
}

static bool fits_one_load(const Delivery *delivery)
{
    return end_of_batch(delivery, 0) == delivery->shard_count;
}

bool bq_is_staged(const BqWay *way, const Delivery *delivery)
{
    return way->staged || (way->bucket && !fits_one_load(delivery));
}

static const char **uris_of(const BqWork *work, size_t begin, size_t end)
{
    Arena *arena = work->scope.arena;
    const char **uris = ARENA_ARRAY(arena, const char *, end - begin);
    for (size_t i = begin; i < end; i++)
        uris[i - begin] = arena_printf(arena, "gs://%s/%s", work->way->bucket,
                                       bq_object_name(work->way, work->delivery, i, arena));
    return uris;
}

static LoadDraft load_draft(const BqWork *work, const char *table, size_t begin, size_t end)
{
    return (LoadDraft){
        .to = {work->scope.bq->project, work->delivery->table.dataset, table},
        .schema = json_get(bq_way_loaded(work->way), "schema"),
        .format = work->delivery->format,
        .kms_key = bq_way_kms_key(work->way),
        .uris = uris_of(work, begin, end),
        .uri_count = end - begin,
    };
}

static bool apply_objects(const BqWork *work, ApplyResult *result, Error *error)
{
    const Delivery *delivery = work->delivery;
    LoadDraft load = load_draft(work, delivery->table.table, 0, delivery->shard_count);
    load.truncate = delivery->load == LOAD_REPLACE;
    const BqStep step = {.name = "load", .load = &load};
    StepResult end;
    if (!need_target(work, error) || !bq_step_run(work, &step, &end, error))
        return false;
    return end.state == STEP_DONE ? applied(work, &end, result) : failed(work, &end, result, error);
}

/* Objects become rows of the staging table. */
static bool load_staging(const BqWork *work, ApplyResult *result, Error *error)
{
    const Delivery *delivery = work->delivery;
    if (!bq_make_staging(work, work->way->staging, error))
        return false;
    for (size_t begin = 0, end, i = 0; begin < delivery->shard_count; begin = end, i++) {
        end = end_of_batch(delivery, begin);
        const LoadDraft load = load_draft(work, work->way->staging, begin, end);
        const BqStep step = {.name = arena_printf(work->scope.arena, "stage%zu", i), .load = &load};
        StepResult ended;
        if (!bq_step_run(work, &step, &ended, error))
            return false;
        if (ended.state != STEP_DONE)
            return failed(work, &ended, result, error);
    }
    return true;
}

/* Who comes back after days keeps what is staged. */
static bool renew_staging(const BqScope *scope, const TableRef *staging, const Json *table,
                          Error *error)
{
    int64_t left = google_int(table, "expirationTime", INT64_MAX) - clock_wall_us() / US_PER_MS;
    if (left > scope->bq->staging_expiration_ms / 2)
        return true;
    CLEANUP(json_free_ptr) Json *body = json_object_new();
    set_expiration(body, scope->bq->staging_expiration_ms);
    return bq_table_patch(scope, staging, body, error);
}

bool bq_staging_rows(const BqScope *scope, const Delivery *delivery, const BqWay *way,
                     int64_t *ret_rows, Error *error)
{
    CLEANUP(json_free_ptr) Json *json = NULL;
    TableRef staging = staging_ref(delivery, way);
    if (!bq_table_get(scope, &staging, &json, error))
        return false;
    *ret_rows = json ? google_int(json, "numRows", 0) : -1;
    return !json || renew_staging(scope, &staging, json, error);
}

/* Staging is not whole. Was it, and has it done its work? */
static bool not_whole(const BqWork *work, int64_t found, ApplyResult *result, Error *error)
{
    const char *kind, *last = bq_last_step(work->way, work->delivery, &kind);
    StepResult step;
    if (!bq_step_look(work, last, kind, &step, error) ||
        (step.state == STEP_ABSENT && !bq_step_fence(work, last, kind, &step, error)))
        return false;
    if (step.state == STEP_DONE && !work->delivery->replace_partitions)
        return applied(work, &step, result);
    if (found < 0)
        error_set_retryable(error, ERROR_TARGET, "the staging table %s is gone",
                            work->way->staging);
    else
        error_set_retryable(error, ERROR_TARGET,
                            "the staging table %s holds %" PRId64 " rows, but %" PRIu64
                            " were sent to it",
                            work->way->staging, found, bq_staged_rows(work->delivery));
    return lost(work, result);
}

bool bq_cluster(const BqWork *work, const char *when, Error *error)
{
    const TableRef *table = &work->delivery->table;
    const Json *clustering = json_get(work->way->clustering, when);
    if (!clustering)
        return true;
    CLEANUP(json_free_ptr) Json *patch = json_object_new();
    json_set(patch, "clustering", json_clone(clustering));
    return (bq_table_patch(&work->scope, table, patch, error) &&
            fault_point("bigquery.target.clustered", error)) ||
           error_prefix(error, "clustering the table %s.%s", table->dataset, table->table);
}

static bool copy_all(const BqWork *work, ApplyResult *result, Error *error)
{
    const BigQuery *bq = work->scope.bq;
    const Delivery *delivery = work->delivery;
    const CopyDraft copy = {
        .from = {bq->project, delivery->table.dataset, work->way->staging},
        .to = {bq->project, delivery->table.dataset, delivery->table.table},
        .truncate = delivery->load == LOAD_REPLACE,
        .kms_key = bq_way_kms_key(work->way),
    };
    const BqStep step = {.name = "copy", .copy = &copy};
    StepResult end;
    if (!bq_cluster(work, "before", error) || !bq_step_run(work, &step, &end, error))
        return false;
    return end.state == STEP_DONE ? applied(work, &end, result) : failed(work, &end, result, error);
}

/* One partition's copy job, on its way. */
typedef struct PartCopy {
    BqStep step;
    CopyDraft copy;
    Json *job;
    StepResult result;
} PartCopy;

static bool send_part(const BqWork *work, const char *partition, size_t number, PartCopy *part,
                      Error *error)
{
    const BigQuery *bq = work->scope.bq;
    Arena *arena = work->scope.arena;
    const char *dataset = work->delivery->table.dataset;
    part->copy = (CopyDraft){
        .from = {bq->project, dataset, arena_printf(arena, "%s$%s", work->way->staging, partition)},
        .to = {bq->project, dataset,
               arena_printf(arena, "%s$%s", work->delivery->table.table, partition)},
        .truncate = true,
        .kms_key = bq_way_kms_key(work->way),
    };
    part->step = (BqStep){.name = arena_printf(arena, "part%zu", number), .copy = &part->copy};
    Error looking = {0};
    if (work->delivery->apply_attempt > 1 &&
        !bq_step_look(work, part->step.name, "copy", &part->result, &looking)) {
        *error = looking;
        return false;
    }
    if (part->result.state == STEP_DONE)
        return true;
    bq_run_pace(&work->scope, work->delivery, PACE_OF_PARTITIONS);
    return bq_step_send(work, &part->step, &part->job, error);
}

static bool wait_part(const BqWork *work, PartCopy *part, Error *error)
{
    bool ended = part->result.state == STEP_DONE ||
                 bq_step_wait(work, &part->step, &part->job, &part->result, error);
    json_free(part->job);
    part->job = NULL;
    return ended;
}

/* A few at once, so that none waits for the one before it. True: all have ended; *error tells of
 * the first that failed. */
static bool copy_window(const BqWork *work, const char *const *partitions, size_t begin, size_t end,
                        PartCopy *parts, Error *error)
{
    size_t sent = 0;
    bool known = true, told = false;
    while (known && begin + sent < end) {
        parts[sent] = (PartCopy){0};
        known = send_part(work, partitions[begin + sent], begin + sent, &parts[sent], error);
        sent += known;
    }
    told = !known;
    for (size_t i = 0; i < sent; i++) {
        Error problem = {0};
        parts[i].step.sent_before = i > 0;
        bool ended = wait_part(work, &parts[i], &problem);
        if (!told && (!ended || parts[i].result.state != STEP_DONE)) {
            *error = problem;
            told = true;
        }
        known &= ended;
    }
    return known;
}

static bool copy_partitions(const BqWork *work, ApplyResult *result, Error *error)
{
    size_t count;
    const char *const *partitions = bq_partition_union(work->delivery, work->scope.arena, &count);
    int64_t rows = 0;
    for (size_t begin = 0; begin < count; begin += COPIES_AT_ONCE) {
        PartCopy parts[COPIES_AT_ONCE];
        size_t end = begin + COPIES_AT_ONCE < count ? begin + COPIES_AT_ONCE : count;
        if (!copy_window(work, partitions, begin, end, parts, error))
            return false;
        for (size_t i = 0; i < end - begin; i++) {
            if (parts[i].result.state != STEP_DONE)
                return failed(work, &parts[i].result, result, error);
            rows = rows < 0 || parts[i].result.rows < 0 ? -1 : rows + parts[i].result.rows;
        }
    }
    const StepResult all = {.state = STEP_DONE, .rows = rows};
    return applied(work, &all, result);
}

/* Rows that BigQuery refuses, or that we do, are refused again: they must be read again. */
static bool merge_all(const BqWork *work, ApplyResult *result, Error *error)
{
    StepResult end;
    Error problem = {0};
    if (!bq_merge_run(work, &end, &problem)) {
        *error = problem;
        return problem.kind == ERROR_DATA ? lost(work, result) : false;
    }
    if (end.state == STEP_DONE)
        return applied(work, &end, result);
    *error = problem;
    return failed(work, &end, result, error);
}

/* Keys alone make no table. */
static bool needs_target(const BqWork *work)
{
    return work->way->exists || !work->delivery->merge.keys_only;
}

static bool apply_staged(const BqWork *work, ApplyResult *result, Error *error)
{
    int64_t found;
    if (work->way->bucket && !load_staging(work, result, error))
        return false;
    if (!bq_staging_rows(&work->scope, work->delivery, work->way, &found, error))
        return false;
    if (found < 0 || (uint64_t)found != bq_staged_rows(work->delivery))
        return not_whole(work, found, result, error);
    if (!fault_point("bigquery.staging.counted", error) ||
        (needs_target(work) && !need_target(work, error)))
        return false;
    if (delivery_merges(work->delivery))
        return merge_all(work, result, error);
    return work->delivery->replace_partitions ? copy_partitions(work, result, error)
                                              : copy_all(work, result, error);
}

const char *bq_last_step(const BqWay *way, const Delivery *delivery, const char **ret_kind)
{
    bool staged = bq_is_staged(way, delivery);
    *ret_kind = staged ? "copy" : "load";
    if (delivery_merges(delivery)) {
        *ret_kind = "query";
        return "merge";
    }
    if (delivery->replace_partitions)
        return "part0";
    return staged ? "copy" : "load";
}

/* What BigQuery calls invalid it will not take from the next run either, which would ask for the
 * very same: the rows are given up, so that a corrected configuration can begin anew. */
static bool not_applied(const BqWork *work, ApplyResult *result, Error *error)
{
    if (*work->scope.refused && !result->spent)
        return lost(work, result);
    if (work->way->bucket || bq_is_staged(work->way, work->delivery))
        return false;
    return error_hint(error, "run the job again: it finds out whether the rows arrived, and reads "
                             "the source anew if they did not");
}

static bool apply_rows(const BqWork *work, ApplyResult *result, Error *error)
{
    if (bq_is_staged(work->way, work->delivery))
        return apply_staged(work, result, error);
    return work->way->bucket ? apply_objects(work, result, error)
                             : apply_upload(work, result, error);
}

/* Google does not say whether a copy that replaces a table brings the expiration of its source's
 * partitions: what it was is made sure of afterwards, also after a crash. */
static bool keep_expiration(const BqWork *work, Error *error)
{
    const Delivery *delivery = work->delivery;
    CLEANUP(json_free_ptr) Json *now = NULL;
    const Json *wanted = json_get(work->way->table, "timePartitioning");
    if (!wanted || delivery->load != LOAD_REPLACE || delivery->replace_partitions ||
        !bq_is_staged(work->way, delivery))
        return true;
    if (!bq_table_get(&work->scope, &delivery->table, &now, error))
        return false;
    int64_t before_ms = google_int(wanted, "expirationMs", 0);
    int64_t now_ms = google_int(json_get(now, "timePartitioning"), "expirationMs", 0);
    if (now_ms != strtoll(never_ms, NULL, 10) || before_ms == now_ms)
        return true;
    CLEANUP(json_free_ptr) Json *patch = json_object_new();
    Json *partitioning = json_clone(wanted);
    if (before_ms == 0)
        json_set(partitioning, "expirationMs", NULL);
    json_set(patch, "timePartitioning", partitioning);
    return bq_table_patch(&work->scope, &delivery->table, patch, error) &&
           fault_point("bigquery.expiration.kept", error);
}

bool bq_apply(Target *target, const Delivery *delivery, ApplyResult *ret_result, Error *error)
{
    CLEANUP(arena_done) Arena arena = {0};
    CLEANUP(bq_way_done) BqWay way = {0};
    BqScope scope = bq_scope(target, delivery, &arena);
    bool is_refused = false;
    scope.refused = &is_refused;
    *ret_result = (ApplyResult){0};
    if (!bq_way_read(&scope, delivery, &way, error))
        return false;
    const BqWork work = {scope, delivery, &way};
    if (bq_run_settled(scope.bq, delivery, ret_result) != SETTLED_APPLIED &&
        !apply_rows(&work, ret_result, error))
        return not_applied(&work, ret_result, error);
    return keep_expiration(&work, error) && bq_cluster(&work, "after", error);
}
