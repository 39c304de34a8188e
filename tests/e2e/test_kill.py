# SPDX-License-Identifier: Apache-2.0
"""SIGKILL at every step of a run, then a run again: every row is there once, nothing is left over.

What must happen is in docs/internals/delivery.md."""

import os
import signal
import time

import pytest

from support.processes import wait_until
from support.readers import manifest
from support.targets import GOOGLE_KINDS, make_target

ROWS = 20_000

# Killed there, nothing whole was staged: the next run reads the source again.
VOID = ["run.planned", "delivery.intended", "delivery.prepared", "extract.batch", "extract.batch:3",
        "extract.shard", "extract.shard:2", "delivery.staged", "state.written", "state.written:2"]
# Killed there, all rows were staged and counted: the next run brings them in and stops.
WHOLE = ["delivery.counted", "target.apply", "delivery.applied", "delivery.checked",
         "delivery.discarded", "state.written:3"]
FILES_ONLY = ["files.renamed", "files.renamed:2"]
# Killed there, the run was complete: the next one is a run of its own.
DONE = ["delivery.committed"]


def fill(db, batch, first, rows):
    """The source's whole content becomes `rows` rows of one batch."""
    db.execute("CREATE TABLE IF NOT EXISTS items (id int, batch text, pad text)")
    db.execute("BEGIN; TRUNCATE items;"
               f" INSERT INTO items SELECT i, '{batch}', repeat(md5(i::text), 4)"
               f" FROM generate_series({first}, {first + rows - 1}) i; COMMIT")


def wanted(batch, first, rows):
    return [(number, batch) for number in range(first, first + rows)]


def content(target):
    return sorted(target.rows("items", "id, batch"))


class Scene:
    """Old rows are in the target, new ones in the source; a run is killed between."""

    def __init__(self, db, bqferry, job, target, load):
        self.db, self.bqferry, self.target, self.load = db, bqferry, target, load
        fill(db, "old", 1, 500)
        job(target, "items", load=load, workers=2)
        bqferry.ok("run")
        fill(db, "new", 10_001, ROWS)
        self.old, self.new = wanted("old", 1, 500), wanted("new", 10_001, ROWS)
        assert content(target) == self.old

    def after(self, times=1):
        """The rows after the new ones arrived so many times."""
        return sorted((self.old if self.load == "append" else []) + self.new
                      * (times if self.load == "append" else 1))

    def state(self):
        """The job's state, for people who look for a mistake."""
        path = self.bqferry.folder / ".bqferry/jobs/main.json"
        return " ".join(path.read_text().split())[:600] if path.exists() else "no state"

    def killed(self, fault):
        result = self.bqferry("run", fault=fault)
        assert result.killed, f"{fault} was not reached\n{result}"
        assert content(self.target) in (self.old, self.after()), "a reader sees half a run"
        return result

    def finished(self, status, times=1):
        result = self.bqferry.ok("run")
        job = result.job()
        assert job["status"] == status, str(result)
        assert content(self.target) == self.after(times)
        assert job["rows_applied"] == ROWS
        self.target.check("items")
        return result


def scene_of(request, kind, load, tmp_path):
    get = request.getfixturevalue
    target = make_target(kind, tmp_path, get("google") if kind in GOOGLE_KINDS else None)
    return Scene(get("db"), get("bqferry"), get("job"), target, load)


CASES = [(kind, fault) for kind in ("duckdb", "avro", "gcs") for fault in VOID + WHOLE + DONE] + [
    (kind, fault) for kind in ("avro", "ndjson") for fault in FILES_ONLY]


@pytest.mark.parametrize("load", ("append", "replace"))
@pytest.mark.parametrize("kind, fault", CASES)
def test_killed_run_again(request, fault_points, tmp_path, kind, fault, load):
    scene = scene_of(request, kind, load, tmp_path)
    scene.killed(fault)
    if fault in VOID:
        assert content(scene.target) == scene.old
        scene.finished("succeeded")
    elif fault in DONE:
        assert content(scene.target) == scene.after()
        scene.finished("succeeded", times=2)
    else:
        scene.finished("settled")


@pytest.mark.parametrize("kind", ("duckdb", "avro", "gcs"))
@pytest.mark.parametrize("fault", ("delivery.counted", "target.apply", "delivery.applied"))
def test_settling_reads_no_source(request, fault_points, tmp_path, kind, fault):
    """What was counted is whole: it arrives even when the source's table is gone."""
    scene = scene_of(request, kind, "append", tmp_path)
    scene.killed(fault)
    scene.db.execute("DROP TABLE items")
    scene.finished("settled")


@pytest.mark.parametrize("kind", ("duckdb", "avro"))
@pytest.mark.parametrize("fault", ("delivery.counted", "target.apply", "delivery.applied",
                                   "delivery.discarded"))
def test_killed_while_settling(request, fault_points, tmp_path, kind, fault):
    """Settling is killed as well, at each of its own steps, and again."""
    scene = scene_of(request, kind, "append", tmp_path)
    scene.killed("delivery.counted")
    for point in ("target.apply", "delivery.applied", "delivery.discarded", "state.written"):
        result = scene.bqferry("run", fault=point)
        assert result.killed, f"{point} was not reached while settling\n{result}"
        assert content(scene.target) in (scene.old, scene.after())
    scene.finished("settled")


@pytest.mark.parametrize("kind", ("duckdb", "avro", "gcs"))
def test_runs_go_on_after_settling(request, fault_points, tmp_path, kind):
    scene = scene_of(request, kind, "append", tmp_path)
    scene.killed("target.apply")
    scene.finished("settled")
    scene.finished("succeeded", times=2)
    scene.finished("succeeded", times=3)


@pytest.mark.parametrize("kind", ("avro", "gcs"))
@pytest.mark.parametrize("fault", ("delivery.counted", "target.apply"))
def test_another_format_meanwhile(request, fault_points, tmp_path, kind, fault):
    """What a run has written keeps the format it began with, in its names and in the manifest."""
    scene = scene_of(request, kind, "replace", tmp_path)
    scene.killed(fault)
    config = scene.bqferry.folder / "bqferry.yaml"
    config.write_text(config.read_text().replace("format: avro", "format: ndjson"))
    result = scene.bqferry.ok("run")
    found = manifest(scene.target.folder("items"))
    if result.job()["status"] == "settled":
        assert found["format"] == "avro" and all(shard["file"].endswith(".avro") for shard in found["shards"])
        result = scene.bqferry.ok("run")
        found = manifest(scene.target.folder("items"))
    assert found["format"] == "ndjson", str(result)
    scene.target.check("items")


@pytest.mark.parametrize("kind", ("duckdb", "avro", "gcs"))
def test_damaged_staging_is_not_applied(request, fault_points, tmp_path, kind):
    """Whole is what is there, not what the intent says: lost staging is read again."""
    scene = scene_of(request, kind, "append", tmp_path)
    scene.killed("delivery.counted")
    if kind == "duckdb":
        import duckdb
        stage = scene.target.leftovers()
        assert len(stage) == 1
        with duckdb.connect(str(scene.target.path)) as connection:
            connection.execute(f"DELETE FROM {stage[0]} WHERE id = 10001")
    elif kind == "gcs":
        name = next(name for name in scene.target.leftovers() if name.endswith("00001.avro"))
        blob = scene.target.objects()[name]
        blob.upload_from_string(blob.download_as_bytes()[:-100])
    else:
        stage = [path for path in scene.target.path.rglob("*.avro") if ".staging-" in str(path)]
        assert stage
        with open(stage[0], "r+b") as shard:
            shard.truncate(os.path.getsize(stage[0]) - 100)
    scene.finished("succeeded")


@pytest.mark.parametrize("kind", ("duckdb", "avro", "gcs"))
@pytest.mark.parametrize("fault", ("run.planned", "delivery.intended", "delivery.prepared",
                                   "extract.batch", "extract.shard", "delivery.staged"))
def test_failure_before_the_count_is_clean(request, fault_points, tmp_path, kind, fault):
    """The same steps report an error instead: the run fails, says so, and leaves nothing."""
    scene = scene_of(request, kind, "replace", tmp_path)
    result = scene.bqferry("run", fault=f"{fault}=fail")
    assert result.code == 1, str(result)
    assert result.job()["status"] == "failed"
    assert content(scene.target) == scene.old
    scene.target.check("items")
    scene.finished("succeeded")


# Kills at random times ----------------------------------------------------------------------------

def kill_some(scene, seed, longest):
    """Up to three kills in a row, then a run to the end; the reports of what ended by itself."""
    ended = []
    for _ in range(seed.randint(1, 3)):
        run, delay = scene.bqferry.start("run"), seed.uniform(0, longest)
        time.sleep(delay)
        run.signal(signal.SIGKILL)
        result = run.wait()
        print(f"killed after {delay:.3f} s: {result.code}; {scene.state()}; {scene.target.leftovers()}")
        if not result.killed:
            ended.append(result)
    ended.append(scene.bqferry.ok("run"))
    return ended


@pytest.mark.soak
@pytest.mark.timeout(7200)
@pytest.mark.parametrize("load", ("append", "replace"))
@pytest.mark.parametrize("kind", ("duckdb", "avro"))
def test_random_kills(request, tmp_path, seed, soak, kind, load):
    """Each round carries a batch of its own. It must be there as often as a run of it was applied:
    once, or again when a complete run was followed by another."""
    scene = scene_of(request, kind, load, tmp_path)
    began = time.monotonic()
    scene.finished("succeeded")
    longest = 1.2 * (time.monotonic() - began)
    expected = list(scene.after())
    for number in range(150 if soak else 3):
        batch, first = f"round {number}", 100_000 + number * ROWS
        fill(scene.db, batch, first, ROWS)
        before = set(scene.target.run_ids("items"))
        ended = kill_some(scene, seed, longest)
        rows = wanted(batch, first, ROWS)
        found = content(scene.target)
        if load == "replace":
            assert found == rows, f"round {number}"
        else:
            mine = [row for row in found if row[1] == batch]
            # the list of runs has an end: what counts is what is new in it
            applied = len(set(scene.target.run_ids("items")) - before)
            assert applied >= 1 and mine == sorted(rows * applied), f"round {number}"
            complete = sum(result.job()["status"] == "succeeded" for result in ended)
            settled = sum(result.job()["status"] == "settled" for result in ended)
            # a kill after the commit leaves a complete run without a report
            assert applied >= complete + settled, f"round {number}"
            expected = sorted(expected + mine)
            assert found == expected, f"round {number}: rows of other rounds changed"
        scene.target.check("items")
        if len(expected) > 40 * ROWS:  # keep the target small: begin again
            scene.bqferry.ok("run", "--full-refresh")
            expected = rows
    scene.db.wait_idle()


def test_lock_of_a_killed_run_is_free(request, fault_points, tmp_path):
    """A holder that died is no holder, and its server sessions end."""
    scene = scene_of(request, "avro", "append", tmp_path)
    scene.killed("extract.batch")
    wait_until(lambda: not scene.db.backends(), "the sessions of the killed run to end")
    scene.finished("succeeded")
