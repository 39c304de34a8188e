/* SPDX-License-Identifier: Apache-2.0 */
#include "source/postgres/select.h"
#include "source/postgres/sql.h"

#include <setjmp.h>
#include <stdarg.h>

#include <cmocka.h>

#define COUNT_OF(array) (sizeof(array) / sizeof *(array))

static const SourceType array_element = {.base = "int4"};

static const SourceColumn columns[] = {
    {.name = "id", .type = {.id = 20, .modifier = -1, .base = "int8"}},
    {.name = "My \"col\"", .type = {.id = 1043, .modifier = 14, .base = "varchar"}},
    {.name = "isbns",
     .type = {.class = SOURCE_TYPE_ARRAY, .id = 90001, .modifier = -1, .element = &array_element}},
    {.name = "paid", .type = {.id = 790, .modifier = -1, .base = "money"}},
    {.name = "at", .type = {.id = 1114, .modifier = 3, .base = "timestamp"}},
    {.name = "who", .type = {.class = SOURCE_TYPE_COMPOSITE, .id = 90002, .modifier = -1}},
};

static const ColumnPlan plans[] = {
    {.source = &columns[0]},
    {.source = &columns[1]},
    {.source = &columns[2], .select = SELECT_TEXT, .field.mode = MODE_REPEATED},
    {.source = &columns[2], .select = SELECT_TEXT},
    {.source = &columns[3], .select = SELECT_NUMERIC},
    {.source = &columns[2], .select = SELECT_NUMERIC, .field.mode = MODE_REPEATED},
    {.source = &columns[4], .select = SELECT_AT_TIME_ZONE, .time_zone = "Europe/Berlin"},
    {.source = &columns[5], .select = SELECT_JSON},
};

static const SourceTable table = {
    .schema = "public", .name = "orders", .columns = columns, .column_count = COUNT_OF(columns)};

static Extract extract_of(const TablePlan *plan)
{
    return (Extract){.plan = plan, .relation = {.schema = "public", .name = "orders"}};
}

static void every_form_of_a_column(void **state)
{
    (void)state;
    Arena arena = {0};
    const TablePlan plan = {.table = &table, .columns = plans, .column_count = COUNT_OF(plans)};
    const Extract extract = extract_of(&plan);
    assert_string_equal(select_rows(&extract, NULL, &arena),
                        "SELECT \"id\", \"My \"\"col\"\"\", \"isbns\"::pg_catalog.text[], "
                        "\"isbns\"::pg_catalog.text, \"paid\"::pg_catalog.numeric, "
                        "\"isbns\"::pg_catalog.numeric[], (\"at\" AT TIME ZONE 'Europe/Berlin'), "
                        "pg_catalog.to_json(\"who\") FROM \"public\".\"orders\"");
    arena_done(&arena);
}

static void expected_types(void **state)
{
    (void)state;
    static const struct {
        uint32_t oid;
        int32_t modifier;
    } expected[COUNT_OF(plans)] = {{20, -1},   {1043, 14}, {1009, -1}, {25, -1},
                                   {1700, -1}, {1231, -1}, {1184, -1}, {114, -1}};
    for (size_t i = 0; i < COUNT_OF(plans); i++) {
        uint32_t oid;
        int32_t modifier;
        select_expected_type(&plans[i], &oid, &modifier);
        assert_int_equal(oid, expected[i].oid);
        assert_int_equal(modifier, expected[i].modifier);
    }
}

static void conditions(void **state)
{
    (void)state;
    Arena arena = {0};
    const TablePlan plan = {.table = &table, .columns = plans, .column_count = 1};
    Extract extract = extract_of(&plan);
    Shard shard = {.predicate = "ctid < '(5,0)'::tid"};
    assert_string_equal(select_rows(&extract, &shard, &arena),
                        "SELECT \"id\" FROM \"public\".\"orders\" WHERE (ctid < '(5,0)'::tid)");
    extract.where = "total > 5 OR id = 1 -- big ones";
    assert_string_equal(
        select_rows(&extract, &shard, &arena),
        "SELECT \"id\" FROM \"public\".\"orders\" WHERE (ctid < '(5,0)'::tid) AND (\n"
        "total > 5 OR id = 1 -- big ones\n)");
    shard = (Shard){.relation = "ONLY \"public\".\"orders_1\" AS \"orders\""};
    extract.limit = 10;
    assert_string_equal(select_rows(&extract, &shard, &arena),
                        "SELECT \"id\" FROM ONLY \"public\".\"orders_1\" AS \"orders\" WHERE (\n"
                        "total > 5 OR id = 1 -- big ones\n) LIMIT 10");
    assert_string_equal(select_copy("SELECT 1", &arena),
                        "COPY (SELECT 1) TO STDOUT (FORMAT binary)");
    arena_done(&arena);
}

static void queries(void **state)
{
    (void)state;
    Arena arena = {0};
    const SourceTable result = {.kind = RELATION_QUERY, .columns = columns, .column_count = 1};
    const TablePlan plan = {.table = &result, .columns = plans, .column_count = 1};
    const Extract extract = {.plan = &plan,
                             .relation.query = "SELECT id FROM orders -- all of them\n ; \n"};
    assert_string_equal(select_rows(&extract, NULL, &arena),
                        "SELECT \"id\" FROM (\nSELECT id FROM orders -- all of them\n) AS "
                        "bqferry_query");
    arena_done(&arena);
}

static void quoting(void **state)
{
    (void)state;
    Arena arena = {0};
    assert_string_equal(sql_relation(NULL, "a\"b", &arena), "\"a\"\"b\"");
    assert_string_equal(sql_relation("my.schema", "my table", &arena),
                        "\"my.schema\".\"my table\"");
    assert_string_equal(sql_literal("it's", &arena), "'it''s'");
    assert_string_equal(sql_literal("C:\\x'y", &arena), " E'C:\\\\x''y'");
    assert_string_equal(sql_literal("", &arena), "''");
    assert_string_equal(sql_label(NULL, "orders", &arena), "orders");
    assert_string_equal(sql_label("public", "orders", &arena), "public.orders");
    assert_string_equal(sql_bare_query(" ;\n", &arena), "");
    arena_done(&arena);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_form_of_a_column),
        cmocka_unit_test(expected_types),
        cmocka_unit_test(conditions),
        cmocka_unit_test(queries),
        cmocka_unit_test(quoting),
    };
    return cmocka_run_group_tests_name("source/postgres/select", tests, NULL, NULL);
}
