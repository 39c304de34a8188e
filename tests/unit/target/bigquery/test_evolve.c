/* SPDX-License-Identifier: Apache-2.0 */
#include "target/bigquery/evolve.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "support/json_given.h"

#include "support/bigquery_scene.h"

#define TABLE(fields) "{\"etag\":\"e1\",\"schema\":{\"fields\":[" fields "]}}"
#define COLUMN(name, type, more) "{\"name\":\"" name "\",\"type\":\"" type "\"" more "}"
#define REQUIRED ",\"mode\":\"REQUIRED\""
#define NULLABLE ",\"mode\":\"NULLABLE\""
#define MEMBERS(fields) ",\"fields\":[" fields "]"
#define ID COLUMN("id", "INTEGER", REQUIRED)
#define TAGS ",\"policyTags\":{\"names\":[\"projects/p/locations/eu/taxonomies/1/policyTags/2\"]}"

static const Field members[] = {
    {.name = "x", .kind = TYPE_BOOL},
    {.name = "y", .kind = TYPE_DATE, .mode = MODE_REQUIRED},
};
static const Field columns[] = {
    {.name = "id", .kind = TYPE_INT64, .mode = MODE_REQUIRED},
    {.name = "name", .kind = TYPE_STRING},
    {.name = "s", .kind = TYPE_STRUCT, .fields = members, .field_count = 2},
    {.name = "tags", .kind = TYPE_STRING, .mode = MODE_REPEATED},
};

#define S_BOTH                                                                                     \
    COLUMN("s", "RECORD", MEMBERS(COLUMN("X", "BOOLEAN", "") "," COLUMN("y", "DATE", "")))
#define REST S_BOTH "," COLUMN("tags", "STRING", ",\"mode\":\"REPEATED\"")

static Delivery delivery_of(SchemaEvolve evolve)
{
    return (Delivery){
        .job = "main",
        .load = LOAD_UPSERT,
        .table = {"shop", "orders"},
        .schema = {.fields = columns, .field_count = sizeof columns / sizeof *columns},
        .evolve = evolve,
    };
}

static void assert_becomes(const Delivery *delivery, const char *before, const char *after)
{
    CLEANUP(arena_done) Arena arena = {0};
    CLEANUP(json_free_ptr) Json *table = json_given(before);
    CLEANUP(json_free_ptr) Json *wanted = json_given(after ? after : before);
    bool changed = !after;
    CLEANUP(json_free_ptr) Json *evolved = bq_evolved(table, delivery, &changed);
    assert_string_equal(json_dump(evolved, &arena), json_dump(wanted, &arena));
    assert_int_equal(changed, after != NULL);
}

/* Columns come at the end, and ask for nothing; members of a STRUCT, too. */
static void columns_are_added(void **state)
{
    (void)state;
    const Delivery delivery = delivery_of(EVOLVE_COLUMNS);
    static const char old[] = TABLE(ID "," COLUMN("name", "STRING", ""));
    static const char with[] = TABLE(ID "," COLUMN("name", "STRING", "") "," COLUMN(
        "s", "STRUCT",
        NULLABLE MEMBERS(COLUMN("x", "BOOL", NULLABLE) "," COLUMN(
            "y", "DATE", REQUIRED))) "," COLUMN("tags", "STRING", ",\"mode\":\"REPEATED\""));
    assert_becomes(&delivery, old, with);
    static const char half[] = TABLE(ID "," COLUMN("name", "STRING", "") "," COLUMN(
        "s", "RECORD", MEMBERS(COLUMN("X", "BOOLEAN", ""))) "," COLUMN("tags", "STRING", ""));
    static const char whole[] = TABLE(ID "," COLUMN("name", "STRING", "") "," COLUMN(
        "s", "RECORD",
        MEMBERS(COLUMN("X", "BOOLEAN", "") "," COLUMN("y", "DATE",
                                                      NULLABLE))) "," COLUMN("tags", "STRING", ""));
    assert_becomes(&delivery, half, whole);
    assert_becomes(&delivery, with, NULL);
    assert_becomes(&delivery, whole, NULL);
}

/* What others said about a column stays, whatever is changed around it. */
static void what_columns_carry_stays(void **state)
{
    (void)state;
    const Delivery delivery = delivery_of(EVOLVE_COLUMNS);
    static const char before[] = TABLE(
        ID "," COLUMN("Name", "STRING", REQUIRED TAGS ",\"description\":\"theirs\"") "," COLUMN(
            "gone", "NUMERIC", REQUIRED TAGS ",\"precision\":\"5\"") "," REST);
    static const char after[] = TABLE(
        ID "," COLUMN("Name", "STRING", NULLABLE TAGS ",\"description\":\"theirs\"") "," COLUMN(
            "gone", "NUMERIC", NULLABLE TAGS ",\"precision\":\"5\"") "," REST);
    assert_becomes(&delivery, before, after);
}

static void what_is_not_allowed_stays(void **state)
{
    (void)state;
    Delivery delivery = delivery_of(EVOLVE_FAIL);
    static const char strict[] = TABLE(ID "," COLUMN("name", "STRING", REQUIRED) "," REST);
    static const char small[] = TABLE(ID "," COLUMN("name", "STRING", ""));
    assert_becomes(&delivery, strict, NULL);
    assert_becomes(&delivery, small, NULL);
    delivery.evolve = EVOLVE_RELAX;
    assert_becomes(&delivery, small, NULL);
    assert_becomes(&delivery, strict, TABLE(ID "," COLUMN("name", "STRING", NULLABLE) "," REST));
    static const char filled[] = TABLE(ID "," COLUMN("name", "STRING", "") "," REST "," COLUMN(
        "at", "TIMESTAMP", REQUIRED ",\"defaultValueExpression\":\"CURRENT_TIMESTAMP()\""));
    assert_becomes(&delivery, filled, NULL);
}

/* Columns of our own making come whatever `evolve` says, and with keys alone nothing else does. */
static void marks_are_added(void **state)
{
    (void)state;
    Delivery delivery = delivery_of(EVOLVE_FAIL);
    delivery.schema.field_count = 1; /* the key */
    delivery.merge = (MergeSpec){.keys_only = true, .whole = true, .mark = "deleted"};
    delivery.metadata.run_id = "run";
    static const char before[] = TABLE(ID "," COLUMN("name", "STRING", REQUIRED));
    static const char after[] = TABLE(ID "," COLUMN("name", "STRING", REQUIRED) "," COLUMN(
        "deleted", "TIMESTAMP", NULLABLE) "," COLUMN("run", "STRING", NULLABLE));
    for (int evolve = EVOLVE_FAIL; evolve <= EVOLVE_RELAX; evolve++) {
        delivery.evolve = (SchemaEvolve)evolve;
        assert_becomes(&delivery, before, after);
        assert_becomes(&delivery, after, NULL);
    }
    delivery.merge.mark_is_bool = true;
    delivery.metadata.run_id = NULL;
    assert_becomes(&delivery, TABLE(ID), TABLE(ID "," COLUMN("deleted", "BOOL", NULLABLE)));
    delivery.merge.mark = NULL; /* vanished rows are deleted */
    assert_becomes(&delivery, before, NULL);
}

#define OLD TABLE(ID "," COLUMN("name", "STRING", TAGS) "," S_BOTH)
#define NEW TABLE(ID "," COLUMN("name", "STRING", TAGS) "," REST)
#define SELF BQ_ROOM "/orders?"

static bool evolve(BigQueryScene *scene)
{
    const Delivery delivery = delivery_of(EVOLVE_COLUMNS);
    const BqWork work = {.scope = scene->scope, .delivery = &delivery};
    scene->error = (Error){0};
    return bq_evolve(&work, &scene->error);
}

/* One update, of the table that was looked at; a lost answer is seen by looking again. */
static void one_update(void **state)
{
    (void)state;
    static const ScriptStep steps[] = {
        {"GET " SELF, "200\n\n" NEW}, /* nothing to do */
        {"GET " SELF, "200\n\n" OLD}, {"PATCH " SELF, "200\n\n{}"},
        {"GET " SELF, "200\n\n" OLD}, {"PATCH " SELF, "503\n\n"}, /* was carried out */
        {"PATCH " SELF, BQ_CHANGED},  {"GET " SELF, "200\n\n" NEW},
    };
    BigQueryScene scene;
    BIGQUERY_SCENE(&scene, steps);
    for (int i = 0; i < 3; i++)
        assert_true(evolve(&scene));
    assert_non_null(strcasestr(script_request(&scene.google.script, 2), "\nIf-Match: e1\n"));
    const char *sent = script_body(&scene.google.script, 2);
    assert_non_null(strstr(sent, "\"tags\""));
    assert_non_null(strstr(sent, TAGS)); /* left out of an update, they would be taken away */
    assert_null(strstr(sent, "etag"));
    bigquery_scene_close(&scene);
}

static void others_change_the_table(void **state)
{
    (void)state;
    static const ScriptStep steps[] = {
        {"GET " SELF, "200\n\n" OLD},  {"PATCH " SELF, BQ_CHANGED},  {"GET " SELF, "200\n\n" OLD},
        {"PATCH " SELF, BQ_CHANGED},   {"GET " SELF, "200\n\n" OLD}, {"PATCH " SELF, BQ_CHANGED},
        {"GET " SELF, BQ_MISSING},     {"GET " SELF, BQ_FORBIDDEN},  {"GET " SELF, "200\n\n" OLD},
        {"PATCH " SELF, BQ_FORBIDDEN},
    };
    static const struct {
        const char *says;
        bool retryable;
    } wanted[] = {
        {"shop.orders is being changed by others", true},
        {"the table shop.orders is gone", false},
        {"no access", false},
        {"changing the columns of shop.orders: ", false},
    };
    BigQueryScene scene;
    BIGQUERY_SCENE(&scene, steps);
    for (size_t i = 0; i < sizeof wanted / sizeof *wanted; i++) {
        assert_false(evolve(&scene));
        if (!strstr(scene.error.message, wanted[i].says))
            fail_msg("%s", scene.error.message);
        assert_int_equal(scene.error.retryable, wanted[i].retryable);
        assert_int_equal(scene.error.kind, ERROR_TARGET);
    }
    bigquery_scene_close(&scene);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(columns_are_added),
        cmocka_unit_test(what_columns_carry_stays),
        cmocka_unit_test(what_is_not_allowed_stays),
        cmocka_unit_test(marks_are_added),
        cmocka_unit_test(one_update),
        cmocka_unit_test(others_change_the_table),
    };
    return cmocka_run_group_tests_name("target/bigquery/evolve", tests, NULL, NULL);
}
