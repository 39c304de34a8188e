/* SPDX-License-Identifier: Apache-2.0 */
#include "base/parallel.h"

#include "base/cancel.h"
#include "base/cleanup.h"
#include "base/clock.h"
#include "base/memory.h"

#include <pthread.h>

typedef struct Group {
    const ParallelOptions *options;
    ParallelWork *work;
    void *context;
    pthread_mutex_t lock;
    size_t next;
    bool failed;
    Error *error;
    StopFlag stop;
} Group;

typedef struct Worker {
    Group *group;
    size_t number;
} Worker;

bool stop_requested(const StopFlag *stop)
{
    for (; stop; stop = stop->parent) {
        if (__atomic_load_n(&stop->stopped, __ATOMIC_RELAXED))
            return true;
    }
    return cancel_requested();
}

void stop_request(StopFlag *stop)
{
    __atomic_store_n(&stop->stopped, true, __ATOMIC_RELAXED);
}

bool stop_sleep_ms(const StopFlag *stop, int64_t milliseconds)
{
    enum { SLICE_MS = 50, NS_PER_MS = 1000000 };
    int64_t end = clock_monotonic_ns() + milliseconds * NS_PER_MS;
    while (!stop_requested(stop)) {
        int64_t left_ms = (end - clock_monotonic_ns()) / NS_PER_MS;
        if (left_ms <= 0)
            return true;
        clock_sleep_ms(left_ms < SLICE_MS ? left_ms : SLICE_MS);
    }
    return false;
}

static bool take(Group *group, size_t *ret_index)
{
    pthread_mutex_lock(&group->lock);
    bool any = group->next < group->options->count && !stop_requested(&group->stop);
    if (any)
        *ret_index = group->next++;
    pthread_mutex_unlock(&group->lock);
    return any;
}

static void record_failure(Group *group, const Error *error)
{
    pthread_mutex_lock(&group->lock);
    bool echo = error->kind == ERROR_CANCELLED;
    if (!group->failed || (group->error && group->error->kind == ERROR_CANCELLED && !echo)) {
        if (group->error)
            *group->error = *error;
    }
    group->failed = true;
    pthread_mutex_unlock(&group->lock);
    if (!group->options->keep_going)
        stop_request(&group->stop);
}

static void *work_until_empty(void *argument)
{
    Worker *worker = argument;
    Group *group = worker->group;
    size_t index;
    while (take(group, &index)) {
        Error error = {0};
        if (!group->work(group->context, index, worker->number, &group->stop, &error))
            record_failure(group, &error);
    }
    return NULL;
}

bool parallel_run(const ParallelOptions *options, ParallelWork *work, void *context, Error *error)
{
    Group group = {
        .options = options,
        .work = work,
        .context = context,
        .lock = PTHREAD_MUTEX_INITIALIZER,
        .error = error,
        .stop = {.parent = options->parent},
    };
    size_t threads = options->threads < options->count ? options->threads : options->count;
    if (threads == 0)
        threads = 1;
    CLEANUP(free_ptr) pthread_t *handles = memory_zalloc(threads, sizeof *handles);
    CLEANUP(free_ptr) Worker *workers = memory_zalloc(threads, sizeof *workers);
    size_t started = 1; /* the caller's own thread is worker 0 */
    for (size_t i = 0; i < threads; i++)
        workers[i] = (Worker){&group, i};
    for (; started < threads; started++) {
        /* Fewer threads than asked for still do all the work. */
        if (pthread_create(&handles[started], NULL, work_until_empty, &workers[started]) != 0)
            break;
    }
    work_until_empty(&workers[0]);
    for (size_t i = 1; i < started; i++)
        pthread_join(handles[i], NULL);
    if (!group.failed && group.next < options->count) {
        group.failed = true;
        error_set(error, ERROR_CANCELLED, "stopped before all of the work was done");
    }
    return !group.failed;
}
