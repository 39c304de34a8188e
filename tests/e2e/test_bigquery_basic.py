# SPDX-License-Identifier: Apache-2.0
"""BigQuery: each way of loading once, read back with Google's own client, with the calls it took."""

import pytest

from support.bigquery import PROJECT

DATASET = "raw_data"


class Scene:
    """A table `items`, and the stand-in for BigQuery."""

    def __init__(self, db, bqferry, google):
        self.db, self.bqferry, self.google = db, bqferry, google
        google.reset(data=True)
        google.storage().create_bucket("staging")
        db.execute("CREATE TABLE items (id bigint PRIMARY KEY, name text, day date, price numeric(10,2))")
        self.add(1, 1000)

    def add(self, first, last):
        self.db.execute("INSERT INTO items SELECT i, 'item ' || i, date '2026-01-01' + i % 3, i / 4.0 "
                        f"FROM generate_series({first}, {last}) i")

    def widen(self):
        """To 3 MB, of which the source makes three shards."""
        self.db.execute("UPDATE items SET name = (SELECT string_agg(md5(id::text || j), '') FROM "
                        "generate_series(1, 60) j)")
        self.add(1001, 1500)
        self.db.execute("UPDATE items SET name = (SELECT string_agg(md5(id::text || j), '') FROM "
                        "generate_series(1, 60) j) WHERE id > 1000")
        self.db.execute("VACUUM FULL items")

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
        environment = {**self.google.environment(), **options.pop("env", {})}
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
    scene.widen()
    scene.write(load, bucket, workers=3, destination={"one_shard_below": "1B"})
    assert scene.ok().job()["shards"] > 1
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


def test_words_of_columns_that_stay(scene):
    """A description that somebody wrote stays, whatever comment the source has by now; also inside of a STRUCT."""
    from google.cloud.bigquery import SchemaField
    scene.db.execute("CREATE TYPE part AS (weight int, label text); ALTER TABLE items ADD COLUMN part part;"
                     " COMMENT ON COLUMN items.name IS 'ours'; COMMENT ON COLUMN items.price IS 'in EUR'")
    scene.write("replace")
    scene.ok()
    client = scene.google.client()
    table = client.get_table(f"{DATASET}.items")

    def words():
        fields = {field.name: field for field in client.get_table(f"{DATASET}.items").schema}
        found = {name: fields[name].description for name in fields}
        return {**found, **{f"part.{field.name}": field.description for field in fields["part"].fields}}

    table.schema = [
        SchemaField("name", "STRING", description="by hand") if field.name == "name" else
        SchemaField("part", "RECORD", fields=[SchemaField("weight", "INT64", description="in grams"),
                                              SchemaField("label", "STRING")]) if field.name == "part" else field
        for field in table.schema]
    client.update_table(table, ["schema"])
    scene.db.execute("COMMENT ON COLUMN items.name IS 'changed'; COMMENT ON COLUMN items.price IS 'in USD'")
    kept = {"id": None, "name": "by hand", "day": None, "price": "in EUR", "part": None, "part.weight": "in grams",
            "part.label": None}
    scene.ok()
    assert words() == kept
    scene.db.execute("ALTER TABLE items ADD COLUMN more int; COMMENT ON COLUMN items.more IS 'new'")
    scene.ok()
    assert words() == {**kept, "more": "new"}


def clustered_by(scene):
    return scene.google.client().get_table(f"{DATASET}.items").clustering_fields


@pytest.mark.parametrize("bucket", (None, "staging"))
def test_the_table_is_clustered_by_a_column_that_goes_away(scene, bucket):
    """A copy wants both tables clustered alike: the target is clustered by what is left, before it."""
    scene.write("replace", bucket, target={"cluster_by": ["name", "id"]})
    scene.ok()
    scene.write("replace", bucket)
    scene.db.execute("ALTER TABLE items DROP COLUMN name")
    assert "is clustered by changes: id from then on" in scene.bqferry.ok("plan", env=scene.google.environment()).stdout
    scene.ok()
    assert clustered_by(scene) == ["id"]
    scene.db.execute("ALTER TABLE items ALTER id TYPE float8")
    scene.ok()
    assert clustered_by(scene) is None
    assert len(scene.rows()) == 1000 and scene.tables() == ["items"] and scene.objects() == []


@pytest.mark.parametrize("death", (None, "delivery.counted", "bigquery.target.clustered", "bigquery.step.sent",
                                   "delivery.applied"))
def test_the_table_is_clustered_by_a_column_that_comes(scene, death, fault_points):
    scene.write("replace", target={"cluster_by": ["name"]})
    scene.ok()
    scene.write("replace", target={"cluster_by": ["title", "id"]})
    scene.db.execute("ALTER TABLE items RENAME name TO title")
    if death:
        assert scene.run(fault=death).killed
    scene.ok()
    assert clustered_by(scene) == ["title", "id"]
    scene.ok()  # with the columns and the layout that it has
    assert len(scene.rows()) == 1000 and scene.tables() == ["items"]


def test_the_table_is_partitioned_by_a_column_that_goes_away(scene):
    scene.write("replace", target={"partition_by": {"column": "day", "type": "day"}, "cluster_by": ["name"]})
    scene.ok()
    scene.write("replace")
    scene.db.execute("ALTER TABLE items DROP COLUMN day, DROP COLUMN name")
    result = scene.run()
    assert result.code == 2 and f"DROP TABLE {DATASET}.items" in result.stderr, str(result)
    assert "has no column day" in result.stderr and "never changes the partitioning" in result.stderr
    assert clustered_by(scene) == ["name"] and len(scene.rows()) == 1000


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


# Where the process may die, and on which way.
DEATHS = {
    "upload": ("delivery.intended", "bigquery.dataset.made", "delivery.prepared", "bigquery.upload.held",
               "delivery.counted", "bigquery.target.made", "bigquery.upload.finish", "bigquery.upload.finished",
               "bigquery.job.polled", "delivery.applied", "delivery.checked", "delivery.discarded",
               "delivery.committed"),
    "objects": ("bigquery.object.written", "delivery.staged", "delivery.counted", "bigquery.target.made",
                "bigquery.step.send", "bigquery.step.sent", "bigquery.job.polled", "bigquery.step.ended",
                "delivery.applied", "bigquery.objects.deleted", "delivery.committed"),
    "staging": ("bigquery.staging.made", "bigquery.shard.uploaded", "bigquery.shard.loaded", "delivery.counted",
                "bigquery.staging.counted", "bigquery.target.made", "bigquery.step.send", "bigquery.step.sent",
                "bigquery.step.ended", "delivery.applied", "bigquery.staging.dropped", "delivery.committed"),
}
# Killed after these, the rows are there although the run did not say so.
BEYOND = ("bigquery.upload.finished", "bigquery.step.sent", "bigquery.step.ended", "delivery.applied",
          "delivery.checked", "bigquery.objects.deleted", "bigquery.staging.dropped", "delivery.discarded")


@pytest.mark.parametrize("load", ("append", "replace"))
@pytest.mark.parametrize("way,death", [(way, death) for way in DEATHS for death in DEATHS[way]])
def test_killed(scene, fault_points, way, death, load):
    """Killed, and run again: the rows are there once, and nothing else is."""
    bucket = "staging" if way == "objects" else None
    if way == "staging":
        scene.widen()
    scene.write(load, bucket, workers=2, destination={"one_shard_below": "1B"} if way == "staging" else {})
    assert scene.run(fault=death).killed
    result = scene.ok()
    if load == "append" and death == "delivery.committed":
        assert scene.rows() == scene.expected(2)  # the first run had come to its end
    else:
        assert scene.rows() == scene.expected(), str(result)
    if death in BEYOND:
        assert result.job()["status"] == "settled", str(result)
    assert scene.tables() == ["items"] and scene.objects() == []


@pytest.mark.parametrize("load", ("append", "replace"))
@pytest.mark.parametrize("way,death", (("upload", "bigquery.upload.finished"), ("objects", "bigquery.step.sent"),
                                       ("staging", "bigquery.step.sent")))
def test_still_running(scene, fault_points, way, death, load):
    """Killed while the job runs, which it still does when the next run comes."""
    if way == "staging":
        scene.widen()
    scene.write(load, "staging" if way == "objects" else None, workers=2,
                destination={"one_shard_below": "1B"} if way == "staging" else {})
    scene.google.job_fault(job_type="copy" if way == "staging" else "load", running_polls=4)
    assert scene.run(fault=death).killed
    assert scene.ok().job()["status"] == "settled"
    assert scene.rows() == scene.expected()
    assert scene.tables() == ["items"] and scene.objects() == []
