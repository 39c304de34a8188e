/* SPDX-License-Identifier: Apache-2.0 */
#include "schema/layout_json.h"

#include <setjmp.h>
#include <stdarg.h>
#include <string.h>

#include <cmocka.h>

static const char *dump(const TableLayout *layout, Arena *arena)
{
    CLEANUP(json_free_ptr) Json *json = json_object_new();
    layout_json_set(json, layout);
    return json_dump(json, arena);
}

static bool parse(const char *text, Arena *arena, TableLayout *layout, Error *error)
{
    CLEANUP(json_free_ptr) Json *json = NULL;
    assert_true(json_parse(text, strlen(text), "test", &json, error));
    return layout_json_get(json, arena, layout, error);
}

static const char by_day[] =
    "{\"timePartitioning\":{\"type\":\"DAY\",\"field\":\"created_at\",\"expirationMs\":\"86400000\"},"
    "\"requirePartitionFilter\":true,\"clustering\":{\"fields\":[\"id\",\"kind\"]},"
    "\"tableConstraints\":{\"primaryKey\":{\"columns\":[\"id\"]}}}";

static const char by_range[] =
    "{\"rangePartitioning\":{\"field\":\"id\",\"range\":{\"start\":\"-10\",\"end\":\"100\","
    "\"interval\":\"10\"}}}";

/* Table of the REST API, as the discovery document has it: int64 are texts. */
static void writes_bigquerys_form(void **state)
{
    (void)state;
    CLEANUP(arena_done) Arena arena = {0};
    static const char *const columns[] = {"id", "kind"};
    const TableLayout day = {
        .partitioning = {.kind = PARTITION_DAY,
                         .column = "created_at",
                         .expiration_ms = 86400000,
                         .require_filter = true},
        .cluster_by = columns,
        .cluster_count = 2,
        .key = columns,
        .key_count = 1,
    };
    const TableLayout range = {
        .partitioning =
            {.kind = PARTITION_RANGE, .column = "id", .start = -10, .end = 100, .interval = 10},
    };
    assert_string_equal(dump(&day, &arena), by_day);
    assert_string_equal(dump(&range, &arena), by_range);
    assert_string_equal(dump(&(TableLayout){0}, &arena), "{}");
}

static void reads_it_back(void **state)
{
    (void)state;
    CLEANUP(arena_done) Arena arena = {0};
    TableLayout layout;
    Error error = {0};
    assert_true(parse(by_day, &arena, &layout, &error));
    assert_int_equal(layout.partitioning.kind, PARTITION_DAY);
    assert_true(layout.partitioning.require_filter);
    assert_string_equal(dump(&layout, &arena), by_day);
    assert_true(parse(by_range, &arena, &layout, &error));
    assert_int_equal(layout.partitioning.start, -10);
    assert_string_equal(dump(&layout, &arena), by_range);
}

static void refuses_an_unknown_unit(void **state)
{
    (void)state;
    CLEANUP(arena_done) Arena arena = {0};
    TableLayout layout;
    Error error = {0};
    assert_false(parse("{\"timePartitioning\":{\"type\":\"WEEK\"}}", &arena, &layout, &error));
    assert_non_null(strstr(error.message, "WEEK"));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(writes_bigquerys_form),
        cmocka_unit_test(reads_it_back),
        cmocka_unit_test(refuses_an_unknown_unit),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
