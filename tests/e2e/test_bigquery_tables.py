# SPDX-License-Identifier: Apache-2.0
"""BigQuery: new tables, as the service describes them afterwards, and the jobs that filled them."""

import pytest

from test_bigquery_basic import DATASET, PROJECT, Scene
from test_bigquery_edges import clean

KEY = f"projects/{PROJECT}/locations/us/keyRings/r/cryptoKeys/k"
DAYS = {"partition_by": {"column": "day", "type": "day"}}
# name: (bucket, load, keys of the destination, keys of the job)
WAYS = {
    "upload": (None, "append", {}, {}), "objects": ("staging", "replace", {}, {}),
    "staging": (None, "append", {"one_shard_below": "1B"}, {"workers": 2}),
    "partitions": ("staging", "replace", {}, {"replace": "partition"}), "merge": (None, "upsert", {}, {}),
    "merge-bucket": ("staging", "soft_delete", {}, {}),
}


@pytest.fixture
def scene(db, bqferry, google):
    return Scene(db, bqferry, google)


def table(scene):
    return scene.google.client().get_table(f"{DATASET}.items")


def keys_in(value, name):
    """Every member of that name, however deep."""
    if isinstance(value, list):
        return [found for part in value for found in keys_in(part, name)]
    if not isinstance(value, dict):
        return []
    here = [value[name]] if name in value else []
    return here + [found for part in value.values() for found in keys_in(part, name)]


@pytest.mark.parametrize("way", WAYS)
def test_a_key_of_encryption_is_everywhere(scene, way):
    """CMEK: target, staging, and each job that makes or fills a table."""
    bucket, load, destination, job = WAYS[way]
    scene.widen()
    scene.write(load, bucket, destination={**destination, "kms_key": KEY}, target=DAYS, **job)
    for _ in range(2):
        scene.ok()
        made = [call["body"] for call in scene.google.calls("bigquery.tables.insert")]
        assert all(body["encryptionConfiguration"]["kmsKeyName"] == KEY for body in made), made
        jobs = [call["body"] for call in scene.google.calls("bigquery.jobs.insert") if call["body"]]
        jobs = [body for body in jobs if "query" not in body["configuration"]]
        assert all(keys_in(body, "kmsKeyName") == [KEY] for body in jobs), jobs
        assert table(scene).encryption_configuration.kms_key_name == KEY
    assert clean(scene)


@pytest.mark.parametrize("column, kind", [(column, kind) for column in ("at", "wall", "day", None)
                                          for kind in ("hour", "day", "month", "year")
                                          if (column, kind) != ("day", "hour")])
def test_partitions_of_time(scene, column, kind):
    scene.db.execute("ALTER TABLE items ADD at timestamptz DEFAULT now(), ADD wall timestamp DEFAULT '2026-02-03 04:05'")
    scene.write("replace", target={"partition_by": {**({"column": column} if column else {}), "type": kind,
                                                    "require_filter": True, "expiration": "20000d"},
                                   "cluster_by": ["name", "id", "price", "day"]})
    scene.ok()
    found = table(scene)
    assert (found.time_partitioning.type_, found.time_partitioning.field) == (kind.upper(), column)
    assert found.time_partitioning.expiration_ms == 20000 * 24 * 3600 * 1000 and found.require_partition_filter
    assert found.clustering_fields == ["name", "id", "price", "day"] and found.num_rows == 1000


def test_partitions_of_numbers(scene):
    by = {"column": "id", "type": "range", "start": -10, "end": 5000, "interval": 250}
    scene.write("replace", target={"partition_by": by})
    scene.ok()
    found = table(scene).range_partitioning
    assert (found.field, found.range_.start, found.range_.end, found.range_.interval) == ("id", -10, 5000, 250)
    assert scene.rows() == scene.expected()


def test_a_plan_for_partitions_of_all_numbers(scene):
    """From the least to the greatest: their distance is no INT64."""
    by = {"column": "id", "type": "range", "start": 1 - 2**63, "end": 2**63 - 1, "interval": 2**51}
    scene.write("upsert", target={"partition_by": {**by, "immutable": True}})
    plan = scene.bqferry.ok("plan", env=scene.google.environment()).stdout
    assert "one run may touch 4,000 partitions: 9007199254740992000 numbers" in " ".join(plan.split())


@pytest.mark.parametrize("target, words", (
    ({"cluster_by": ["id", "name", "day", "price", "id"]}, "at most 4 columns"),
    ({"partition_by": {"column": "name"}}, "name is STRING; it wants one of DATE"),
    ({"partition_by": {"column": "nothing"}}, "has no column nothing"),
))
def test_layouts_that_bigquery_does_not_have(scene, target, words):
    scene.write("replace", target=target)
    result = scene.run()
    assert result.code == 2 and words in result.stderr, str(result)
    assert not scene.google.calls("bigquery.tables.insert")


def test_a_rebuild_that_the_layout_forbids(scene):
    """The column that the table is partitioned by is gone from the source: no new schema can do without it."""
    scene.write("replace", target=DAYS)
    scene.ok()
    scene.db.execute("ALTER TABLE items DROP COLUMN day")
    scene.write("replace")
    result = scene.run()
    assert result.code == 2 and "is partitioned by a column that the rows do not have" in result.stderr, str(result)
    assert "target.table" in result.stderr and result.job()["rows_read"] == 0
    assert table(scene).num_rows == 1000


def test_costs_are_those_of_the_jobs(scene):
    """Bytes billed and slot milliseconds of the report, for each job that BigQuery knows under its id."""
    scene.write("upsert")
    scene.ok()
    jobs = scene.ok().job()["target_jobs"]
    assert {entry["kind"] for entry in jobs} == {"load", "query"}
    for entry in jobs:
        job = scene.google.client().get_job(entry["id"], location="US")._properties
        assert entry["slot_ms"] == int(job["statistics"]["totalSlotMs"])
        billed = job["statistics"].get("query", {}).get("totalBytesBilled", 0)
        assert entry["bytes_billed"] == int(billed)
    assert sum(entry["slot_ms"] for entry in jobs) > 0
