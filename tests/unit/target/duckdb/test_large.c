/* SPDX-License-Identifier: Apache-2.0 */
/* Rows that are larger, and tables that are wider, than DuckDB's first memory limit has room for.
 */
#include "support/apply.h"
#include "support/duckdb_scene.h"

static Delivery delivery_of(const Field *fields, size_t count, const char *run_id, LoadMode load)
{
    return (Delivery){.job = "large",
                      .run_id = run_id,
                      .attempt = 1,
                      .load = load,
                      .table = {"main", "t"},
                      .schema = {.fields = fields, .field_count = count},
                      .shard_count = 1};
}

static void test_large_values(void **state)
{
    enum { VALUE_BYTES_EACH = 4 << 20, ROWS = 40 };
    Scene *scene = *state;
    static const Field field = {.name = "b", .kind = TYPE_BYTES};
    char *bytes = arena_alloc(&scene->arena, VALUE_BYTES_EACH);
    Value *values = ARENA_ARRAY(&scene->arena, Value, ROWS);
    unsigned seed = 7;
    for (size_t i = 0; i < VALUE_BYTES_EACH; i++)
        bytes[i] = (char)rand_r(&seed);
    for (size_t i = 0; i < ROWS; i++)
        values[i] = (Value){.kind = VALUE_BYTES, .length = VALUE_BYTES_EACH, .bytes = bytes};
    Delivery first = delivery_of(&field, 1, "run-1", LOAD_REPLACE);
    scene_deliver(scene, &first, values, ROWS);
    Delivery second = delivery_of(&field, 1, "run-2", LOAD_APPEND);
    uint64_t rows;
    assert_ok(scene, scene->target->ops->prepare(scene->target, &second, &scene->error));
    scene_fill(scene, &second, values, ROWS, true);
    scene_close_target(scene); /* whoever applies did not see the rows, nor how large they are */
    scene_open_target(scene);
    assert_ok(scene, apply_rows(scene->target, &second, &rows, &scene->error));
    assert_int_equal(rows, ROWS);
    assert_string_equal(scene_text(scene, "SELECT count(*)::VARCHAR, sum(octet_length(b))::VARCHAR "
                                          "FROM t"),
                        "80,335544320");
}

static void test_wide_table(void **state)
{
    enum { COLUMNS = 1600, ROWS = 5000, BATCH_ROWS = 200 };
    Scene *scene = *state;
    CLEANUP(sink_close_ptr) Sink *sink = NULL;
    Field *fields = ARENA_ARRAY(&scene->arena, Field, COLUMNS);
    Value *values = ARENA_ARRAY(&scene->arena, Value, COLUMNS * BATCH_ROWS);
    for (size_t i = 0; i < COLUMNS; i++)
        fields[i] = (Field){.name = arena_printf(&scene->arena, "column_%zu", i),
                            .kind = TYPE_INT64,
                            .description = i % 100 ? NULL : "one of many"};
    Delivery delivery = delivery_of(fields, COLUMNS, "run-1", LOAD_REPLACE);
    ShardResult result;
    uint64_t rows;
    assert_ok(scene, scene->target->ops->prepare(scene->target, &delivery, &scene->error));
    assert_ok(scene,
              scene->target->ops->sink_open(scene->target, &delivery, 0, &sink, &scene->error));
    for (int64_t first = 0; first < ROWS; first += BATCH_ROWS) {
        for (int64_t i = 0; i < BATCH_ROWS * COLUMNS; i++)
            values[i] = value_integer((first + i / COLUMNS) * (i % COLUMNS));
        Batch batch = {.row_count = BATCH_ROWS, .column_count = COLUMNS, .values = values};
        assert_ok(scene, sink->ops->write(sink, &batch, &scene->error));
    }
    assert_ok(scene, sink->ops->finish(sink, &scene->arena, &result, &scene->error));
    assert_int_equal(result.rows, ROWS);
    assert_ok(scene, apply_rows(scene->target, &delivery, &rows, &scene->error));
    assert_string_equal(scene_text(scene, "SELECT sum(column_0)::VARCHAR, sum(column_1)::VARCHAR, "
                                          "sum(column_1599)::VARCHAR FROM t"),
                        "0,12497500,19983502500");
    assert_string_equal(scene_text(scene, "SELECT count(*)::VARCHAR FROM duckdb_columns() WHERE "
                                          "table_name = 't' AND comment = 'one of many'"),
                        "16");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        SCENE_TEST(test_large_values),
        SCENE_TEST(test_wide_table),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
