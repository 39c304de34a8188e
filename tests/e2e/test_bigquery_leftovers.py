# SPDX-License-Identifier: Apache-2.0
"""BigQuery: whoever may load but not remove. What is staged stays behind, and nothing else."""

import pytest

from test_bigquery_basic import Scene
from test_bigquery_edges import clean

WHO = "anonymous@example.com"
BY_DAY = {"target": {"partition_by": {"column": "day", "type": "day"}}, "replace": "partition"}
WAYS = {
    "staging": (None, {"one_shard_below": "1B"}, {"workers": 2}, "bigquery.tables.delete"),
    "objects": ("staging", {}, {}, "storage.objects.delete"),
    "list": ("staging", {}, {}, "storage.objects.list"),
    "partitions": (None, {}, BY_DAY, "bigquery.tables.delete"),
    "partitions-bucket": ("staging", {}, BY_DAY, "storage.objects.delete"),
}
ROLES = {"bigquery": "roles/bigquery.dataEditor", "storage": "roles/storage.objectUser"}


@pytest.fixture
def scene(db, bqferry, google):
    return Scene(db, bqferry, google)


def write(scene, way, load="replace"):
    bucket, destination, job, permission = WAYS[way]
    scene.write(load, bucket, destination=destination, **job)
    return permission


def told(result, permission):
    assert "stays behind" in result.stderr and permission in result.stderr, str(result)
    assert ROLES[permission.split(".")[0]] in result.stderr, str(result)


@pytest.mark.parametrize("way", ("staging", "objects", "partitions", "partitions-bucket"))
def test_what_may_not_be_removed_stays(scene, way):
    """The rows are there, the run has ended well, and it is said who must be granted what; later runs do not stumble."""
    scene.widen()
    permission = write(scene, way)
    scene.google.permissions(WHO, deny=[permission])
    told(scene.ok(), permission)
    assert scene.rows() == scene.expected() and not clean(scene)
    scene.db.execute("DELETE FROM items WHERE id > 1200")
    told(scene.ok(), permission)
    if "partitions" not in way:
        assert scene.rows() == scene.expected()
    scene.google.permissions(WHO)
    scene.bqferry.ok("gc", "--older-than", "0s", env=scene.google.environment())
    assert clean(scene)


@pytest.mark.parametrize("way, death", [("staging", "delivery.staged"), ("staging", "delivery.counted"), ("staging", "bigquery.step.sent"),
                                        ("objects", "delivery.staged"), ("objects", "bigquery.step.sent"),
                                        ("list", "delivery.staged"), ("partitions", "delivery.staged"),
                                        ("partitions", "bigquery.step.ended")])
def test_an_interrupted_run_whose_staging_may_not_be_removed(scene, fault_points, way, death):
    scene.widen()
    permission = write(scene, way)
    assert scene.run(fault=death).killed
    scene.google.permissions(WHO, deny=[permission])
    result = scene.ok()
    if permission != "storage.objects.list":
        told(result, permission)
    assert scene.rows() == scene.expected()
    scene.ok()
    assert scene.rows() == scene.expected()


def test_copies_of_partitions_that_may_still_come(scene, fault_points):
    """One partition was replaced, the staging table is not whole any more, and a copy of another may be on its way:
    it must find nothing, so the table has to go first. There is a way out."""
    permission = write(scene, "partitions")
    scene.db.execute("UPDATE items SET day = date '2026-01-01' + id::int % 12")
    assert scene.run(fault="bigquery.step.ended").killed
    staging = next(name for name in scene.tables() if name.startswith("bqferry_staging"))
    scene.google.client().query(f"DELETE FROM raw_data.{staging} WHERE id = 7").result()
    scene.google.permissions(WHO, deny=[permission])
    result = scene.run()
    assert result.code == 4 and permission in result.stderr and "bqferry state reset main --force" in result.stderr, str(result)
    scene.bqferry.ok("state", "reset", "main", "--force", env=scene.google.environment())
    scene.ok()
    assert scene.rows() == scene.expected()
