/* SPDX-License-Identifier: Apache-2.0 */
/* target/bigquery/explain.h: what to do about what BigQuery and Cloud Storage say. Pure. */
#pragma once

#include "base/arena.h"
#include "base/error.h"

/* The permission that a message speaks of ("bigquery.tables.create"); NULL: none. */
const char *explain_permission(const char *message, Arena *arena);

/* The narrowest predefined role that grants it, and on what ("the dataset"); NULL: not known.
 * (docs.cloud.google.com/bigquery/docs/access-control, …/iam/docs/roles-permissions) */
const char *explain_role(const char *permission, const char **ret_on);

/* Gives the error a hint when it has none: the permission and its role, the limit, what is missing.
 * `method` is the id of the call ("bigquery.tables.insert") or NULL. Returns false. */
bool explain(const char *method, const char *reason, const char *message, Error *error);

/* The same for an error of an upload, of which only the message is at hand. Returns false. */
bool explain_upload(Error *error);
