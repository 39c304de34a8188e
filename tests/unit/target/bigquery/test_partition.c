/* SPDX-License-Identifier: Apache-2.0 */
#include "target/bigquery/partition.h"

#include "base/cleanup.h"

#include <limits.h>
#include <setjmp.h>
#include <stdarg.h>
#include <string.h>

#include <cmocka.h>

/* Microseconds and days since 1970, and the ids, by Python's datetime. */
static const struct {
    int64_t micros;
    int64_t days;
    const char *hour, *day, *month, *year;
} moments[] = {
    {0LL, 0, "1970010100", "19700101", "197001", "1970"},
    {-1LL, -1, "1969123123", "19691231", "196912", "1969"},
    {-315619200000000LL, -3653, "1960010100", "19600101", "196001", "1960"},
    {5995814399999999LL, 69395, "2159123123", "21591231", "215912", "2159"},
    {951825600000000LL, 11016, "2000022912", "20000229", "200002", "2000"},
    {4107538800000000LL, 47540, "2100022823", "21000228", "210002", "2100"},
    {4107542400000000LL, 47541, "2100030100", "21000301", "210003", "2100"},
    {1798761599999999LL, 20818, "2026123123", "20261231", "202612", "2026"},
    {1709164800000001LL, 19782, "2024022900", "20240229", "202402", "2024"},
    {5370199224000000LL, 62155, "2140030502", "21400305", "214003", "2140"},
    {332273079000000LL, 3845, "1980071218", "19800712", "198007", "1980"},
    {2480123088000000LL, 28705, "2048080403", "20480804", "204808", "2048"},
    {1985976491000000LL, 22985, "2032120620", "20321206", "203212", "2032"},
    {-154576552000000LL, -1790, "1965020622", "19650206", "196502", "1965"},
    {1546874842000000LL, 17903, "2019010715", "20190107", "201901", "2019"},
    {-15592433000000LL, -181, "1969070412", "19690704", "196907", "1969"},
    {1507676838000000LL, 17449, "2017101023", "20171010", "201710", "2017"},
    {4511073443000000LL, 52211, "2112121311", "21121213", "211212", "2112"},
};

static void assert_id(PartitionKind kind, TypeKind type, int64_t value, const char *expected)
{
    const Partitioning by = {.kind = kind, .column = "c"};
    int64_t number;
    char id[PARTITION_ID_SIZE];
    assert_true(partition_of(&by, type, value, &number));
    partition_id(&by, number, id);
    assert_string_equal(id, expected);
}

static void ids_of_time(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof moments / sizeof *moments; i++) {
        assert_id(PARTITION_HOUR, TYPE_TIMESTAMP, moments[i].micros, moments[i].hour);
        assert_id(PARTITION_DAY, TYPE_DATETIME, moments[i].micros, moments[i].day);
        assert_id(PARTITION_MONTH, TYPE_TIMESTAMP, moments[i].micros, moments[i].month);
        assert_id(PARTITION_YEAR, TYPE_TIMESTAMP, moments[i].micros, moments[i].year);
        assert_id(PARTITION_DAY, TYPE_DATE, moments[i].days, moments[i].day);
        assert_id(PARTITION_MONTH, TYPE_DATE, moments[i].days, moments[i].month);
        assert_id(PARTITION_YEAR, TYPE_DATE, moments[i].days, moments[i].year);
    }
}

static bool has_partition(const Partitioning *by, TypeKind type, int64_t value)
{
    int64_t number;
    return partition_of(by, type, value, &number);
}

/* "earlier than 1960-01-01 or later than 2159-12-31" */
static void outside_of_time(void **state)
{
    (void)state;
    const Partitioning by = {.kind = PARTITION_MONTH, .column = "c"};
    assert_false(has_partition(&by, TYPE_DATE, -3654));
    assert_false(has_partition(&by, TYPE_DATE, 69396));
    assert_false(has_partition(&by, TYPE_TIMESTAMP, -315619200000001));
    assert_false(has_partition(&by, TYPE_TIMESTAMP, 5995814400000000));
    assert_true(has_partition(&by, TYPE_TIMESTAMP, 5995814399999999));
}

/* The example of docs/partitioned-tables: start 0, end 100, interval 10. */
static void ids_of_ranges(void **state)
{
    (void)state;
    static const Partitioning by = {
        .kind = PARTITION_RANGE, .column = "c", .end = 100, .interval = 10};
    static const Partitioning odd = {
        .kind = PARTITION_RANGE, .column = "c", .start = -7, .end = 5, .interval = 5};
    static const struct {
        const Partitioning *by;
        int64_t value, first;
    } cases[] = {{&by, 0, 0},    {&by, 9, 0},    {&by, 10, 10},  {&by, 19, 10}, {&by, 99, 90},
                 {&odd, -7, -7}, {&odd, -3, -7}, {&odd, -2, -2}, {&odd, 3, 3},  {&odd, 4, 3}};
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        int64_t number;
        assert_true(partition_of(cases[i].by, TYPE_INT64, cases[i].value, &number));
        assert_int_equal(number, cases[i].first);
    }
    assert_false(has_partition(&by, TYPE_INT64, -1));
    assert_false(has_partition(&by, TYPE_INT64, 100));
    assert_false(has_partition(&odd, TYPE_INT64, 5));
    assert_false(has_partition(&by, TYPE_INT64, INT64_MIN));
    assert_false(has_partition(&by, TYPE_INT64, INT64_MAX));
}

static const Field columns[] = {
    {.name = "id", .kind = TYPE_INT64},
    {.name = "Day", .kind = TYPE_DATE},
};
static const Schema schema = {.fields = columns, .field_count = 2};

static void add_days(Partitions *partitions, const int64_t *days, size_t count)
{
    Value values[64];
    for (size_t i = 0; i < count; i++) {
        values[2 * i] = value_integer((int64_t)i);
        values[2 * i + 1] = days[i] == INT64_MIN ? value_null() : value_integer(days[i]);
    }
    const Batch batch = {.row_count = count, .column_count = 2, .values = values};
    partitions_add(partitions, &batch);
}

static void collects_each_once(void **state)
{
    (void)state;
    CLEANUP(arena_done) Arena arena = {0};
    CLEANUP(partitions_done) Partitions partitions = {0}, more = {0};
    const TableLayout layout = {.partitioning = {.kind = PARTITION_DAY, .column = "day"}};
    assert_true(partitions_init(&partitions, &layout, &schema));
    assert_true(partitions_init(&more, &layout, &schema));
    add_days(&partitions, (const int64_t[]){20000, 20000, 20001, 19999, 20000}, 5);
    add_days(&more, (const int64_t[]){20001, -3653, 69395}, 3);
    assert_false(partitions.has_null || partitions.has_outside);
    partitions_merge(&partitions, &more);
    size_t count;
    const char *const *ids = partitions_ids(&partitions, &arena, &count);
    static const char *const expected[] = {"19600101", "20241003", "20241004", "20241005",
                                           "21591231"};
    assert_int_equal(partitions.count, 5);
    assert_int_equal(count, 5);
    for (size_t i = 0; i < 5; i++)
        assert_string_equal(ids[i], expected[i]);
    add_days(&partitions, (const int64_t[]){INT64_MIN, 70000}, 2);
    assert_true(partitions.has_null && partitions.has_outside);
    assert_int_equal(partitions.count, 5);
    ids = partitions_ids(&partitions, &arena, &count);
    assert_int_equal(count, 7);
    assert_string_equal(ids[5], PARTITION_ID_NULL);
    assert_string_equal(ids[6], PARTITION_ID_OUTSIDE);
}

static void knows_what_values_cannot_tell(void **state)
{
    (void)state;
    Partitions partitions;
    const TableLayout loading = {.partitioning = {.kind = PARTITION_DAY}};
    assert_false(partitions_init(&partitions, &loading, &schema));
    assert_false(partitions_init(&partitions, &(TableLayout){0}, &schema));
}

/* "a job can modify up to 4,000 partitions"; NULL and __UNPARTITIONED__ are partitions, too. */
static void stops_at_the_limit(void **state)
{
    (void)state;
    CLEANUP(partitions_done) Partitions partitions = {0};
    const TableLayout layout = {.partitioning = {.kind = PARTITION_DAY, .column = "day"}};
    Error error = {0};
    assert_true(partitions_init(&partitions, &layout, &schema));
    for (int64_t day = 0; day < PARTITIONS_OF_ONE_JOB; day++)
        add_days(&partitions, &day, 1);
    assert_int_equal(partitions.count, PARTITIONS_OF_ONE_JOB);
    assert_true(partitions_check_count(&partitions, &error));
    add_days(&partitions, (const int64_t[]){INT64_MIN}, 1);
    assert_false(partitions_check_count(&partitions, &error));
    assert_int_equal(error.kind, ERROR_CONFIG);
    assert_non_null(strstr(error.message, "4000"));
    assert_non_null(strstr(error.hint, "coarser"));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(ids_of_time),
        cmocka_unit_test(outside_of_time),
        cmocka_unit_test(ids_of_ranges),
        cmocka_unit_test(collects_each_once),
        cmocka_unit_test(knows_what_values_cannot_tell),
        cmocka_unit_test(stops_at_the_limit),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
