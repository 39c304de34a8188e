# SPDX-License-Identifier: Apache-2.0
"""BigQuery: each way of loading once, read back with Google's own client, with the calls it took."""

import pytest

from support.bigquery import PROJECT

DATASET = "raw_data"


class Scene:
    """A table `items` of 1,000 rows, and the stand-in for BigQuery."""

    def __init__(self, db, bqferry, google):
        self.db, self.bqferry, self.google = db, bqferry, google
        google.reset(data=True)
        google.storage().create_bucket("staging")
        db.execute("CREATE TABLE items (id bigint PRIMARY KEY, name text, day date, price numeric(10,2))")
        db.execute("INSERT INTO items SELECT i, 'item ' || i, date '2026-01-01' + i % 3, i / 4.0 "
                   "FROM generate_series(1, 1000) i")

    def write(self, load="replace", bucket=None, workers=1, destination=None, retries="0s", **job):
        self.bqferry.write_config({
            "version": 1,
            "connections": {"db": {"type": "postgresql", "url": self.db.url()}},
            "destination": {"type": "bigquery", "project": PROJECT, "dataset": DATASET,
                            **({"bucket": bucket} if bucket else {}), **(destination or {})},
            "defaults": {"retries": {"budget": retries}, "workers": workers},
            "jobs": [{"name": "main", "source": {"connection": "db", "table": "public.items"},
                      "load": load, **job}]})

    def run(self, *arguments, **options):
        self.google.forget_calls()
        environment = {**self.google.environment(), "GCE_METADATA_HOST": None}
        return self.bqferry("run", *arguments, env=environment, **options)

    def ok(self, *arguments, **options):
        result = self.run(*arguments, **options)
        assert result.code == 0, str(result)
        return result

    def rows(self, table="items"):
        client = self.google.client()
        return sorted(tuple(row.values()) for row in client.list_rows(f"{PROJECT}.{DATASET}.{table}"))

    def expected(self, times=1):
        rows = self.db.rows("SELECT id, name, day, price FROM items")
        return sorted([tuple(row) for row in rows] * times)

    def tables(self):
        return sorted(table.table_id for table in self.google.client().list_tables(DATASET))

    def objects(self):
        return sorted(blob.name for blob in self.google.storage().list_blobs("staging"))


@pytest.fixture
def scene(db, bqferry, google):
    return Scene(db, bqferry, google)


@pytest.mark.parametrize("bucket", (None, "staging"))
@pytest.mark.parametrize("load", ("append", "replace"))
def test_one_shard(scene, load, bucket):
    scene.write(load, bucket)
    scene.ok()
    assert scene.rows() == scene.expected()
    scene.ok()
    assert scene.rows() == scene.expected(2 if load == "append" else 1)
    assert scene.tables() == ["items"] and scene.objects() == []


@pytest.mark.parametrize("bucket", (None, "staging"))
@pytest.mark.parametrize("load", ("append", "replace"))
def test_several_shards(scene, load, bucket):
    scene.write(load, bucket, workers=3, destination={"one_shard_below": "1B"})
    scene.ok()
    assert scene.rows() == scene.expected()
    scene.ok()
    assert scene.rows() == scene.expected(2 if load == "append" else 1)
    assert scene.tables() == ["items"] and scene.objects() == []


@pytest.mark.parametrize("bucket", (None, "staging"))
def test_other_columns(scene, bucket):
    """on_schema_change: rebuild."""
    scene.write("replace", bucket)
    scene.ok()
    scene.db.execute("ALTER TABLE items ALTER name TYPE bytea USING name::bytea, DROP COLUMN price, "
                     "ADD COLUMN more int[]")
    scene.ok()
    names = [(field.name, field.field_type, field.mode)
             for field in scene.google.client().get_table(f"{DATASET}.items").schema]
    assert names == [("id", "INTEGER", "NULLABLE"), ("name", "BYTES", "NULLABLE"),
                     ("day", "DATE", "NULLABLE"), ("more", "INTEGER", "REPEATED")]
    assert len(scene.rows()) == 1000 and scene.tables() == ["items"] and scene.objects() == []


@pytest.mark.parametrize("bucket", (None, "staging"))
def test_partitions(scene, bucket):
    """replace: partition replaces the days that are read, and leaves the others."""
    partition = {"partition_by": {"column": "day", "type": "day"}}
    scene.write("replace", bucket, target=partition)
    scene.ok()
    scene.write("replace", bucket, target=partition, replace="partition",
                source={"connection": "db", "table": "public.items", "where": "day > '2026-01-01'"})
    scene.db.execute("DELETE FROM items WHERE id % 10 = 0")
    scene.ok()
    kept = scene.db.rows("SELECT i, 'item ' || i, date '2026-01-01', i / 4.0 FROM generate_series(3, 1000, 3) i")
    new = scene.db.rows("SELECT id, name, day, price FROM items WHERE day > '2026-01-01'")
    assert scene.rows() == sorted([tuple(row) for row in kept + new])
    assert scene.tables() == ["items"] and scene.objects() == []
