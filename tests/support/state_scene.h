/* SPDX-License-Identifier: Apache-2.0 */
/* support/state_scene.h: a state store in a bucket ("acme", prefix "p") that a script plays, step
 * by step (support/http_script.h). Answers are made by the functions below and live with the scene.
 */
#pragma once

#include "base/clock.h"
#include "base/log.h"
#include "state/gcs/gcs.h"
#include "support/google_scene.h"

#include <inttypes.h>

#define STATE_ROOM "/storage/v1/b/acme/o/p%2F"
#define STATE_WRITE "POST /upload/storage/v1/b/acme/o?uploadType=multipart&ifGenerationMatch="
#define STATE_FOUND                                                                                \
    {                                                                                              \
        "GET /storage/v1/b/acme?", "200\n\n{\"location\":\"EU\"}"                                  \
    }
#define STATE_NOT_MET                                                                              \
    "412\n\n{\"error\":{\"code\":412,\"message\":\"did not hold\",\"errors\":[{\"reason\":"        \
    "\"conditionNotMet\"}]}}"
#define STATE_MISSING                                                                              \
    "404\n\n{\"error\":{\"code\":404,\"message\":\"No such object\",\"errors\":[{\"reason\":"      \
    "\"notFound\"}]}}"
#define STATE_FORBIDDEN                                                                            \
    "403\n\n{\"error\":{\"code\":403,\"message\":\"no access\",\"errors\":[{\"reason\":"           \
    "\"forbidden\"}]}}"

typedef struct StateScene {
    Script script;
    Arena arena;
    StateStore *store;
    Error error;
} StateScene;

/* Metadata of PREFIX/name that was written `age_s` ago. */
static inline const char *state_object(StateScene *scene, const char *name, int64_t generation,
                                       size_t size, int64_t age_s)
{
    char updated[CLOCK_TEXT_SIZE];
    clock_format_utc(clock_wall_us() - age_s * 1000000, updated);
    return arena_printf(&scene->arena,
                        "200\n\n{\"name\":\"p/%s\",\"generation\":\"%" PRId64
                        "\",\"size\":\"%zu\",\"updated\":\"%s\"}",
                        name, generation, size, updated);
}

/* The answer to a write. */
static inline const char *state_written(StateScene *scene, int64_t generation)
{
    return state_object(scene, "x", generation, 1, 0);
}

/* "METHOD /storage/v1/b/acme/o/p%2Fjobs%2Forders.json?rest" */
static inline const char *state_request(StateScene *scene, const char *method, const char *name,
                                        const char *rest)
{
    const char *slash = strchr(name, '/');
    return arena_printf(&scene->arena, "%s /storage/v1/b/acme/o/p%%2F%.*s%%2F%s?%s", method,
                        (int)(slash - name), name, slash + 1, rest);
}

/* The two steps of reading an object. */
#define STATE_READ(scene, name, generation, body, age_s)                                           \
    {state_request((scene), "GET", (name), "prettyPrint"),                                         \
     state_object((scene), (name), (generation), strlen(body), (age_s))},                          \
    {                                                                                              \
        state_request((scene), "GET", (name), "alt=media&generation=" #generation " "),            \
            arena_printf(&(scene)->arena, "200\n\n%s", (body))                                     \
    }

static inline bool state_scene_try(StateScene *scene, const ScriptStep *steps, size_t count)
{
    scene_clear_environment();
    log_configure(LOG_OFF, LOG_TEXT);
    script_start(&scene->script, steps, count);
    const StateConfig config = {
        .type = "gcs",
        .bucket = "acme",
        .prefix = "p",
        .endpoint = scene->script.url,
        .retry_budget_ms = 1000,
    };
    return state_gcs_driver.open(&config, &scene->store, &scene->error);
}

static inline void state_scene_open(StateScene *scene, const ScriptStep *steps, size_t count)
{
    if (!state_scene_try(scene, steps, count))
        fail_msg("%s", scene->error.message);
}

#define STATE_SCENE(scene, steps)                                                                  \
    state_scene_open((scene), (steps), sizeof(steps) / sizeof *(steps))

/* Every step was used, and nothing else was asked. */
static inline void state_scene_close(StateScene *scene)
{
    state_close_ptr(&scene->store);
    bool done = script_done(&scene->script);
    if (!done) {
        for (size_t i = 0; i < script_request_count(&scene->script); i++)
            print_message("%.100s\n", script_request(&scene->script, i));
    }
    script_stop(&scene->script);
    arena_done(&scene->arena);
    assert_true(done);
}

static inline void assert_says(const StateScene *scene, const char *part)
{
    if (!strstr(scene->error.message, part) && !strstr(scene->error.hint, part))
        fail_msg("\"%s\" (%s) does not contain \"%s\"", scene->error.message, scene->error.hint,
                 part);
}
