/* SPDX-License-Identifier: Apache-2.0 */
/* Columns of a table that is there follow those of a delivery; staging that nobody owns goes. */
#include "base/id.h"
#include "support/duckdb_scene.h"
#include "target/duckdb/existing.h"

static const Field columns[] = {
    {.name = "id", .kind = TYPE_INT64, .mode = MODE_REQUIRED},
    {.name = "name", .kind = TYPE_STRING},
    {.name = "total", .kind = TYPE_NUMERIC, .precision = 10, .scale = 2},
};

static Delivery delivery_of(SchemaEvolve evolve)
{
    return (Delivery){
        .job = "main",
        .load = LOAD_UPSERT,
        .table = {"main", "t"},
        .schema = {.fields = columns, .field_count = COUNT_OF(columns)},
        .evolve = evolve,
    };
}

static const char *shape(Scene *scene)
{
    return scene_text(scene, "SELECT column_name, data_type, is_nullable FROM information_schema."
                             "columns WHERE table_name = 't' ORDER BY ordinal_position");
}

/* existing_check, and existing_evolve when that allows. */
static bool evolve(Scene *scene, const Delivery *delivery)
{
    CLEANUP(duck_disconnect) DuckConnection connection = {0};
    Existing existing;
    scene->error = (Error){0};
    assert_ok(scene, duck_target_connect((DuckTarget *)scene->target, &connection, &scene->error));
    assert_ok(scene, existing_read(&connection, &delivery->table, &scene->arena, &existing,
                                   &scene->error));
    if (!existing_check(&connection, delivery, &existing, &scene->arena, &scene->error))
        return false;
    assert_ok(scene, existing_evolve(&connection, delivery, &scene->arena, &scene->error));
    return true;
}

static void columns_follow(void **state)
{
    static const struct {
        SchemaEvolve evolve;
        const char *before;
        const char *after;   /* NULL: refused */
        const char *message; /* part of it */
    } cases[] = {
        {EVOLVE_COLUMNS, "id BIGINT NOT NULL",
         "id,BIGINT,NO;name,VARCHAR,YES;total,DECIMAL(10,2),YES", NULL},
        {EVOLVE_COLUMNS, "ID BIGINT NOT NULL, Name VARCHAR NOT NULL, total DECIMAL(10,2)",
         "ID,BIGINT,NO;Name,VARCHAR,YES;total,DECIMAL(10,2),YES", NULL},
        {EVOLVE_COLUMNS, "gone DATE NOT NULL, id BIGINT, name VARCHAR, total DECIMAL(10,2)",
         "gone,DATE,YES;id,BIGINT,YES;name,VARCHAR,YES;total,DECIMAL(10,2),YES", NULL},
        {EVOLVE_COLUMNS, "id BIGINT, name VARCHAR, total DECIMAL(10,2), n INT NOT NULL DEFAULT 7",
         "id,BIGINT,YES;name,VARCHAR,YES;total,DECIMAL(10,2),YES;n,INTEGER,NO", NULL},
        {EVOLVE_COLUMNS, "id BIGINT, name INTEGER, total DECIMAL(10,2)", NULL,
         "column name of main.t is INTEGER, but VARCHAR is delivered"},
        {EVOLVE_RELAX, "id BIGINT, name VARCHAR NOT NULL, total DECIMAL(10,2)",
         "id,BIGINT,YES;name,VARCHAR,YES;total,DECIMAL(10,2),YES", NULL},
        {EVOLVE_RELAX, "id BIGINT, name VARCHAR", NULL, "main.t has no column total"},
        {EVOLVE_FAIL, "id BIGINT, name VARCHAR", NULL, "main.t has no column total"},
        {EVOLVE_FAIL, "id BIGINT, name VARCHAR NOT NULL, total DECIMAL(10,2)", NULL,
         "column name of main.t is NOT NULL, but it is delivered as NULLABLE"},
        {EVOLVE_FAIL, "id BIGINT, name VARCHAR, total DECIMAL(10,2), gone DATE NOT NULL", NULL,
         "column gone of main.t is NOT NULL without a default"},
    };
    Scene *scene = *state;
    for (size_t i = 0; i < COUNT_OF(cases); i++) {
        const Delivery delivery = delivery_of(cases[i].evolve);
        scene_run(scene,
                  arena_printf(&scene->arena, "CREATE OR REPLACE TABLE t (%s)", cases[i].before));
        const char *before = shape(scene);
        assert_int_equal(evolve(scene, &delivery), cases[i].after != NULL);
        assert_string_equal(shape(scene), cases[i].after ? cases[i].after : before);
        if (cases[i].after)
            continue;
        assert_int_equal(scene->error.kind, ERROR_CONFIG);
        if (!strstr(scene->error.message, cases[i].message) || !*scene->error.hint)
            fail_msg("%s (%s)", scene->error.message, scene->error.hint);
    }
}

/* Keys alone bring the columns that marks go to, and change nothing else. */
static void marks_are_added(void **state)
{
    Scene *scene = *state;
    Delivery delivery = delivery_of(EVOLVE_FAIL);
    delivery.schema.field_count = 1;
    delivery.merge = (MergeSpec){.keys_only = true, .whole = true, .mark = "deleted"};
    delivery.metadata.run_id = "run";
    scene_run(scene, "CREATE TABLE t (id BIGINT, name VARCHAR NOT NULL)");
    for (int i = 0; i < 2; i++) {
        assert_ok(scene, evolve(scene, &delivery));
        assert_string_equal(shape(scene),
                            "id,BIGINT,YES;name,VARCHAR,NO;deleted,TIMESTAMP WITH TIME ZONE,YES;"
                            "run,VARCHAR,YES");
    }
}

#define RUN "20260101t000000-0a1b2c3d4e5f"
#define LIVE "20260102t000000-0a1b2c3d4e5f"

/* Staging is known by its name and its run; what only looks like it is somebody's. */
static void staging_goes(void **state)
{
    Scene *scene = *state;
    static const char *const live[] = {LIVE};
    GcRequest request = {.live = live, .live_count = 1, .dry = true};
    GcList list;
    assert_true(id_time("20260201t000000-000000000000", &request.before_us));
    assert_ok(scene, scene->target->ops->gc(scene->target, &request, &scene->arena, &list,
                                            &scene->error)); /* there is no file yet */
    assert_int_equal(list.count, 0);
    static const char *const runs[] = {RUN, LIVE, "20260301t000000-0a1b2c3d4e5f"};
    Delivery delivery = delivery_of(EVOLVE_COLUMNS);
    delivery.attempt = 1;
    delivery.shard_count = 1;
    for (size_t i = 0; i < COUNT_OF(runs); i++) {
        delivery.run_id = runs[i];
        assert_ok(scene, scene->target->ops->prepare(scene->target, &delivery, &scene->error));
        const Value row[] = {value_integer(1), value_null(), value_null()};
        scene_fill(scene, &delivery, row, 1, true);
    }
    scene_run(scene, "CREATE TABLE \"_bqferry_mine\" (id BIGINT)");
    static const char count[] = "SELECT count(*)::VARCHAR FROM duckdb_tables() WHERE "
                                "starts_with(table_name, '_bqferry_stag')";
    const char *before = scene_text(scene, count);
    for (int i = 0; i < 3; i++) {
        request.dry = i == 0;
        assert_ok(scene, scene->target->ops->gc(scene->target, &request, &scene->arena, &list,
                                                &scene->error));
        assert_int_equal(list.count, i < 2 ? 1 : 0);
        if (i < 2)
            assert_string_equal(list.items[0].run_id, RUN);
        if (request.dry)
            assert_string_equal(scene_text(scene, count), before);
    }
    assert_string_equal(scene_text(scene, count), "2");
    assert_string_equal(before, "3");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        SCENE_TEST(columns_follow),
        SCENE_TEST(marks_are_added),
        SCENE_TEST(staging_goes),
    };
    return cmocka_run_group_tests_name("target/duckdb/evolve", tests, NULL, NULL);
}
