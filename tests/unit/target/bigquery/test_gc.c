/* SPDX-License-Identifier: Apache-2.0 */
#include "target/bigquery/gc.h"

#include "base/id.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "support/bigquery_scene.h"

#define RUN "20260101t000000-0a1b2c3d4e5f"
#define RUN_ "20260101t000000_0a1b2c3d4e5f"
#define LIVE "20260102t000000-0a1b2c3d4e5f"
#define LIVE_ "20260102t000000_0a1b2c3d4e5f"
#define STAGING "bqferry_staging_"
#define TABLE(n) "{\"tableReference\":{\"tableId\":\"" n "\"}}"
#define OBJECT(n, generation)                                                                      \
    "{\"name\":\"" n "\",\"generation\":\"" generation "\",\"size\":\"1\"}"

static const char *const datasets[] = {"shop"};
static const char *const live[] = {LIVE};

static GcRequest request_of(bool dry)
{
    GcRequest request = {
        .live = live,
        .live_count = 1,
        .datasets = datasets,
        .dataset_count = 1,
        .dry = dry,
    };
    assert_true(id_time("20260201t000000-000000000000", &request.before_us));
    return request;
}

static bool collect(BigQueryScene *scene, bool dry, GcList *ret_list)
{
    const GcRequest request = request_of(dry);
    scene->error = (Error){0};
    return bq_gc(&scene->bq.base, &request, &scene->arena, ret_list, &scene->error);
}

/* Names that are almost ours are somebody's. */
static const char first_page[] = "200\n\n{\"tables\":[" TABLE(STAGING "orders_" RUN_ "_1") "," TABLE(
    STAGING
    "orders_" RUN_
    "_12_unique") "," TABLE(STAGING
                            "orders_" LIVE_
                            "_1") "," TABLE("orders") "," TABLE(STAGING
                                                                "notes") "],\"nextPageToken\":\"t\"}";
static const char last_page[] = "200\n\n{\"tables\":[" TABLE(STAGING "orders_" RUN_) "," TABLE(
    STAGING "orders_" RUN_ "_x") "," TABLE("my_" STAGING "orders_" RUN_
                                           "_1") "," TABLE(STAGING "a_" RUN_ "_1_unique_") "]}";

static void tables_that_nobody_owns_go(void **state)
{
    (void)state;
    static const ScriptStep steps[] = {
        {"GET " BQ_ROOM "?", first_page},
        {"GET " BQ_ROOM "?", last_page},
        {"DELETE " BQ_ROOM "/" STAGING "orders_" RUN_ "_1?", "204\n\n"},
        {"DELETE " BQ_ROOM "/" STAGING "orders_" RUN_ "_12_unique?", BQ_MISSING}, /* expired */
        {"GET " BQ_ROOM "?", first_page},
        {"GET " BQ_ROOM "?", last_page},
    };
    BigQueryScene scene;
    BIGQUERY_SCENE(&scene, steps);
    for (int dry = 0; dry < 2; dry++) {
        GcList list;
        assert_true(collect(&scene, dry, &list));
        assert_int_equal(list.count, 2);
        assert_string_equal(list.items[0].what, "table shop." STAGING "orders_" RUN_ "_1");
        assert_string_equal(list.items[1].what, "table shop." STAGING "orders_" RUN_ "_12_unique");
        assert_string_equal(list.items[0].run_id, RUN);
    }
    bigquery_scene_close(&scene);
}

static void objects_that_nobody_owns_go(void **state)
{
    (void)state;
    static const ScriptStep steps[] = {
        {"GET " BQ_ROOM "?", BQ_MISSING}, /* no such dataset yet */
        {"GET /storage/v1/b/stage/o?prettyPrint=false&prefix=bqferry%2F&",
         "200\n\n{\"items\":[" OBJECT("bqferry/" RUN "/1-0.avro", "7") "," OBJECT(
             "bqferry/" RUN, "8") "," OBJECT("bqferry/" LIVE "/1-0.avro",
                                             "9") "," OBJECT("bqferry/"
                                                             "note.txt",
                                                             "10") "]"
                                                                   "}"},
        {"DELETE /storage/v1/b/stage/o/bqferry%2F" RUN
         "%2F1-0.avro?prettyPrint=false&ifGenerationMatch=7 ",
         "204\n\n"},
    };
    BigQueryScene scene;
    GcList list;
    BIGQUERY_SCENE(&scene, steps);
    scene.bq.config.bucket = "stage";
    assert_true(collect(&scene, false, &list));
    assert_int_equal(list.count, 1);
    assert_string_equal(list.items[0].what, "gs://stage/bqferry/" RUN "/1-0.avro");
    assert_string_equal(list.items[0].run_id, RUN);
    bigquery_scene_close(&scene);
}

/* What was removed before the failure is told. */
static void a_failure_ends_it(void **state)
{
    (void)state;
    static const ScriptStep steps[] = {
        {"GET " BQ_ROOM "?", BQ_FORBIDDEN},
        {"GET " BQ_ROOM "?", "200\n\n{\"tables\":[" TABLE(STAGING "a_" RUN_ "_1") "," TABLE(
                                 STAGING "b_" RUN_ "_1") "]}"},
        {"DELETE " BQ_ROOM "/" STAGING "a_", "204\n\n"},
        {"DELETE " BQ_ROOM "/" STAGING "b_", BQ_FORBIDDEN},
        {"GET " BQ_ROOM "?", "200\n\n{}"},
        {"GET /storage/v1/b/stage/o?", BQ_FORBIDDEN},
    };
    BigQueryScene scene;
    GcList list;
    BIGQUERY_SCENE(&scene, steps);
    scene.bq.config.bucket = "stage";
    static const size_t counts[] = {0, 1, 0};
    for (size_t i = 0; i < 3; i++) {
        assert_false(collect(&scene, false, &list));
        assert_int_equal(list.count, counts[i]);
        assert_non_null(strstr(scene.error.message, "no access"));
        assert_int_equal(scene.error.kind, ERROR_TARGET);
    }
    bigquery_scene_close(&scene);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(tables_that_nobody_owns_go),
        cmocka_unit_test(objects_that_nobody_owns_go),
        cmocka_unit_test(a_failure_ends_it),
    };
    return cmocka_run_group_tests_name("target/bigquery/gc", tests, NULL, NULL);
}
