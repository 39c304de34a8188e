/* SPDX-License-Identifier: Apache-2.0 */
#include "target/bigquery/explain.h"

#include "base/cleanup.h"

#include <ctype.h>
#include <string.h>

static const char the_dataset[] = "the dataset", the_project[] = "the project that pays for jobs",
                  the_bucket[] = "the bucket";

static const struct {
    const char *permission;
    const char *role;
    const char *on;
} roles[] = {
    {"bigquery.jobs.create", "roles/bigquery.jobUser", the_project},
    {"bigquery.jobs.get", "roles/bigquery.jobUser", the_project},
    {"bigquery.jobs.update", "roles/bigquery.jobUser", the_project},
    {"bigquery.datasets.create", "roles/bigquery.user", "the project of the tables"},
    {"bigquery.datasets.get", "roles/bigquery.dataViewer", the_dataset},
    {"bigquery.tables.get", "roles/bigquery.dataViewer", the_dataset},
    {"bigquery.tables.list", "roles/bigquery.dataViewer", the_dataset},
    {"bigquery.tables.getData", "roles/bigquery.dataViewer", the_dataset},
    {"bigquery.tables.create", "roles/bigquery.dataEditor", the_dataset},
    {"bigquery.tables.update", "roles/bigquery.dataEditor", the_dataset},
    {"bigquery.tables.updateData", "roles/bigquery.dataEditor", the_dataset},
    {"bigquery.tables.delete", "roles/bigquery.dataEditor", the_dataset},
    {"bigquery.rowAccessPolicies.list", "roles/bigquery.dataOwner", the_dataset},
    {"storage.buckets.get", "roles/storage.legacyBucketReader", the_bucket},
    {"storage.objects.get", "roles/storage.objectUser", the_bucket},
    {"storage.objects.list", "roles/storage.objectUser", the_bucket},
    {"storage.objects.create", "roles/storage.objectUser", the_bucket},
    {"storage.objects.delete", "roles/storage.objectUser", the_bucket},
    {"cloudkms.cryptoKeyVersions.useToEncrypt", "roles/cloudkms.cryptoKeyEncrypterDecrypter",
     "the key, for BigQuery's own service account"},
    {"cloudkms.cryptoKeyVersions.useToDecrypt", "roles/cloudkms.cryptoKeyEncrypterDecrypter",
     "the key, for BigQuery's own service account"},
    {"serviceusage.services.use", "roles/serviceusage.serviceUsageConsumer", "the quota project"},
};

/* What a method needs, for messages that do not say it. */
static const struct {
    const char *method;
    const char *permission;
} needs[] = {
    {"bigquery.jobs.insert", "bigquery.jobs.create"},
    {"bigquery.jobs.get", "bigquery.jobs.get"},
    {"bigquery.jobs.cancel", "bigquery.jobs.update"},
    {"bigquery.datasets.get", "bigquery.datasets.get"},
    {"bigquery.datasets.insert", "bigquery.datasets.create"},
    {"bigquery.tables.get", "bigquery.tables.get"},
    {"bigquery.tables.list", "bigquery.tables.list"},
    {"bigquery.tables.insert", "bigquery.tables.create"},
    {"bigquery.tables.patch", "bigquery.tables.update"},
    {"bigquery.tables.delete", "bigquery.tables.delete"},
    {"storage.buckets.get", "storage.buckets.get"},
    {"storage.objects.insert", "storage.objects.create"},
    {"storage.objects.get", "storage.objects.get"},
    {"storage.objects.list", "storage.objects.list"},
    {"storage.objects.delete", "storage.objects.delete"},
};

static const struct {
    const char *reason;
    const char *hint;
} hints[] = {
    {"billingNotEnabled",
     "link the project to a billing account: console.cloud.google.com/billing/linkedaccount"},
    {"accessNotConfigured",
     "enable the API: gcloud services enable bigquery.googleapis.com storage.googleapis.com"},
    {"SERVICE_DISABLED",
     "enable the API: gcloud services enable bigquery.googleapis.com storage.googleapis.com"},
    {"quotaExceeded",
     "see docs.cloud.google.com/bigquery/quotas for the limit that the message names and when it "
     "resets; run the job again when there is room"},
    {"rateLimitExceeded", "too many requests in a short time: run fewer jobs at once (parallel)"},
    {"blocked", "BigQuery has blocked the operation for now: contact Google Cloud support"},
    {"resourcesExceeded", "the job needs more than BigQuery gives one: carry less at a time"},
    {"tableUnavailable", "the table's own service is down: run the job again later"},
    {"stopped", "the job was cancelled; run it again"},
};

static bool is_word(char letter)
{
    return isalnum((unsigned char)letter) || letter == '.';
}

/* A word with two dots in it that begins with a service's name. */
const char *explain_permission(const char *message, Arena *arena)
{
    static const char *const services[] = {"bigquery.", "storage.", "cloudkms.", "serviceusage."};
    for (const char *at = message; at && *at; at++) {
        if (at > message && is_word(at[-1]))
            continue;
        size_t length = 0, dots = 0;
        for (; is_word(at[length]); length++)
            dots += at[length] == '.';
        while (length && at[length - 1] == '.') {
            length--;
            dots--;
        }
        for (size_t i = 0; dots == 2 && i < sizeof services / sizeof *services; i++) {
            if (strncmp(at, services[i], strlen(services[i])) == 0)
                return arena_strndup(arena, at, length);
        }
    }
    return NULL;
}

const char *explain_role(const char *permission, const char **ret_on)
{
    for (size_t i = 0; permission && i < sizeof roles / sizeof *roles; i++) {
        if (strcmp(roles[i].permission, permission) != 0)
            continue;
        *ret_on = roles[i].on;
        return roles[i].role;
    }
    return NULL;
}

static const char *need_of(const char *method)
{
    for (size_t i = 0; method && i < sizeof needs / sizeof *needs; i++) {
        if (strcmp(needs[i].method, method) == 0)
            return needs[i].permission;
    }
    return NULL;
}

static bool explain_access(const char *method, const char *message, Error *error)
{
    CLEANUP(arena_done) Arena arena = {0};
    const char *permission = explain_permission(message, &arena), *on = NULL;
    if (!permission && strcasestr(message, "row access polic"))
        return error_hint(error, "changing rows of a table with row-level access policies needs "
                                 "one that lets this identity see all of them: CREATE ROW ACCESS "
                                 "POLICY … GRANT TO (\"serviceAccount:…\") FILTER USING (TRUE)");
    if (!permission)
        permission = need_of(method);
    const char *role = explain_role(permission, &on);
    if (role)
        return error_hint(error, "it needs the permission %s: grant %s on %s", permission, role,
                          on);
    if (permission)
        return error_hint(error, "it needs the permission %s", permission);
    return error_hint(error, "bqferry check names the identity and what it may not do");
}

static bool explain_missing(const char *message, Error *error)
{
    if (strcasestr(message, "not found: dataset"))
        return error_hint(error, "is the dataset's name right, and destination.location its "
                                 "location? A job that looks for it elsewhere does not find it. If "
                                 "it was removed during the run, run the job again");
    if (strcasestr(message, "not found: table"))
        return error_hint(error, "it was removed meanwhile: run the job again, which makes it");
    if (strcasestr(message, "not found: project"))
        return error_hint(error, "is destination.project the project's id (not its name or "
                                 "number), and can these credentials see it?");
    return false;
}

bool explain(const char *method, const char *reason, const char *message, Error *error)
{
    if (!error || !reason || !message)
        return false;
    if (strcmp(reason, "accessDenied") == 0 || strcmp(reason, "forbidden") == 0)
        return explain_access(method, message, error);
    if (strcmp(reason, "notFound") == 0)
        return explain_missing(message, error);
    if (strcasestr(message, "in different locations"))
        return error_hint(error, "a bucket must be where the dataset is: name one that is there "
                                 "(destination.bucket), or leave it out: then rows are uploaded "
                                 "straight into load jobs");
    for (size_t i = 0; i < sizeof hints / sizeof *hints; i++) {
        if (strcmp(reason, hints[i].reason) == 0)
            return error_hint(error, "%s", hints[i].hint);
    }
    return false;
}

bool explain_upload(Error *error)
{
    CLEANUP(arena_done) Arena arena = {0};
    const char *permission = error ? explain_permission(error->message, &arena) : NULL;
    return permission ? explain_access(NULL, error->message, error) : false;
}
