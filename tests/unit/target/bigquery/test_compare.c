/* SPDX-License-Identifier: Apache-2.0 */
#include "target/bigquery/compare.h"

#include <setjmp.h>
#include <stdarg.h>
#include <string.h>

#include <cmocka.h>

#include "support/json_given.h"

#define TABLE(fields) "{\"schema\":{\"fields\":[" fields "]}}"
#define COLUMN(name, type, more) "{\"name\":\"" name "\",\"type\":\"" type "\"" more "}"

static const Field members[] = {{.name = "x", .kind = TYPE_BOOL}};
static const Field columns[] = {
    {.name = "id", .kind = TYPE_INT64, .mode = MODE_REQUIRED},
    {.name = "total", .kind = TYPE_NUMERIC, .precision = 10, .scale = 2},
    {.name = "s", .kind = TYPE_STRUCT, .fields = members, .field_count = 1},
};
static const Schema schema = {.fields = columns, .field_count = 3};

/* Types by their legacy names, as tables.get answers. */
#define SAME                                                                                       \
    COLUMN("s", "RECORD", ",\"fields\":[" COLUMN("X", "BOOLEAN", "") "]")                          \
    "," COLUMN("ID", "INTEGER", ",\"mode\":\"REQUIRED\"") "," COLUMN(                              \
        "total", "NUMERIC", ",\"precision\":\"10\",\"scale\":\"2\",\"mode\":\"NULLABLE\"")

static const CompareRules as_it_is;

static const struct {
    const char *table;
    bool same, takes;
    const char *words; /* part of what is said; NULL: nothing is */
} cases[] = {
    {TABLE(SAME), true, true, NULL},
    {TABLE(SAME "," COLUMN("more", "STRING", "")), false, true, "more (STRING) is only there"},
    {TABLE(SAME "," COLUMN("more", "STRING", ",\"mode\":\"REQUIRED\"")), false, false,
     "more (STRING NOT NULL) is only there"},
    {TABLE(SAME "," COLUMN("r", "RANGE", "")), false, true, "r (RANGE) is only there"},
    {TABLE(COLUMN("id", "INT64", ",\"mode\":\"NULLABLE\"") "," COLUMN(
         "total", "NUMERIC", "") "," COLUMN("s", "STRUCT",
                                            ",\"fields\":[" COLUMN("x", "BOOL", "") "]")),
     false, true, "id is INT64 there and INT64 NOT NULL here"},
    {TABLE(COLUMN("id", "STRING", "") "," COLUMN(
         "total", "NUMERIC",
         ",\"precision\":\"5\"") "," COLUMN("s", "STRUCT",
                                            ",\"fields\":[" COLUMN("x", "BOOL",
                                                                   ",\"mode\":\"REPEATED\"") "]")),
     false, false, "s.x is ARRAY<BOOL> there and BOOL here"},
    {TABLE(COLUMN("id", "INT64", ",\"mode\":\"REQUIRED\"")), false, false,
     "total (NUMERIC(10, 2)) is not there"},
    {"{}", false, false, "is not there"},
};

static void compares_columns(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        CLEANUP(json_free_ptr) Json *table = json_given(cases[i].table);
        char text[1024];
        Error error = {0};
        compare_describe(table, &schema, text, sizeof text);
        assert_int_equal(compare_same(table, &schema), cases[i].same);
        assert_int_equal(compare_append(table, &schema, &as_it_is, &error), cases[i].takes);
        if (!cases[i].takes)
            assert_int_equal(error.kind, ERROR_CONFIG);
        if (cases[i].words)
            assert_non_null(strstr(text, cases[i].words));
        else
            assert_string_equal(text, "");
    }
}

/* A NULLABLE value cannot go into a REQUIRED column. */
static void modes_of_append(void **state)
{
    (void)state;
    static const Field field = {.name = "id", .kind = TYPE_INT64};
    static const Schema one = {.fields = &field, .field_count = 1};
    CLEANUP(json_free_ptr)
    Json *table = json_given(TABLE(COLUMN("id", "INT64", ",\"mode\":\"REQUIRED\"")));
    Error error = {0};
    assert_false(compare_append(table, &one, &as_it_is, &error));
    assert_non_null(strstr(error.message, "id is INT64 NOT NULL there and INT64 here"));
    assert_non_null(strstr(error.hint, "drop NOT NULL"));
}

/* schema.evolve, and columns of our own making. */
static void rules_of_append(void **state)
{
    (void)state;
    static const Field fields[] = {{.name = "id", .kind = TYPE_INT64},
                                   {.name = "more", .kind = TYPE_STRING},
                                   {.name = "gone", .kind = TYPE_BOOL}};
    static const Schema rows = {.fields = fields, .field_count = 3};
    static const struct {
        CompareRules rules;
        const char *problem; /* NULL: it fits */
    } tried[] = {
        {{.evolve = EVOLVE_COLUMNS}, NULL},
        {{.evolve = EVOLVE_RELAX}, "more (STRING) is not there; gone (BOOL) is not there"},
        {{.evolve = EVOLVE_RELAX, .own = {"GONE"}}, "more (STRING) is not there"},
        {{.evolve = EVOLVE_FAIL, .own = {"gone", "more"}}, "id is INT64 NOT NULL there"},
        {{.evolve = EVOLVE_FAIL, .own = {"gone", "more"}, .partial = true},
         "id is INT64 NOT NULL there"},
    };
    CLEANUP(json_free_ptr)
    Json *table = json_given(TABLE(COLUMN("id", "INT64", ",\"mode\":\"REQUIRED\"")));
    for (size_t i = 0; i < sizeof tried / sizeof *tried; i++) {
        Error error = {0};
        assert_int_equal(compare_append(table, &rows, &tried[i].rules, &error), !tried[i].problem);
        if (tried[i].problem)
            assert_non_null(strstr(error.message, tried[i].problem));
    }
    CLEANUP(json_free_ptr)
    Json *needs = json_given(
        TABLE(COLUMN("id", "INT64", "") "," COLUMN("left", "INT64", ",\"mode\":\"REQUIRED\"")));
    static const Schema id = {.fields = fields, .field_count = 1};
    assert_false(compare_append(needs, &id, &as_it_is, NULL));
    assert_true(compare_append(needs, &id, &(CompareRules){.partial = true}, NULL));
    assert_true(compare_append(needs, &id, &(CompareRules){.evolve = EVOLVE_RELAX}, NULL));
}

#define DAY                                                                                        \
    "{\"timePartitioning\":{\"type\":\"DAY\",\"field\":\"At\"},"                                   \
    "\"clustering\":{\"fields\":[\"id\",\"b\"]}}"

static void compares_layouts(void **state)
{
    (void)state;
    static const char *const id[] = {"id", "b"};
    static const struct {
        const char *table;
        TableLayout wanted;
        const char *words; /* NULL: it fits */
    } layouts[] = {
        {DAY, {{0}, NULL, 0, NULL, 0, false, false}, NULL},
        {DAY, {{.kind = PARTITION_DAY, .column = "at"}, id, 2, NULL, 0, false, false}, NULL},
        {DAY,
         {{.kind = PARTITION_MONTH, .column = "at"}, NULL, 0, NULL, 0, false, false},
         "is partitioned by DAY of At, and partition_by wants it by MONTH of at"},
        {DAY,
         {{.kind = PARTITION_DAY, .column = NULL}, NULL, 0, NULL, 0, false, false},
         "by DAY of loading"},
        {DAY,
         {{.kind = PARTITION_RANGE, .column = "id", .end = 10, .interval = 2},
          NULL,
          0,
          NULL,
          0,
          false,
          false},
         "by ranges of id from 0 to 10 in steps of 2"},
        {DAY, {{0}, id, 1, NULL, 0, false, false}, "clustered by id, b, and cluster_by wants id"},
        {"{}",
         {{.kind = PARTITION_DAY, .column = "at"}, NULL, 0, NULL, 0, false, false},
         "partitioned not at all"},
        {"{}", {{0}, id, 2, NULL, 0, false, false}, "clustered by nothing"},
    };
    for (size_t i = 0; i < sizeof layouts / sizeof *layouts; i++) {
        CLEANUP(json_free_ptr) Json *table = json_given(layouts[i].table);
        Error error = {0};
        assert_int_equal(compare_layout(table, &layouts[i].wanted, &error), !layouts[i].words);
        if (!layouts[i].words)
            continue;
        assert_int_equal(error.kind, ERROR_CONFIG);
        assert_non_null(strstr(error.message, layouts[i].words));
        assert_string_not_equal(error.hint, "");
    }
}

static const Field laid_columns[] = {
    {.name = "id", .kind = TYPE_INT64},
    {.name = "day", .kind = TYPE_DATE},
    {.name = "at", .kind = TYPE_TIMESTAMP},
    {.name = "real", .kind = TYPE_FLOAT64},
    {.name = "list", .kind = TYPE_INT64, .mode = MODE_REPEATED},
};
static const Schema laid = {.fields = laid_columns, .field_count = 5};

static void checks_layouts(void **state)
{
    (void)state;
    static const char *const good[] = {"id", "Day", "at"}, *const real[] = {"real"};
    static const char *const five[] = {"id", "day", "at", "id", "day"}, *const list[] = {"list"};
    static const struct {
        TableLayout layout;
        const char *words;
    } layouts[] = {
        {{{.kind = PARTITION_DAY, .column = "DAY"}, good, 3, good, 2, false, false}, NULL},
        {{{.kind = PARTITION_HOUR, .column = "at"}, NULL, 0, NULL, 0, false, false}, NULL},
        {{{.kind = PARTITION_DAY}, NULL, 0, NULL, 0, false, false}, NULL},
        {{{.kind = PARTITION_HOUR, .column = "day"}, NULL, 0, NULL, 0, false, false},
         "day is DATE"},
        {{{.kind = PARTITION_DAY, .column = "id"}, NULL, 0, NULL, 0, false, false}, "id is INT64"},
        {{{.kind = PARTITION_DAY, .column = "none"}, NULL, 0, NULL, 0, false, false},
         "no column none"},
        {{{.kind = PARTITION_RANGE, .column = "at", .end = 1, .interval = 1},
          NULL,
          0,
          NULL,
          0,
          false,
          false},
         "at is TIMESTAMP"},
        {{{.kind = PARTITION_RANGE, .column = "list", .end = 1, .interval = 1},
          NULL,
          0,
          NULL,
          0,
          false,
          false},
         "list is an array"},
        {{{.kind = PARTITION_RANGE, .column = "id", .end = 10000, .interval = 1},
          NULL,
          0,
          NULL,
          0,
          false,
          false},
         NULL},
        {{{.kind = PARTITION_RANGE, .column = "id", .end = 10001, .interval = 1},
          NULL,
          0,
          NULL,
          0,
          false,
          false},
         "10001 ranges"},
        {{{.kind = PARTITION_RANGE, .column = "id", .interval = 1}, NULL, 0, NULL, 0, false, false},
         "above start"},
        {{{.kind = PARTITION_RANGE,
           .column = "id",
           .start = INT64_MIN,
           .end = INT64_MAX,
           .interval = INT64_MAX},
          NULL,
          0,
          NULL,
          0,
          false,
          false},
         NULL},
        {{{0}, real, 1, NULL, 0, false, false}, "real is FLOAT64"},
        {{{0}, list, 1, NULL, 0, false, false}, "list is an array"},
        {{{0}, five, 5, NULL, 0, false, false}, "5 columns"},
    };
    for (size_t i = 0; i < sizeof layouts / sizeof *layouts; i++) {
        Error error = {0};
        assert_int_equal(layout_check(&layouts[i].layout, &laid, &error), !layouts[i].words);
        if (layouts[i].words)
            assert_non_null(strstr(error.message, layouts[i].words));
    }
}

static void checks_keys(void **state)
{
    (void)state;
    static const char *const good[] = {"id", "day"}, *const real[] = {"real"};
    const char *many[17];
    for (size_t i = 0; i < 17; i++)
        many[i] = "id";
    assert_true(layout_key_fits(&(TableLayout){.key = good, .key_count = 2}, &laid));
    assert_false(layout_key_fits(&(TableLayout){.key = real, .key_count = 1}, &laid));
    assert_true(layout_key_fits(&(TableLayout){.key = many, .key_count = 16}, &laid));
    assert_false(layout_key_fits(&(TableLayout){.key = many, .key_count = 17}, &laid));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(compares_columns), cmocka_unit_test(modes_of_append),
        cmocka_unit_test(rules_of_append),  cmocka_unit_test(compares_layouts),
        cmocka_unit_test(checks_layouts),   cmocka_unit_test(checks_keys),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
