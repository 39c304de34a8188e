# SPDX-License-Identifier: Apache-2.0
"""State, locks and reports in a bucket, read back with google-cloud-storage: what the folder does, from any
machine; stale locks that are taken over, and holders that notice it before they apply."""

import json
import os
import signal
import time

import pytest

from support.processes import wait_until
from support.targets import BigQueryTarget

FAST = {"BQFERRY_LIMIT": "state.lock_speed=60"}  # refreshed each quarter of a second, lost after one, stale after two


class Scene:
    def __init__(self, db, bqferry, google, kind="duckdb"):
        self.db, self.bqferry, self.google = db, bqferry, google
        google.reset(data=True)
        self.bucket = google.storage().create_bucket("acme-state")
        self.target = BigQueryTarget(google)
        self.kind = kind
        db.execute("CREATE TABLE items (id int PRIMARY KEY, name text);"
                   " INSERT INTO items SELECT i, 'n' || i FROM generate_series(1, 20) i")
        self.write()

    def write(self, load="append", source=None, **state):
        destination = self.target.config if self.kind == "bq" else {
            "type": "duckdb", "path": str(self.bqferry.folder / "w.duckdb")}
        self.bqferry.write_config({
            "version": 1, "connections": {"db": {"type": "postgresql", "url": self.db.url()}},
            "destination": destination,
            "state": {"type": "gcs", "bucket": "acme-state", "prefix": "a/b", "endpoint": self.google.gcs, **state},
            "defaults": {"retries": {"budget": "20s"}},
            "jobs": [{"name": "main", "load": load, "source": source or {"table": "public.items"}}]})

    def objects(self):
        return {blob.name for blob in self.google.storage().list_blobs("acme-state")}

    def read(self, name):
        return json.loads(self.bucket.blob(name).download_as_bytes())

    def put(self, name, value):
        self.bucket.blob(name).upload_from_string(value if isinstance(value, str) else json.dumps(value))

    def count(self):
        if self.kind == "bq":
            return len(self.target.rows("items", "id"))
        import duckdb
        with duckdb.connect(str(self.bqferry.folder / "w.duckdb"), read_only=True) as connection:
            return connection.execute("SELECT count(*) FROM items").fetchone()[0]

    def lock(self):
        return "a/b/locks/main.json"


@pytest.fixture(params=("duckdb", "bq"))
def scene(db, bqferry, google, request):
    return Scene(db, bqferry, google, request.param)


def test_state_reports_and_locks_are_objects(scene):
    run_id = scene.bqferry.ok("run").job()["run_id"]
    assert scene.objects() == {"a/b/jobs/main.json", "a/b/report.json", f"a/b/reports/{_report(scene)}.json"}
    assert scene.read("a/b/jobs/main.json")["last_run"]["run_id"] == run_id
    assert not (scene.bqferry.folder / ".bqferry").exists()
    listed = scene.bqferry.ok("runs", "list", "--json")
    assert run_id in listed.stdout
    assert "main" in scene.bqferry.ok("state", "show").stdout
    scene.bqferry.ok("run")
    assert scene.count() == 40


def test_a_reset_reads_the_state_once(scene):
    """What it judges by is what it says was there: another read might find something else."""
    scene.bqferry.ok("run")
    scene.google.forget_calls()
    scene.bqferry.ok("state", "reset", "main")
    read = [call["path"] for call in scene.google.calls("storage.objects.get")
            if call["path"].endswith("jobs%2Fmain.json") and "media" in str(call["query"])]
    assert len(read) == 1, scene.google.calls()
    assert "a/b/jobs/main.json" not in scene.objects()


def _report(scene):
    return next(name.split("/")[-1][:-5] for name in scene.objects() if "/reports/" in name)


@pytest.mark.parametrize("point", ("delivery.intended", "delivery.counted", "delivery.applied", "delivery.discarded"))
def test_another_machine_settles(scene, fault_points, point):
    """The process dies; its lock stays, and is taken over when it is stale."""
    assert scene.bqferry("run", fault=point, env=FAST).killed
    assert scene.lock() in scene.objects()
    result = scene.bqferry("run", env=FAST)
    if result.code == 7:
        assert "job main is locked by process" in result.stderr and "(job main)" in result.stderr
        result = scene.bqferry.ok("run", "--lock-wait", "30s", env=FAST)
        assert "takes over the lock of process" in result.stderr
    assert scene.count() == 20, str(result)
    assert not [name for name in scene.objects() if "/locks/" in name]


def test_a_lock_that_is_held(scene):
    scene.put(scene.lock(), {"host": "elsewhere", "pid": 17, "job": "main", "since": "2026-01-31T00:00:00Z"})
    result = scene.bqferry("run")
    assert result.code == 7, str(result)
    assert "locked by process 17 on elsewhere (job main), since 2026-01-31T00:00:00Z" in result.stderr
    assert "--lock-wait" in result.stderr and "after two minutes" in result.stderr
    reset = scene.bqferry("state", "reset", "main")
    assert reset.code == 7 and "job main is locked by process 17 on elsewhere" in reset.stderr
    begin = time.monotonic()
    assert scene.bqferry("run", "--lock-wait", "2s").code == 7 and time.monotonic() - begin >= 2
    assert scene.read(scene.lock())["pid"] == 17
    scene.put(scene.lock(), "not JSON")
    assert "locked by another process" in scene.bqferry("run").stderr


def test_a_lock_is_refreshed_while_it_is_held(scene, fault_points, gate):
    """Longer than it takes to be stale."""
    scene.write(source={"table": "public.items", "where": gate.at("id", 10)})
    faster = {"BQFERRY_LIMIT": "state.lock_speed=15"}  # refreshed each second, lost after four, stale after eight
    running = scene.bqferry.start("run", env=faster)
    gate.wait_reached(running)
    generations, began = set(), time.monotonic()
    while time.monotonic() - began < 9:
        time.sleep(0.5)
        generations.add(scene.bucket.get_blob(scene.lock()).generation)
        other = scene.bqferry("run", env=faster)
        assert other.code == 7, str(other)
    assert len(generations) > 3
    gate.open()
    assert running.wait().code == 0
    assert not [name for name in scene.objects() if "/locks/" in name]


def test_who_lost_the_lock_applies_nothing(scene, fault_points):
    """A process that was stopped for too long: another one did its work meanwhile."""
    if scene.kind == "duckdb":
        return  # whoever has the file open keeps all others out of it
    running = scene.bqferry.start("run", env={**FAST, "BQFERRY_FAULT": "delivery.counted=stop"})
    wait_until(lambda: _stopped(running.process.pid), "the process to stop")
    result = scene.bqferry.ok("run", "--lock-wait", "30s", env=FAST)
    assert "takes over the lock" in result.stderr and scene.count() == 20
    os.kill(running.process.pid, signal.SIGCONT)
    result = running.wait()
    assert result.code == 7 and "was lost" in result.stderr, str(result)
    assert scene.count() == 20 and (scene.kind != "bq" or scene.target.leftovers() == [])
    scene.bqferry.ok("run", env=FAST)
    assert scene.count() == 40


def _stopped(pid):
    with open(f"/proc/{pid}/stat") as stat:
        return stat.read().rsplit(")", 1)[1].split()[0] == "T"


@pytest.mark.parametrize("kind", ("lost_response", "error"))
def test_answers_that_get_lost(scene, kind):
    """Every write, of state and lock, in turn: what was done is recognised."""
    scene.google.forget_calls()
    scene.bqferry.ok("run")
    writes = scene.google.counts()["storage.objects.insert"]
    done = 20
    for nth in range(1, writes + 1):
        more = {"status": 503, "reason": "backendError", "when": "after"} if kind == "error" else {}
        fault = scene.google.fault("storage.objects.insert", kind, nth=nth, **more)
        result = scene.bqferry.ok("run")
        done += 20
        assert fault.fired == 1 and scene.count() == done, str(result)
        assert not [name for name in scene.objects() if "/locks/" in name]


def test_states_that_are_not_ours(scene):
    scene.bqferry.ok("run")
    name = "a/b/jobs/main.json"
    good = scene.read(name)
    cases = {'{"version": 99}': "newer bqferry", "{": "restore it", '{"version": 2, "job": "other"}': "job other"}
    for text, words in cases.items():
        scene.put(name, text)
        result = scene.bqferry("run")
        assert result.code == 2 and words in result.stderr and "gs://acme-state/a/b/jobs/main.json" in result.stderr
        assert scene.bucket.blob(name).download_as_bytes() == text.encode()
    scene.put(name, good)
    scene.bqferry.ok("run")
    assert scene.count() == 40


def test_check_tries_what_a_run_needs(scene):
    """A lock that is taken and given back: a bucket that may only be read is no place for a state."""
    assert "bucket can be read and written" in " ".join(scene.bqferry.ok("check").stdout.split())
    assert not [name for name in scene.objects() if "/locks/" in name]
    fault = scene.google.fault("storage.objects.insert", "error", status=403, reason="forbidden", count=9)
    result = scene.bqferry("check")
    assert result.code != 0 and "FAIL bucket" in " ".join(result.stdout.split()), str(result)
    assert fault.fired == 1


def test_a_bucket_that_is_not_there(scene):
    scene.write(bucket="no-such-bucket")
    for command in ("run", "check"):
        result = scene.bqferry(command)
        assert result.code == 2 and "there is no bucket no-such-bucket" in result.stdout + result.stderr, str(result)
