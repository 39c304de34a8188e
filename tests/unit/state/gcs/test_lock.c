/* SPDX-License-Identifier: Apache-2.0 */
#include "state/gcs/gcs.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "support/state_scene.h"

#include <time.h>

#define LOCK "locks/orders.json"
#define HOLDER                                                                                     \
    "{\"host\":\"web7\",\"pid\":17,\"job\":\"orders\",\"since\":\"2026-01-31T00:00:00Z\"}"

enum { FRESH_S = 5, STALE_S = 130 };

static const LockRequest request = {.name = "orders", .what = "job orders", .holder = "orders"};

static StateLock *take(StateScene *scene)
{
    StateLock *lock = NULL;
    scene->error = (Error){0};
    if (!scene->store->ops->lock(scene->store, &request, &lock, &scene->error))
        assert_null(lock);
    return lock;
}

/* Made where there is none, and removed as it was made: never another's. */
static void a_lock_is_made_and_given_back(void **state)
{
    (void)state;
    StateScene scene = {0};
    const ScriptStep steps[] = {
        STATE_FOUND,
        {STATE_WRITE "0 ", state_written(&scene, 50)},
        {state_request(&scene, "DELETE", LOCK, "prettyPrint=false&ifGenerationMatch=50 "),
         "204\n\n"},
        {STATE_WRITE "0 ", state_written(&scene, 51)},
        {state_request(&scene, "DELETE", LOCK, "prettyPrint=false&ifGenerationMatch=51 "),
         STATE_NOT_MET},
        {STATE_WRITE "0 ", state_written(&scene, 52)},
        {state_request(&scene, "DELETE", LOCK, "prettyPrint=false&ifGenerationMatch=52 "),
         STATE_FORBIDDEN},
    };
    STATE_SCENE(&scene, steps);
    for (int i = 0; i < 3; i++) {
        StateLock *lock = take(&scene);
        assert_non_null(lock);
        assert_true(state_keep_lock(scene.store, lock, &scene.error)); /* too young to ask */
        scene.store->ops->unlock(scene.store, lock);
    }
    scene.store->ops->unlock(scene.store, NULL);
    const char *sent = script_body(&scene.script, 1);
    assert_non_null(strstr(sent, "\"name\":\"p/locks/orders.json\""));
    assert_non_null(strstr(sent, "\"job\":\"orders\""));
    state_scene_close(&scene);
}

static void a_lock_that_is_held(void **state)
{
    (void)state;
    static const struct {
        const char *holder, *says;
    } cases[] = {
        {HOLDER, "job orders is locked by process 17 on web7 (job orders), since 2026-01-31T00:00"},
        {"{\"host\":\"web", "locked by another process (gs://acme/p/locks/orders.json)"},
        {"{}", "locked by another process (gs://acme/p/locks/orders.json)"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        StateScene scene = {0};
        const ScriptStep steps[] = {
            STATE_FOUND,
            {STATE_WRITE "0 ", STATE_NOT_MET},
            STATE_READ(&scene, LOCK, 44, cases[i].holder, FRESH_S),
        };
        STATE_SCENE(&scene, steps);
        assert_null(take(&scene));
        assert_int_equal(scene.error.kind, ERROR_LOCKED);
        assert_says(&scene, cases[i].says);
        assert_says(&scene, "--lock-wait");
        assert_says(&scene, "can be taken over after two minutes"); /* it does not end by itself */
        state_scene_close(&scene);
    }
}

/* Replaced by its generation, so that one of several succeeds; its holder may be unreadable. */
static void a_stale_lock_is_taken_over(void **state)
{
    (void)state;
    static const char *const holders[] = {HOLDER, "{\"host\":\"we"};
    for (size_t i = 0; i < sizeof holders / sizeof *holders; i++) {
        StateScene scene = {0};
        const ScriptStep steps[] = {
            STATE_FOUND,
            {STATE_WRITE "0 ", STATE_NOT_MET},
            STATE_READ(&scene, LOCK, 44, holders[i], STALE_S),
            {STATE_WRITE "44 ", state_written(&scene, 60)},
            {state_request(&scene, "DELETE", LOCK, "prettyPrint=false&ifGenerationMatch=60 "),
             "204\n\n"},
        };
        STATE_SCENE(&scene, steps);
        StateLock *lock = take(&scene);
        assert_non_null(lock);
        scene.store->ops->unlock(scene.store, lock);
        state_scene_close(&scene);
    }
}

/* Others are faster: each time the object is looked at anew, and in the end it is theirs. */
static void who_comes_second_is_told(void **state)
{
    (void)state;
    StateScene scene = {0};
    const ScriptStep steps[] = {
        STATE_FOUND,
        {STATE_WRITE "0 ", STATE_NOT_MET},
        STATE_READ(&scene, LOCK, 44, HOLDER, STALE_S),
        {STATE_WRITE "44 ", STATE_NOT_MET},
        {state_request(&scene, "GET", LOCK, ""), STATE_MISSING}, /* given back meanwhile */
        {STATE_WRITE "0 ", STATE_NOT_MET},
        STATE_READ(&scene, LOCK, 46, HOLDER, STALE_S),
    };
    STATE_SCENE(&scene, steps);
    assert_null(take(&scene));
    assert_int_equal(scene.error.kind, ERROR_LOCKED);
    assert_says(&scene, "job orders is locked");
    state_scene_close(&scene);
}

/* An object whose age is not known is somebody's. */
static void an_object_without_a_time_is_not_stale(void **state)
{
    (void)state;
    static const char *const objects[] = {
        "200\n\n{\"name\":\"p/locks/orders.json\",\"generation\":\"44\",\"size\":\"2\"}",
        "200\n\n{\"name\":\"p/locks/orders.json\",\"generation\":\"44\",\"size\":\"2\",\"updated\":\"yesterday\"}",
    };
    for (size_t i = 0; i < sizeof objects / sizeof *objects; i++) {
        StateScene scene = {0};
        const ScriptStep steps[] = {
            STATE_FOUND,
            {STATE_WRITE "0 ", STATE_NOT_MET},
            {state_request(&scene, "GET", LOCK, "prettyPrint"), objects[i]},
            {state_request(&scene, "GET", LOCK, "alt=media"), "200\n\n{}"},
        };
        STATE_SCENE(&scene, steps);
        assert_null(take(&scene));
        assert_int_equal(scene.error.kind, ERROR_LOCKED);
        state_scene_close(&scene);
    }
}

/* What cannot be known is not "locked": nobody waits for it with --lock-wait. */
static void failures_are_not_locks(void **state)
{
    (void)state;
    StateScene scene = {0};
    const ScriptStep steps[] = {
        STATE_FOUND,
        {STATE_WRITE "0 ", STATE_FORBIDDEN},
        {STATE_WRITE "0 ", STATE_NOT_MET},
        {state_request(&scene, "GET", LOCK, ""), STATE_FORBIDDEN},
    };
    STATE_SCENE(&scene, steps);
    for (int i = 0; i < 2; i++) {
        assert_null(take(&scene));
        assert_int_equal(scene.error.kind, ERROR_TARGET);
        assert_says(&scene, "no access");
    }
    state_scene_close(&scene);
}

/* The answer was lost, not the write: what is there is ours. */
static void a_lock_whose_answer_was_lost(void **state)
{
    (void)state;
    StateScene scene = {0};
    const ScriptStep steps[] = {
        STATE_FOUND,
        {STATE_WRITE "0 ", "503\n\n"},
        {STATE_WRITE "0 ", STATE_NOT_MET},
        {state_request(&scene, "GET", LOCK, ""),
         "200\n\n{\"name\":\"x\",\"generation\":\"44\",\"metadata\":{\"bqferry-writer\":\"else\"}}"},
        STATE_READ(&scene, LOCK, 44, HOLDER, FRESH_S),
    };
    STATE_SCENE(&scene, steps);
    assert_null(take(&scene));
    assert_int_equal(scene.error.kind, ERROR_LOCKED);
    state_scene_close(&scene);
}

#ifdef BQFERRY_FAULT_POINTS

static void sleep_ms(int64_t ms)
{
    const struct timespec time = {ms / 1000, ms % 1000 * 1000000};
    nanosleep(&time, NULL);
}

static void wait_for_requests(StateScene *scene, size_t count)
{
    for (int i = 0; i < 500 && script_request_count(&scene->script) < count; i++)
        sleep_ms(10);
    assert_true(script_request_count(&scene->script) >= count);
}

/* A second at this speed is a hundredth of one. */
static int fast(void **state)
{
    (void)state;
    return setenv("BQFERRY_LIMIT", "state.lock_speed=100", 1);
}

static int usual(void **state)
{
    (void)state;
    unsetenv("BQFERRY_FAULT");
    return unsetenv("BQFERRY_LIMIT");
}

static void a_lock_is_written_anew_while_it_is_held(void **state)
{
    (void)state;
    StateScene scene = {0};
    const ScriptStep steps[] = {
        STATE_FOUND,
        {STATE_WRITE "0 ", state_written(&scene, 50)},
        {STATE_WRITE "50 ", state_written(&scene, 51)},
        {STATE_WRITE "51 ", STATE_NOT_MET},
        STATE_READ(&scene, LOCK, 70, HOLDER, FRESH_S),
    };
    STATE_SCENE(&scene, steps);
    StateLock *lock = take(&scene);
    assert_non_null(lock);
    wait_for_requests(&scene, 4);
    sleep_ms(100);
    assert_false(state_keep_lock(scene.store, lock, &scene.error));
    assert_int_equal(scene.error.kind, ERROR_LOCKED);
    assert_says(&scene, "the lock of job orders was lost to a process on web7");
    assert_says(&scene, "nothing more was done");
    scene.store->ops->unlock(scene.store, lock); /* it is another's: stays */
    state_scene_close(&scene);
}

/* Asked before anything becomes visible: the object is written when its age could matter. */
static void a_lock_is_kept(void **state)
{
    (void)state;
    StateScene scene = {0};
    const ScriptStep steps[] = {
        STATE_FOUND,
        {STATE_WRITE "0 ", state_written(&scene, 50)},
        {STATE_WRITE "50 ", STATE_NOT_MET},
        {state_request(&scene, "GET", LOCK, ""), STATE_MISSING},
    };
    STATE_SCENE(&scene, steps);
    StateLock *lock = take(&scene);
    assert_non_null(lock);
    sleep_ms(70); /* not fresh any more, not yet due */
    assert_false(state_keep_lock(scene.store, lock, &scene.error));
    assert_says(&scene, "the lock of job orders was lost");
    scene.store->ops->unlock(scene.store, lock);
    state_scene_close(&scene);
}

/* Who could not write for too long takes the lock for lost, long before it is stale for others. */
static void a_lock_that_cannot_be_written(void **state)
{
    (void)state;
    StateScene scene = {0};
    ScriptStep steps[SCRIPT_STEPS] = {
        STATE_FOUND,
        {STATE_WRITE "0 ", state_written(&scene, 50)},
    };
    for (size_t i = 2; i < SCRIPT_STEPS; i++)
        steps[i] = (ScriptStep){NULL, STATE_FORBIDDEN};
    state_scene_open(&scene, steps, SCRIPT_STEPS);
    StateLock *lock = take(&scene);
    assert_non_null(lock);
    sleep_ms(70);
    for (int i = 0; i < 500 && scene.error.kind != ERROR_LOCKED; i++) {
        scene.error = (Error){0};
        assert_false(state_keep_lock(scene.store, lock, &scene.error)); /* not lost yet, or so */
        assert_true(scene.error.kind == ERROR_LOCKED || strstr(scene.error.message, "no access"));
        sleep_ms(20);
    }
    assert_int_equal(scene.error.kind, ERROR_LOCKED);
    assert_says(&scene, "could not be refreshed in time");
    size_t before = script_request_count(&scene.script);
    scene.store->ops->unlock(scene.store, lock);
    assert_int_equal(script_request_count(&scene.script), before); /* nor removed */
    state_close_ptr(&scene.store);
    script_stop(&scene.script);
    arena_done(&scene.arena);
}

/* A process that fails between making its lock and knowing so leaves it to be stale. */
static void failures_around_a_lock(void **state)
{
    (void)state;
    StateScene scene = {0};
    const ScriptStep steps[] = {
        STATE_FOUND,
        {STATE_WRITE "0 ", state_written(&scene, 50)},
        {STATE_WRITE "0 ", STATE_NOT_MET},
        STATE_READ(&scene, LOCK, 50, HOLDER, 0),
    };
    STATE_SCENE(&scene, steps);
    setenv("BQFERRY_FAULT", "state.lock.taken=fail", 1);
    assert_null(take(&scene));
    assert_int_equal(scene.error.kind, ERROR_INTERNAL);
    unsetenv("BQFERRY_FAULT");
    assert_null(take(&scene));
    assert_int_equal(scene.error.kind, ERROR_LOCKED);
    state_scene_close(&scene);
}

#endif

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_lock_is_made_and_given_back),
        cmocka_unit_test(a_lock_that_is_held),
        cmocka_unit_test(a_stale_lock_is_taken_over),
        cmocka_unit_test(who_comes_second_is_told),
        cmocka_unit_test(an_object_without_a_time_is_not_stale),
        cmocka_unit_test(failures_are_not_locks),
        cmocka_unit_test(a_lock_whose_answer_was_lost),
#ifdef BQFERRY_FAULT_POINTS
        cmocka_unit_test_setup_teardown(a_lock_is_written_anew_while_it_is_held, fast, usual),
        cmocka_unit_test_setup_teardown(a_lock_is_kept, fast, usual),
        cmocka_unit_test_setup_teardown(a_lock_that_cannot_be_written, fast, usual),
        cmocka_unit_test_setup_teardown(failures_around_a_lock, NULL, usual),
#endif
    };
    return cmocka_run_group_tests_name("state/gcs/lock", tests, NULL, NULL);
}
