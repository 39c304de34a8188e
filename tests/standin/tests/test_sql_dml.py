# SPDX-License-Identifier: Apache-2.0
"""INSERT, UPDATE, DELETE, MERGE, TRUNCATE, with the examples of Google's page.

https://docs.cloud.google.com/bigquery/docs/reference/standard-sql/dml-syntax"""

import datetime
from decimal import Decimal

import pytest
from sqlrun import dry_run, job, refused, sql  # noqa: F401

TWO_SOURCES = "UPDATE/MERGE must match at most one source row for each target row"


@pytest.fixture
def inventory(sql):  # noqa: F811
    """The tables of the page's examples."""
    sql("CREATE TABLE d.Inventory (product STRING, quantity INT64, supply_constrained BOOL)")
    sql("CREATE TABLE d.NewArrivals (product STRING, quantity INT64, warehouse STRING)")
    sql("INSERT d.Inventory (product, quantity) VALUES ('dishwasher', 30), ('dryer', 30), ('front load washer', 20), "
        "('microwave', 20), ('oven', 5), ('top load washer', 10)")
    sql("INSERT d.NewArrivals VALUES ('dryer', 200, 'warehouse #2'), ('oven', 300, 'warehouse #3'), "
        "('top load washer', 100, 'warehouse #1')")
    return lambda: sql("SELECT product, quantity, supply_constrained FROM d.Inventory ORDER BY product")


def test_insert_values_and_default(inventory, sql, job):  # noqa: F811
    """#insert_statement: DEFAULT, omitted columns, numDmlAffectedRows."""
    sql("ALTER TABLE d.NewArrivals ALTER COLUMN quantity SET DEFAULT 100")
    done = job("INSERT d.NewArrivals (product, quantity, warehouse) VALUES ('a', DEFAULT, 'w'), ('b', 2, NULL)")
    assert done.num_dml_affected_rows == 2 and done.dml_stats.inserted_row_count == 2
    sql("INSERT d.NewArrivals (product) VALUES ('c')")
    assert sql("SELECT product, quantity FROM d.NewArrivals WHERE product IN ('a', 'b', 'c') ORDER BY 1") == [
        ("a", 100), ("b", 2), ("c", 100)]


def test_insert_select(inventory, sql):  # noqa: F811
    """#insert_select_statement, with a CTE and UNNEST of structs."""
    sql("CREATE TABLE d.Warehouse (warehouse STRING, state STRING)")
    sql("INSERT d.Warehouse (warehouse, state) WITH w AS (SELECT ARRAY<STRUCT<warehouse STRING, state STRING>> "
        "[('warehouse #1', 'WA'), ('warehouse #2', 'CA')] col) SELECT warehouse, state FROM w, UNNEST(w.col)")
    sql("INSERT d.Warehouse VALUES ('warehouse #4', 'WA')")
    assert len(sql("SELECT * FROM d.Warehouse")) == 3


def test_insert_values_with_a_subquery(inventory, sql):  # noqa: F811
    """#insert_values_with_subquery"""
    sql("INSERT d.Inventory (product, quantity) VALUES ('countertop microwave', "
        "(SELECT quantity FROM d.Inventory WHERE product = 'microwave'))")
    assert ("countertop microwave", 20, None) in inventory()


def test_nested_values(sql):  # noqa: F811
    """#insert_with_struct_types, #update_nested_fields, #update_repeated_records"""
    sql("CREATE TABLE d.Detailed (product STRING, comments ARRAY<STRUCT<created DATE, comment STRING>>, "
        "specifications STRUCT<color STRING, warranty STRING, dimensions STRUCT<depth FLOAT64, height FLOAT64>>)")
    sql("INSERT d.Detailed VALUES ('washer', [(DATE '2021-02-09', 'comment1')], ('white', '1 year', (30, 40)))")
    sql("UPDATE d.Detailed SET specifications.color = 'red', specifications.dimensions.depth = 31 WHERE true")
    sql("UPDATE d.Detailed SET comments = ARRAY(SELECT comment FROM UNNEST(comments) AS comment UNION ALL "
        "SELECT (CAST('2016-01-01' AS DATE), 'comment2')) WHERE product LIKE '%washer%'")
    # An ARRAY subquery without ORDER BY promises no order (array_functions#array).
    assert sql("SELECT specifications.color, specifications.dimensions.depth, specifications.dimensions.height, "
               "c.created, c.comment FROM d.Detailed, UNNEST(comments) AS c ORDER BY c.created") == [
        ("red", 31.0, 40.0, datetime.date(2016, 1, 1), "comment2"),
        ("red", 31.0, 40.0, datetime.date(2021, 2, 9), "comment1")]


def test_update_delete(inventory, job, refused):  # noqa: F811
    """#update_statement, #delete_statement: WHERE is mandatory; DEFAULT in SET; counts."""
    done = job("UPDATE d.Inventory SET quantity = quantity - 10 WHERE product LIKE '%washer'")
    assert done.num_dml_affected_rows == 3 and done.dml_stats.updated_row_count == 3
    assert ("oven", 5, None) in inventory() and ("top load washer", 0, None) in inventory()
    done = job("DELETE d.Inventory WHERE quantity = 0")
    assert done.num_dml_affected_rows == 1 and done.dml_stats.deleted_row_count == 1
    refused("UPDATE d.Inventory SET quantity = 1", "invalidQuery", "WHERE")
    refused("DELETE d.Inventory", "invalidQuery", "WHERE")


def test_update_with_join(inventory, sql, refused):  # noqa: F811
    """#update_using_joins: a target row joined with two source rows is an error, and nothing is changed."""
    sql("UPDATE d.Inventory i SET quantity = i.quantity + n.quantity, supply_constrained = false "
        "FROM d.NewArrivals n WHERE i.product = n.product")
    assert ("dryer", 230, False) in inventory() and ("oven", 305, False) in inventory()
    sql("INSERT d.NewArrivals VALUES ('dryer', 1, 'warehouse #1')")
    before = inventory()
    refused("UPDATE d.Inventory i SET quantity = n.quantity FROM d.NewArrivals n WHERE i.product = n.product",
            "invalidQuery", TWO_SOURCES)
    assert inventory() == before


def test_delete_with_subquery(inventory, sql):  # noqa: F811
    """#delete_with_subquery"""
    sql("DELETE d.Inventory i WHERE i.product NOT IN (SELECT product FROM d.NewArrivals)")
    assert [row[0] for row in inventory()] == ["dryer", "oven", "top load washer"]
    sql("DELETE d.Inventory WHERE NOT EXISTS (SELECT * FROM d.NewArrivals WHERE Inventory.product = NewArrivals.product "
        "AND NewArrivals.quantity > 150)")
    assert [row[0] for row in inventory()] == ["dryer", "oven"]


def test_truncate(inventory, job, client, dataset, refused, sql):  # noqa: F811
    """#truncate_table_statement: rows go, the table stays, nothing is billed; not on views."""
    done = job("TRUNCATE TABLE d.Inventory")
    assert done.statement_type == "TRUNCATE_TABLE" and done.total_bytes_processed == 0 and inventory() == []
    assert done.dml_stats.deleted_row_count == 6
    assert [field.name for field in client.get_table(dataset.table("Inventory")).schema][0] == "product"
    sql("CREATE VIEW d.v AS SELECT product FROM d.Inventory")
    refused("TRUNCATE TABLE d.v", "invalidQuery", "view")


def test_merge_counts(inventory, job):  # noqa: F811
    """#merge_statement, example 1: matched rows updated, others inserted; dmlStats of each."""
    done = job("MERGE d.Inventory T USING d.NewArrivals S ON T.product = S.product "
               "WHEN MATCHED AND S.quantity > 250 THEN DELETE "
               "WHEN MATCHED THEN UPDATE SET quantity = T.quantity + S.quantity "
               "WHEN NOT MATCHED THEN INSERT (product, quantity) VALUES (product, quantity) "
               "WHEN NOT MATCHED BY SOURCE AND T.quantity = 20 THEN UPDATE SET supply_constrained = true")
    stats = done.dml_stats
    assert (stats.inserted_row_count, stats.updated_row_count, stats.deleted_row_count) == (0, 4, 1)
    assert done.num_dml_affected_rows == 5 and done.statement_type == "MERGE"
    assert inventory() == [("dishwasher", 30, None), ("dryer", 230, None), ("front load washer", 20, True),
                           ("microwave", 20, True), ("top load washer", 110, None)]


def test_merge_first_clause_wins(inventory, sql):  # noqa: F811
    """#merge_statement: of the clauses that apply to a row, only the first one is carried out."""
    sql("MERGE d.Inventory T USING (SELECT 'dryer' product) S ON T.product = S.product "
        "WHEN MATCHED AND T.quantity = 30 THEN UPDATE SET quantity = 31 WHEN MATCHED THEN DELETE")
    assert ("dryer", 31, None) in inventory()


def test_merge_two_sources(inventory, sql, refused):  # noqa: F811
    """#merge_statement, example 7: a target row that two source rows would change; no row is changed."""
    sql("INSERT d.NewArrivals VALUES ('dryer', 1, 'warehouse #1')")
    before = inventory()
    refused("MERGE d.Inventory T USING d.NewArrivals S ON T.product = S.product "
            "WHEN MATCHED THEN UPDATE SET quantity = T.quantity + S.quantity", "invalidQuery", TWO_SOURCES)
    refused("MERGE d.Inventory T USING d.NewArrivals S ON T.product = S.product WHEN MATCHED THEN DELETE",
            "invalidQuery", TWO_SOURCES)
    assert inventory() == before
    # A search condition that leaves one of them is fine.
    sql("MERGE d.Inventory T USING d.NewArrivals S ON T.product = S.product "
        "WHEN MATCHED AND S.quantity = 1 THEN UPDATE SET quantity = 1")
    assert ("dryer", 1, None) in inventory()


def test_merge_on_false_replaces(inventory, sql):  # noqa: F811
    """#merge_statement, example 8: ON FALSE, INSERT ROW, NOT MATCHED BY SOURCE THEN DELETE: a replacement."""
    sql("MERGE d.NewArrivals USING (SELECT * FROM UNNEST([('microwave', 10, 'warehouse #1'), "
        "('dryer', 30, 'warehouse #1'), ('oven', 20, 'warehouse #2')])) ON FALSE "
        "WHEN NOT MATCHED THEN INSERT ROW WHEN NOT MATCHED BY SOURCE THEN DELETE")
    assert sql("SELECT * FROM d.NewArrivals ORDER BY 1") == [
        ("dryer", 30, "warehouse #1"), ("microwave", 10, "warehouse #1"), ("oven", 20, "warehouse #2")]


def test_merge_null_keys_never_match(sql):  # noqa: F811
    """#merge_statement: the condition is an ordinary one: NULL = NULL is not true."""
    sql("CREATE TABLE d.k (id INT64, v STRING)")
    sql("INSERT d.k VALUES (NULL, 'a'), (1, 'b')")
    sql("MERGE d.k T USING (SELECT CAST(NULL AS INT64) id, 'new' v) S ON T.id = S.id "
        "WHEN MATCHED THEN UPDATE SET v = S.v WHEN NOT MATCHED THEN INSERT ROW")
    assert sql("SELECT id, v FROM d.k ORDER BY id, v") == [(None, "a"), (None, "new"), (1, "b")]


def test_merge_deduplicated_source(sql):  # noqa: F811
    """docs/using-dml: the usual upsert: QUALIFY keeps the newest row of each key."""
    sql("CREATE TABLE d.k (id INT64, v STRING, seen TIMESTAMP)")
    sql("INSERT d.k VALUES (1, 'old', '2024-01-01'), (2, 'two', '2024-01-01')")
    sql("MERGE d.k T USING (SELECT * FROM UNNEST([STRUCT(1 AS id, 'x' AS v, TIMESTAMP '2024-02-01' AS seen), "
        "(1, 'y', TIMESTAMP '2024-03-01'), (3, 'z', NULL)]) QUALIFY ROW_NUMBER() OVER (PARTITION BY id ORDER BY seen DESC) = 1) S "
        "ON T.id = S.id WHEN MATCHED THEN UPDATE SET v = S.v, seen = S.seen WHEN NOT MATCHED THEN INSERT ROW")
    assert sql("SELECT id, v FROM d.k ORDER BY id") == [(1, "y"), (2, "two"), (3, "z")]


def test_required_column(sql, refused):  # noqa: F811
    """standard-sql/data-definition-language#column_schema: NOT NULL columns take no NULL, by any statement."""
    sql("CREATE TABLE d.r (id INT64 NOT NULL, v STRING)")
    sql("INSERT d.r VALUES (1, 'a')")
    refused("INSERT d.r (id) VALUES (NULL)", "invalidQuery", "Required field id cannot be null")
    refused("INSERT d.r (v) VALUES ('x')", "invalidQuery", "Required field id cannot be null")
    refused("UPDATE d.r SET id = NULL WHERE true", "invalidQuery", "Required field id cannot be null")
    refused("MERGE d.r T USING (SELECT CAST(NULL AS INT64) id) S ON FALSE WHEN NOT MATCHED THEN INSERT (id) VALUES (S.id)",
            "invalidQuery", "Required field id cannot be null")
    assert sql("SELECT * FROM d.r") == [(1, "a")]


def test_parameterized_types(sql, refused):  # noqa: F811
    """standard-sql/data-types#parameterized_data_types: too long is an error, too precise is rounded half away from zero."""
    sql("CREATE TABLE d.p (s STRING(3), b BYTES(2), n NUMERIC(4, 2), bn BIGNUMERIC(5, 1))")
    sql("INSERT d.p VALUES ('äöü', b'xy', 1.005, BIGNUMERIC '0.25'), (NULL, NULL, -1.005, -0.05)")
    assert sql("SELECT s, n, bn FROM d.p ORDER BY n DESC") == [
        ("äöü", Decimal("1.01"), Decimal("0.3")), (None, Decimal("-1.01"), Decimal("-0.1"))]
    refused("INSERT d.p (s) VALUES ('abcd')", "invalidQuery", "maximum length 3")
    refused("INSERT d.p (b) VALUES (b'abc')", "invalidQuery", "maximum length 2")
    refused("INSERT d.p (n) VALUES (100)", "invalidQuery", "precision 4 and scale 2")


def test_rounding_mode(sql):  # noqa: F811
    """data-definition-language#column_option_list: rounding_mode = 'ROUND_HALF_EVEN' of a decimal column."""
    sql("CREATE TABLE d.p (n NUMERIC(5, 1) OPTIONS (rounding_mode = 'ROUND_HALF_EVEN'))")
    sql("INSERT d.p VALUES (2.25), (2.35)")
    assert sql("SELECT n FROM d.p ORDER BY n") == [(Decimal("2.2"),), (Decimal("2.4"),)]


def test_numeric_overflow(sql, refused):  # noqa: F811
    """standard-sql/data-types#decimal_types: results beyond the range are errors; the last digit is rounded."""
    sql("CREATE TABLE d.num (n NUMERIC, b BIGNUMERIC)")
    sql("INSERT d.num VALUES (99999999999999999999999999999.999999999, 1)")
    refused("UPDATE d.num SET n = n + 0.000000001 WHERE true", "invalidQuery", "overflow")
    refused("UPDATE d.num SET n = n * 2 WHERE true", "invalidQuery", "overflow")
    refused("SELECT SUM(n) FROM (SELECT n FROM d.num UNION ALL SELECT n FROM d.num)", "invalidQuery", "overflow")
    sql("UPDATE d.num SET n = NUMERIC '1' / 3, b = BIGNUMERIC '2' / 3 WHERE true")
    assert sql("SELECT n, b FROM d.num") == [(Decimal("0.333333333"), Decimal("0." + "6" * 37 + "7"))]


def test_null_in_array(sql, refused):  # noqa: F811
    """standard-sql/data-types#array_nulls: arrays with a NULL element cannot be written; NULL arrays are written as []."""
    sql("CREATE TABLE d.arrays (id INT64, a ARRAY<INT64>)")
    refused("INSERT d.arrays VALUES (1, [1, NULL])", "invalidQuery", "Array cannot have a null element; error in writing field a")
    sql("INSERT d.arrays VALUES (1, NULL)")
    assert sql("SELECT a, a IS NULL FROM d.arrays") == [([], False)]
    refused("SELECT [1, NULL] AS x", "invalidQuery", "Array cannot have a null element; error in writing field x")


def test_ingestion_time(sql, job):  # noqa: F811
    """docs/using-dml-with-partitioned-tables#inserting_data_into_ingestion-time_partitioned_tables"""
    sql("CREATE TABLE d.i (x INT64) PARTITION BY _PARTITIONDATE")
    sql("INSERT INTO d.i (_PARTITIONTIME, x) SELECT TIMESTAMP('2017-05-01'), 1")
    sql("INSERT INTO d.i (x) VALUES (2)")
    assert sql("SELECT x, _PARTITIONDATE FROM d.i WHERE _PARTITIONTIME = '2017-05-01'") == [(1, datetime.date(2017, 5, 1))]
    sql("UPDATE d.i SET _PARTITIONTIME = '2017-06-01' WHERE _PARTITIONTIME = '2017-05-01'")
    assert sql("SELECT x FROM d.i WHERE _PARTITIONDATE = '2017-06-01'") == [(1,)]
    job("DELETE d.i WHERE x = 2 AND _PARTITIONTIME > '2018-01-01'")
    assert sql("SELECT x FROM d.i") == [(1,)]


def test_ingestion_time_must_be_a_boundary(sql, refused):  # noqa: F811
    """docs/using-dml-with-partitioned-tables: only timestamps at exact date boundaries can be used."""
    sql("CREATE TABLE d.i (x INT64) PARTITION BY _PARTITIONDATE")
    refused("INSERT INTO d.i (_PARTITIONTIME, x) SELECT TIMESTAMP('2017-05-01 21:30:00'), 1", "invalidQuery", "_PARTITIONTIME")


def test_target_must_be_a_table(sql, refused):  # noqa: F811
    """docs/data-manipulation-language#limitations: no DML on views and snapshots."""
    sql("CREATE TABLE d.t (x INT64)")
    sql("CREATE VIEW d.v AS SELECT x FROM d.t")
    sql("CREATE SNAPSHOT TABLE d.s CLONE d.t")
    refused("INSERT d.v VALUES (1)", "invalidQuery", "d.v")
    refused("DELETE d.s WHERE true", "invalidQuery", "d.s")
    refused("INSERT d.nope VALUES (1)", "notFound", "Not found: Table test-project:d.nope was not found in location US")
