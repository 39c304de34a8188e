/* SPDX-License-Identifier: Apache-2.0 */
/* A program of its own: a request to stop holds for the whole process. */
#include "support/apply.h"
#include "support/duckdb_scene.h"

#include "base/cancel.h"

static const Field FIELD = {.name = "id", .kind = TYPE_INT64};

static Delivery delivery_of(const char *run_id)
{
    return (Delivery){.job = "cancel",
                      .run_id = run_id,
                      .attempt = 1,
                      .load = LOAD_APPEND,
                      .table = {"", "t"},
                      .schema = {.fields = &FIELD, .field_count = 1},
                      .shard_count = 1};
}

/* The rows are staged, so what was asked to stop can be gone on with, or be thrown away. */
static void test_cancelled_while_applying(void **state)
{
    Scene *scene = *state;
    Value values[] = {value_integer(1), value_integer(2)};
    ShardResult shard = {.rows = 2};
    Delivery first = delivery_of("run-1"), second = delivery_of("run-2");
    scene_deliver(scene, &first, values, 2);
    assert_ok(scene, scene->target->ops->prepare(scene->target, &second, &scene->error));
    scene_fill(scene, &second, values, 2, true);
    second.shards = &shard;
    cancel_request();
    assert_false(apply_rows(scene->target, &second, NULL, &scene->error));
    assert_int_equal(scene->error.kind, ERROR_CANCELLED);
    assert_int_equal(scene_status(scene, &second), DELIVERY_STAGED);
    assert_string_equal(scene_text(scene, "SELECT count(*)::VARCHAR FROM main.t"), "2");
    assert_ok(scene, scene->target->ops->discard(scene->target, &second, &scene->error));
    assert_int_equal(scene_status(scene, &second), DELIVERY_UNKNOWN);
}

int main(void)
{
    const struct CMUnitTest tests[] = {SCENE_TEST(test_cancelled_while_applying)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
