/* SPDX-License-Identifier: Apache-2.0 */
#include "run/progress.h"

const char *job_phase_name(JobPhase phase)
{
    static const char *const names[PHASE_COUNT_] = {"waiting", "settle", "plan", "extract",
                                                    "apply",   "commit", "done", "failed"};
    return names[phase];
}
