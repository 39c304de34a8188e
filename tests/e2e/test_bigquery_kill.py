# SPDX-License-Identifier: Apache-2.0
"""SIGKILL at every fault point of a run into BigQuery, whatever its name, then a run again: each way of
loading, append and replace, jobs that are done at once and jobs that still run at the restart.

A seeded part of the points is tried here, all of them in `make soak`."""

import pytest

from support.targets import BigQueryTarget

ROWS = 300

# name: (with a bucket, keys of the destination, keys of the job, load modes)
PARTITIONED = {"target": {"partition_by": {"column": "day", "type": "day"}}}
WAYS = {
    "upload": (False, {}, {}, ("append", "replace")),
    "uploads-staged": (False, {"one_shard_below": 1}, {"workers": 2}, ("append", "replace")),
    "bucket": (True, {"one_shard_below": 1}, {"workers": 2}, ("append", "replace")),
    "bucket-ndjson": (True, {"format": "ndjson"}, PARTITIONED, ("append",)),
    "partitions": (False, {}, {**PARTITIONED, "replace": "partition"}, ("replace",)),
    "partitions-bucket": (True, {}, {**PARTITIONED, "replace": "partition"}, ("replace",)),
}
CASES = [(way, load) for way, keys in WAYS.items() for load in keys[3]]


def fill(db, batch, first):
    """The source's whole content becomes one batch, on two days."""
    db.execute("CREATE TABLE IF NOT EXISTS items (id int PRIMARY KEY, batch text, day date)")
    db.execute(f"BEGIN; TRUNCATE items; INSERT INTO items SELECT i, '{batch}', date '2026-01-01' + i % 2"
               f" FROM generate_series({first}, {first + ROWS - 1}) i; COMMIT; ANALYZE items")


class Scene:
    """Old rows are in the target, new ones in the source."""

    def __init__(self, db, bqferry, google, way, load):
        bucket, destination, job, _ = WAYS[way]
        self.db, self.bqferry, self.google, self.load = db, bqferry, google, load
        self.target = BigQueryTarget(google, bucket=bucket, **destination)
        bqferry.write_config({
            "version": 1, "connections": {"db": {"type": "postgresql", "url": db.url()}},
            "destination": self.target.config, "defaults": {"retries": {"budget": "0s"}},
            "jobs": [{"name": "main", "load": load, "source": {"table": "items"}, **job}]})
        fill(db, "old", 1)
        if load == "replace" and job.get("replace") == "partition":
            db.execute("INSERT INTO items VALUES (0, 'kept', '2020-05-05')")
        bqferry.ok("run")
        self.old = self.rows()
        fill(db, "new", 1001)
        self.new = [(number, "new") for number in range(1001, 1001 + ROWS)]
        self.kept = [row for row in self.old if row[1] == "kept"]

    def rows(self):
        return sorted(self.target.rows("items", "id, batch"))

    def after(self, times=1):
        return sorted(self.old + self.new * times if self.load == "append" else self.kept + self.new)

    def is_open(self):
        """Whether the state holds an intent."""
        path = self.bqferry.folder / ".bqferry/jobs/main.json"
        import json
        return bool(json.loads(path.read_text()).get("intent")) if path.exists() else False

    def killed(self, number, **options):
        result = self.bqferry("run", fault=f"*:{number}", timeout=120, **options)
        if result.killed:
            assert self.rows() in (self.old, self.after()), f"a reader sees half a run\n{result}"
        return result

    def made_good(self, context):
        """The next run ends right, once, and leaves nothing."""
        done = not self.is_open() and self.rows() == self.after()
        result = self.bqferry.ok("run", timeout=120)
        assert self.rows() == self.after(2 if done else 1), f"{context}\n{result}"
        assert self.target.leftovers() == [], f"{context}\n{result}"
        assert result.job()["rows_applied"] == ROWS, f"{context}\n{result}"


@pytest.mark.soak
@pytest.mark.timeout(7200)
@pytest.mark.parametrize("running", (False, True), ids=("done", "running"))
@pytest.mark.parametrize("way, load", CASES)
def test_killed_at_every_point(db, bqferry, google, fault_points, seed, soak, way, load, running):
    """Points are numbered as the run comes by them, so none can be forgotten."""
    scene = Scene(db, bqferry, google, way, load)
    if running:  # seen RUNNING twice, whoever asks
        google.job_fault(running_polls=2, count=0)
    count = count_points(scene, google)
    numbers = range(1, count + 1) if soak else sorted(seed.sample(range(1, count + 1), min(count, 4)))
    for number in numbers:
        restore(scene)
        result = scene.killed(number)
        if result.killed:  # workers come by their points in another order now and then
            scene.made_good(f"point {number} of {count}: {result.stderr}")


def count_points(scene, google):
    """How many points a whole run comes by: found by doubling, then by halves."""
    low, high = 1, 64
    while low < high:
        middle = (low + high) // 2
        restore(scene)
        result = scene.killed(middle)
        if result.killed:
            scene.made_good(f"point {middle}: {result.stderr}")
            low = middle + 1
        else:
            high = middle
    return low - 1


def restore(scene):
    """Old rows in the target, new ones in the source."""
    client = scene.target.client
    if scene.rows() != scene.old:
        fill(scene.db, "old", 1)
        if scene.kept:
            scene.db.execute("INSERT INTO items VALUES (0, 'kept', '2020-05-05')")
        scene.bqferry.ok("run", "--full-refresh", timeout=120)
        fill(scene.db, "new", 1001)
    assert scene.rows() == scene.old and client
