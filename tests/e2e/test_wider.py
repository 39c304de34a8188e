# SPDX-License-Identifier: Apache-2.0
"""Rows that are added to a table whose columns somebody else has made, wider or stricter than ours would be."""

import decimal

import duckdb
import pytest

from support.targets import BigQueryTarget

NUMBERS = ("id bigint PRIMARY KEY, big bigint, small int, money numeric(10,2), wide numeric(20,4), texts text NOT NULL")
# What is there, in BigQuery's words; DuckDB's DECIMAL has 38 digits only.
WIDER = {
    "bigquery": [("id", "NUMERIC", "REQUIRED"), ("big", "BIGNUMERIC", "NULLABLE"), ("small", "NUMERIC", "NULLABLE"),
                 ("money", "BIGNUMERIC", "NULLABLE"), ("wide", "NUMERIC", "NULLABLE"), ("texts", "STRING", "REQUIRED")],
    "duckdb": "id DECIMAL(38,9) NOT NULL, big DECIMAL(25,0), small DECIMAL(19,0), money DECIMAL(38,9),"
              " wide DECIMAL(30,4), texts VARCHAR NOT NULL",
}


@pytest.fixture(params=("duckdb", "bigquery"))
def target(request, duckdb_target):
    return duckdb_target if request.param == "duckdb" else BigQueryTarget(request.getfixturevalue("google"))


def make(target, columns):
    if target.kind == "duckdb":
        with duckdb.connect(str(target.path)) as connection:
            connection.execute(f"CREATE TABLE items ({columns['duckdb']})")
        return
    from google.cloud.bigquery import Dataset, SchemaField, Table
    dataset = Dataset(f"{target.google.project}.{target.dataset}")
    dataset.location = "US"
    target.client.create_dataset(dataset)
    target.client.create_table(Table(target.name("items"), schema=[SchemaField(*each) for each in columns["bigquery"]]))


def types(target):
    if target.kind == "duckdb":
        with duckdb.connect(str(target.path), read_only=True) as connection:
            return connection.execute("SELECT column_name, data_type, is_nullable FROM duckdb_columns() WHERE table_name = "
                                      "'items' ORDER BY column_index").fetchall()
    return [(field.name, field.field_type, field.mode) for field in target.get("items").schema]


def add(db, first=1, last=5):
    db.execute(f"INSERT INTO items SELECT i, 9223372036854775807 - i, -i, 99999999.99 - i, 1234567890123456.7891 - i, 't' || i"
               f" FROM generate_series({first}, {last}) i")


def expected(db):
    def exact(value):
        return decimal.Decimal(value) if isinstance(value, (int, decimal.Decimal)) else value
    return [tuple(exact(value) for value in row) for row in db.rows("SELECT * FROM items ORDER BY 1")]


@pytest.mark.parametrize("load", ("append", "upsert", "soft_delete"))
def test_a_wider_table(db, bqferry, job, target, load):
    """It is as it was, and has every value exactly; nothing had to be said."""
    db.execute(f"CREATE TABLE items ({NUMBERS})")
    add(db)
    make(target, WIDER)
    before = types(target)
    job(target, "items", load=load)
    plan = bqferry.ok("plan")
    assert "columns of the wider type that the table has: id (NUMERIC" in " ".join(plan.stdout.split()), str(plan)
    bqferry.ok("run")
    assert target.rows("items", "id, big, small, money, wide, texts") == expected(db)
    if load != "append":
        add(db, 6, 7)
        db.execute("UPDATE items SET big = 0 WHERE id = 2")
        bqferry.ok("run")
        assert target.rows("items", "id, big, small, money, wide, texts") == expected(db)
    assert types(target)[:len(before)] == before
    target.check("items")


def test_a_wider_cursor(db, bqferry, job, target):
    """Its places are the source's, whatever the target calls them; also where a range of it is replaced."""
    db.execute(f"CREATE TABLE items ({NUMBERS})")
    add(db)
    make(target, WIDER)
    job(target, "items", cursor={"column": "id", "grace": "0s", "wait": "0s"})
    bqferry.ok("run")
    add(db, 6, 9)
    bqferry.ok("run")
    assert target.rows("items", "id, big, small, money, wide, texts") == expected(db)
    job(target, "items", load="upsert", deletes="hard")
    db.execute("DELETE FROM items WHERE id IN (2, 8)")
    bqferry.ok("run")
    assert target.rows("items", "id, big, small, money, wide, texts") == expected(db)


@pytest.mark.parametrize("source, there, words", [
    ("bigint", ("FLOAT64", "DOUBLE"), 'columns: {big: {type: "FLOAT64"}}'),
    ("bigint", ("STRING", "VARCHAR"), 'columns: {big: {type: "STRING"}}'),
    ("numeric(12,2)", ("INT64", "BIGINT"), 'columns: {big: {type: "INT64"}}'),
], ids=["float", "string", "integer"])
@pytest.mark.parametrize("load", ("append", "upsert"))
def test_what_is_not_exact_is_asked_for(db, bqferry, job, target, load, source, there, words):
    """It stops the job before anything is read; the hint has the line, and with that line it runs."""
    db.execute(f"CREATE TABLE items (id bigint PRIMARY KEY, big {source}); INSERT INTO items VALUES (1, 17), (2, NULL)")
    make(target, {"bigquery": [("id", "INT64"), ("big", there[0])], "duckdb": f"id BIGINT, big {there[1]}"})
    job(target, "items", load=load)
    result = bqferry("run")
    assert result.code == 2 and words in result.stderr, str(result)
    if source == "numeric(12,2)":
        return  # a number with a fraction is no integer, whatever is asked for
    job(target, "items", load=load, columns={"big": {"type": there[0]}})
    bqferry.ok("run")
    assert next(value for key, value in target.rows("items", "id, big") if key == 1) in (17.0, "17")


def test_required_columns_that_the_source_may_leave_empty(db, bqferry, job, target):
    db.execute("CREATE TABLE items (id bigint PRIMARY KEY, name text); INSERT INTO items VALUES (1, 'a')")
    make(target, {"bigquery": [("id", "INT64", "REQUIRED"), ("name", "STRING", "REQUIRED")],
                  "duckdb": "id BIGINT NOT NULL, name VARCHAR NOT NULL"})
    job(target, "items", schema={"evolve": "fail"})
    result = bqferry("run")
    assert result.code == 2 and "name" in result.stderr and "mode: required" in result.stderr, str(result)
    db.execute("ALTER TABLE items ALTER COLUMN name SET NOT NULL")
    bqferry.ok("run")
    assert target.rows("items") == [(1, "a")]


def test_what_is_said_counts(db, bqferry, job, target):
    """A configured type is not replaced by the table's."""
    db.execute("CREATE TABLE items (id bigint PRIMARY KEY, n bigint); INSERT INTO items VALUES (1, 2)")
    make(target, {"bigquery": [("id", "INT64"), ("n", "NUMERIC")], "duckdb": "id BIGINT, n DECIMAL(38,9)"})
    job(target, "items", columns={"n": {"type": "STRING"}})
    result = bqferry("run")
    words = "VARCHAR is delivered" if target.kind == "duckdb" else "n is NUMERIC there and STRING here"
    assert result.code == 2 and words in result.stderr, str(result)


PARTITIONED = {"load": "replace", "replace": "partition", "target": {"partition_by": {"column": "day", "type": "day"}}}


def make_partitioned(target, price):
    from google.cloud.bigquery import Dataset, SchemaField, Table, TimePartitioning
    dataset = Dataset(f"{target.google.project}.{target.dataset}")
    dataset.location = "US"
    target.client.create_dataset(dataset)
    table = Table(target.name("items"), schema=[
        SchemaField("id", "NUMERIC", "REQUIRED"), SchemaField("day", "DATE"),
        SchemaField("price", "NUMERIC", precision=price[0], scale=price[1])])
    table.time_partitioning = TimePartitioning(type_="DAY", field="day")
    target.client.create_table(table)


@pytest.fixture
def days(db):
    db.execute("CREATE TABLE items (id int NOT NULL, day date, price numeric(10,2));"
               " INSERT INTO items SELECT i, date '2026-01-01' + i % 2, i / 4.0 FROM generate_series(1, 10) i")
    return db


def test_a_wider_table_whose_partitions_are_replaced(days, bqferry, job, google):
    target = BigQueryTarget(google)
    make_partitioned(target, (20, 4))
    before = types(target)
    job(target, "items", **PARTITIONED)
    plan = bqferry.ok("plan")
    assert "columns of the wider type that the table has: id (NUMERIC" in " ".join(plan.stdout.split()), str(plan)
    bqferry.ok("run")
    days.execute("DELETE FROM items WHERE id = 1")
    bqferry.ok("run")
    assert target.rows("items", "id, price") == days.rows("SELECT id, price FROM items ORDER BY 1")
    assert types(target) == before


def test_a_narrower_table_whose_partitions_are_replaced(days, bqferry, job, google):
    """What to do is a statement that can be run as it is told."""
    target = BigQueryTarget(google)
    make_partitioned(target, (8, 1))
    job(target, "items", **PARTITIONED)
    said = " ".join(bqferry.fails("config", "run").stderr.split())
    statement = f"ALTER TABLE `{target.dataset}.items` ALTER COLUMN `price` SET DATA TYPE NUMERIC(10, 2)"
    assert f"widen the table first: {statement}; or" in said and "--full-refresh" in said, said
    target.client.query_and_wait(statement)
    bqferry.ok("run")
    assert target.rows("items", "id, price") == days.rows("SELECT id, price FROM items ORDER BY 1")
