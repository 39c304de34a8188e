/* SPDX-License-Identifier: Apache-2.0 */
/* run/jobs.h: from the configuration's jobs to one job a table. */
#pragma once

#include "run/run.h"

typedef struct Session Session;

/* One table on its way to one target table. */
typedef struct RunJob {
    const JobConfig *config;
    const char *name; /* the configured name, or "<name>.<table>" of a pattern or list */
    RelationRef relation;
    const char *relation_text; /* "public.orders", or the query */
    TableRef target;
    const Error *error; /* why it could not even be expanded; NULL when it can run */
} RunJob;

typedef struct RunJobs {
    const RunJob *jobs;
    size_t count;
} RunJobs;

/* Chooses jobs by names and tag (a name may also be that of one table, "<job>.<table>"), and
 * expands patterns and lists by asking the source. ERROR_USAGE for an unknown name (with the
 * nearest) or a tag that no job has; ERROR_CONFIG when two jobs would write the same table, naming
 * both. A pattern whose source does not answer, or that matches nothing, becomes one job that
 * carries the error, so that the others run. */
bool run_jobs_select(Session *session, const RunOptions *options, Arena *arena, RunJobs *ret_jobs,
                     Error *error);

/* "schema.table" or "table", with double quotes around odd parts: `"my.schema"."my table"`. */
bool relation_ref_parse(const char *text, Arena *arena, RelationRef *ret_relation, Error *error);
