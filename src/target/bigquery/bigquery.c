/* SPDX-License-Identifier: Apache-2.0 */
#include "target/bigquery/bigquery.h"

#include "base/fault.h"
#include "base/memory.h"
#include "target/bigquery/apply.h"
#include "target/bigquery/check.h"
#include "target/bigquery/describe.h"
#include "target/bigquery/forecast.h"
#include "target/bigquery/gc.h"
#include "target/bigquery/list.h"
#include "target/bigquery/lookup.h"
#include "target/bigquery/run_state.h"
#include "target/bigquery/sink.h"
#include "target/bigquery/way.h"

#include <string.h>

enum { MINUTE_MS = 60 * 1000, HOUR_MS = 60 * MINUTE_MS };

static const int64_t default_job_timeout_ms = 6 * HOUR_MS; /* a job's own maximum */
static const int64_t default_staging_ms = 7 * 24 * (int64_t)HOUR_MS;

/* One upload is one load job without staging; with a bucket that is so for any number of objects.
 */
static const int64_t one_upload_bytes = 1ll << 30, one_object_bytes = 64ll << 20;

static void bq_close(Target *target)
{
    BigQuery *bq = (BigQuery *)target;
    if (!bq)
        return;
    bq_runs_free(bq);
    bq_known_free(bq);
    google_api_free(bq->storage);
    google_api_free(bq->api);
    credentials_free(bq->credentials);
    http_client_free(bq->http);
    pthread_mutex_destroy(&bq->lock);
    arena_done(&bq->arena);
    free(bq);
}

static bool bq_arrange(Target *target, Delivery *delivery, Arena *arena, Error *error)
{
    BqScope scope = bq_scope(target, delivery, arena);
    return bq_way_choose(&scope, delivery, error) ||
           error_prefix(error, "table %s.%s", delivery->table.dataset, delivery->table.table);
}

typedef struct Endpoints {
    GoogleEndpoint bigquery;
    GoogleEndpoint storage;
} Endpoints;

static bool find_endpoints(BigQuery *bq, Endpoints *endpoints, Error *error)
{
    const EndpointsConfig *config = &bq->config.endpoints;
    return google_endpoint(&google_bigquery, config->bigquery, "destination.endpoints.bigquery",
                           &bq->arena, &endpoints->bigquery, error) &&
           google_endpoint(&google_storage, config->storage, "destination.endpoints.storage",
                           &bq->arena, &endpoints->storage, error);
}

static bool find_project(BigQuery *bq, Error *error)
{
    const char *project = NULL, *place = NULL;
    bq->project = bq->config.project;
    bq->project_place = "destination.project";
    if (bq->project)
        return true;
    if (!credentials_project(bq->credentials, &bq->arena, &project, &place, error))
        return false;
    if (!project) {
        error_set(error, ERROR_CONFIG, "no project is known for BigQuery");
        return error_hint(error, "set destination.project or GOOGLE_CLOUD_PROJECT");
    }
    bq->project = project;
    bq->project_place = place ? place : "the credentials";
    return true;
}

static bool open_apis(BigQuery *bq, int64_t retry_budget_ms, Error *error)
{
    Endpoints endpoints = {0};
    if (!find_endpoints(bq, &endpoints, error))
        return false;
    bq->http = http_client_new(NULL);
    const CredentialsOptions credentials = {
        .http = bq->http,
        .path = bq->config.credentials,
        .quota_project = bq->config.quota_project,
        .emulator = endpoints.bigquery.plain,
        .retry_budget_ms = retry_budget_ms,
    };
    if (!credentials_find(&credentials, &bq->credentials, error) || !find_project(bq, error))
        return false;
    GoogleApiOptions api = {
        .service = &google_bigquery,
        .endpoint = endpoints.bigquery.url,
        .http = bq->http,
        .credentials = bq->credentials,
        .retry_budget_ms = retry_budget_ms,
    };
    if (!google_api_new(&api, &bq->api, error))
        return false;
    api.service = &google_storage;
    api.endpoint = endpoints.storage.url;
    bq->job_project = bq->config.job_project ? bq->config.job_project : bq->project;
    bq->base.place = arena_printf(&bq->arena, "%s%s", bq->project,
                                  endpoints.bigquery.plain ? " (emulator)" : "");
    return google_api_new(&api, &bq->storage, error); /* an interrupted run may have a bucket */
}

static bool bq_open(const DestinationConfig *config, Target **ret_target, Error *error)
{
    static const TargetOps ops = {
        .close = bq_close,
        .check = bq_check,
        .describe = bq_describe,
        .ddl = bq_ddl,
        .validate = bq_validate,
        .arrange = bq_arrange,
        .prepare = bq_prepare,
        .sink_open = bq_sink_open,
        .status = bq_status,
        .apply = bq_apply,
        .discard = bq_discard,
        .gc = bq_gc,
        .jobs = bq_jobs,
        .forecast = bq_forecast,
        .list = bq_list,
    };
    CLEANUP(target_close_ptr) Target *target = memory_zalloc(1, sizeof(BigQuery));
    BigQuery *bq = (BigQuery *)target;
    target->ops = &ops;
    pthread_mutex_init(&bq->lock, NULL);
    bq->config = config->bigquery; /* its strings live as long as the configuration */
    bq->dataset = config->dataset;
    bq->format = config->format ? config->format : "auto";
    bq->compress = !config->compression || strcmp(config->compression, "none") != 0;
    bq->job_timeout_ms =
        bq->config.job_timeout_ms ? bq->config.job_timeout_ms : default_job_timeout_ms;
    int64_t staging_ms =
        bq->config.staging_expiration_ms ? bq->config.staging_expiration_ms : default_staging_ms;
    bq->staging_expiration_ms = fault_limit("bigquery.staging_ms", staging_ms);
    target->one_shard_bytes = bq->config.one_shard_bytes ? bq->config.one_shard_bytes
                              : bq->config.bucket        ? one_object_bytes
                                                         : one_upload_bytes;
    if (!open_apis(bq, config->retry_budget_ms, error))
        return false;
    *ret_target = TAKE_PTR(target);
    return true;
}

const TargetDriver target_bigquery_driver = {.type = "bigquery", .open = bq_open};
