/* SPDX-License-Identifier: Apache-2.0 */
/* target/bigquery/bq_state.h: what the files of this folder share. */
#pragma once

#include "base/arena.h"
#include "net/gcs.h"
#include "net/google.h"
#include "net/resumable.h"
#include "target/bigquery/partition.h"
#include "target/target.h"

#include <pthread.h>

typedef struct BqRun BqRun;
typedef struct BqKnown BqKnown;

typedef struct BigQuery {
    Target base;
    Arena arena; /* owns the strings below */
    const char *project;
    const char
        *project_place; /* where it was found: "destination.project", "GOOGLE_CLOUD_PROJECT" */
    const char *job_project;
    BigQueryConfig config; /* project, job_project, prefix: as configured, maybe NULL */
    const char *dataset;   /* the default one, for check; NULL: none */
    const char *format;    /* "auto", "avro", "ndjson" */
    bool compress;         /* staged bytes */
    int64_t job_timeout_ms;
    int64_t staging_expiration_ms;
    HttpClient *http;
    Credentials *credentials;
    GoogleApi *api;       /* BigQuery */
    GoogleApi *storage;   /* Cloud Storage */
    pthread_mutex_t lock; /* guards runs and known */
    BqRun *runs;
    BqKnown *known;
} BigQuery;

/* One operation on behalf of a job. */
typedef struct BqScope {
    BigQuery *bq;
    const char *job; /* label of log lines; may be NULL */
    Arena *arena;
    const StopFlag *stop; /* ends calls and waits; NULL: only a signal does */
    bool *refused;        /* set when BigQuery calls a request invalid, or finds nothing to make
                             something in: it always will; may be NULL */
} BqScope;

/* How a delivery goes: Delivery.arranged, read (way.h). Strings belong to the scope's arena. */
typedef struct BqWay {
    const char *location;    /* of the dataset, and so of every job */
    const char *job_project; /* that the jobs run in; ids are unique in it */
    const char *staging;     /* name of this attempt's staging table */
    bool staged;             /* the rows go through it */
    bool exists;             /* the target table was there when this was arranged */
    const char *bucket;      /* rows become objects there; NULL: they are uploaded into load jobs */
    const char *prefix;      /* of the objects' names, with "/" at the end: "bqferry/RUN/" */
    bool evolves;            /* the target's columns change before rows arrive */
    Json *table;             /* what the target is or shall be (Table), without a name; owned */
    Json *stage;             /* what staging is to be, when that is something else; owned */
    Json *patch;             /* what changes of a target that is there, beside rows and columns */
    Json *clustering; /* what the target is clustered by `before` the rows come, and `after` */
    ConfigLabels job_labels;
    int64_t expiration_ms; /* of a new target table; 0: never */
} BqWay;

static inline BqScope bq_scope(Target *target, const Delivery *delivery, Arena *arena)
{
    return (BqScope){.bq = (BigQuery *)target, .job = delivery->job, .arena = arena};
}
