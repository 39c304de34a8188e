/* SPDX-License-Identifier: Apache-2.0 */
/* delivery/delivery.h: exactly once. Between a job and its target stands a durable intent: it is
 * written before anything is sent, and removed only after the target confirmed; whatever kills the
 * process in between, delivery_settle brings the run to one of two ends: applied once, or not at
 * all.
 *
 *   open → settle → begin → (rows into sinks) → counted → apply → commit → close
 *                     ↑ begin again, under the next attempt, when staged data is void */
#pragma once

#include "delivery/intent.h"
#include "state/state.h"

typedef struct JobDelivery JobDelivery;

typedef enum SettleOutcome {
    SETTLE_NOTHING, /* no run was interrupted */
    SETTLE_VOIDED,  /* one was, and nothing of it was visible: its staging is gone */
    SETTLE_APPLIED, /* one was, after its data was whole: it is applied, exactly once, committed */
} SettleOutcome;

typedef struct SettleResult {
    SettleOutcome outcome;
    bool same_request; /* what is applied is what is wanted now: there is nothing left to do */
    char run_id[40];
    int attempt;
    LoadMode load;
    uint64_t rows_staged;
    uint64_t rows_applied;
    ApplyCounts counts;
} SettleResult;

/* Whose delivery; store and target outlive it. */
typedef struct DeliveryPlace {
    StateStore *store;
    Target *target;
    const char *destination; /* in words, which target this is */
    const char *job;
    TableRef table;
    int64_t lock_wait_ms; /* how long another process that has the job or the table is waited for */
} DeliveryPlace;

/* Takes the locks of job and table (ERROR_LOCKED, with their holder, when another process has one)
 * and reads the job's state. */
bool delivery_open(const DeliveryPlace *place, JobDelivery **ret_delivery, Error *error);

/* Gives the lock back; whatever is unfinished stays for the next settle. Accepts NULL. */
void delivery_close(JobDelivery *delivery);
DEFINE_CLEANUP(JobDelivery, delivery_close)

/* The job's state as it is durable now. It lives until the next commit. */
const JobState *delivery_state(const JobDelivery *delivery);

/* The id of the last committed run; NULL: there was none. */
const char *delivery_last_run(const JobDelivery *delivery);

/* Changes the job's state outside of a run; nothing may be begun. A copy is kept. */
bool delivery_set_state(JobDelivery *delivery, const JobState *state, Error *error);

/* Ends what an earlier process left. Must come before begin; safe to call again after an error.
 * `wanted` says what this process was asked for: rows, request, delivery.load and delivery.table.
 * An interrupted run that was asked for something else is given up if nothing of it is visible;
 * only other rows of the same table, when rows are added to it, are applied first. */
bool delivery_settle(JobDelivery *delivery, const Intent *wanted, SettleResult *ret_result,
                     Error *error);

/* Makes the intent durable, then the staging place. `next->attempt` must be above that of an
 * earlier begin of the same run. Keeps a copy of `next`. */
bool delivery_begin(JobDelivery *delivery, const Intent *next, Error *error);

/* What begin made durable, with what the target arranged: sinks are opened with this one. It lives
 * until counted, apply, abandon or commit is called; NULL when nothing is begun. */
const Delivery *delivery_current(const JobDelivery *delivery);

/* All shards are staged: checks rows read = rows staged for each, and makes the counts durable.
 * `results` holds one entry per shard; a copy is kept. */
bool delivery_counted(JobDelivery *delivery, const ShardResult *results, const uint64_t *rows_read,
                      Error *error);

/* The one atomic step, safe to call again after a retryable error; then rows applied = rows staged.
 */
bool delivery_apply(JobDelivery *delivery, ApplyResult *ret_result, Error *error);

/* The last apply failed because what was staged is gone, without having been applied: abandon is
 * next, and the rows must be read again. */
bool delivery_is_lost(const JobDelivery *delivery);

/* Removes staging and the intent, makes the intent's next state the job's, and saves the run's
 * record. */
bool delivery_commit(JobDelivery *delivery, Error *error);

/* The job has done all that was asked: makes that known, unless the last commit did. */
bool delivery_succeed(JobDelivery *delivery, Error *error);

/* Voids what begin started (not after a successful apply): staging first, then the intent. When
 * staging cannot be removed now, the intent stays and the next settle does it. */
bool delivery_abandon(JobDelivery *delivery, Error *error);

/* What is known of a job without its lock: another process may be at work on it. */
typedef struct DeliveryPast {
    JobState state;
    const char *interrupted; /* the id of a run that was not ended, or is under way; NULL: none */
    const char *last_run;    /* the id of the last committed run; NULL: there was none */
} DeliveryPast;

/* Everything is in the arena. */
bool delivery_look(StateStore *store, const char *job, Arena *arena, DeliveryPast *ret_past,
                   Error *error);
