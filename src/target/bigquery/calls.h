/* SPDX-License-Identifier: Apache-2.0 */
/* target/bigquery/calls.h: one function a method of the REST API that we use
 * (docs.cloud.google.com/bigquery/docs/reference/rest). Failures carry a hint. What is asked to be
 * removed, and jobs that are asked to stop, are so even after a signal. */
#pragma once

#include "target/bigquery/bq_state.h"

/* *ret_table: the caller's to free; NULL when there is no such table (or dataset). */
bool bq_table_get(const BqScope *scope, const TableRef *table, Json **ret_table, Error *error);

/* `body` has everything but its name. *ret_made (may be NULL) = false: one was there already. */
bool bq_table_insert(const BqScope *scope, const TableRef *table, const Json *body, bool *ret_made,
                     Error *error);

/* Changes what `patch` names (null: takes it away); the table is there. */
bool bq_table_patch(const BqScope *scope, const TableRef *table, const Json *patch, Error *error);
bool bq_table_delete(const BqScope *scope, const TableRef *table, Error *error);

/* Sets members of a table. *ret_changed = false: it is not any more what `etag` stands for. */
bool bq_table_patch_if(const BqScope *scope, const TableRef *table, const Json *body,
                       const char *etag, bool *ret_changed, Error *error);

/* Names of the dataset's tables that begin with `prefix`, into the scope's arena; none when there
 * is no such dataset. */
bool bq_table_names(const BqScope *scope, const char *dataset, const char *prefix,
                    const char *const **ret_names, size_t *ret_count, Error *error);

/* *ret_dataset: the caller's to free; NULL when there is none. */
bool bq_dataset_get(const BqScope *scope, const char *dataset, Json **ret_dataset, Error *error);
bool bq_dataset_insert(const BqScope *scope, const Json *body, bool *ret_made, Error *error);

/* Into the project of the body's jobReference. *ret_job: the caller's to free, NULL when the id is
 * taken already. */
bool bq_job_insert(const BqScope *scope, const Json *body, Json **ret_job, Error *error);

/* NULL when there is no such job in that project and location. `last_words`: see GoogleCall. */
typedef struct BqJobKey {
    const char *project;
    const char *location;
    const char *id;
    bool last_words;
} BqJobKey;
bool bq_job_get(const BqScope *scope, const BqJobKey *key, Json **ret_job, Error *error);
bool bq_job_cancel(const BqScope *scope, const BqJobKey *key, Error *error);

/* A SELECT and its rows, waited for. `body` is a QueryRequest without `timeoutMs`; *ret_answer is a
 * QueryResponse or GetQueryResultsResponse, the caller's to free. */
bool bq_query(const BqScope *scope, Json *body, Json **ret_answer, Error *error);

/* Whether the table has row-level access policies; false, too, when that may not be asked. */
bool bq_has_row_policies(const BqScope *scope, const TableRef *table, bool *ret_has, Error *error);

GcsScope bq_gcs(const BqScope *scope, const char *bucket);
