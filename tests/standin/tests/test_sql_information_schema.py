# SPDX-License-Identifier: Apache-2.0
"""INFORMATION_SCHEMA views.

https://docs.cloud.google.com/bigquery/docs/information-schema-intro and the page of each view"""

import datetime

import pytest
from sqlrun import dry_run, job, refused, sql  # noqa: F401


@pytest.fixture
def things(sql):  # noqa: F811
    sql("""CREATE TABLE d.things (id INT64 NOT NULL OPTIONS (description = 'key'), name STRING(20) DEFAULT 'x',
        list ARRAY<STRUCT<k STRING, n NUMERIC(10, 2)>>, day DATE, PRIMARY KEY (id) NOT ENFORCED)
        PARTITION BY day CLUSTER BY name, id OPTIONS (description = 'some "things"', labels = [('a', 'b')])""")
    sql("CREATE TABLE d.other (x INT64, y INT64, CONSTRAINT ref FOREIGN KEY (y) REFERENCES d.things (id) NOT ENFORCED)")
    sql("INSERT d.things (id, day) VALUES (1, '2024-01-01'), (2, '2024-01-02'), (3, '2024-01-02'), (4, NULL)")


def test_tables(things, sql, client, dataset):  # noqa: F811
    """docs/information-schema-tables: kinds, and a ddl that makes the same table again."""
    sql("CREATE VIEW d.v AS SELECT id FROM d.things")
    sql("CREATE SNAPSHOT TABLE d.s CLONE d.other")
    assert sql("SELECT table_name, table_type, is_insertable_into FROM d.INFORMATION_SCHEMA.TABLES ORDER BY 1") == [
        ("other", "BASE TABLE", "YES"), ("s", "SNAPSHOT", "NO"), ("things", "BASE TABLE", "YES"), ("v", "VIEW", "NO")]
    [(ddl,)] = sql("SELECT ddl FROM d.INFORMATION_SCHEMA.TABLES WHERE table_name = 'things'")
    before = client.get_table(dataset.table("things")).to_api_repr()
    sql("DROP TABLE d.things")
    sql(ddl)
    after = client.get_table(dataset.table("things")).to_api_repr()
    for member in ("schema", "timePartitioning", "clustering", "description", "labels", "tableConstraints"):
        assert after[member] == before[member]


def test_columns(things, sql):  # noqa: F811
    """docs/information-schema-columns"""
    assert sql("SELECT column_name, ordinal_position, is_nullable, data_type, is_partitioning_column, clustering_ordinal_position, "
               "column_default FROM `test-project`.d.INFORMATION_SCHEMA.COLUMNS WHERE table_name = 'things' "
               "ORDER BY ordinal_position") == [
        ("id", 1, "NO", "INT64", "NO", 2, "NULL"), ("name", 2, "YES", "STRING(20)", "NO", 1, "'x'"),
        ("list", 3, "NO", "ARRAY<STRUCT<k STRING, n NUMERIC(10, 2)>>", "NO", None, "NULL"),
        ("day", 4, "YES", "DATE", "YES", None, "NULL")]


def test_field_paths(things, sql):  # noqa: F811
    """docs/information-schema-column-field-paths"""
    assert sql("SELECT column_name, field_path, data_type, description FROM d.INFORMATION_SCHEMA.COLUMN_FIELD_PATHS "
               "WHERE table_name = 'things' AND column_name IN ('id', 'list')") == [
        ("id", "id", "INT64", "key"), ("list", "list", "ARRAY<STRUCT<k STRING, n NUMERIC(10, 2)>>", None),
        ("list", "list.k", "STRING", None), ("list", "list.n", "NUMERIC(10, 2)", None)]


def test_partitions(things, sql):  # noqa: F811
    """docs/information-schema-partitions: ids, rows, logical bytes; a table without partitions has one row without an id."""
    assert sql("SELECT partition_id, total_rows, total_logical_bytes FROM d.INFORMATION_SCHEMA.PARTITIONS "
               "WHERE table_name = 'things' ORDER BY 1") == [("20240101", 1, 19), ("20240102", 2, 38), ("__NULL__", 1, 11)]
    [(name, rows, modified)] = sql("SELECT partition_id, total_rows, last_modified_time FROM d.INFORMATION_SCHEMA.PARTITIONS "
                                   "WHERE table_name = 'other'")
    assert (name, rows) == (None, 0) and isinstance(modified, datetime.datetime)


def test_partition_times(things, sql):  # noqa: F811
    """docs/information-schema-partitions: last_modified_time moves for the partitions that a statement writes."""
    def times():
        return dict(sql("SELECT partition_id, last_modified_time FROM d.INFORMATION_SCHEMA.PARTITIONS WHERE table_name = 'things'"))
    before = times()
    sql("MERGE d.things T USING (SELECT 1 AS id) S ON T.id = S.id WHEN MATCHED THEN UPDATE SET name = 'y'")
    after = times()
    assert after["20240101"] > before["20240101"] and after["20240102"] == before["20240102"]


def test_table_options(things, sql):  # noqa: F811
    """docs/information-schema-table-options: values as SQL text."""
    assert sql("SELECT option_name, option_type, option_value FROM d.INFORMATION_SCHEMA.TABLE_OPTIONS ORDER BY 1") == [
        ("description", "STRING", '"some \\"things\\""'), ("labels", "ARRAY<STRUCT<STRING, STRING>>", '[STRUCT("a", "b")]')]


def test_keys(things, sql):  # noqa: F811
    """docs/information-schema-key-column-usage, -table-constraints, -constraint-column-usage: names are TABLE.pk$ and TABLE.NAME."""
    assert sql("SELECT constraint_name, table_name, column_name, ordinal_position, position_in_unique_constraint "
               "FROM d.INFORMATION_SCHEMA.KEY_COLUMN_USAGE ORDER BY 1") == [
        ("other.ref", "other", "y", 1, 1), ("things.pk$", "things", "id", 1, None)]
    assert sql("SELECT constraint_name, constraint_type, enforced FROM d.INFORMATION_SCHEMA.TABLE_CONSTRAINTS ORDER BY 1") == [
        ("other.ref", "FOREIGN KEY", "NO"), ("things.pk$", "PRIMARY KEY", "NO")]
    assert sql("SELECT table_name, column_name, constraint_name FROM d.INFORMATION_SCHEMA.CONSTRAINT_COLUMN_USAGE ORDER BY 3") == [
        ("things", "id", "other.ref"), ("things", "id", "things.pk$")]


def test_schemata_and_storage(things, sql, client):  # noqa: F811
    """docs/information-schema-datasets-schemata, docs/information-schema-table-storage: of a region."""
    assert sql("SELECT schema_name, location FROM INFORMATION_SCHEMA.SCHEMATA") == [("d", "US")]
    assert sql("SELECT schema_name FROM `region-us`.INFORMATION_SCHEMA.SCHEMATA") == [("d",)]
    assert sql("SELECT table_name, total_rows, total_partitions, total_logical_bytes FROM `region-us`.INFORMATION_SCHEMA.TABLE_STORAGE "
               "ORDER BY 1") == [("other", 0, 0, 0), ("things", 4, 3, 68)]


def test_jobs(things, sql, client):  # noqa: F811
    """docs/information-schema-jobs: what ran, for whom, with which labels and errors."""
    sql("MERGE d.things T USING (SELECT 1 AS id) S ON T.id = S.id WHEN MATCHED THEN UPDATE SET name = 'y'", labels={"team": "x"})
    rows = sql("SELECT statement_type, state, total_bytes_processed, dml_statistics.updated_row_count, labels[SAFE_OFFSET(0)].key, "
               "destination_table, query FROM `region-us`.INFORMATION_SCHEMA.JOBS WHERE statement_type = 'MERGE'")
    assert rows[0][:5] == ("MERGE", "DONE", 4 * 11 + 68, 1, "team") and rows[0][6].startswith("MERGE d.things")
    with pytest.raises(Exception, match="nope"):
        sql("SELECT nope")
    assert sql("SELECT error_result.reason, error_result.message FROM `region-us`.INFORMATION_SCHEMA.JOBS_BY_USER "
               "WHERE error_result IS NOT NULL") == [("invalidQuery", "Unrecognized name: nope at [1:8]")]


def test_joins_and_unknown_views(things, sql, refused):  # noqa: F811
    """docs/information-schema-intro: the views are relations like others; what the stand-in lacks it names."""
    assert sql("SELECT c.column_name FROM d.INFORMATION_SCHEMA.COLUMNS c JOIN d.INFORMATION_SCHEMA.KEY_COLUMN_USAGE k "
               "USING (table_name, column_name) ORDER BY 1") == [("id",), ("y",)]
    refused("SELECT * FROM d.INFORMATION_SCHEMA.ROUTINES", "notImplemented", "INFORMATION_SCHEMA.ROUTINES")
    refused("SELECT * FROM nope.INFORMATION_SCHEMA.TABLES", "notFound", "Not found: Dataset test-project:nope")
    refused("SELECT * FROM INFORMATION_SCHEMA.TABLES", "invalidQuery", "must be qualified with a dataset")
