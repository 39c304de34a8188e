/* SPDX-License-Identifier: Apache-2.0 */
#include "run/session.h"

#include "base/clock.h"
#include "base/memory.h"
#include "run/cursor_plan.h"

#include <pthread.h>
#include <string.h>

typedef struct Connection Connection;

struct SharedSnapshot {
    Connection *connection; /* whose lock guards the counters */
    Snapshot *snapshot;
    Arena arena;
    const RunJob *const *bounded; /* jobs, in the order of the bounds */
    Bound *bounds;
    size_t bound_count;
    int64_t opened_ns;
    size_t users;
    bool retired;
};

struct Connection {
    const ConnectionConfig *config;
    pthread_mutex_t lock;
    Source *source;
    SharedSnapshot *current; /* NULL until asked for, and after it was lost */
};

struct Session {
    const RunOptions *options;
    Arena arena;
    Target *target;
    StateStore *state;
    const char *destination;
    Connection *connections;
    size_t connection_count;
    const RunJobs *jobs;
    bool patient;
};

static void free_shared(SharedSnapshot *shared)
{
    if (shared->snapshot)
        shared->snapshot->ops->close(shared->snapshot);
    arena_done(&shared->arena);
    free(shared);
}

DEFINE_CLEANUP(SharedSnapshot, free_shared)

bool session_open(const RunOptions *options, bool changes, Session **ret_session, Error *error)
{
    const Config *config = options->config;
    CLEANUP(session_close_ptr) Session *session = memory_zalloc(1, sizeof *session);
    session->options = options;
    session->connection_count = config->connection_count;
    session->connections = ARENA_ARRAY(&session->arena, Connection, config->connection_count);
    for (size_t i = 0; i < config->connection_count; i++) {
        session->connections[i].config = &config->connections[i];
        pthread_mutex_init(&session->connections[i].lock, NULL);
    }
    if (!drivers_open_target(options->drivers, &config->destination, &session->target, error))
        return false;
    const char *place = session->target->place ? session->target->place : config->destination.path;
    session->destination =
        arena_printf(&session->arena, "%s %s", config->destination.type, place ? place : "");
    if (changes && !drivers_open_state(options->drivers, config, true, &session->state, error))
        return false;
    *ret_session = TAKE_PTR(session);
    return true;
}

void session_close(Session *session)
{
    if (!session)
        return;
    for (size_t i = 0; i < session->connection_count; i++) {
        Connection *connection = &session->connections[i];
        if (connection->current)
            free_shared(connection->current);
        if (connection->source)
            connection->source->ops->close(connection->source);
        pthread_mutex_destroy(&connection->lock);
    }
    target_close_ptr(&session->target);
    state_close_ptr(&session->state);
    arena_done(&session->arena);
    free(session);
}

Target *session_target(Session *session)
{
    return session->target;
}

StateStore *session_state(Session *session)
{
    return session->state;
}

const char *session_destination(Session *session)
{
    return session->destination;
}

static Connection *find_connection(Session *session, const char *name, Error *error)
{
    for (size_t i = 0; i < session->connection_count; i++) {
        if (strcmp(session->connections[i].config->name, name) == 0)
            return &session->connections[i];
    }
    error_set(error, ERROR_CONFIG, "there is no connection named \"%s\"", name);
    return NULL;
}

/* The caller holds the connection's lock. */
static bool ensure_source(Session *session, Connection *connection, Error *error)
{
    return connection->source || drivers_open_source(session->options->drivers, connection->config,
                                                     &connection->source, error);
}

bool session_source(Session *session, const char *connection, Source **ret_source, Error *error)
{
    Connection *found = find_connection(session, connection, error);
    if (!found)
        return false;
    pthread_mutex_lock(&found->lock);
    bool opened = ensure_source(session, found, error);
    *ret_source = found->source;
    pthread_mutex_unlock(&found->lock);
    return opened;
}

/* How many shards of the connection may be read at once: that many jobs side by side, each with its
 * workers. A pattern is one job in the configuration and many in the run. */
static size_t count_readers(const Session *session, const char *connection)
{
    const Config *config = session->options->config;
    size_t jobs = 0, workers = 1;
    for (size_t i = 0; i < config->job_count; i++) {
        const JobConfig *job = &config->jobs[i];
        if (strcmp(job->connection, connection) != 0)
            continue;
        bool is_many =
            job->tables.count > 1 || (job->tables.count == 1 && strchr(job->tables.items[0], '*'));
        jobs += is_many ? (size_t)config->parallel : 1;
        if ((size_t)job->workers > workers)
            workers = (size_t)job->workers;
    }
    size_t at_once = jobs < (size_t)config->parallel ? jobs : (size_t)config->parallel;
    return (at_once > 0 ? at_once : 1) * workers;
}

static bool has_cursor_on(const RunJob *job, const Connection *connection)
{
    return !job->error && job->config->cursor.columns.count > 0 &&
           strcmp(job->config->connection, connection->config->name) == 0;
}

/* Before the snapshot is opened: what a bound says holds for all that is opened after it. */
static bool find_bounds(Session *session, Connection *connection, SharedSnapshot *shared,
                        Error *error)
{
    size_t all = session->jobs ? session->jobs->count : 0, count = 0;
    Source *source = connection->source;
    const RunJob **jobs = ARENA_ARRAY(&shared->arena, const RunJob *, all);
    BoundRequest *requests = ARENA_ARRAY(&shared->arena, BoundRequest, all);
    for (size_t i = 0; i < all; i++) {
        const RunJob *job = &session->jobs->jobs[i];
        if (!has_cursor_on(job, connection))
            continue;
        jobs[count] = job;
        requests[count] = (BoundRequest){job->relation, cursor_ref_of(&job->config->cursor)};
        if (!session->patient)
            requests[count].cursor.wait_ms = 0;
        count++;
    }
    if (count == 0 || !source->ops->bounds)
        return true;
    shared->bounded = jobs;
    shared->bounds = ARENA_ARRAY(&shared->arena, Bound, count);
    shared->bound_count = count;
    return source->ops->bounds(source, requests, count, &shared->arena, shared->bounds, error);
}

static bool ensure_snapshot(Session *session, Connection *connection, Error *error)
{
    if (connection->current)
        return true;
    CLEANUP(free_shared_ptr) SharedSnapshot *shared = memory_zalloc(1, sizeof *shared);
    shared->connection = connection;
    shared->opened_ns = clock_monotonic_ns();
    if (!ensure_source(session, connection, error) ||
        !find_bounds(session, connection, shared, error) ||
        !connection->source->ops->snapshot_open(connection->source,
                                                count_readers(session, connection->config->name),
                                                &shared->snapshot, error))
        return false;
    connection->current = TAKE_PTR(shared);
    return true;
}

/* The caller holds the connection's lock. */
static void retire(Connection *connection)
{
    SharedSnapshot *current = connection->current;
    connection->current = NULL;
    if (current->users > 0)
        current->retired = true;
    else
        free_shared(current);
}

bool session_acquire_snapshot(Session *session, const char *connection, int64_t after_ns,
                              SharedSnapshot **ret_snapshot, Error *error)
{
    Connection *found = find_connection(session, connection, error);
    if (!found)
        return false;
    pthread_mutex_lock(&found->lock);
    if (found->current && found->current->opened_ns < after_ns)
        retire(found);
    bool opened = ensure_snapshot(session, found, error);
    if (opened) {
        found->current->users++;
        *ret_snapshot = found->current;
    }
    pthread_mutex_unlock(&found->lock);
    return opened;
}

void session_release_snapshot(SharedSnapshot *snapshot, bool lost)
{
    Connection *connection = snapshot->connection;
    pthread_mutex_lock(&connection->lock);
    if (lost && connection->current == snapshot) {
        snapshot->retired = true;
        connection->current = NULL;
    }
    snapshot->users--;
    bool unused = snapshot->retired && snapshot->users == 0;
    pthread_mutex_unlock(&connection->lock);
    if (unused)
        free_shared(snapshot);
}

Snapshot *shared_snapshot_get(SharedSnapshot *snapshot)
{
    return snapshot->snapshot;
}

const Bound *shared_snapshot_bound(const SharedSnapshot *snapshot, const RunJob *job)
{
    for (size_t i = 0; i < snapshot->bound_count; i++) {
        if (snapshot->bounded[i] == job)
            return &snapshot->bounds[i];
    }
    return NULL;
}

void session_set_jobs(Session *session, const RunJobs *jobs, bool patient)
{
    session->jobs = jobs;
    session->patient = patient;
}
