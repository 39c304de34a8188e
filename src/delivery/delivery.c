/* SPDX-License-Identifier: Apache-2.0 */
#include "delivery/delivery.h"

#include "base/clock.h"
#include "base/fault.h"
#include "base/log.h"
#include "base/memory.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

struct JobDelivery {
    StateStore *store;
    StateLock *lock;       /* of the job */
    StateLock *table_lock; /* of the table */
    Target *target;
    const char *job;
    const char *destination;
    Arena arena;
    Arena intent_arena; /* everything in `intent`; a caller's own data may be gone before it */
    Arena state_arena;
    JobState state;
    Json *last_run; /* the record of the last committed run; may be NULL */
    bool has_intent;
    bool has_succeeded; /* the state says that all was done that was asked of this process */
    bool is_lost;       /* an apply found that what was staged is gone */
    Intent intent;
};

static uint64_t staged_rows(const Delivery *delivery)
{
    uint64_t rows = 0;
    for (size_t i = 0; delivery->shards && i < delivery->shard_count; i++)
        rows += delivery->shards[i].rows;
    return rows;
}

static bool save(JobDelivery *delivery, const Json *intent, Error *error)
{
    CLEANUP(json_free_ptr) Json *state = json_object_new();
    json_set_int(state, "version", STATE_FORMAT);
    json_set_text(state, "job", delivery->job);
    json_set(state, "state", job_state_to_json(&delivery->state));
    json_set(state, "intent", intent ? json_clone(intent) : NULL);
    json_set(state, "last_run", delivery->last_run ? json_clone(delivery->last_run) : NULL);
    return delivery->store->ops->save(delivery->store, delivery->job, state, error);
}

static bool take_intent(JobDelivery *delivery, const Json *json, Error *error)
{
    CLEANUP(arena_done) Arena arena = {0};
    Intent intent;
    if (!intent_from_json(json, &arena, &intent, error))
        return false;
    arena_done(&delivery->intent_arena);
    delivery->intent_arena = arena;
    arena = (Arena){0};
    delivery->intent = intent;
    delivery->intent.delivery.job = delivery->job;
    delivery->has_intent = true;
    return true;
}

/* Durable first; what is in memory afterwards is what the next process would read. */
static bool save_intent(JobDelivery *delivery, const Intent *intent, Error *error)
{
    CLEANUP(json_free_ptr) Json *json = intent_to_json(intent);
    return save(delivery, json, error) && take_intent(delivery, json, error);
}

/* `state` may lie in the arena that is about to be freed. */
static bool take_state(JobDelivery *delivery, const JobState *state, Error *error)
{
    CLEANUP(json_free_ptr) Json *json = job_state_to_json(state);
    CLEANUP(arena_done) Arena arena = {0};
    JobState taken;
    if (!job_state_from_json(json, &arena, &taken, error))
        return false;
    arena_done(&delivery->state_arena);
    delivery->state_arena = arena;
    arena = (Arena){0};
    delivery->state = taken;
    return true;
}

/* Earlier versions kept no success: their last commit stands for it. */
static void take_success(const Json *saved, Arena *arena, JobState *state)
{
    if (!json_get(json_get(saved, "state"), "succeeded_at"))
        state->succeeded_at =
            arena_strdup(arena, json_get_text(json_get(saved, "last_run"), "committed_at"));
}

static bool load(JobDelivery *delivery, Error *error)
{
    CLEANUP(json_free_ptr) Json *state = NULL;
    if (!delivery->store->ops->load(delivery->store, delivery->job, &state, error))
        return false;
    if (!job_state_from_json(json_get(state, "state"), &delivery->state_arena, &delivery->state,
                             error)) {
        error_prefix(error, "state of job %s", delivery->job);
        return error_hint(error,
                          "restore it from a backup; or bqferry state reset %s --force "
                          "begins anew",
                          delivery->job);
    }
    take_success(state, &delivery->state_arena, &delivery->state);
    const Json *last_run = json_get(state, "last_run");
    if (json_is_object(last_run))
        delivery->last_run = json_clone(last_run);
    const Json *intent = json_get(state, "intent");
    if (!json_is_object(intent))
        return true;
    return take_intent(delivery, intent, error) ||
           error_hint(error, "the state of this job is damaged: restore it from a backup, or "
                             "remove it to forget the interrupted run");
}

static bool take_locks(JobDelivery *delivery, const DeliveryPlace *place, Error *error)
{
    const LockRequest job = {
        .name = place->job,
        .what = arena_printf(&delivery->arena, "job %s", place->job),
        .holder = delivery->job,
        .wait_ms = place->lock_wait_ms,
    };
    if (!state_lock(place->store, &job, &delivery->lock, error))
        return false;
    const LockRequest table = {
        .name = state_table_lock_name(place->destination, place->table.dataset, place->table.table,
                                      &delivery->arena),
        .what = arena_printf(&delivery->arena, "the table %s%s%s", place->table.dataset,
                             *place->table.dataset ? "." : "", place->table.table),
        .holder = delivery->job,
        .wait_ms = place->lock_wait_ms,
    };
    return state_lock(place->store, &table, &delivery->table_lock, error);
}

bool delivery_open(const DeliveryPlace *place, JobDelivery **ret_delivery, Error *error)
{
    CLEANUP(delivery_close_ptr) JobDelivery *delivery = memory_zalloc(1, sizeof *delivery);
    delivery->store = place->store;
    delivery->target = place->target;
    delivery->job = arena_strdup(&delivery->arena, place->job);
    delivery->destination = arena_strdup(&delivery->arena, place->destination);
    if (!take_locks(delivery, place, error) || !load(delivery, error))
        return false;
    *ret_delivery = TAKE_PTR(delivery);
    return true;
}

void delivery_close(JobDelivery *delivery)
{
    if (!delivery)
        return;
    if (delivery->table_lock)
        delivery->store->ops->unlock(delivery->store, delivery->table_lock);
    if (delivery->lock)
        delivery->store->ops->unlock(delivery->store, delivery->lock);
    json_free(delivery->last_run);
    arena_done(&delivery->state_arena);
    arena_done(&delivery->intent_arena);
    arena_done(&delivery->arena);
    free(delivery);
}

const JobState *delivery_state(const JobDelivery *delivery)
{
    return &delivery->state;
}

const char *delivery_last_run(const JobDelivery *delivery)
{
    return json_get_text(delivery->last_run, "run_id");
}

bool delivery_set_state(JobDelivery *delivery, const JobState *state, Error *error)
{
    return take_state(delivery, state, error) && save(delivery, NULL, error);
}

/* Who took a lock over may be at work on what is staged here. */
static bool keep_locks(JobDelivery *delivery, Error *error)
{
    return state_keep_lock(delivery->store, delivery->lock, error) &&
           state_keep_lock(delivery->store, delivery->table_lock, error);
}

static bool discard(JobDelivery *delivery, Error *error)
{
    if (!delivery->target->ops->discard(delivery->target, &delivery->intent.delivery, error))
        return error_prefix(error, "removing what run %s staged", delivery->intent.delivery.run_id);
    return fault_point("delivery.discarded", error);
}

static bool forget_intent(JobDelivery *delivery, Error *error)
{
    if (!save(delivery, NULL, error))
        return false;
    delivery->has_intent = false;
    return true;
}

bool delivery_abandon(JobDelivery *delivery, Error *error)
{
    if (!delivery->has_intent)
        return true;
    delivery->is_lost = false;
    return keep_locks(delivery, error) && discard(delivery, error) &&
           forget_intent(delivery, error);
}

/* The next save makes it durable. */
static void stamp_success(JobDelivery *delivery)
{
    char now[CLOCK_TEXT_SIZE];
    clock_format_utc(clock_wall_us(), now);
    delivery->state.succeeded_at = arena_strdup(&delivery->state_arena, now);
    delivery->has_succeeded = true;
}

/* What the intent promised to make of the job's state. */
static bool advance_state(JobDelivery *delivery, Error *error)
{
    const Intent *intent = &delivery->intent;
    if (intent->has_next && !take_state(delivery, &intent->next, error))
        return false;
    if (intent->completes)
        stamp_success(delivery);
    return true;
}

bool delivery_succeed(JobDelivery *delivery, Error *error)
{
    if (delivery->has_succeeded)
        return true;
    stamp_success(delivery);
    return save(delivery, NULL, error) || error_prefix(error, "all is done, but");
}

bool delivery_commit(JobDelivery *delivery, Error *error)
{
    const Delivery *done = &delivery->intent.delivery;
    char now[CLOCK_TEXT_SIZE];
    clock_format_utc(clock_wall_us(), now);
    Json *record = json_object_new();
    json_set_text(record, "run_id", done->run_id);
    json_set_int(record, "attempt", done->attempt);
    json_set_text(record, "load", load_mode_name(done->load));
    json_set_text(record, "snapshot", delivery->intent.snapshot);
    json_set_int(record, "rows", (int64_t)staged_rows(done));
    json_set_text(record, "purpose", delivery->intent.purpose);
    json_set_text(record, "low", delivery->intent.low);
    json_set_text(record, "high", delivery->intent.high);
    json_set_text(record, "committed_at", now);
    json_free(delivery->last_run);
    delivery->last_run = record;
    if (!discard(delivery, error) || !advance_state(delivery, error) ||
        !forget_intent(delivery, error)) {
        error_prefix(error, "the rows are applied, but the run could not be closed");
        error_hint(error, "run the job again: it finds them applied and only closes the run");
        return false;
    }
    return fault_point("delivery.committed", error);
}

/* The target is asked under the next attempt's ids only when those of this one are known, for good,
 * to have done nothing. */
static void spend_attempt(JobDelivery *delivery, Error *error)
{
    Intent next = delivery->intent;
    Error saving = {0};
    next.delivery.apply_attempt++;
    if (save_intent(delivery, &next, &saving))
        return;
    error_prefix(error, "%s; then", saving.message);
    error->retryable = false;
}

static bool check_rows(JobDelivery *delivery, const ApplyResult *result, Error *error)
{
    const Delivery *staged = &delivery->intent.delivery;
    uint64_t wanted = staged_rows(staged);
    if (result->rows == wanted)
        return true;
    /* Applied once already: an intent kept would only repeat this failure on every run. */
    Error cleanup = {0};
    if (!delivery_abandon(delivery, &cleanup))
        log_warning(delivery->job, "%s; the next run will do it", cleanup.message);
    error_set(error, ERROR_TARGET,
              "%" PRIu64 " rows were staged but %" PRIu64 " were applied to %s", wanted,
              result->rows, staged->table.table);
    return error_hint(error, "something else writes to this table; compare it with the source");
}

bool delivery_apply(JobDelivery *delivery, ApplyResult *ret_result, Error *error)
{
    const Delivery *staged = &delivery->intent.delivery;
    *ret_result = (ApplyResult){0};
    if (!keep_locks(delivery, error))
        return false;
    bool applied = delivery->target->ops->apply(delivery->target, staged, ret_result, error);
    delivery->is_lost = !applied && ret_result->lost;
    if (!applied) {
        if (ret_result->spent && !ret_result->lost)
            spend_attempt(delivery, error);
        return false;
    }
    return fault_point("delivery.applied", error) && check_rows(delivery, ret_result, error) &&
           fault_point("delivery.checked", error);
}

bool delivery_is_lost(const JobDelivery *delivery)
{
    return delivery->is_lost;
}

static bool same_text(const char *left, const char *right)
{
    return strcmp(left ? left : "", right ? right : "") == 0;
}

static bool same_table(const TableRef *left, const TableRef *right)
{
    return same_text(left->dataset, right->dataset) && same_text(left->table, right->table);
}

/* Staged rows that would be replaced, would be there twice, or are not wanted there any more. Rows
 * of a cursor's range can be given up whenever they are not applied: the cursor has not moved. */
static bool is_overtaken(const Intent *staged, const Intent *wanted)
{
    return staged->continues || wanted->delivery.load == LOAD_REPLACE ||
           same_text(staged->rows, wanted->rows) ||
           !same_table(&staged->delivery.table, &wanted->delivery.table);
}

static bool give_up(JobDelivery *delivery, const char *reason, SettleResult *result, Error *error)
{
    log_warning(delivery->job,
                "the interrupted run %s %s; it is given up, and the source is read again",
                delivery->intent.delivery.run_id, reason);
    result->outcome = SETTLE_VOIDED;
    return delivery_abandon(delivery, error);
}

static bool settle_counted(JobDelivery *delivery, const Intent *wanted, SettleResult *result,
                           Error *error)
{
    const Intent *intent = &delivery->intent;
    DeliveryStatus status;
    if (!delivery->target->ops->status(delivery->target, &intent->delivery, &status, NULL, error))
        return false;
    if (status == DELIVERY_UNKNOWN)
        return give_up(delivery, "has lost rows that it had staged", result, error);
    result->same_request = !intent->request || same_text(intent->request, wanted->request);
    if (status == DELIVERY_STAGED && !result->same_request && is_overtaken(intent, wanted))
        return give_up(delivery, "was asked for something else", result, error);
    result->outcome = SETTLE_APPLIED;
    ApplyResult applied;
    if (delivery_apply(delivery, &applied, error)) {
        result->rows_applied = applied.rows;
        result->counts = applied.counts;
        return delivery_commit(delivery, error);
    }
    if (delivery->is_lost) {
        log_warning(delivery->job, "%s", error->message);
        *error = (Error){0};
        return give_up(delivery, "has lost rows that it had staged", result, error);
    }
    return error_hint(error, "the rows are staged: run the job again to apply them, or with "
                             "--full-refresh to give them up and read the source anew");
}

/* Staging of another destination cannot be reached from here. Whether its rows were applied is
 * known there only, so its intent stays until a new one takes its place: whoever comes back before
 * that still finds it. */
static void settle_elsewhere(JobDelivery *delivery, SettleResult *result)
{
    log_warning(
        delivery->job,
        "the interrupted run %s was made for %s, the destination is now %s; it is given up as soon "
        "as this run stages rows, and what it staged stays there",
        delivery->intent.delivery.run_id, delivery->intent.destination, delivery->destination);
    result->outcome = SETTLE_VOIDED;
    delivery->has_intent = false;
}

bool delivery_settle(JobDelivery *delivery, const Intent *wanted, SettleResult *ret_result,
                     Error *error)
{
    *ret_result = (SettleResult){.outcome = SETTLE_NOTHING};
    if (!delivery->has_intent)
        return true;
    const Delivery *found = &delivery->intent.delivery;
    snprintf(ret_result->run_id, sizeof ret_result->run_id, "%s", found->run_id);
    ret_result->attempt = found->attempt;
    ret_result->load = found->load;
    ret_result->rows_staged = staged_rows(found);
    bool settled = true;
    if (strcmp(delivery->intent.destination, delivery->destination) != 0) {
        settle_elsewhere(delivery, ret_result);
    } else if (delivery->intent.phase == INTENT_COUNTED) {
        settled = settle_counted(delivery, wanted, ret_result, error);
    } else {
        settled =
            give_up(delivery, "was interrupted before its rows were whole", ret_result, error);
    }
    if (!settled)
        return error_prefix(error, "settling the interrupted run %s", ret_result->run_id);
    return true;
}

static bool arrange(Target *target, Delivery *delivery, Arena *arena, Error *error)
{
    return !target->ops->arrange || target->ops->arrange(target, delivery, arena, error);
}

const Delivery *delivery_current(const JobDelivery *delivery)
{
    return delivery->has_intent ? &delivery->intent.delivery : NULL;
}

bool delivery_begin(JobDelivery *delivery, const Intent *next, Error *error)
{
    CLEANUP(arena_done) Arena arena = {0};
    Intent intent = *next;
    intent.phase = INTENT_EXTRACTING;
    intent.destination = delivery->destination;
    intent.delivery.job = delivery->job;
    intent.delivery.shards = NULL;
    intent.delivery.apply_attempt = 1;
    if (!arrange(delivery->target, &intent.delivery, &arena, error))
        return false;
    if (!save_intent(delivery, &intent, error))
        return error_prefix(error, "saving what is about to be done");
    if (!fault_point("delivery.intended", error))
        return false;
    if (!delivery->target->ops->prepare(delivery->target, &delivery->intent.delivery, error))
        return error_prefix(error, "making room for staged rows");
    return fault_point("delivery.prepared", error);
}

bool delivery_counted(JobDelivery *delivery, const ShardResult *results, const uint64_t *rows_read,
                      Error *error)
{
    if (!fault_point("delivery.staged", error))
        return false;
    for (size_t i = 0; i < delivery->intent.delivery.shard_count; i++) {
        if (results[i].rows != rows_read[i])
            return error_set(error, ERROR_INTERNAL,
                             "shard %zu: %" PRIu64 " rows were read but %" PRIu64 " were staged", i,
                             rows_read[i], results[i].rows);
    }
    Intent counted = delivery->intent;
    counted.phase = INTENT_COUNTED;
    counted.delivery.shards = results;
    if (!save_intent(delivery, &counted, error))
        return error_prefix(error, "saving the counts");
    return fault_point("delivery.counted", error);
}

bool delivery_look(StateStore *store, const char *job, Arena *arena, DeliveryPast *ret_past,
                   Error *error)
{
    CLEANUP(json_free_ptr) Json *state = NULL;
    *ret_past = (DeliveryPast){0};
    if (!store->ops->load(store, job, &state, error))
        return false;
    ret_past->interrupted = arena_strdup(arena, json_get_text(json_get(state, "intent"), "run_id"));
    ret_past->last_run = arena_strdup(arena, json_get_text(json_get(state, "last_run"), "run_id"));
    if (!job_state_from_json(json_get(state, "state"), arena, &ret_past->state, error))
        return error_prefix(error, "state of job %s", job);
    take_success(state, arena, &ret_past->state);
    return true;
}
