/* SPDX-License-Identifier: Apache-2.0 */
#include "target/bigquery/wish.h"

#include <setjmp.h>
#include <stdarg.h>
#include <string.h>

#include <cmocka.h>

#include "support/json_given.h"

static const int64_t day_ms = INT64_C(24) * 3600 * 1000;
static const int64_t now_ms = 100 * INT64_C(24) * 3600 * 1000;

static const ConfigLabel labels[] = {{"team", "data"}, {"env", "prod"}};

/* Made on the 90th day, for 30 days. */
static const char as_wished[] =
    "{\"creationTime\":\"7776000000\",\"expirationTime\":\"10368000123\",\"description\":\"Orders\","
    "\"labels\":{\"env\":\"prod\",\"mine\":\"1\",\"team\":\"data\"},"
    "\"timePartitioning\":{\"type\":\"DAY\",\"field\":\"at\",\"expirationMs\":\"86400000\"},"
    "\"requirePartitionFilter\":true,"
    "\"encryptionConfiguration\":{\"kmsKeyName\":\"projects/p/k/cryptoKeyVersions/1\"}}";

static TableWishes all_wishes(void)
{
    return (TableWishes){
        .description = "Orders",
        .labels = {labels, 2},
        .expiration_ms = 30 * day_ms,
        .partition_expiration_ms = day_ms,
        .require_filter = true,
        .kms_key = "projects/p/k",
    };
}

static void nothing_to_do(void **state)
{
    (void)state;
    CLEANUP(arena_done) Arena arena = {0};
    CLEANUP(json_free_ptr) Json *table = json_given(as_wished);
    const TableWishes none = {0}, all = all_wishes();
    CLEANUP(wish_changes_done) WishChanges changes = wish_compare(&all, table, now_ms, &arena);
    assert_null(changes.patch);
    assert_null(changes.what);
    assert_null(changes.left);
    changes = wish_compare(&none, table, now_ms, &arena);
    assert_null(changes.patch); /* what is not said takes nothing away */
    assert_null(changes.left);
}

static void all_that_can_be_changed(void **state)
{
    (void)state;
    CLEANUP(arena_done) Arena arena = {0};
    CLEANUP(json_free_ptr)
    Json *table =
        json_given("{\"creationTime\":\"7776000000\",\"labels\":{\"team\":\"x\",\"mine\":\"1\"},"
                   "\"timePartitioning\":{\"type\":\"DAY\",\"field\":\"at\"}}");
    TableWishes wishes = all_wishes();
    wishes.kms_key = NULL;
    CLEANUP(wish_changes_done) WishChanges changes = wish_compare(&wishes, table, now_ms, &arena);
    assert_string_equal(
        changes.what, "description, labels, expiration, expiration of partitions, require_filter");
    assert_string_equal(
        json_dump(changes.patch, &arena),
        "{\"description\":\"Orders\",\"labels\":{\"team\":\"data\",\"env\":\"prod\"},"
        "\"expirationTime\":\"10368000000\","
        "\"timePartitioning\":{\"type\":\"DAY\",\"field\":\"at\",\"expirationMs\":\"86400000\"},"
        "\"requirePartitionFilter\":true}");
    WishChanges again = wish_compare(&wishes, table, now_ms, &arena); /* it is so now */
    assert_null(again.patch);
    assert_string_equal(json_dump(json_get(table, "labels"), &arena),
                        "{\"team\":\"data\",\"mine\":\"1\",\"env\":\"prod\"}");
}

static void an_expiration_that_is_over(void **state)
{
    (void)state;
    CLEANUP(arena_done) Arena arena = {0};
    CLEANUP(json_free_ptr) Json *table = json_given("{\"creationTime\":\"86400000\"}");
    const TableWishes wishes = {.expiration_ms = 30 * day_ms};
    CLEANUP(wish_changes_done) WishChanges changes = wish_compare(&wishes, table, now_ms, &arena);
    assert_null(changes.patch);
    assert_non_null(strstr(changes.left, "would be removed at once"));
}

static void a_table_without_partitions(void **state)
{
    (void)state;
    CLEANUP(arena_done) Arena arena = {0};
    CLEANUP(json_free_ptr) Json *table = json_given("{}");
    const TableWishes wishes = {.partition_expiration_ms = day_ms, .require_filter = true};
    CLEANUP(wish_changes_done) WishChanges changes = wish_compare(&wishes, table, now_ms, &arena);
    assert_null(changes.patch);
}

static void another_key(void **state)
{
    (void)state;
    CLEANUP(arena_done) Arena arena = {0};
    CLEANUP(json_free_ptr) Json *table = json_given("{}");
    const TableWishes wishes = {.kms_key = "projects/p/k"};
    CLEANUP(wish_changes_done) WishChanges changes = wish_compare(&wishes, table, now_ms, &arena);
    assert_null(changes.patch);
    assert_non_null(strstr(changes.left, "keeps its key of encryption, Google's own"));
}

static void more_labels_than_there_is_room(void **state)
{
    (void)state;
    CLEANUP(arena_done) Arena arena = {0};
    CLEANUP(json_free_ptr) Json *table = json_object_new();
    Json *many = json_object_new();
    for (int i = 0; i < 63; i++)
        json_set_text(many, arena_printf(&arena, "l%d", i), "x");
    json_set(table, "labels", many);
    const TableWishes wishes = {.labels = {labels, 2}};
    CLEANUP(wish_changes_done) WishChanges changes = wish_compare(&wishes, table, now_ms, &arena);
    assert_string_equal(json_dump(changes.patch, &arena), "{\"labels\":{\"team\":\"data\"}}");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(nothing_to_do),
        cmocka_unit_test(all_that_can_be_changed),
        cmocka_unit_test(an_expiration_that_is_over),
        cmocka_unit_test(a_table_without_partitions),
        cmocka_unit_test(another_key),
        cmocka_unit_test(more_labels_than_there_is_room),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
