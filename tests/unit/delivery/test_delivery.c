/* SPDX-License-Identifier: Apache-2.0 */
#include "delivery/delivery.h"

#include "state/file/file.h"
#include "support/files_scene.h"

/* Two processes on one job: what the first leaves, the second finds. The state lies in a folder
 * beside the target's. */
typedef struct Life {
    StateStore *store;
    JobDelivery *delivery;
    Intent intent;
    ShardResult results[SCENE_SHARDS];
    uint64_t rows_read[SCENE_SHARDS];
    Shard bounds[SCENE_SHARDS];
} Life;

static const char destination[] = "files /somewhere";

static bool open_life(Scene *scene, Life *life, const char *where, JobDelivery **ret_delivery)
{
    const DeliveryPlace place = {
        .store = life->store,
        .target = scene->target,
        .destination = where,
        .job = "j",
        .table = {"", "t"},
    };
    return delivery_open(&place, ret_delivery, &scene->error);
}

static void begin_life(Scene *scene, Life *life)
{
    *life = (Life){0};
    const char *where = arena_printf(&scene->arena, "%s/state", scene->root);
    assert_true(state_file_driver.open(&(StateConfig){.path = where}, &life->store, &scene->error));
    if (!open_life(scene, life, destination, &life->delivery))
        fail_msg("%s", scene->error.message);
}

/* What the kernel does when a process dies: the lock is free, memory is gone. */
static void end_life(Life *life)
{
    delivery_close(life->delivery);
    state_close_ptr(&life->store);
    *life = (Life){0};
}

static Intent asked(const char *run_id, LoadMode load, const char *rows, const char *request)
{
    return (Intent){.delivery = scene_delivery(run_id, load), .rows = rows, .request = request};
}

static void begin(Scene *scene, Life *life, const Intent *intent)
{
    life->intent = *intent;
    for (size_t i = 0; i < SCENE_SHARDS; i++)
        life->bounds[i] = (Shard){.method = "whole", .row_estimate = -1};
    life->intent.shards = life->bounds;
    if (!delivery_begin(life->delivery, &life->intent, &scene->error))
        fail_msg("%s", scene->error.message);
}

static void stage(Scene *scene, Life *life)
{
    for (size_t i = 0; i < SCENE_SHARDS; i++) {
        assert_true(scene_write_shard(scene, &life->intent.delivery, i, &life->results[i]));
        life->rows_read[i] = life->results[i].rows;
    }
}

static void stage_and_count(Scene *scene, Life *life, const Intent *intent)
{
    begin(scene, life, intent);
    stage(scene, life);
    assert_true(delivery_counted(life->delivery, life->results, life->rows_read, &scene->error));
}

static SettleResult settle(Scene *scene, const Intent *wanted)
{
    Life life;
    SettleResult result;
    begin_life(scene, &life);
    if (!delivery_settle(life.delivery, wanted, &result, &scene->error))
        fail_msg("%s", scene->error.message);
    end_life(&life);
    return result;
}

/* Rows that a reader of the table sees. */
static int64_t visible_rows(Scene *scene)
{
    TargetTable table;
    const TableRef name = {"raw", "t"};
    assert_true(
        scene->target->ops->describe(scene->target, &name, &scene->arena, &table, &scene->error));
    return table.exists ? table.row_count : 0;
}

static void a_run_leaves_nothing_but_rows(void **state)
{
    Scene *scene = *state;
    Life life;
    SettleResult settled;
    ApplyResult applied;
    const Intent intent = asked("run-a", LOAD_APPEND, "all", "all of it");
    begin_life(scene, &life);
    assert_true(delivery_settle(life.delivery, &intent, &settled, &scene->error));
    assert_int_equal(settled.outcome, SETTLE_NOTHING);
    stage_and_count(scene, &life, &intent);
    assert_int_equal(visible_rows(scene), 0);
    assert_true(delivery_apply(life.delivery, &applied, &scene->error));
    assert_int_equal(applied.rows, 6);
    assert_true(delivery_apply(life.delivery, &applied, &scene->error)); /* again: does nothing */
    assert_int_equal(applied.rows, 6);
    assert_true(delivery_commit(life.delivery, &scene->error));
    end_life(&life);
    assert_int_equal(visible_rows(scene), 6);
    assert_null(strstr(scene_names(scene), ".staging"));
    assert_int_equal(settle(scene, &intent).outcome, SETTLE_NOTHING);
}

static void uncounted_rows_are_void(void **state)
{
    Scene *scene = *state;
    Life life;
    const Intent intent = asked("run-a", LOAD_APPEND, "all", "all of it");
    begin_life(scene, &life);
    begin(scene, &life, &intent);
    stage(scene, &life);
    end_life(&life);
    assert_int_equal(settle(scene, &intent).outcome, SETTLE_VOIDED);
    assert_int_equal(visible_rows(scene), 0);
    assert_string_equal(scene_names(scene), "");
    assert_int_equal(settle(scene, &intent).outcome, SETTLE_NOTHING);
}

static void counted_rows_are_applied_once(void **state)
{
    Scene *scene = *state;
    Life life;
    const Intent intent = asked("run-a", LOAD_APPEND, "all", "all of it");
    begin_life(scene, &life);
    stage_and_count(scene, &life, &intent);
    end_life(&life);
    SettleResult settled = settle(scene, &intent);
    assert_int_equal(settled.outcome, SETTLE_APPLIED);
    assert_true(settled.same_request);
    assert_string_equal(settled.run_id, "run-a");
    assert_int_equal(settled.rows_staged, 6);
    assert_int_equal(settled.rows_applied, 6);
    assert_int_equal(visible_rows(scene), 6);
    assert_int_equal(settle(scene, &intent).outcome, SETTLE_NOTHING);
}

static void rows_that_disagree_are_not_counted(void **state)
{
    Scene *scene = *state;
    Life life;
    const Intent intent = asked("run-a", LOAD_APPEND, "all", "all of it");
    begin_life(scene, &life);
    begin(scene, &life, &intent);
    stage(scene, &life);
    life.rows_read[1]++;
    assert_false(delivery_counted(life.delivery, life.results, life.rows_read, &scene->error));
    assert_string_equal(scene->error.message, "shard 1: 3 rows were read but 2 were staged");
    end_life(&life);
    assert_int_equal(settle(scene, &intent).outcome, SETTLE_VOIDED);
    assert_int_equal(visible_rows(scene), 0);
}

/* A counted run that was asked for `rows`, `request`; the next process wants something else. */
static SettleResult settle_other(Scene *scene, bool is_applied, const Intent *wanted)
{
    Life life;
    ApplyResult applied;
    const Intent intent = asked("run-a", LOAD_APPEND, "monday", "monday, 100");
    begin_life(scene, &life);
    stage_and_count(scene, &life, &intent);
    if (is_applied)
        assert_true(delivery_apply(life.delivery, &applied, &scene->error));
    end_life(&life);
    return settle(scene, wanted);
}

static void other_rows_do_not_cost_the_interrupted_ones(void **state)
{
    const Intent wanted = asked("run-b", LOAD_APPEND, "tuesday", "tuesday, 100");
    SettleResult settled = settle_other(*state, false, &wanted);
    assert_int_equal(settled.outcome, SETTLE_APPLIED);
    assert_false(settled.same_request);
    assert_int_equal(visible_rows(*state), 6);
}

static void the_same_rows_asked_otherwise_are_given_up(void **state)
{
    const Intent wanted = asked("run-b", LOAD_APPEND, "monday", "monday, all");
    assert_int_equal(settle_other(*state, false, &wanted).outcome, SETTLE_VOIDED);
    assert_int_equal(visible_rows(*state), 0);
    assert_string_equal(scene_names(*state), "");
}

static void rows_that_would_be_replaced_are_given_up(void **state)
{
    const Intent wanted = asked("run-b", LOAD_REPLACE, "tuesday", "tuesday, replace");
    assert_int_equal(settle_other(*state, false, &wanted).outcome, SETTLE_VOIDED);
    assert_int_equal(visible_rows(*state), 0);
}

static void rows_of_another_table_are_given_up(void **state)
{
    Intent wanted = asked("run-b", LOAD_APPEND, "tuesday", "tuesday, u");
    wanted.delivery.table = (TableRef){"raw", "u"};
    assert_int_equal(settle_other(*state, false, &wanted).outcome, SETTLE_VOIDED);
    assert_int_equal(visible_rows(*state), 0);
}

static void applied_rows_stay_whatever_is_wanted(void **state)
{
    const Intent wanted = asked("run-b", LOAD_REPLACE, "tuesday", "tuesday, replace");
    SettleResult settled = settle_other(*state, true, &wanted);
    assert_int_equal(settled.outcome, SETTLE_APPLIED);
    assert_false(settled.same_request);
    assert_int_equal(visible_rows(*state), 6);
    assert_null(strstr(scene_names(*state), ".staging"));
}

static void another_destination_is_left_alone(void **state)
{
    Scene *scene = *state;
    Life life;
    SettleResult settled;
    const Intent intent = asked("run-a", LOAD_APPEND, "all", "all of it");
    begin_life(scene, &life);
    stage_and_count(scene, &life, &intent);
    delivery_close(life.delivery);
    assert_true(open_life(scene, &life, "files /elsewhere", &life.delivery));
    assert_true(delivery_settle(life.delivery, &intent, &settled, &scene->error));
    assert_int_equal(settled.outcome, SETTLE_VOIDED);
    end_life(&life);
    assert_non_null(strstr(scene_names(scene), ".staging-run-a"));
    assert_int_equal(settle(scene, &intent).outcome, SETTLE_APPLIED); /* nothing took its place */
    assert_int_equal(visible_rows(scene), 6);
}

/* The caller's data of an attempt is gone when its staging could not be removed at once. */
static void keeps_what_it_needs(void **state)
{
    Scene *scene = *state;
    Life life;
    char run_id[] = "run-a";
    Field fields[] = {scene_fields[0], scene_fields[1]};
    Intent intent = asked(run_id, LOAD_APPEND, "all", "all of it");
    intent.delivery.schema.fields = fields;
    begin_life(scene, &life);
    stage_and_count(scene, &life, &intent);
    memset(run_id, 'x', sizeof run_id - 1);
    memset(fields, 0, sizeof fields);
    memset(life.results, 0, sizeof life.results);
    memset(life.bounds, 0, sizeof life.bounds);
    ApplyResult applied;
    if (!delivery_apply(life.delivery, &applied, &scene->error))
        fail_msg("%s", scene->error.message);
    assert_int_equal(applied.rows, 6);
    assert_true(delivery_commit(life.delivery, &scene->error));
    end_life(&life);
    assert_non_null(strstr(scene_read_file(scene, "manifest.json"), "\"run-a\""));
}

static void abandoning_removes_staging_and_intent(void **state)
{
    Scene *scene = *state;
    Life life;
    const Intent intent = asked("run-a", LOAD_APPEND, "all", "all of it");
    begin_life(scene, &life);
    assert_true(delivery_abandon(life.delivery, &scene->error)); /* nothing was begun */
    stage_and_count(scene, &life, &intent);
    assert_true(delivery_abandon(life.delivery, &scene->error));
    assert_true(delivery_abandon(life.delivery, &scene->error));
    end_life(&life);
    assert_string_equal(scene_names(scene), "");
    assert_int_equal(settle(scene, &intent).outcome, SETTLE_NOTHING);
}

static void one_process_at_a_time(void **state)
{
    Scene *scene = *state;
    Life life;
    JobDelivery *second = NULL;
    begin_life(scene, &life);
    assert_false(open_life(scene, &life, destination, &second));
    assert_int_equal(scene->error.kind, ERROR_LOCKED);
    assert_null(second);
    end_life(&life);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(a_run_leaves_nothing_but_rows, scene_setup, scene_teardown),
        cmocka_unit_test_setup_teardown(uncounted_rows_are_void, scene_setup, scene_teardown),
        cmocka_unit_test_setup_teardown(counted_rows_are_applied_once, scene_setup, scene_teardown),
        cmocka_unit_test_setup_teardown(rows_that_disagree_are_not_counted, scene_setup,
                                        scene_teardown),
        cmocka_unit_test_setup_teardown(other_rows_do_not_cost_the_interrupted_ones, scene_setup,
                                        scene_teardown),
        cmocka_unit_test_setup_teardown(the_same_rows_asked_otherwise_are_given_up, scene_setup,
                                        scene_teardown),
        cmocka_unit_test_setup_teardown(rows_that_would_be_replaced_are_given_up, scene_setup,
                                        scene_teardown),
        cmocka_unit_test_setup_teardown(rows_of_another_table_are_given_up, scene_setup,
                                        scene_teardown),
        cmocka_unit_test_setup_teardown(applied_rows_stay_whatever_is_wanted, scene_setup,
                                        scene_teardown),
        cmocka_unit_test_setup_teardown(another_destination_is_left_alone, scene_setup,
                                        scene_teardown),
        cmocka_unit_test_setup_teardown(keeps_what_it_needs, scene_setup, scene_teardown),
        cmocka_unit_test_setup_teardown(abandoning_removes_staging_and_intent, scene_setup,
                                        scene_teardown),
        cmocka_unit_test_setup_teardown(one_process_at_a_time, scene_setup, scene_teardown),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
