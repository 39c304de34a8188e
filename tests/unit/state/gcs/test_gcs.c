/* SPDX-License-Identifier: Apache-2.0 */
#include "state/gcs/gcs.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "support/state_scene.h"

#define GOOD "{\"version\":2,\"job\":\"orders\",\"intent\":null}"

static void a_bucket_is_looked_for(void **state)
{
    (void)state;
    static const struct {
        ScriptStep step;
        bool opens;
        ErrorKind kind;
        const char *says;
    } cases[] = {
        {STATE_FOUND, true, ERROR_NONE, ""},
        {{"GET /storage/v1/b/acme?", "403\n\n"}, true, ERROR_NONE, ""}, /* objects may be allowed */
        {{"GET /storage/v1/b/acme?", "404\n\n"}, false, ERROR_CONFIG, "there is no bucket acme"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        StateScene scene = {0};
        assert_int_equal(state_scene_try(&scene, &cases[i].step, 1), cases[i].opens);
        assert_int_equal(scene.error.kind, cases[i].kind);
        assert_says(&scene, cases[i].says);
        state_scene_close(&scene);
    }
}

/* A service that is away is no bucket that is missing. */
static void a_service_that_is_away(void **state)
{
    (void)state;
    static const ScriptStep steps[] = {{NULL, "503\n\n"}, {NULL, "503\n\n"}, {NULL, "503\n\n"},
                                       {NULL, "503\n\n"}, {NULL, "503\n\n"}, {NULL, "503\n\n"}};
    StateScene scene = {0};
    assert_false(state_scene_try(&scene, steps, sizeof steps / sizeof *steps));
    assert_int_not_equal(scene.error.kind, ERROR_CONFIG);
    assert_true(scene.error.retryable);
    assert_says(&scene, "the state in gs://acme");
    assert_true(script_request_count(&scene.script) > 1);
    script_stop(&scene.script);
}

static Json *load(StateScene *scene, bool passes)
{
    Json *json = NULL;
    scene->error = (Error){0};
    bool passed = scene->store->ops->load(scene->store, "orders", &json, &scene->error);
    if (passed != passes)
        fail_msg("load: %s", scene->error.message);
    return json;
}

static void a_state_is_read(void **state)
{
    (void)state;
    StateScene scene = {0};
    const ScriptStep steps[] = {
        STATE_FOUND,
        {state_request(&scene, "GET", "jobs/orders.json", ""), STATE_MISSING},
        STATE_READ(&scene, "jobs/orders.json", 41, GOOD, 0),
    };
    STATE_SCENE(&scene, steps);
    assert_null(load(&scene, true));
    Json *json = load(&scene, true);
    assert_string_equal(json_get_text(json, "job"), "orders");
    json_free(json);
    state_scene_close(&scene);
}

/* What is there is not this job's state, or not whole: each says what and where, and what to do. */
static void what_is_no_state_is_refused(void **state)
{
    (void)state;
    static const struct {
        const char *body, *says, *does;
    } cases[] = {
        {"", "gs://acme/p/jobs/orders.json", "state reset"},
        {"{\"version\":2,\"job\":\"ord", "gs://acme/p/jobs/orders.json", "state reset"},
        {"[]", "gs://acme/p/jobs/orders.json", "state reset"},
        {"{\"version\":3,\"job\":\"orders\"}", "version 3", "a newer bqferry wrote it"},
        {"{\"version\":2,\"job\":\"events\"}", "state of job events, not of orders", "reset"},
        {"{\"version\":2}", "does not say whose state", "restore it from a backup"},
        {"{\"job\":\"orders\"}", "has no version", "restore it from a backup"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        StateScene scene = {0};
        const ScriptStep steps[] = {
            STATE_FOUND,
            STATE_READ(&scene, "jobs/orders.json", 41, cases[i].body, 0),
        };
        size_t count = sizeof steps / sizeof *steps - (*cases[i].body == '\0'); /* nothing to get */
        state_scene_open(&scene, steps, count);
        assert_null(load(&scene, false));
        assert_int_equal(scene.error.kind, ERROR_CONFIG);
        assert_says(&scene, cases[i].says);
        assert_says(&scene, cases[i].does);
        state_scene_close(&scene);
    }
}

/* Bytes that are lost on the way are no damage: nobody is told to reset a state. */
static void a_cut_answer_is_no_damage(void **state)
{
    (void)state;
    StateScene scene = {0};
    const ScriptStep steps[] = {
        STATE_FOUND,
        {NULL, state_object(&scene, "jobs/orders.json", 41, strlen(GOOD), 0)},
        {NULL, "200\n\n{\"version\":2"},
        {NULL, STATE_FORBIDDEN},
    };
    STATE_SCENE(&scene, steps);
    assert_null(load(&scene, false));
    assert_int_equal(scene.error.kind, ERROR_TARGET);
    assert_true(scene.error.retryable);
    assert_says(&scene, "state of job orders: gs://acme/p/jobs/orders.json: Cloud Storage gave 12");
    assert_string_equal(scene.error.hint, "");
    assert_null(load(&scene, false));
    assert_int_not_equal(scene.error.kind, ERROR_CONFIG);
    assert_says(&scene, "no access");
    state_scene_close(&scene);
}

static bool save(StateScene *scene, const char *text)
{
    CLEANUP(json_free_ptr) Json *json = NULL;
    scene->error = (Error){0};
    assert_true(json_parse(text, strlen(text), "test", &json, NULL));
    return scene->store->ops->save(scene->store, "orders", json, &scene->error);
}

/* Each write replaces what this process saw last, and nothing else. */
static void writes_replace_what_was_seen(void **state)
{
    (void)state;
    StateScene scene = {0};
    const ScriptStep steps[] = {
        STATE_FOUND,
        {STATE_WRITE "0 ", state_written(&scene, 50)},
        {STATE_WRITE "50 ", state_written(&scene, 51)},
        STATE_READ(&scene, "jobs/orders.json", 77, GOOD, 0),
        {STATE_WRITE "77 ", STATE_NOT_MET},
        {STATE_WRITE "77 ", STATE_FORBIDDEN},
        {state_request(&scene, "DELETE", "jobs/orders.json", "prettyPrint=false HTTP"), "204\n\n"},
        {STATE_WRITE "0 ", state_written(&scene, 80)},
    };
    STATE_SCENE(&scene, steps);
    assert_true(save(&scene, GOOD));
    const char *sent = script_body(&scene.script, 1);
    assert_non_null(strstr(sent, "\"name\":\"p/jobs/orders.json\""));
    assert_non_null(strstr(sent, "\r\n\r\n" GOOD "\n\r\n--"));
    assert_true(save(&scene, GOOD));
    json_free(load(&scene, true));
    assert_false(save(&scene, GOOD));
    assert_int_equal(scene.error.kind, ERROR_LOCKED);
    assert_says(&scene, "another process has written gs://acme/p/jobs/orders.json meanwhile");
    assert_says(&scene, "nothing was overwritten");
    assert_false(save(&scene, GOOD)); /* still what was seen */
    assert_says(&scene, "no access");
    assert_true(scene.store->ops->remove(scene.store, "orders", &scene.error));
    assert_true(save(&scene, GOOD));
    assert_false(save(&scene, "{\"job\":\"orders\"}"));
    assert_string_equal(scene.error.message, "state of job orders: its version must be 2");
    state_scene_close(&scene);
}

static void jobs_are_listed(void **state)
{
    (void)state;
    StateScene scene = {0};
    TextArray names;
    const ScriptStep steps[] = {
        STATE_FOUND,
        {"GET /storage/v1/b/acme/o?prettyPrint=false&prefix=p%2Fjobs%2F&",
         "200\n\n{\"items\":[{\"name\":\"p/jobs/z.json\"},{\"name\":\"p/jobs/note.txt\"},"
         "{\"name\":\"p/jobs/.json\"}],\"nextPageToken\":\"t\"}"},
        {"GET /storage/v1/b/acme/o?",
         "200\n\n{\"items\":[{\"name\":\"p/jobs/cut~1.json\"},{\"name\":\"p/jobs/bad.json\"},"
         "{\"name\":\"p/jobs/gone.json\"}]}"},
        STATE_READ(&scene, "jobs/z.json", 1, "{\"version\":2,\"job\":\"z\"}", 0),
        STATE_READ(&scene, "jobs/cut~1.json", 1, "{\"version\":2,\"job\":\"a long name\"}", 0),
        STATE_READ(&scene, "jobs/bad.json", 1, "{\"vers", 0),
        {state_request(&scene, "GET", "jobs/gone.json", ""), STATE_MISSING},
        {"GET /storage/v1/b/acme/o?", "200\n\n{\"items\":[{\"name\":\"p/jobs/z.json\"}]}"},
        {state_request(&scene, "GET", "jobs/z.json", ""), STATE_FORBIDDEN},
        {"GET /storage/v1/b/acme/o?", STATE_FORBIDDEN},
        {"GET /storage/v1/b/acme/o?", "200\n\n{}"},
    };
    STATE_SCENE(&scene, steps);
    const StateOps *ops = scene.store->ops;
    assert_true(ops->jobs(scene.store, &scene.arena, &names, &scene.error));
    static const char *const wanted[] = {"a long name", "bad", "gone", "z"};
    assert_int_equal(names.count, 4);
    for (size_t i = 0; i < names.count; i++)
        assert_string_equal(names.items[i], wanted[i]);
    for (int i = 0; i < 2; i++) {
        assert_false(ops->jobs(scene.store, &scene.arena, &names, &scene.error));
        assert_says(&scene, "no access");
    }
    assert_true(ops->jobs(scene.store, &scene.arena, &names, &scene.error));
    assert_int_equal(names.count, 0);
    state_scene_close(&scene);
}

static void reports_are_kept(void **state)
{
    (void)state;
    StateScene scene = {0};
    CLEANUP(json_free_ptr) Json *report = json_object_new();
    CLEANUP(json_free_ptr) Json *read = NULL;
    json_set_text(report, "run_id", "b");
    const ScriptStep steps[] = {
        STATE_FOUND,
        {"POST /upload/storage/v1/b/acme/o?uploadType=multipart HTTP", state_written(&scene, 1)},
        {"POST /upload/storage/v1/b/acme/o?uploadType=multipart HTTP", state_written(&scene, 2)},
        {"GET /storage/v1/b/acme/o?prettyPrint=false&prefix=p%2Freports%2F&",
         "200\n\n{\"items\":[{\"name\":\"p/reports/a.json\"},{\"name\":\"p/reports/b.json\"}]}"},
        {state_request(&scene, "DELETE", "reports/a.json", ""), "204\n\n"},
        STATE_READ(&scene, "reports/b.json", 9, "{\"run_id\":\"b\"}", 0),
        {state_request(&scene, "GET", "reports/c.json", ""), STATE_MISSING},
    };
    STATE_SCENE(&scene, steps);
    const StateOps *ops = scene.store->ops;
    assert_true(state_keep_report(scene.store, "b", report, 1, &scene.error));
    assert_non_null(strstr(script_body(&scene.script, 1), "\"name\":\"p/reports/b.json\""));
    assert_non_null(strstr(script_body(&scene.script, 2), "\"name\":\"p/report.json\""));
    assert_true(ops->report_load(scene.store, "b", &read, &scene.error));
    assert_string_equal(json_get_text(read, "run_id"), "b");
    json_free(TAKE_PTR(read));
    assert_true(ops->report_load(scene.store, "c", &read, &scene.error));
    assert_null(read);
    state_scene_close(&scene);
}

#ifdef BQFERRY_FAULT_POINTS
/* "state.write": nothing was sent; "state.written": it was, and this process does not know. */
static void failures_around_a_write(void **state)
{
    (void)state;
    StateScene scene = {0};
    const ScriptStep steps[] = {
        STATE_FOUND,
        {STATE_WRITE "0 ", state_written(&scene, 50)},
        {STATE_WRITE "0 ", STATE_NOT_MET},
    };
    STATE_SCENE(&scene, steps);
    setenv("BQFERRY_FAULT", "state.write=fail", 1);
    assert_false(save(&scene, GOOD));
    assert_int_equal(script_request_count(&scene.script), 1);
    setenv("BQFERRY_FAULT", "state.written=fail", 1);
    assert_false(save(&scene, GOOD));
    unsetenv("BQFERRY_FAULT");
    assert_false(save(&scene, GOOD)); /* what it did not see, it does not overwrite */
    assert_int_equal(scene.error.kind, ERROR_LOCKED);
    state_scene_close(&scene);
}
#endif

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_bucket_is_looked_for),    cmocka_unit_test(a_service_that_is_away),
        cmocka_unit_test(a_state_is_read),           cmocka_unit_test(what_is_no_state_is_refused),
        cmocka_unit_test(a_cut_answer_is_no_damage), cmocka_unit_test(writes_replace_what_was_seen),
        cmocka_unit_test(jobs_are_listed),           cmocka_unit_test(reports_are_kept),
#ifdef BQFERRY_FAULT_POINTS
        cmocka_unit_test(failures_around_a_write),
#endif
    };
    return cmocka_run_group_tests_name("state/gcs", tests, NULL, NULL);
}
