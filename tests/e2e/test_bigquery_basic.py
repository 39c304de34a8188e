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
