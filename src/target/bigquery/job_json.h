/* SPDX-License-Identifier: Apache-2.0 */
/* target/bigquery/job_json.h: jobs as the REST API has them (Job of the discovery document). Pure.
 * What is returned is the caller's to free. */
#pragma once

#include "base/arena.h"
#include "config/config.h"
#include "format/json.h"
#include "target/target.h"

typedef struct JobDraft {
    const char *project; /* where it runs and is paid */
    const char *location;
    const char *id;
    ConfigLabels labels;
} JobDraft;

typedef struct JobTable {
    const char *project;
    const char *dataset;
    const char *table; /* with a partition's decorator or without */
} JobTable;

typedef struct LoadDraft {
    JobTable to;         /* exists */
    const Json *schema;  /* its columns: TableSchema */
    const char *format;  /* "avro", "ndjson" */
    bool truncate;       /* the rows take the place of those there; columns and constraints stay */
    const char *kms_key; /* of the table; NULL: Google's own */
    const char *const *uris; /* objects; none: the bytes are uploaded with the job */
    size_t uri_count;
} LoadDraft;

typedef struct CopyDraft {
    JobTable from, to; /* both exist */
    bool truncate;
    const char *kms_key; /* of `to`: without it, a copy would take Google's own */
} CopyDraft;

/* A named query parameter (@name). */
typedef struct QueryParam {
    const char *name;
    const char *type; /* "STRING", "TIMESTAMP" */
    const char *value;
} QueryParam;

typedef struct QueryDraft {
    const char *sql;
    const QueryParam *params;
    size_t param_count;
} QueryDraft;

Json *job_json_load(const JobDraft *draft, const LoadDraft *wanted);
Json *job_json_copy(const JobDraft *draft, const CopyDraft *wanted);
Json *job_json_query(const JobDraft *draft, const QueryDraft *wanted);

/* QueryRequest of jobs.query: a SELECT whose rows are wanted at once; draft->id is not used. There
 * is no requestId: with it, a repetition would be given the answer of the query that failed. */
Json *job_json_ask(const JobDraft *draft, const QueryDraft *wanted);

/* A query that does nothing and costs nothing: it only takes the job's id, so that no other job can
 * ever run under it. */
Json *job_json_fence(const JobDraft *draft);
