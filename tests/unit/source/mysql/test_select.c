/* SPDX-License-Identifier: Apache-2.0 */
#include "source/mysql/select.h"

#include "source/mysql/sql.h"

#include "support/mapping_options.h"
#include "support/my_type.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

static Arena arena;
static const MysqlDialect mariadb = {true, 101119}, mysql = {false, 90704};

static int tear_down(void **state)
{
    (void)state;
    arena_done(&arena);
    return 0;
}

static const char *rows_of(const char *type, const char *options, MysqlDialect dialect)
{
    SourceColumn column = {.name = "c", .type = my_type_parse(type, &arena)};
    ColumnOptions read = mapping_options_parse(options, &arena);
    ColumnPlan plan = {.source = &column, .field = {.name = "c"}, .on_invalid = read.on_invalid};
    SourceTable table = {.schema = "s`", .name = "t"};
    TablePlan tables = {.table = &table, .columns = &plan, .column_count = 1};
    Error error = {0};
    assert_true(mapping_mysql(&column, &read, &arena, &plan, &error));
    const Extract extract = {.plan = &tables, .relation = {.name = "t"}};
    return mysql_select_rows(&extract, NULL, dialect, &arena);
}

static void asks_for_what_the_plan_says(void **state)
{
    (void)state;
    assert_string_equal(rows_of("int", "", mariadb), "SELECT `c` FROM `s```.`t`");
    assert_string_equal(rows_of("int", "type=STRING", mariadb),
                        "SELECT CAST(`c` AS CHAR) FROM `s```.`t`");
    assert_string_equal(rows_of("float", "type=STRING", mariadb),
                        "SELECT CAST(`c` + 0e0 AS CHAR) FROM `s```.`t`");
    assert_string_equal(rows_of("bit(5)", "type=STRING", mysql),
                        "SELECT CAST(LPAD(BIN(`c` + 0), 5, '0') AS CHAR) FROM `s```.`t`");
    assert_string_equal(rows_of("point", "type=STRING", mariadb),
                        "SELECT ST_AsText(`c`) FROM `s```.`t`");
    assert_string_equal(rows_of("point", "type=STRING", mysql),
                        "SELECT ST_AsText(`c`, 'axis-order=long-lat') FROM `s```.`t`");
    assert_string_equal(rows_of("vector(2)", "type=JSON", mysql),
                        "SELECT CAST(VECTOR_TO_STRING(`c`) AS CHAR) FROM `s```.`t`");
    assert_string_equal(rows_of("date", "on_invalid=string", mysql),
                        "SELECT CAST(`c` AS CHAR) FROM `s```.`t`");
    assert_string_equal(rows_of("decimal(10,2)", "type=STRING", mysql),
                        "SELECT `c` FROM `s```.`t`");
}

/* CONVERT_TZ gives back unconverted what it cannot convert. */
static void guards_conversions(void **state)
{
    (void)state;
    const char *sql = rows_of("datetime", "naive=TIMESTAMP:Europe/Berlin", mysql);
    assert_non_null(strstr(sql, "`c` >= '1970-01-02' AND `c` < '2038-01-18'"));
    assert_non_null(strstr(sql, "CONVERT_TZ(`c`, 'Europe/Berlin', '+00:00')"));
    assert_non_null(strstr(sql, "CAST('0000-00-00' AS DATETIME)"));
    assert_string_equal(rows_of("datetime", "naive=TIMESTAMP", mysql), "SELECT `c` FROM `s```.`t`");
}

static void joins_conditions(void **state)
{
    (void)state;
    SourceColumn column = {.name = "id", .type = my_type_parse("int", &arena)};
    ColumnPlan plan = {.source = &column};
    SourceTable table = {.schema = "s", .name = "t"};
    TablePlan tables = {.table = &table, .columns = &plan, .column_count = 1};
    const Shard shard = {.relation = "`s`.`t` FORCE INDEX (`PRIMARY`)", .predicate = "`id` < 5"};
    Extract extract = {.plan = &tables, .relation = {.name = "t"}, .where = "a OR b", .limit = 3};
    assert_string_equal(mysql_select_rows(&extract, &shard, mysql, &arena),
                        "SELECT `id` FROM `s`.`t` FORCE INDEX (`PRIMARY`) WHERE (`id` < 5) AND "
                        "(\na OR b\n) LIMIT 3");
    extract = (Extract){.plan = &tables, .relation = {.query = "SELECT 1 AS id; \n"}};
    assert_string_equal(mysql_select_rows(&extract, NULL, mysql, &arena),
                        "SELECT `id` FROM (\nSELECT 1 AS id\n) AS bqferry_query");
}

static void escapes_values(void **state)
{
    (void)state;
    assert_string_equal(mysql_literal("it's \\ \"x\"", &arena), "'it''s \\\\ \"x\"'");
    assert_string_equal(mysql_identifier("a`b", &arena), "`a``b`");
    assert_string_equal(mysql_relation(NULL, "t", &arena), "`t`");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_teardown(asks_for_what_the_plan_says, tear_down),
        cmocka_unit_test_teardown(guards_conversions, tear_down),
        cmocka_unit_test_teardown(joins_conditions, tear_down),
        cmocka_unit_test_teardown(escapes_values, tear_down),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
