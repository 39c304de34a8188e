/* SPDX-License-Identifier: Apache-2.0 */
/* run/session.h: what the jobs of one run share: the target, the state store, and for each
 * connection a source and one snapshot, so that all tables are read at the same moment. */
#pragma once

#include "run/drivers.h"
#include "run/jobs.h"

typedef struct SharedSnapshot SharedSnapshot;

/* Opens target and state; sources open when first asked for. `changes` false: no state store. */
bool session_open(const RunOptions *options, bool changes, Session **ret_session, Error *error);
void session_close(Session *session); /* accepts NULL */
DEFINE_CLEANUP(Session, session_close)

Target *session_target(Session *session);
StateStore *session_state(Session *session);

/* "duckdb /data/warehouse.duckdb": which destination this is, for intents and messages. */
const char *session_destination(Session *session);

/* The source of a configured connection; lives until session_close. Safe from threads. */
bool session_source(Session *session, const char *connection, Source **ret_source, Error *error);

/* The jobs of the run: before a snapshot is opened, all their cursors on its connection are
 * bounded. `patient` false: nothing is waited for. They live as long as the session. */
void session_set_jobs(Session *session, const RunJobs *jobs, bool patient);

/* The run's snapshot of that connection, opened by whoever comes first. One that was opened before
 * `after_ns` (monotonic) is retired for it. Give it back with session_release_snapshot; `lost`
 * retires it, so that the next one to ask gets a new one. */
bool session_acquire_snapshot(Session *session, const char *connection, int64_t after_ns,
                              SharedSnapshot **ret_snapshot, Error *error);
void session_release_snapshot(SharedSnapshot *snapshot, bool lost);

Snapshot *shared_snapshot_get(SharedSnapshot *snapshot);

/* How far the job's cursor may go in the snapshot; NULL for a job without a cursor, or a source
 * that has none. Lives as long as the snapshot. */
const Bound *shared_snapshot_bound(const SharedSnapshot *snapshot, const RunJob *job);
