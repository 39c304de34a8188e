/* SPDX-License-Identifier: Apache-2.0 */
#include "target/bigquery/sql.h"

#include "base/cleanup.h"

#include <setjmp.h>
#include <stdarg.h>
#include <string.h>

#include <cmocka.h>

static void assert_text(Buffer *sql, const char *expected)
{
    assert_int_equal(sql->length, strlen(expected));
    assert_memory_equal(sql->data, expected, sql->length);
    buffer_clear(sql);
}

/* standard-sql/lexical: quoted identifiers have the same escape sequences as literals. */
static void quotes(void **state)
{
    (void)state;
    CLEANUP(buffer_done) Buffer sql;
    Error error = {0};
    buffer_init(&sql, BQ_SQL_TEXT_MAX);
    assert_true(bq_sql_identifier(&sql, "select", &error));
    assert_text(&sql, "`select`");
    assert_true(bq_sql_identifier(&sql, "a`b\\c", &error));
    assert_text(&sql, "`a\\`b\\\\c`");
    assert_true(bq_sql_literal(&sql, "it's \"here\"\n\x01", &error));
    assert_text(&sql, "'it\\'s \"here\"\\n\\x01'");
    assert_true(bq_sql_table(&sql, &(BqTableName){"my-project", "d", "t 1"}, &error));
    assert_text(&sql, "`my-project`.`d`.`t 1`");
}

static void names_types(void **state)
{
    (void)state;
    CLEANUP(buffer_done) Buffer sql;
    Error error = {0};
    static const Field members[] = {
        {.name = "a", .kind = TYPE_INT64, .mode = MODE_REQUIRED},
        {.name = "b c", .kind = TYPE_STRING, .mode = MODE_REPEATED},
    };
    static const struct {
        Field field;
        const char *text;
    } cases[] = {
        {{.kind = TYPE_STRING}, "STRING"},
        {{.kind = TYPE_NUMERIC, .precision = 10, .scale = 2}, "NUMERIC(10, 2)"},
        {{.kind = TYPE_BIGNUMERIC, .mode = MODE_REPEATED}, "ARRAY<BIGNUMERIC>"},
        {{.kind = TYPE_STRUCT, .mode = MODE_REPEATED, .fields = members, .field_count = 2},
         "ARRAY<STRUCT<`a` INT64 NOT NULL, `b c` ARRAY<STRING>>>"},
    };
    buffer_init(&sql, BQ_SQL_TEXT_MAX);
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        assert_true(bq_sql_type(&sql, &cases[i].field, &error));
        assert_text(&sql, cases[i].text);
    }
}

static const Field columns[] = {
    {.name = "id", .kind = TYPE_INT64, .mode = MODE_REQUIRED, .description = "it's the key"},
    {.name = "day", .kind = TYPE_DATE},
    {.name = "at", .kind = TYPE_TIMESTAMP},
    {.name = "local", .kind = TYPE_DATETIME},
};
static const Schema schema = {.fields = columns, .field_count = 4};

static void makes_a_table(void **state)
{
    (void)state;
    CLEANUP(buffer_done) Buffer sql;
    Error error = {0};
    static const char *const names[] = {"id", "at"};
    static const ConfigLabel labels[] = {{"managed_by", "bqferry"}, {"team", "data"}};
    const TableLayout layout = {
        .partitioning = {.kind = PARTITION_DAY,
                         .column = "at",
                         .expiration_ms = 36LL * 3600 * 1000,
                         .require_filter = true},
        .cluster_by = names,
        .cluster_count = 2,
        .key = names,
        .key_count = 1,
    };
    const BqTableOptions options = {
        .description = "Loaded",
        .labels = {labels, 2},
        .kms_key = "projects/p/x",
        .expiration_ms = 86400000,
    };
    buffer_init(&sql, BQ_SQL_TEXT_MAX);
    assert_true(bq_sql_create_table(&sql, &(BqTableName){"p", "d", "t"}, &schema, &layout, &options,
                                    &error));
    assert_text(&sql, "CREATE TABLE IF NOT EXISTS `p`.`d`.`t` (\n"
                      "  `id` INT64 NOT NULL OPTIONS(description='it\\'s the key'),\n"
                      "  `day` DATE,\n"
                      "  `at` TIMESTAMP,\n"
                      "  `local` DATETIME,\n"
                      "  PRIMARY KEY (`id`) NOT ENFORCED\n"
                      ")\n"
                      "PARTITION BY TIMESTAMP_TRUNC(`at`, DAY)\n"
                      "CLUSTER BY `id`, `at`\n"
                      "OPTIONS(\n"
                      "  description='Loaded',\n"
                      "  kms_key_name='projects/p/x',\n"
                      "  labels=[('managed_by', 'bqferry'), ('team', 'data')],\n"
                      "  expiration_timestamp=TIMESTAMP_ADD(CURRENT_TIMESTAMP(), INTERVAL 86400000 "
                      "MILLISECOND),\n"
                      "  partition_expiration_days=1.5,\n"
                      "  require_partition_filter=TRUE\n"
                      ");");
}

/* standard-sql/data-definition-language, partition_expression */
static void partitions_by(void **state)
{
    (void)state;
    CLEANUP(buffer_done) Buffer sql;
    Error error = {0};
    static const struct {
        Partitioning by;
        const char *text;
    } cases[] = {
        {{.kind = PARTITION_DAY, .column = "day"}, "PARTITION BY `day`;"},
        {{.kind = PARTITION_MONTH, .column = "day"}, "PARTITION BY DATE_TRUNC(`day`, MONTH);"},
        {{.kind = PARTITION_HOUR, .column = "local"},
         "PARTITION BY DATETIME_TRUNC(`local`, HOUR);"},
        {{.kind = PARTITION_DAY}, "PARTITION BY _PARTITIONDATE;"},
        {{.kind = PARTITION_YEAR}, "PARTITION BY TIMESTAMP_TRUNC(_PARTITIONTIME, YEAR);"},
        {{.kind = PARTITION_RANGE, .column = "id", .start = -10, .end = 100, .interval = 5},
         "PARTITION BY RANGE_BUCKET(`id`, GENERATE_ARRAY(-10, 100, 5));"},
        {{0}, "\n);"},
    };
    buffer_init(&sql, BQ_SQL_TEXT_MAX);
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        const TableLayout layout = {.partitioning = cases[i].by};
        assert_true(bq_sql_create_table(&sql, &(BqTableName){"p", "d", "t"}, &schema, &layout,
                                        &(BqTableOptions){0}, &error));
        size_t length = strlen(cases[i].text);
        assert_memory_equal(sql.data + sql.length - length, cases[i].text, length);
        buffer_clear(&sql);
    }
}

static void refuses_what_is_too_long(void **state)
{
    (void)state;
    CLEANUP(buffer_done) Buffer sql;
    Error error = {0};
    buffer_init(&sql, 16);
    assert_false(bq_sql_create_table(&sql, &(BqTableName){"p", "d", "t"}, &schema,
                                     &(TableLayout){0}, &(BqTableOptions){0}, &error));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(quotes),
        cmocka_unit_test(names_types),
        cmocka_unit_test(makes_a_table),
        cmocka_unit_test(partitions_by),
        cmocka_unit_test(refuses_what_is_too_long),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
