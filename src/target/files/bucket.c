/* SPDX-License-Identifier: Apache-2.0 */
#include "target/files/bucket.h"

#include "base/cancel.h"
#include "base/cleanup.h"
#include "base/memory.h"
#include "target/files/files.h"

#include <string.h>

typedef struct BucketTarget {
    Target base;
    Arena arena; /* owns the texts */
    const char *bucket;
    const char *root;        /* before datasets and tables; "" for none */
    const char *format;      /* NULL: avro */
    const char *compression; /* NULL: the format's own */
    HttpClient *http;
    Credentials *credentials;
    GoogleApi *api;
} BucketTarget;

static bool stage_init(BucketStage *stage, Target *target, const Delivery *delivery, Arena *arena,
                       Error *error)
{
    const BucketTarget *own = (const BucketTarget *)target;
    stage->scope = (GcsScope){.api = own->api, .bucket = own->bucket, .job = delivery->job};
    return stage_init_kind(&stage->stage, delivery, own->format, own->compression, error) &&
           layout_init(&stage->stage.layout, own->root, &delivery->table, delivery->run_id, arena,
                       error);
}

static void bucket_close(Target *target)
{
    BucketTarget *own = (BucketTarget *)target;
    if (!own)
        return;
    google_api_free(own->api);
    credentials_free(own->credentials);
    http_client_free(own->http);
    arena_done(&own->arena);
    free(own);
}

static void check_identity(BucketTarget *own, CheckReport *report)
{
    const char *identity = NULL;
    Error problem = {0};
    const char *kind = credentials_kind(own->credentials);
    if (!credentials_identity(own->credentials, report->arena, &identity, &problem)) {
        check_add(report, CHECK_FAILED, "credentials", problem.message,
                  problem.hint[0] ? problem.hint : NULL);
        return;
    }
    check_add(report, CHECK_OK, "credentials",
              arena_printf(report->arena, "%s%s%s, from %s", kind, identity ? " " : "",
                           identity ? identity : "", credentials_place(own->credentials)),
              NULL);
}

static void check_permissions(const GcsScope *scope, CheckReport *report)
{
    static const char *const needed[] = {"storage.objects.create", "storage.objects.get",
                                         "storage.objects.list", "storage.objects.delete"};
    enum { COUNT = sizeof needed / sizeof *needed };
    bool granted[COUNT] = {0};
    Error problem = {0};
    const char *missing = "";
    if (!gcs_permissions(scope, needed, COUNT, granted, &problem)) {
        check_add(report, CHECK_WARNING, "permissions", problem.message, NULL);
        return;
    }
    for (size_t i = 0; i < COUNT; i++) {
        if (!granted[i])
            missing =
                arena_printf(report->arena, "%s%s%s", missing, *missing ? ", " : "", needed[i]);
    }
    if (*missing)
        check_add(report, CHECK_FAILED, "permissions",
                  arena_printf(report->arena, "missing: %s", missing),
                  arena_printf(report->arena,
                               "grant the identity above the role Storage Object User "
                               "(roles/storage.objectUser) on the bucket %s",
                               scope->bucket));
    else
        check_add(report, CHECK_OK, "permissions", "objects can be made, read, listed and removed",
                  NULL);
}

static bool bucket_check(Target *target, CheckReport *report, Error *error)
{
    BucketTarget *own = (BucketTarget *)target;
    const GcsScope scope = {.api = own->api, .bucket = own->bucket};
    GcsBucket bucket;
    bool found = false;
    Error problem = {0};
    (void)error;
    check_identity(own, report);
    /* Whoever may write objects need not be allowed to look at their bucket. */
    if (!gcs_bucket(&scope, report->arena, &bucket, &found, &problem))
        check_add(report, CHECK_WARNING, "bucket", problem.message, NULL);
    else if (!found) {
        check_add(report, CHECK_FAILED, "bucket",
                  arena_printf(report->arena, "there is no bucket %s", own->bucket),
                  arena_printf(report->arena,
                               "make it: gcloud storage buckets create gs://%s --location=…",
                               own->bucket));
        return true;
    } else
        check_add(report, CHECK_OK, "bucket",
                  arena_printf(report->arena, "gs://%s in %s", own->bucket, bucket.location), NULL);
    check_permissions(&scope, report);
    return true;
}

static bool bucket_describe(Target *target, const TableRef *table, Arena *arena,
                            TargetTable *ret_table, Error *error)
{
    const BucketTarget *own = (const BucketTarget *)target;
    BucketStage stage = {.scope = {.api = own->api, .bucket = own->bucket}};
    Manifest manifest;
    int64_t generation;
    if (!layout_init(&stage.stage.layout, own->root, table, NULL, arena, error) ||
        !bucket_manifest(&stage, arena, &manifest, &generation, error))
        return false;
    *ret_table = (TargetTable){.exists = manifest.exists, .row_count = -1, .byte_count = -1};
    if (!manifest.exists)
        return true;
    ret_table->schema = manifest.schema;
    ret_table->row_count = (int64_t)manifest_rows(&manifest, NULL);
    ret_table->byte_count = (int64_t)manifest_bytes(&manifest);
    return true;
}

static bool validate(Target *target, const Delivery *delivery, Error *error)
{
    CLEANUP(arena_done) Arena arena = {0};
    BucketStage stage;
    return stage_init(&stage, target, delivery, &arena, error) && bucket_validate(&stage, error);
}

static bool arrange(Target *target, Delivery *delivery, Arena *arena, Error *error)
{
    BucketStage stage;
    if (!stage_init(&stage, target, delivery, arena, error))
        return false;
    delivery->arranged = layout_arrange(&stage.stage.kind, arena);
    return true;
}

static bool prepare(Target *target, const Delivery *delivery, Error *error)
{
    CLEANUP(arena_done) Arena arena = {0};
    BucketStage stage;
    return stage_init(&stage, target, delivery, &arena, error) && bucket_prepare(&stage, error);
}

static bool sink_open(Target *target, const Delivery *delivery, size_t shard, Sink **ret_sink,
                      Error *error)
{
    CLEANUP(arena_done) Arena arena = {0};
    BucketStage stage;
    return stage_init(&stage, target, delivery, &arena, error) &&
           bucket_shard_open(&stage, shard, ret_sink, error);
}

static bool status(Target *target, const Delivery *delivery, DeliveryStatus *ret_status,
                   uint64_t *ret_rows, Error *error)
{
    CLEANUP(arena_done) Arena arena = {0};
    BucketStage stage;
    return stage_init(&stage, target, delivery, &arena, error) &&
           bucket_status(&stage, ret_status, ret_rows, error);
}

static bool apply(Target *target, const Delivery *delivery, ApplyResult *ret_result, Error *error)
{
    CLEANUP(arena_done) Arena arena = {0};
    BucketStage stage;
    return stage_init(&stage, target, delivery, &arena, error) &&
           bucket_apply(&stage, &ret_result->rows, error);
}

static bool discard(Target *target, const Delivery *delivery, Error *error)
{
    CLEANUP(arena_done) Arena arena = {0};
    BucketStage stage;
    if (!stage_init(&stage, target, delivery, &arena, error))
        return false;
    stage.scope.last_words = cancel_requested();
    return bucket_discard(&stage, error);
}

/* "gs://exports/shop/daily": bucket and root. */
static void split_path(BucketTarget *own, const char *path)
{
    const char *bucket = path + strlen("gs://");
    size_t length = strcspn(bucket, "/");
    const char *root = bucket[length] ? bucket + length + 1 : "";
    size_t end = strlen(root);
    while (end && root[end - 1] == '/')
        end--;
    own->bucket = arena_strndup(&own->arena, bucket, length);
    own->root = arena_strndup(&own->arena, root, end);
}

static bool connect(BucketTarget *own, const DestinationConfig *config, Error *error)
{
    GoogleEndpoint endpoint;
    if (!google_endpoint(&google_storage, config->bigquery.endpoints.storage,
                         "destination.endpoints.storage", &own->arena, &endpoint, error))
        return false;
    own->http = http_client_new(NULL);
    const CredentialsOptions credentials = {
        .http = own->http,
        .path = config->bigquery.credentials,
        .quota_project = config->bigquery.quota_project,
        .emulator = endpoint.plain,
        .retry_budget_ms = config->retry_budget_ms,
    };
    if (!credentials_find(&credentials, &own->credentials, error))
        return false;
    const GoogleApiOptions api = {
        .service = &google_storage,
        .endpoint = endpoint.url,
        .http = own->http,
        .credentials = own->credentials,
        .retry_budget_ms = config->retry_budget_ms,
    };
    return google_api_new(&api, &own->api, error);
}

bool bucket_open(const DestinationConfig *config, Target **ret_target, Error *error)
{
    static const TargetOps ops = {
        .close = bucket_close,
        .check = bucket_check,
        .describe = bucket_describe,
        .ddl = files_ddl,
        .validate = validate,
        .arrange = arrange,
        .prepare = prepare,
        .sink_open = sink_open,
        .status = status,
        .apply = apply,
        .discard = discard,
    };
    BucketTarget *own = memory_zalloc(1, sizeof *own);
    own->base.ops = &ops;
    CLEANUP(target_close_ptr) Target *target = &own->base;
    own->format = arena_strdup(&own->arena, config->format);
    own->compression = arena_strdup(&own->arena, config->compression);
    split_path(own, config->path);
    if (!connect(own, config, error))
        return false;
    *ret_target = TAKE_PTR(target);
    return true;
}
