# SPDX-License-Identifier: Apache-2.0
"""BigQuery: what the configuration says of a table that is there already, and says otherwise than before."""

import pytest

from test_bigquery_basic import DATASET, Scene
from test_bigquery_edges import clean

DAY_MS = 24 * 3600 * 1000
WAYS = {
    "upload": (None, {}, {}), "objects": ("staging", {}, {}),
    "staging": (None, {"one_shard_below": "1B"}, {"workers": 2}), "partitions": (None, {}, {"replace": "partition"}),
}


@pytest.fixture
def scene(db, bqferry, google):
    return Scene(db, bqferry, google)


def table(scene):
    return scene.google.client().get_table(f"{DATASET}.items")


def write(scene, way, load, destination=None, by=None, **target):
    bucket, members, job = WAYS[way]
    scene.write(load, bucket, destination={**members, **(destination or {})}, **job,
                target={"partition_by": {"column": "day", "type": "day", **(by or {})}, **target})


@pytest.mark.parametrize("way, load", [("upload", "append"), ("objects", "replace"), ("staging", "replace"),
                                       ("partitions", "replace"), ("upload", "upsert")])
def test_what_is_changed(scene, way, load):
    scene.widen()
    write(scene, way, "replace", expiration="40d", labels={"env": "test", "old": "yes"}, description="first words")
    scene.ok()
    before = table(scene)
    write(scene, way, load, by={"expiration": "20000d", "require_filter": True}, expiration="60d",
          labels={"env": "prod"}, destination={"labels": {"team": "data"}}, description="other words")
    plan = scene.bqferry.ok("plan", env=scene.google.environment()).stdout
    assert "description, labels, expiration, expiration of partitions, require_filter" in " ".join(plan.split()), plan
    assert table(scene).etag == before.etag, "plan changes nothing"
    result = scene.ok()
    assert "is given what the configuration says of it: description, labels, exp" in result.stderr, str(result)
    after = table(scene)
    assert after.description == "other words" and after.require_partition_filter
    assert after.labels == {"managed_by": "bqferry", "job": "main", "old": "yes", "env": "prod", "team": "data"}
    assert after.time_partitioning.expiration_ms == 20000 * DAY_MS
    assert abs((after.expires - after.created).total_seconds() - 60 * 24 * 3600) < 600
    assert scene.rows() == scene.expected(2 if load == "append" else 1) and clean(scene)
    scene.ok()
    assert patched(scene) == [], "and then no more"
    write(scene, way, load)  # what is not said any more takes nothing away
    scene.ok()
    assert (table(scene).description, table(scene).labels) == ("other words", after.labels)


def patched(scene):
    """Patches of the target, but for what a replacing copy makes necessary (its partitions' expiration)."""
    return [call["body"] for call in scene.google.calls("bigquery.tables.patch")
            if call["path"].endswith("/items") and list(call["body"]) != ["timePartitioning"]]


def test_a_key_of_encryption_cannot_be_changed_by_a_load(scene):
    write(scene, "upload", "append")
    scene.ok()
    write(scene, "upload", "append", kms_key="projects/p/locations/us/keyRings/r/cryptoKeys/k")
    result = scene.ok()
    assert "keeps its key of encryption, Google's own" in result.stderr, str(result)


def test_without_the_permission(scene):
    """It is said which one; nothing was read, nothing stays behind."""
    write(scene, "upload", "append")
    scene.ok()
    rows = scene.rows()
    write(scene, "upload", "append", description="other words")
    scene.google.permissions("anonymous@example.com", deny=["bigquery.tables.update"])
    result = scene.run()
    assert result.code == 4 and "bigquery.tables.update: grant roles/bigquery.dataEditor" in result.stderr, str(result)
    assert scene.rows() == rows and clean(scene)
    scene.google.permissions("anonymous@example.com", allow=["roles/owner"])
    scene.ok()
    assert table(scene).description == "other words" and scene.rows() == scene.expected(2)


def test_killed_before_the_patch(scene, fault_points):
    write(scene, "upload", "append")
    scene.ok()
    write(scene, "upload", "append", description="other words")
    assert scene.run(fault="bigquery.target.patched").killed
    scene.ok()
    assert table(scene).description == "other words" and scene.rows() == scene.expected(2) and clean(scene)
