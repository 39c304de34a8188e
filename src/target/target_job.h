/* SPDX-License-Identifier: Apache-2.0 */
/* target/target_job.h: what a target did, for reports. Plain data. */
#pragma once

#include <stddef.h>
#include <stdint.h>

/* What a target did for a delivery in the words of its own job list, for reports. */
typedef struct TargetJob {
    const char *kind; /* "load", "copy", "query" */
    const char *id;
    const char *link;     /* for people; or NULL */
    int64_t bytes_billed; /* 0: free */
    int64_t slot_ms;
} TargetJob;

typedef struct TargetJobs {
    const TargetJob *jobs;
    size_t count;
} TargetJobs;
