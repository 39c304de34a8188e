/* SPDX-License-Identifier: Apache-2.0 */
#include "base/cleanup.h"
#include "target/bigquery/sql_merge.h"

#include "base/cleanup.h"
#include "target/bigquery/sql_partition.h"

#include <setjmp.h>
#include <stdarg.h>
#include <string.h>

#include <cmocka.h>

static const Field fields[] = {
    {.name = "id", .kind = TYPE_INT64},
    {.name = "a`b", .kind = TYPE_STRING},
    {.name = "day", .kind = TYPE_DATE},
    {.name = "doc", .kind = TYPE_JSON},
    {.name = "list", .kind = TYPE_INT64, .mode = MODE_REPEATED},
};
static const char *const key[] = {"id", "a`b"};
static const char *const order[] = {"day"};

static Delivery upsert(void)
{
    return (Delivery){
        .load = LOAD_UPSERT,
        .schema = {.fields = fields, .field_count = 5},
        .merge = {.key = key, .key_count = 2, .order = order, .order_count = 1},
    };
}

static BqMergeSql sql_of(const Delivery *delivery, Arena *arena)
{
    return (BqMergeSql){.delivery = delivery,
                        .table = "`t`",
                        .staging = "`s`",
                        .partition_type = TYPE_DATE,
                        .arena = arena};
}

static void assert_contains(const char *text, const char *part)
{
    if (!strstr(text, part))
        fail_msg("\"%s\" does not contain \"%s\"", text, part);
}

static void asks_for_facts(void **state)
{
    (void)state;
    CLEANUP(arena_done) Arena arena = {0};
    Delivery delivery = upsert();
    BqMergeSql sql = sql_of(&delivery, &arena);
    assert_string_equal(
        bq_sql_facts(&sql),
        "SELECT CAST(COALESCE(SUM(bqferry_rows), 0) AS STRING), CAST(COALESCE(SUM(IF(`id` IS "
        "NULL OR "
        "`a\\`b` IS NULL, bqferry_rows, 0)), 0) AS STRING), CAST(COUNT(*) AS STRING), "
        "CAST(MIN(`id`) AS STRING), CAST(MAX(`id`) AS STRING), IF(BYTE_LENGTH(MIN(`a\\`b`)) <= "
        "256, "
        "MIN(`a\\`b`), NULL), IF(BYTE_LENGTH(MAX(`a\\`b`)) <= 256, MAX(`a\\`b`), NULL) FROM "
        "(SELECT "
        "`id`, `a\\`b`, COUNT(*) AS bqferry_rows FROM `s` GROUP BY `id`, `a\\`b`)");
    assert_string_equal(bq_sql_source(&sql, false), "`s`");
    assert_string_equal(
        bq_sql_source(&sql, true),
        "(SELECT bqferry_several.* FROM `s` AS bqferry_several WHERE TRUE QUALIFY ROW_NUMBER() "
        "OVER "
        "(PARTITION BY `id`, `a\\`b` ORDER BY `day` DESC NULLS LAST, "
        "TO_JSON_STRING(bqferry_several) DESC) = 1)");
}

static void bounds_are_literals(void **state)
{
    (void)state;
    CLEANUP(arena_done) Arena arena = {0};
    Delivery delivery = upsert();
    BqMergeSql sql = sql_of(&delivery, &arena);
    const char *const cells[] = {"-5", "7", "it's", NULL};
    assert_string_equal(
        bq_sql_key_bounds(&sql, cells),
        " AND bqferry_target.`id` >= -5 AND bqferry_target.`id` <= 7 AND bqferry_target.`a\\`b` "
        ">= 'it\\'s'");
    const char *const odd[] = {"1 OR TRUE", "", NULL, "x\\"};
    assert_string_equal(bq_sql_key_bounds(&sql, odd), " AND bqferry_target.`a\\`b` <= 'x\\\\'");
}

static void merges_changed_rows(void **state)
{
    (void)state;
    CLEANUP(arena_done) Arena arena = {0};
    Delivery delivery = upsert();
    delivery.merge.changed_only = true;
    BqMergeSql sql = sql_of(&delivery, &arena);
    assert_string_equal(
        bq_sql_merge(&sql, "`s`", " AND bqferry_target.`id` >= 1"),
        "MERGE `t` AS bqferry_target\nUSING `s` AS bqferry_staged\nON bqferry_target.`id` = "
        "bqferry_staged.`id` AND bqferry_target.`a\\`b` = "
        "bqferry_staged.`a\\`b` AND bqferry_target.`id` >= 1\nWHEN MATCHED AND "
        "(bqferry_target.`day` IS DISTINCT FROM "
        "bqferry_staged.`day` OR (bqferry_target.`doc` IS NULL) != (bqferry_staged.`doc` IS "
        "NULL) OR "
        "TO_JSON_STRING(bqferry_target.`doc`) != TO_JSON_STRING(bqferry_staged.`doc`) OR "
        "TO_JSON_STRING(bqferry_target.`list`) != TO_JSON_STRING(bqferry_staged.`list`)) THEN "
        "UPDATE SET `day` = "
        "bqferry_staged.`day`, `doc` = bqferry_staged.`doc`, `list` = "
        "bqferry_staged.`list`\nWHEN NOT MATCHED BY TARGET THEN "
        "INSERT (`id`, `a\\`b`, `day`, `doc`, `list`) VALUES (bqferry_staged.`id`, "
        "bqferry_staged.`a\\`b`, "
        "bqferry_staged.`day`, bqferry_staged.`doc`, bqferry_staged.`list`)");
}

/* Values of the run are parameters; rows that vanish are looked for in all of the table. */
static void marks_by_parameters(void **state)
{
    (void)state;
    CLEANUP(arena_done) Arena arena = {0};
    Delivery delivery = upsert();
    delivery.load = LOAD_SOFT_DELETE;
    delivery.merge.whole = true;
    delivery.merge.vanished = VANISHED_MARKED;
    delivery.merge.mark = "gone";
    delivery.metadata = (MetadataColumns){"at", "run"};
    delivery.layout.partitioning = (Partitioning){
        .kind = PARTITION_DAY, .column = "day", .require_filter = true, .immutable = true};
    BqMergeSql sql = sql_of(&delivery, &arena);
    assert_false(bq_merge_prunes(&delivery));
    const char *text = bq_sql_merge(&sql, "`s`", " AND bqferry_target.`id` >= 1");
    assert_null(strstr(text, "bqferry_target.`id` >= 1"));
    assert_contains(text,
                    "WHEN NOT MATCHED BY SOURCE AND (bqferry_target.`day` IS NULL OR "
                    "bqferry_target.`day` IS NOT "
                    "NULL) AND NOT (bqferry_target.`gone` IS NOT NULL) THEN UPDATE SET `gone` = "
                    "@at, "
                    "`at` = @at, `run` = @run");
    assert_contains(bq_sql_look(&sql, "`s`", ""),
                    "`t` AS bqferry_target LEFT JOIN `s` AS bqferry_staged");
    delivery.merge.vanished = VANISHED_DELETED;
    assert_contains(bq_sql_merge(&sql, "`s`", ""), "IS NOT NULL) THEN DELETE");
}

static void replaces_a_range_in_one_statement(void **state)
{
    (void)state;
    CLEANUP(arena_done) Arena arena = {0};
    Delivery delivery = upsert();
    delivery.load = LOAD_APPEND;
    delivery.merge.range =
        (MergeRange){.column = "day", .has_low = true, .low = 0, .high = 31, .after_low = true};
    BqMergeSql sql = sql_of(&delivery, &arena);
    assert_contains(bq_sql_merge(&sql, "`s`", ""),
                    "ON FALSE\nWHEN NOT MATCHED BY TARGET THEN INSERT ");
    assert_contains(bq_sql_merge(&sql, "`s`", ""),
                    "WHEN NOT MATCHED BY SOURCE AND bqferry_target.`day` > DATE '1970-01-01' AND "
                    "bqferry_target.`day` < DATE '1970-02-01' THEN DELETE");
    assert_null(bq_sql_look(&sql, "`s`", ""));
}

typedef struct Case {
    Partitioning by;
    TypeKind type;
    const char *ids[4];
    const char *text;
} Case;

/* Partitions that touch are one condition; the two special ones have their own. */
static void partitions_are_constants(void **state)
{
    static const Case cases[] = {
        {{.kind = PARTITION_DAY},
         TYPE_DATE,
         {"20260101", "20260102", "20251231", "20260105"},
         "(c >= DATE '2025-12-31' AND c < DATE '2026-01-03') OR (c >= DATE '2026-01-05' AND c < "
         "DATE "
         "'2026-01-06')"},
        {{.kind = PARTITION_HOUR},
         TYPE_TIMESTAMP,
         {"2026013123"},
         "(c >= TIMESTAMP '2026-01-31 23:00:00+00' AND c < TIMESTAMP '2026-02-01 00:00:00+00')"},
        {{.kind = PARTITION_MONTH},
         TYPE_DATETIME,
         {"202512", "202601"},
         "(c >= DATETIME '2025-12-01 00:00:00' AND c < DATETIME '2026-02-01 00:00:00')"},
        {{.kind = PARTITION_YEAR},
         TYPE_DATE,
         {"2024"},
         "(c >= DATE '2024-01-01' AND c < DATE '2025-01-01')"},
        {{.kind = PARTITION_RANGE, .start = -10, .end = 25, .interval = 10},
         TYPE_INT64,
         {"20", "-10", PARTITION_ID_NULL, PARTITION_ID_OUTSIDE},
         "c IS NULL OR c < -10 OR c >= 25 OR (c >= -10 AND c < 0) OR (c >= 20 AND c < 25)"},
        {{.kind = PARTITION_DAY},
         TYPE_DATE,
         {PARTITION_ID_OUTSIDE},
         "c < DATE '1960-01-01' OR c >= DATE '2160-01-01'"},
        {{.kind = PARTITION_DAY}, TYPE_DATE, {NULL}, "FALSE"},
    };
    (void)state;
    CLEANUP(arena_done) Arena arena = {0};
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        const BqPartitionSql sql = {&cases[i].by, cases[i].type, "c", &arena};
        size_t count = 0;
        while (count < 4 && cases[i].ids[count])
            count++;
        assert_string_equal(bq_sql_in_partitions(&sql, cases[i].ids, count), cases[i].text);
    }
}

/* A project's default_time_zone (docs/default-configuration) is not that of partitions. */
static void partitions_are_of_utc(void **state)
{
    (void)state;
    CLEANUP(arena_done) Arena arena = {0};
    const Partitioning by = {.kind = PARTITION_DAY};
    const BqPartitionSql instant = {&by, TYPE_TIMESTAMP, "c", &arena};
    const BqPartitionSql wall = {&by, TYPE_DATETIME, "c", &arena};
    assert_string_equal(bq_sql_partition_of(&instant), "TIMESTAMP_TRUNC(c, DAY, 'UTC')");
    assert_string_equal(bq_sql_partition_of(&wall), "DATETIME_TRUNC(c, DAY)");
}

/* A number and its id are each other's, and the bounds hold the number's values. */
static void partition_numbers_come_back(void **state)
{
    static const int64_t days[] = {-3653, -1, 0, 59, 60, 11016, 20483, 69395};
    (void)state;
    for (int kind = PARTITION_HOUR; kind <= PARTITION_YEAR; kind++) {
        const Partitioning by = {.kind = (PartitionKind)kind};
        for (size_t i = 0; i < sizeof days / sizeof *days; i++) {
            char id[PARTITION_ID_SIZE];
            int64_t number, again, low, high, value = days[i] * 86400 * 1000000 + 5;
            assert_true(partition_of(&by, TYPE_TIMESTAMP, value, &number));
            partition_id(&by, number, id);
            assert_true(partition_number(&by, id, &again));
            assert_int_equal(number, again);
            partition_bounds(&by, TYPE_TIMESTAMP, number, &low, &high);
            assert_true(low <= value && value < high);
        }
    }
    int64_t ignored;
    assert_false(
        partition_number(&(Partitioning){.kind = PARTITION_DAY}, PARTITION_ID_NULL, &ignored));
    assert_false(partition_number(&(Partitioning){.kind = PARTITION_RANGE}, "12x", &ignored));
}

/* An append prunes by its cursor without any promise: a row that is there has the same value. */
static void knows_when_to_prune(void **state)
{
    (void)state;
    Delivery delivery = upsert();
    delivery.layout.partitioning = (Partitioning){.kind = PARTITION_DAY, .column = "day"};
    assert_false(bq_merge_prunes(&delivery));
    delivery.layout.partitioning.immutable = true;
    assert_true(bq_merge_prunes(&delivery));
    delivery.layout.partitioning.immutable = false;
    delivery.load = LOAD_APPEND;
    delivery.merge.present = true;
    assert_true(bq_merge_prunes(&delivery));
    delivery.layout.partitioning.column = "other";
    assert_false(bq_merge_prunes(&delivery));
}

static void keys_must_tell_rows_apart(void **state)
{
    (void)state;
    Delivery delivery = upsert();
    Error error = {0};
    assert_true(bq_merge_key_fits(&delivery, &error));
    static const char *const bad[] = {"doc"};
    delivery.merge.key = bad;
    delivery.merge.key_count = 1;
    assert_false(bq_merge_key_fits(&delivery, &error));
    assert_int_equal(error.kind, ERROR_CONFIG);
    assert_contains(error.message, "doc is JSON");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(asks_for_facts),
        cmocka_unit_test(bounds_are_literals),
        cmocka_unit_test(merges_changed_rows),
        cmocka_unit_test(marks_by_parameters),
        cmocka_unit_test(replaces_a_range_in_one_statement),
        cmocka_unit_test(partitions_are_constants),
        cmocka_unit_test(partitions_are_of_utc),
        cmocka_unit_test(partition_numbers_come_back),
        cmocka_unit_test(knows_when_to_prune),
        cmocka_unit_test(keys_must_tell_rows_apart),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
