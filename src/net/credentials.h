/* SPDX-License-Identifier: Apache-2.0 */
/* net/credentials.h: who we are to Google, found as Google's own clients find it
 * (cloud.google.com/docs/authentication/application-default-credentials):
 *
 *   1. the configured file, else the file named by GOOGLE_APPLICATION_CREDENTIALS,
 *   2. gcloud's: $CLOUDSDK_CONFIG or ~/.config/gcloud, application_default_credentials.json,
 *   3. the metadata server of the machine (GCE_METADATA_HOST, …).
 *
 * Files: service_account, authorized_user, external_account, external_account_authorized_user,
 * impersonated_service_account. A token is shared by all threads, renewed before it expires by one
 * of them while the others wait, and after the API refused it. Tokens and keys are in no message,
 * log line or process title; their memory is wiped when it is freed. */
#pragma once

#include "base/arena.h"
#include "base/cleanup.h"
#include "base/error.h"
#include "base/parallel.h"
#include "net/http.h"

typedef struct Credentials Credentials;

typedef struct CredentialsOptions {
    HttpClient *http; /* borrowed */
    const char *path; /* from the configuration; NULL: look for them */
    /* The endpoint is an emulator over plain http: only what was named is used (the configured
     * path, GOOGLE_APPLICATION_CREDENTIALS, GCE_METADATA_HOST), so that a person's own token is
     * never handed to one; with nothing named, none are needed. */
    bool emulator;
    const char *quota_project; /* of x-goog-user-project; NULL: as the environment or file says */
    const char *scope;         /* space separated; NULL: …/auth/cloud-platform */
    int64_t retry_budget_ms;   /* of a token request; 0: never again */
} CredentialsOptions;

/* Finds and reads; no token is asked for yet, but the metadata server is looked for (at most 3 s).
 * ERROR_CONFIG names the file, the field and what to do, never its content; when there is nothing,
 * the message lists where was looked. */
bool credentials_find(const CredentialsOptions *options, Credentials **ret_credentials,
                      Error *error);
void credentials_free(Credentials *credentials); /* accepts NULL */
DEFINE_CLEANUP(Credentials, credentials_free)

/* None: requests go out without a token. */
bool credentials_none(const Credentials *credentials);

/* "service account key", "gcloud user", "workload identity federation", "metadata server", "none" …
 */
const char *credentials_kind(const Credentials *credentials);

/* Where they were found: "file /path (GOOGLE_APPLICATION_CREDENTIALS)", "metadata server HOST". */
const char *credentials_place(const Credentials *credentials);

/* "googleapis.com" or another universe's domain. */
const char *credentials_universe(const Credentials *credentials);

/* Of x-goog-user-project: the configured one, else GOOGLE_CLOUD_QUOTA_PROJECT, else the file's
 * quota_project_id; NULL: none. */
const char *credentials_quota_project(const Credentials *credentials);

/* Email of the account, or the principal of a federation, for `check`; may ask the metadata server
 * or the token's own server. *ret_identity is NULL when nobody says. */
bool credentials_identity(Credentials *credentials, Arena *arena, const char **ret_identity,
                          Error *error);

/* The project when the configuration names none: GOOGLE_CLOUD_PROJECT, GCLOUD_PROJECT, the file's
 * project_id, gcloud's active configuration, the metadata server. *ret_place says which; both are
 * NULL when there is none. */
bool credentials_project(Credentials *credentials, Arena *arena, const char **ret_project,
                         const char **ret_place, Error *error);

enum { CREDENTIALS_HEADER_MAX = 16 * 1024 };

/* Writes "Bearer …" into header[CREDENTIALS_HEADER_MAX], or "" when there are none; the caller
 * wipes it. Asks for a token when there is no fresh one. ERROR_TARGET when the token's server
 * refused (with its own words and what to do) or cannot be reached. */
bool credentials_header(Credentials *credentials, const StopFlag *stop, char *header, Error *error);

/* The API answered 401 to that header: the token is not used again. */
void credentials_refused(Credentials *credentials, const char *header);
