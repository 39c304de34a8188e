/* SPDX-License-Identifier: Apache-2.0 */
/* support/google_scene.h: a GoogleApi that talks to a script. */
#pragma once

#include "net/google.h"
#include "support/http_script.h"
#include "support/temp_folder.h"

/* What the surroundings of a test machine could say about credentials. */
static const char *const scene_variables[] = {
    "GOOGLE_APPLICATION_CREDENTIALS",
    "CLOUDSDK_CONFIG",
    "GCE_METADATA_HOST",
    "GCE_METADATA_IP",
    "GCE_METADATA_ROOT",
    "GOOGLE_CLOUD_PROJECT",
    "GCLOUD_PROJECT",
    "CLOUDSDK_CORE_PROJECT",
    "CLOUDSDK_ACTIVE_CONFIG_NAME",
    "GOOGLE_CLOUD_QUOTA_PROJECT",
    "GOOGLE_CLOUD_UNIVERSE_DOMAIN",
    "NO_GCE_CHECK",
    "METADATA_SERVER_DETECTION",
    "BIGQUERY_EMULATOR_HOST",
    "STORAGE_EMULATOR_HOST",
    "GOOGLE_EXTERNAL_ACCOUNT_ALLOW_EXECUTABLES",
    "http_proxy",
    "https_proxy",
    "HTTPS_PROXY",
};

static inline void scene_clear_environment(void)
{
    for (size_t i = 0; i < sizeof scene_variables / sizeof *scene_variables; i++)
        unsetenv(scene_variables[i]);
}

typedef struct GoogleScene {
    Script script;
    TempFolder folder;
    HttpClient *http;
    Credentials *credentials;
    GoogleApi *api;
    GoogleFailure failure;
    Json *json;
    Error error;
} GoogleScene;

/* With a person's login whose token server is the script when `login`, else without credentials. */
static inline void google_scene_open(GoogleScene *scene, const GoogleService *service,
                                     const ScriptStep *steps, size_t count, bool login)
{
    memset(scene, 0, sizeof *scene);
    scene_clear_environment();
    script_start(&scene->script, steps, count);
    temp_open(&scene->folder);
    char key[512];
    int size = snprintf(key, sizeof key,
                        "{\"type\":\"authorized_user\",\"client_id\":\"id\",\"client_secret\":"
                        "\"hush\",\"refresh_token\":\"refresh\",\"token_uri\":\"%s/token\","
                        "\"quota_project_id\":\"payer\"}",
                        scene->script.url);
    CredentialsOptions options = {
        .http = scene->http = http_client_new(&(HttpOptions){.silence_ms = 5000}),
        .path = login ? temp_write(&scene->folder, "key.json", key, (size_t)size) : NULL,
        .emulator = true,
        .retry_budget_ms = 2000,
    };
    GoogleApiOptions api = {
        .service = service,
        .endpoint = scene->script.url,
        .http = scene->http,
        .retry_budget_ms = 2000,
    };
    if (!credentials_find(&options, &scene->credentials, &scene->error))
        abort();
    api.credentials = scene->credentials;
    if (!google_api_new(&api, &scene->api, &scene->error))
        abort();
}

#define GOOGLE_SCENE(scene, service, steps, login)                                                 \
    google_scene_open((scene), (service), (steps), sizeof(steps) / sizeof *(steps), (login))

static inline bool google_scene_call(GoogleScene *scene, const GoogleCall *call)
{
    json_free(scene->json);
    scene->json = NULL;
    scene->error = (Error){0};
    return google_call(scene->api, call, &scene->json, &scene->failure, &scene->error);
}

static inline void google_scene_close(GoogleScene *scene)
{
    json_free(scene->json);
    google_failure_done(&scene->failure);
    google_api_free(scene->api);
    credentials_free(scene->credentials);
    http_client_free(scene->http);
    temp_close(&scene->folder);
    script_stop(&scene->script);
}
