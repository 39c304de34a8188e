/* SPDX-License-Identifier: Apache-2.0 */
#include "delivery/delivery.h"

#include "state/file/file.h"
#include "support/files_scene.h"

/* The files target, whose apply and status say what a test wants to hear. */
static struct {
    const TargetOps *real;
    TargetOps ops;
    ApplyResult result; /* of an apply that fails */
    int failures;       /* how many still do */
    bool retryable;
    int attempts[8]; /* the apply_attempt of each */
    size_t count;
    DeliveryStatus status; /* DELIVERY_UNKNOWN: the real one */
} otherwise;

static bool apply(Target *target, const Delivery *delivery, ApplyResult *ret_result, Error *error)
{
    otherwise.attempts[otherwise.count++] = delivery->apply_attempt;
    if (otherwise.failures == 0)
        return otherwise.real->apply(target, delivery, ret_result, error);
    otherwise.failures--;
    *ret_result = otherwise.result;
    error_set(error, ERROR_TARGET, "the job failed");
    error->retryable = otherwise.retryable;
    return false;
}

static bool status(Target *target, const Delivery *delivery, DeliveryStatus *ret_status,
                   uint64_t *ret_rows, Error *error)
{
    if (otherwise.status == DELIVERY_UNKNOWN)
        return otherwise.real->status(target, delivery, ret_status, ret_rows, error);
    *ret_status = otherwise.status;
    return true;
}

typedef struct Life {
    StateStore *store;
    JobDelivery *delivery;
} Life;

static void end_life(Life *life)
{
    delivery_close(life->delivery);
    state_close_ptr(&life->store);
    *life = (Life){0};
}

static void begin_life(Scene *scene, Life *life)
{
    *life = (Life){0};
    const char *where = arena_printf(&scene->arena, "%s/state", scene->root);
    if (!state_file_driver.open(&(StateConfig){.path = where}, &life->store, &scene->error))
        fail_msg("%s", scene->error.message);
    const DeliveryPlace place = {
        .store = life->store,
        .target = scene->target,
        .destination = "files /somewhere",
        .job = "j",
        .table = {"", "t"},
    };
    if (!delivery_open(&place, &life->delivery, &scene->error))
        fail_msg("%s", scene->error.message);
}

static Intent intent_of(const char *rows)
{
    static const Shard bounds[SCENE_SHARDS] = {
        {.method = "whole", .row_estimate = -1},
        {.method = "whole", .row_estimate = -1},
        {.method = "whole", .row_estimate = -1},
    };
    return (Intent){.delivery = scene_delivery("run-a", LOAD_APPEND),
                    .rows = rows,
                    .request = rows,
                    .shards = bounds};
}

/* A counted run of `rows`, whose applies will fail so often. */
static void count_run(Scene *scene, Life *life, ApplyResult result, int failures, bool retryable)
{
    const Intent intent = intent_of("monday");
    ShardResult results[SCENE_SHARDS] = {0};
    uint64_t rows_read[SCENE_SHARDS];
    otherwise.real = scene->target->ops;
    otherwise.ops = *scene->target->ops;
    otherwise.ops.apply = apply;
    otherwise.ops.status = status;
    otherwise.result = result;
    otherwise.failures = failures;
    otherwise.retryable = retryable;
    otherwise.count = 0;
    otherwise.status = DELIVERY_UNKNOWN;
    scene->target->ops = &otherwise.ops;
    begin_life(scene, life);
    assert_true(delivery_begin(life->delivery, &intent, &scene->error));
    for (size_t i = 0; i < SCENE_SHARDS; i++) {
        assert_true(scene_write_shard(scene, &intent.delivery, i, &results[i]));
        rows_read[i] = results[i].rows;
    }
    assert_true(delivery_counted(life->delivery, results, rows_read, &scene->error));
}

static SettleResult settle(Scene *scene, const char *rows)
{
    Life life;
    SettleResult result;
    Intent wanted = intent_of(rows);
    wanted.delivery.load = LOAD_REPLACE;
    begin_life(scene, &life);
    if (!delivery_settle(life.delivery, &wanted, &result, &scene->error))
        fail_msg("%s", scene->error.message);
    end_life(&life);
    return result;
}

static void a_spent_attempt_is_never_used_again(void **state)
{
    Scene *scene = *state;
    Life life;
    ApplyResult applied;
    count_run(scene, &life, (ApplyResult){.spent = true}, 2, true);
    assert_false(delivery_apply(life.delivery, &applied, &scene->error));
    assert_true(scene->error.retryable);
    assert_false(delivery_is_lost(life.delivery));
    end_life(&life); /* killed: the next process knows it, too */
    begin_life(scene, &life);
    const Intent same = intent_of("monday");
    SettleResult settled;
    assert_false(delivery_settle(life.delivery, &same, &settled, &scene->error));
    assert_true(delivery_settle(life.delivery, &same, &settled, &scene->error));
    assert_int_equal(settled.rows_applied, 6);
    end_life(&life);
    assert_int_equal(otherwise.count, 3);
    for (int i = 0; i < 3; i++)
        assert_int_equal(otherwise.attempts[i], i + 1);
}

static void other_failures_keep_the_attempt(void **state)
{
    Scene *scene = *state;
    Life life;
    ApplyResult applied;
    count_run(scene, &life, (ApplyResult){0}, 1, true);
    assert_false(delivery_apply(life.delivery, &applied, &scene->error));
    assert_true(delivery_apply(life.delivery, &applied, &scene->error));
    assert_int_equal(otherwise.attempts[0], 1);
    assert_int_equal(otherwise.attempts[1], 1);
    assert_true(delivery_commit(life.delivery, &scene->error));
    end_life(&life);
}

static void what_is_lost_is_abandoned(void **state)
{
    Scene *scene = *state;
    Life life;
    ApplyResult applied;
    count_run(scene, &life, (ApplyResult){.spent = true, .lost = true}, 1, false);
    assert_false(delivery_apply(life.delivery, &applied, &scene->error));
    assert_true(delivery_is_lost(life.delivery));
    assert_true(delivery_abandon(life.delivery, &scene->error));
    assert_false(delivery_is_lost(life.delivery));
    end_life(&life);
    assert_string_equal(scene_names(scene), "");
    assert_int_equal(settle(scene, "monday").outcome, SETTLE_NOTHING);
}

/* The next process finds out that it is: it goes on with its own work. */
static void what_is_lost_is_void(void **state)
{
    Scene *scene = *state;
    Life life;
    count_run(scene, &life, (ApplyResult){.lost = true}, 1, false);
    end_life(&life);
    assert_int_equal(settle(scene, "monday").outcome, SETTLE_VOIDED);
    assert_int_equal(otherwise.count, 1);
    assert_string_equal(scene_names(scene), "");
}

static void what_has_begun_is_brought_to_its_end(void **state)
{
    Scene *scene = *state;
    Life life;
    count_run(scene, &life, (ApplyResult){0}, 0, false);
    end_life(&life);
    otherwise.status = DELIVERY_BEGUN;
    SettleResult settled = settle(scene, "tuesday");
    assert_int_equal(settled.outcome, SETTLE_APPLIED);
    assert_false(settled.same_request);
    assert_int_equal(settled.rows_applied, 6);
}

/* The scene closes its target, which needs its own ways again. */
static int teardown(void **state)
{
    Scene *scene = *state;
    if (otherwise.real)
        scene->target->ops = otherwise.real;
    return scene_teardown(state);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(a_spent_attempt_is_never_used_again, scene_setup, teardown),
        cmocka_unit_test_setup_teardown(other_failures_keep_the_attempt, scene_setup, teardown),
        cmocka_unit_test_setup_teardown(what_is_lost_is_abandoned, scene_setup, teardown),
        cmocka_unit_test_setup_teardown(what_is_lost_is_void, scene_setup, teardown),
        cmocka_unit_test_setup_teardown(what_has_begun_is_brought_to_its_end, scene_setup,
                                        teardown),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
