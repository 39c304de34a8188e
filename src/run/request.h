/* SPDX-License-Identifier: Apache-2.0 */
/* run/request.h: what a run of a job was asked for, so that the next one can tell whether an
 * interrupted run is its own. */
#pragma once

#include "delivery/intent.h"
#include "run/jobs.h"

/* Fills rows, request, delivery.load and delivery.table of *ret_wanted, in the arena. No secrets:
 * of a connection's URL only what is neither user nor password. */
void request_describe(const RunOptions *options, const RunJob *job, Arena *arena,
                      Intent *ret_wanted);
