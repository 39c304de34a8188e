/* SPDX-License-Identifier: Apache-2.0 */
/* base/parallel.h: run numbered pieces of work on a few threads; the first failure stops the rest.
 */
#pragma once

#include "base/error.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* What stops the siblings: shared by the pieces of one parallel_run, nested calls chain by parent.
 */
typedef struct StopFlag {
    const struct StopFlag *parent;
    bool stopped; /* written and read atomically */
} StopFlag;

bool stop_requested(const StopFlag *stop); /* this one, a parent, or a signal (base/cancel.h) */
void stop_request(StopFlag *stop);

/* False when a stop was asked for before the time was over. */
bool stop_sleep_ms(const StopFlag *stop, int64_t milliseconds);

/* Does piece `index` on worker thread `worker` (0 … threads−1). Should look at `stop` often. */
typedef bool ParallelWork(void *context, size_t index, size_t worker, const StopFlag *stop,
                          Error *error);

typedef struct ParallelOptions {
    size_t count;           /* pieces of work, taken in order */
    size_t threads;         /* at least 1; no more than count are started */
    bool keep_going;        /* a failure does not stop the others */
    const StopFlag *parent; /* may be NULL */
} ParallelOptions;

/* Returns true when every piece did. Otherwise *error is the first failure that was not merely the
 * echo of a stop. With one thread the work is done on the caller's. */
bool parallel_run(const ParallelOptions *options, ParallelWork *work, void *context, Error *error);
