/* SPDX-License-Identifier: Apache-2.0 */
/* prepare → sinks → apply → discard, each step repeated, and what a reader sees meanwhile. */
#include "support/apply.h"
#include "support/duckdb_scene.h"

#include "base/parallel.h"

static const Field FIELDS[] = {
    {.name = "id", .kind = TYPE_INT64, .mode = MODE_REQUIRED, .description = "the key"},
    {.name = "note", .kind = TYPE_STRING},
};

enum { COLUMNS = 2 };

#define TEXT(literal)                                                                              \
    {                                                                                              \
        .kind = VALUE_BYTES, .length = sizeof(literal) - 1, .bytes = (literal)                     \
    }
#define ROW(number, literal) {.kind = VALUE_INT64, .integer = (number)}, TEXT(literal)

static const Value OLD[] = {ROW(1, "old"), ROW(2, "old")};
static const Value NEW[] = {ROW(2, "new"), ROW(3, "new"), ROW(4, "new")};

#define ALL_ROWS "SELECT id::VARCHAR, note FROM sales.t ORDER BY ALL"
#define STAGING                                                                                    \
    "SELECT table_name FROM duckdb_tables() WHERE starts_with(table_name, '_bqferry') ORDER BY 1"

static Delivery delivery_of(const char *run_id, LoadMode load)
{
    return (Delivery){.job = "job",
                      .run_id = run_id,
                      .attempt = 1,
                      .load = load,
                      .table = {"sales", "t"},
                      .schema = {.fields = FIELDS, .field_count = COLUMNS, .description = "sold"},
                      .shard_count = 1};
}

static void test_replace(void **state)
{
    Scene *scene = *state;
    Delivery first = delivery_of("run-1", LOAD_REPLACE),
             second = delivery_of("run-2", LOAD_REPLACE);
    assert_int_equal(scene_deliver(scene, &first, OLD, 2), 2);
    assert_string_equal(scene_text(scene, ALL_ROWS), "1,old;2,old");
    scene_run(scene, "CREATE VIEW sales.v AS SELECT max(id) AS top FROM sales.t");
    assert_int_equal(scene_deliver(scene, &second, NEW, 3), 3);
    assert_string_equal(scene_text(scene, ALL_ROWS), "2,new;3,new;4,new");
    assert_string_equal(scene_text(scene, "SELECT top::VARCHAR FROM sales.v"), "4");
    assert_string_equal(scene_text(scene, STAGING), "");
    assert_string_equal(scene_text(scene, "SELECT comment FROM duckdb_tables() WHERE "
                                          "table_name = 't'"),
                        "sold");
    assert_string_equal(scene_text(scene, "SELECT column_name, comment, is_nullable::VARCHAR FROM "
                                          "duckdb_columns() WHERE table_name = 't' ORDER BY 1"),
                        "id,the key,false;note,NULL,true");
    assert_string_equal(scene_text(scene, "SELECT run_id, job, target, load, rows::VARCHAR, "
                                          "(applied_at <= now() AND applied_at > now() - "
                                          "INTERVAL 1 HOUR)::VARCHAR "
                                          "FROM _bqferry.runs ORDER BY run_id"),
                        "run-1,job,sales.t,replace,2,true;run-2,job,sales.t,replace,3,true");
}

static void test_append(void **state)
{
    Scene *scene = *state;
    Delivery first = delivery_of("run-1", LOAD_APPEND), second = delivery_of("run-2", LOAD_APPEND);
    scene_deliver(scene, &first, OLD, 2); /* makes the table */
    assert_int_equal(scene_deliver(scene, &second, NEW, 3), 3);
    assert_string_equal(scene_text(scene, ALL_ROWS), "1,old;2,new;2,old;3,new;4,new");
    assert_string_equal(scene_text(scene, STAGING), "");
}

/* Columns are matched by name, and further ones stay empty. */
static void test_append_by_name(void **state)
{
    Scene *scene = *state;
    Delivery delivery = delivery_of("run-1", LOAD_APPEND);
    scene_run(scene, "CREATE SCHEMA sales; CREATE TABLE sales.t (extra DATE, NOTE VARCHAR, "
                     "Id BIGINT, d INTEGER NOT NULL DEFAULT 7)");
    scene_deliver(scene, &delivery, OLD, 2);
    assert_string_equal(
        scene_text(scene, "SELECT id::VARCHAR, note, extra::VARCHAR, d::VARCHAR FROM sales.t "
                          "ORDER BY id"),
        "1,old,NULL,7;2,old,NULL,7");
}

static void test_apply_again_does_nothing(void **state)
{
    Scene *scene = *state;
    Delivery delivery = delivery_of("run-1", LOAD_APPEND);
    uint64_t rows = 0;
    scene_deliver(scene, &delivery, OLD, 2);
    for (int i = 0; i < 2; i++) {
        assert_ok(scene, apply_rows(scene->target, &delivery, &rows, &scene->error));
        assert_int_equal(rows, 2);
    }
    assert_ok(scene, scene->target->ops->discard(scene->target, &delivery, &scene->error));
    assert_string_equal(scene_text(scene, ALL_ROWS), "1,old;2,old");
    DeliveryStatus status;
    rows = 0;
    assert_ok(scene,
              scene->target->ops->status(scene->target, &delivery, &status, &rows, &scene->error));
    assert_int_equal(status, DELIVERY_APPLIED);
    assert_int_equal(rows, 2);
}

static void test_nothing_is_visible_before_apply(void **state)
{
    Scene *scene = *state;
    Delivery first = delivery_of("run-1", LOAD_REPLACE),
             second = delivery_of("run-2", LOAD_REPLACE);
    scene_deliver(scene, &first, OLD, 2);
    assert_ok(scene, scene->target->ops->prepare(scene->target, &second, &scene->error));
    scene_fill(scene, &second, NEW, 3, true);
    assert_string_equal(scene_text(scene, ALL_ROWS), "1,old;2,old");
    assert_ok(scene, scene->target->ops->discard(scene->target, &second, &scene->error));
    assert_ok(scene, scene->target->ops->discard(scene->target, &second, &scene->error));
    assert_string_equal(scene_text(scene, STAGING), "");
    assert_string_equal(scene_text(scene, ALL_ROWS), "1,old;2,old");
}

static void test_status_of_what_is_staged(void **state)
{
    Scene *scene = *state;
    Delivery delivery = delivery_of("run-1", LOAD_APPEND);
    ShardResult shards[2] = {{.rows = 2}, {.rows = 3}};
    delivery.shard_count = 2;
    assert_int_equal(scene_status(scene, &delivery), DELIVERY_UNKNOWN);
    assert_ok(scene, scene->target->ops->prepare(scene->target, &delivery, &scene->error));
    Delivery staged = delivery;
    staged.shards = shards;
    assert_int_equal(scene_status(scene, &staged), DELIVERY_UNKNOWN);
    scene_fill(scene, &delivery, OLD, 2, true);
    assert_int_equal(scene_status(scene, &staged), DELIVERY_UNKNOWN);
    scene_fill(scene, &delivery, NEW, 3, false); /* not finished: leaves nothing */
    assert_int_equal(scene_status(scene, &staged), DELIVERY_UNKNOWN);
    scene_fill(scene, &delivery, NEW, 3, true);
    assert_int_equal(scene_status(scene, &staged), DELIVERY_STAGED);
    assert_int_equal(scene_status(scene, &delivery), DELIVERY_UNKNOWN);
    shards[0].rows = 1;
    assert_int_equal(scene_status(scene, &staged), DELIVERY_UNKNOWN);
    assert_false(apply_rows(scene->target, &staged, NULL, &scene->error));
    assert_int_equal(scene->error.kind, ERROR_TARGET);
}

/* A later attempt begins with nothing, and what an earlier one staged goes away. */
static void test_attempts(void **state)
{
    Scene *scene = *state;
    Delivery first = delivery_of("run-1", LOAD_REPLACE), second = first;
    Delivery other = delivery_of("run-1-1", LOAD_REPLACE);
    second.attempt = 2;
    assert_ok(scene, scene->target->ops->prepare(scene->target, &other, &scene->error));
    assert_ok(scene, scene->target->ops->prepare(scene->target, &first, &scene->error));
    scene_fill(scene, &first, OLD, 2, true);
    assert_ok(scene, scene->target->ops->prepare(scene->target, &second, &scene->error));
    assert_string_equal(scene_text(scene, STAGING),
                        "_bqferry_stage_run_1_1_1;_bqferry_stage_run_1_2");
    scene_fill(scene, &second, NEW, 3, true);
    uint64_t rows;
    assert_ok(scene, apply_rows(scene->target, &second, &rows, &scene->error));
    assert_int_equal(rows, 3);
    assert_ok(scene, scene->target->ops->discard(scene->target, &other, &scene->error));
    assert_string_equal(scene_text(scene, STAGING), "");
}

/* Looking must not make a file. */
static void test_looking_makes_nothing(void **state)
{
    Scene *scene = *state;
    Delivery delivery = delivery_of("run-1", LOAD_APPEND);
    TargetTable table;
    const char *ddl;
    assert_ok(scene, scene->target->ops->describe(scene->target, &delivery.table, &scene->arena,
                                                  &table, &scene->error));
    assert_false(table.exists);
    assert_ok(scene, scene->target->ops->validate(scene->target, &delivery, &scene->error));
    assert_ok(scene, scene->target->ops->ddl(scene->target, &delivery, &scene->arena, &ddl,
                                             &scene->error));
    assert_int_equal(scene_status(scene, &delivery), DELIVERY_UNKNOWN);
    assert_ok(scene, scene->target->ops->discard(scene->target, &delivery, &scene->error));
    CheckReport report = {.arena = &scene->arena};
    assert_ok(scene, scene->target->ops->check(scene->target, &report, &scene->error));
    assert_false(check_any_failed(&report));
    assert_int_not_equal(access(scene->path, F_OK), 0);
    assert_string_equal(ddl, "CREATE SCHEMA IF NOT EXISTS \"sales\";\n"
                             "CREATE TABLE IF NOT EXISTS \"sales\".\"t\" (\n"
                             "    \"id\" BIGINT NOT NULL,\n"
                             "    \"note\" VARCHAR\n"
                             ");\n"
                             "COMMENT ON TABLE \"sales\".\"t\" IS 'sold';\n"
                             "COMMENT ON COLUMN \"sales\".\"t\".\"id\" IS 'the key';\n");
    delivery.load = LOAD_REPLACE;
    assert_ok(scene, scene->target->ops->ddl(scene->target, &delivery, &scene->arena, &ddl,
                                             &scene->error));
    scene_run(scene, ddl); /* DuckDB takes it */
    scene_run(scene, ddl);
}

static const struct {
    const char *made; /* before, by somebody else */
    LoadMode load;
    const char *words; /* of the refusal; NULL: it is taken */
} VALIDATIONS[] = {
    {"CREATE TABLE sales.t (id BIGINT, note VARCHAR)", LOAD_APPEND, NULL},
    {"CREATE TABLE sales.t (id BIGINT NOT NULL, note VARCHAR)", LOAD_APPEND, NULL},
    {"CREATE TABLE sales.t (id BIGINT, note VARCHAR, more DATE)", LOAD_APPEND, NULL},
    {"CREATE TABLE sales.t (id BIGINT, note VARCHAR, more INT NOT NULL DEFAULT 1)", LOAD_APPEND,
     NULL},
    {"CREATE TABLE sales.t (id BIGINT, note VARCHAR, more INT NOT NULL)", LOAD_APPEND,
     "column more of sales.t is NOT NULL without a default"},
    {"CREATE TABLE sales.t (id BIGINT, note VARCHAR NOT NULL)", LOAD_APPEND,
     "column note of sales.t is NOT NULL"},
    {"CREATE TABLE sales.t (id BIGINT)", LOAD_APPEND, "sales.t has no column note (VARCHAR)"},
    {"CREATE TABLE sales.t (id INTEGER, note VARCHAR)", LOAD_APPEND,
     "column id of sales.t is INTEGER, but BIGINT is delivered"},
    {"CREATE TABLE sales.t (id INTEGER, note VARCHAR)", LOAD_REPLACE, NULL},
    {"CREATE VIEW sales.t AS SELECT 1 AS id", LOAD_APPEND, "sales.t is a view"},
    {"CREATE VIEW sales.t AS SELECT 1 AS id", LOAD_REPLACE, "sales.t is a view"},
    {"CREATE TABLE sales.t (id BIGINT PRIMARY KEY, note VARCHAR); "
     "CREATE TABLE sales.child (id BIGINT REFERENCES sales.t (id))",
     LOAD_REPLACE, "a foreign key of sales.child refers to it"},
};

static void test_validate(void **state)
{
    Scene *scene = *state;
    for (size_t i = 0; i < COUNT_OF(VALIDATIONS); i++) {
        Delivery delivery = delivery_of("run-1", VALIDATIONS[i].load);
        scene_run(scene, "DROP SCHEMA IF EXISTS sales CASCADE; CREATE SCHEMA sales");
        scene_run(scene, VALIDATIONS[i].made);
        bool taken = scene->target->ops->validate(scene->target, &delivery, &scene->error);
        if (taken != !VALIDATIONS[i].words)
            fail_msg("%s: %s", VALIDATIONS[i].made, taken ? "taken" : scene->error.message);
        if (taken)
            continue;
        assert_int_equal(scene->error.kind, ERROR_CONFIG);
        if (!strstr(scene->error.message, VALIDATIONS[i].words) || !*scene->error.hint)
            fail_msg("%s: \"%s\" hint \"%s\"", VALIDATIONS[i].made, scene->error.message,
                     scene->error.hint);
    }
}

static void test_validate_schema(void **state)
{
    Scene *scene = *state;
    Delivery delivery = delivery_of("run-1", LOAD_REPLACE);
    Field hollow = {.name = "hollow", .kind = TYPE_STRUCT};
    delivery.schema = (Schema){.fields = &hollow, .field_count = 1};
    assert_false(scene->target->ops->validate(scene->target, &delivery, &scene->error));
    assert_non_null(strstr(scene->error.message, "hollow"));
    delivery.schema.field_count = 0;
    assert_false(scene->target->ops->validate(scene->target, &delivery, &scene->error));
    assert_int_equal(scene->error.kind, ERROR_CONFIG);
}

/* What changed since validate is refused by apply, and then nothing has changed. */
static void test_table_changed_under_a_delivery(void **state)
{
    Scene *scene = *state;
    Delivery first = delivery_of("run-1", LOAD_APPEND), second = delivery_of("run-2", LOAD_APPEND);
    scene_deliver(scene, &first, OLD, 2);
    assert_ok(scene, scene->target->ops->prepare(scene->target, &second, &scene->error));
    scene_fill(scene, &second, NEW, 3, true);
    scene_run(scene, "ALTER TABLE sales.t ALTER COLUMN note TYPE BLOB");
    assert_false(apply_rows(scene->target, &second, NULL, &scene->error));
    assert_non_null(strstr(scene->error.message, "note"));
    assert_string_equal(scene_text(scene, "SELECT count(*)::VARCHAR FROM sales.t"), "2");
    assert_int_equal(scene_status(scene, &second), DELIVERY_UNKNOWN);
}

/* A constraint that somebody added refuses rows when they are applied; then nothing has changed. */
static void test_constraint_refuses_rows(void **state)
{
    Scene *scene = *state;
    Delivery delivery = delivery_of("run-1", LOAD_APPEND);
    scene_run(scene, "CREATE SCHEMA sales; CREATE TABLE sales.t (id BIGINT PRIMARY KEY, "
                     "note VARCHAR); INSERT INTO sales.t VALUES (2, 'mine')");
    assert_ok(scene, scene->target->ops->prepare(scene->target, &delivery, &scene->error));
    scene_fill(scene, &delivery, OLD, 2, true);
    assert_false(apply_rows(scene->target, &delivery, NULL, &scene->error));
    assert_int_equal(scene->error.kind, ERROR_TARGET);
    assert_non_null(strstr(scene->error.message, "Duplicate key \"id: 2\""));
    assert_string_equal(scene_text(scene, ALL_ROWS), "2,mine");
    scene_run(scene, "DELETE FROM sales.t");
    assert_ok(scene, apply_rows(scene->target, &delivery, NULL, &scene->error));
    assert_string_equal(scene_text(scene, ALL_ROWS), "1,old;2,old");
}

/* Sinks side by side -----------------------------------------------------------------------------
 */

enum { SINKS = 3, ROWS_PER_SINK = 150000, BATCH_ROWS = 1000 };

typedef struct SideBySide {
    Scene *scene;
    Delivery delivery;
    ShardResult results[SINKS];
} SideBySide;

static bool fill_one(void *context, size_t index, size_t worker, const StopFlag *stop, Error *error)
{
    SideBySide *all = context;
    Target *target = all->scene->target;
    CLEANUP(arena_done) Arena arena = {0};
    CLEANUP(sink_close_ptr) Sink *sink = NULL;
    Value *values = ARENA_ARRAY(&arena, Value, BATCH_ROWS * COLUMNS);
    (void)worker;
    (void)stop;
    if (!target->ops->sink_open(target, &all->delivery, index, &sink, error))
        return false;
    for (int64_t first = 0; first < ROWS_PER_SINK; first += BATCH_ROWS) {
        for (int64_t i = 0; i < BATCH_ROWS; i++) {
            values[i * COLUMNS] = value_integer((int64_t)index * ROWS_PER_SINK + first + i);
            values[i * COLUMNS + 1] = (Value)TEXT("the same text in each row");
        }
        Batch batch = {.row_count = BATCH_ROWS, .column_count = COLUMNS, .values = values};
        if (!sink->ops->write(sink, &batch, error))
            return false;
    }
    return sink->ops->finish(sink, &arena, &all->results[index], error);
}

static void test_sinks_side_by_side(void **state)
{
    Scene *scene = *state;
    SideBySide all = {.scene = scene, .delivery = delivery_of("run-1", LOAD_REPLACE)};
    uint64_t rows;
    all.delivery.shard_count = SINKS;
    assert_ok(scene, scene->target->ops->prepare(scene->target, &all.delivery, &scene->error));
    ParallelOptions options = {.count = SINKS, .threads = SINKS};
    assert_ok(scene, parallel_run(&options, fill_one, &all, &scene->error));
    all.delivery.shards = all.results;
    assert_int_equal(scene_status(scene, &all.delivery), DELIVERY_STAGED);
    assert_ok(scene, apply_rows(scene->target, &all.delivery, &rows, &scene->error));
    assert_int_equal(rows, SINKS * ROWS_PER_SINK);
    assert_string_equal(scene_text(scene, "SELECT count(*)::VARCHAR, count(DISTINCT id)::VARCHAR, "
                                          "min(id)::VARCHAR, max(id)::VARCHAR, max(note) "
                                          "FROM sales.t"),
                        "450000,450000,0,449999,the same text in each row");
}

/* Jobs of one run prepare and apply at the same time. */
static bool deliver_one(void *context, size_t index, size_t worker, const StopFlag *stop,
                        Error *error)
{
    Scene *scene = context;
    const TargetOps *ops = scene->target->ops;
    CLEANUP(arena_done) Arena arena = {0};
    CLEANUP(sink_close_ptr) Sink *sink = NULL;
    Delivery delivery = delivery_of(arena_printf(&arena, "job-%zu-run", index), LOAD_APPEND);
    Batch batch = {.row_count = 2, .column_count = COLUMNS, .values = OLD};
    ShardResult result;
    uint64_t rows;
    (void)worker;
    (void)stop;
    delivery.table.table = arena_printf(&arena, "t%zu", index / 2);
    delivery.table.dataset = index % 2 ? "one" : "two";
    return ops->prepare(scene->target, &delivery, error) &&
           ops->sink_open(scene->target, &delivery, 0, &sink, error) &&
           sink->ops->write(sink, &batch, error) &&
           sink->ops->finish(sink, &arena, &result, error) &&
           apply_rows(scene->target, &delivery, &rows, error) &&
           ops->discard(scene->target, &delivery, error);
}

static void test_jobs_side_by_side(void **state)
{
    Scene *scene = *state;
    ParallelOptions options = {.count = 24, .threads = 6};
    assert_ok(scene, parallel_run(&options, deliver_one, scene, &scene->error));
    assert_string_equal(scene_text(scene,
                                   "SELECT count(*)::VARCHAR, sum(estimated_size)::VARCHAR "
                                   "FROM duckdb_tables() WHERE schema_name IN ('one', 'two')"),
                        "24,48");
    assert_string_equal(scene_text(scene, "SELECT count(*)::VARCHAR FROM _bqferry.runs"), "24");
    assert_string_equal(scene_text(scene, STAGING), "");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        SCENE_TEST(test_replace),
        SCENE_TEST(test_append),
        SCENE_TEST(test_append_by_name),
        SCENE_TEST(test_apply_again_does_nothing),
        SCENE_TEST(test_nothing_is_visible_before_apply),
        SCENE_TEST(test_status_of_what_is_staged),
        SCENE_TEST(test_attempts),
        SCENE_TEST(test_looking_makes_nothing),
        SCENE_TEST(test_validate),
        SCENE_TEST(test_validate_schema),
        SCENE_TEST(test_table_changed_under_a_delivery),
        SCENE_TEST(test_constraint_refuses_rows),
        SCENE_TEST(test_sinks_side_by_side),
        SCENE_TEST(test_jobs_side_by_side),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
