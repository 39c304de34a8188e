/* SPDX-License-Identifier: Apache-2.0 */
/* support/bigquery_scene.h: a BigQuery target (project "acme") whose services a script plays. */
#pragma once

#include "base/log.h"
#include "support/google_scene.h"
#include "target/bigquery/bq_state.h"

#define BQ_ROOM "/bigquery/v2/projects/acme/datasets/shop/tables"
#define BQ_MISSING                                                                                 \
    "404\n\n{\"error\":{\"code\":404,\"message\":\"Not found\",\"errors\":[{\"reason\":"           \
    "\"notFound\"}]}}"
#define BQ_CHANGED                                                                                 \
    "412\n\n{\"error\":{\"code\":412,\"message\":\"Precondition check failed\",\"errors\":["       \
    "{\"reason\":\"conditionNotMet\"}]}}"
#define BQ_FORBIDDEN                                                                               \
    "403\n\n{\"error\":{\"code\":403,\"message\":\"no access\",\"errors\":[{\"reason\":"           \
    "\"accessDenied\"}]}}"

typedef struct BigQueryScene {
    GoogleScene google;
    GoogleApi *storage;
    BigQuery bq;
    Arena arena;
    BqScope scope;
    Error error;
} BigQueryScene;

static inline void bigquery_scene_open(BigQueryScene *scene, const ScriptStep *steps, size_t count)
{
    memset(scene, 0, sizeof *scene);
    log_configure(LOG_OFF, LOG_TEXT);
    google_scene_open(&scene->google, &google_bigquery, steps, count, false);
    const GoogleApiOptions storage = {
        .service = &google_storage,
        .endpoint = scene->google.script.url,
        .http = scene->google.http,
        .credentials = scene->google.credentials,
        .retry_budget_ms = 2000,
    };
    if (!google_api_new(&storage, &scene->storage, &scene->error))
        abort();
    scene->bq = (BigQuery){
        .project = "acme",
        .job_project = "acme",
        .api = scene->google.api,
        .storage = scene->storage,
        .lock = PTHREAD_MUTEX_INITIALIZER,
    };
    scene->scope = (BqScope){.bq = &scene->bq, .job = "main", .arena = &scene->arena};
}

#define BIGQUERY_SCENE(scene, steps)                                                               \
    bigquery_scene_open((scene), (steps), sizeof(steps) / sizeof *(steps))

/* Every step was used, and nothing else was asked. */
static inline void bigquery_scene_close(BigQueryScene *scene)
{
    bool done = script_done(&scene->google.script);
    for (size_t i = 0; !done && i < script_request_count(&scene->google.script); i++)
        print_message("%.160s\n", script_request(&scene->google.script, i));
    google_api_free(scene->storage);
    google_scene_close(&scene->google);
    arena_done(&scene->arena);
    assert_true(done);
}
