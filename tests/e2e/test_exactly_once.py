# SPDX-License-Identifier: Apache-2.0
"""What a run does with an interrupted one that was asked for something else; runs beside each other;
runs that are stopped in each of their phases."""

import os
import signal
import threading
import time

import pytest

from support.processes import wait_until
from support.targets import make_target

KINDS = ("duckdb", "avro")


@pytest.fixture(params=KINDS)
def scene(request, db, bqferry, job, tmp_path, fault_points):
    return Scene(request.param, db, bqferry, job, tmp_path)


class Scene:
    """100 rows in `items`: the even ids have day 0, the odd ones day 1."""

    def __init__(self, kind, db, bqferry, job, tmp_path):
        self.db, self.bqferry, self.job = db, bqferry, job
        self.target = make_target(kind, tmp_path)
        db.execute("CREATE TABLE items AS SELECT i AS id, i % 2 AS day FROM generate_series(1, 100) i")

    def asked(self, load, where=None, table=None, **keys):
        source = {"table": "items", **({"where": where} if where else {})}
        if table:
            keys["config"] = {"jobs": [{"name": "main", "load": load, "target": table,
                                        "source": {"connection": "db", **source}}]}
        self.job(self.target, source, load=load, **keys)

    def killed(self, fault, *arguments):
        result = self.bqferry("run", *arguments, fault=fault)
        assert result.killed, f"{fault} was not reached\n{result}"

    def run(self, status, *arguments):
        result = self.bqferry.ok("run", *arguments)
        assert result.job()["status"] == status, str(result)
        return result

    def ids(self, table="items"):
        return sorted(row[0] for row in self.target.rows(table, "id"))

    def clean(self):
        self.target.check("items")


ALL = list(range(1, 101))
EVEN, ODD = ALL[1::2], ALL[0::2]


@pytest.mark.parametrize("fault", ("delivery.counted", "delivery.applied"))
def test_other_rows_were_asked_for(scene, fault):
    """A condition that changes from run to run: neither day is lost, neither comes twice."""
    scene.asked("append", where="day = 0")
    scene.killed(fault)
    scene.asked("append", where="day = 1")
    scene.run("succeeded")
    assert scene.ids() == ALL
    scene.clean()


@pytest.mark.parametrize("load", ("append", "replace"))
def test_a_sample_was_interrupted(scene, load):
    """The rows of --limit are no answer to a run without it."""
    scene.asked(load)
    scene.killed("delivery.counted", "--limit", "10")
    scene.run("succeeded")
    assert scene.ids() == ALL
    scene.clean()


def test_full_refresh_after_an_interrupted_append(scene):
    scene.asked("append")
    scene.run("succeeded")
    scene.killed("delivery.counted")
    scene.run("succeeded", "--full-refresh")
    assert scene.ids() == ALL
    scene.clean()


def test_an_interrupted_full_refresh_again(scene):
    scene.asked("append")
    scene.run("succeeded")
    scene.killed("delivery.counted", "--full-refresh")
    scene.run("settled", "--full-refresh")
    assert scene.ids() == ALL


@pytest.mark.parametrize("fault", ("delivery.counted", "delivery.applied"))
def test_another_table_is_wanted(scene, fault):
    scene.asked("append")
    scene.killed(fault)
    scene.asked("append", table="other")
    result = scene.run("succeeded")
    assert result.job()["rows_applied"] == 100
    assert scene.ids("other") == ALL
    assert scene.ids("items") == ([] if fault == "delivery.counted" else ALL)
    assert scene.target.leftovers() == []


def test_columns_changed(scene):
    """Staged rows of the old shape are given up: the run that ends has the new one."""
    scene.asked("append")
    scene.killed("delivery.counted")
    scene.asked("append", columns={"day": {"name": "weekday"}})
    scene.run("succeeded")
    assert sorted(scene.target.rows("items", "id, weekday")) == [(i, i % 2) for i in ALL]


def test_source_is_another_server(scene, server):
    """The same job on another database has not been done yet."""
    other = server.new_database()
    try:
        other.execute("CREATE TABLE items AS SELECT 500 + i AS id, 0 AS day FROM generate_series(1, 7) i")
        scene.asked("replace")
        scene.killed("delivery.counted")
        scene.job(scene.target, "items", url=other.url(), load="replace")
        scene.run("succeeded")
        assert scene.ids() == list(range(501, 508))
    finally:
        other.drop()


def test_rows_that_can_never_be_applied(scene):
    """The target's table changed: every settling fails, and --full-refresh is the way out."""
    scene.asked("append")
    scene.run("succeeded")
    scene.killed("delivery.counted")
    if scene.target.kind == "duckdb":
        import duckdb
        with duckdb.connect(str(scene.target.path)) as connection:
            connection.execute("ALTER TABLE items ALTER COLUMN day TYPE INTEGER USING 0")
    else:
        manifest = scene.target.folder("items") / "manifest.json"
        manifest.write_text(manifest.read_text().replace('"name": "day"', '"name": "week"'))
    result = scene.bqferry("run")
    assert result.code in (2, 4) and "hint" in result.stderr, str(result)
    scene.run("succeeded", "--full-refresh")
    assert scene.ids() == ALL
    scene.clean()


def test_a_failed_attempt_that_left_staging(db, bqferry, job, gate, files_target, fault_points):
    """Staging cannot be removed, then the table is gone: the second attempt still knows what the
    first has left, and so does the next run."""
    make = "CREATE TABLE items AS SELECT i AS id FROM generate_series(1, 1000) i"
    db.execute(make)
    job(files_target, {"table": "items", "where": gate.at("id", 500)}, load="append", workers=1,
        retries={"budget": "5s"})
    run = bqferry.start("run", fault="delivery.discarded=fail")
    gate.wait_reached(run)
    drop = threading.Thread(target=db.connect().execute, args=["DROP TABLE items"])
    drop.start()
    wait_until(lambda: db.value("SELECT count(*) FROM pg_locks WHERE NOT granted AND mode ="
                                " 'AccessExclusiveLock'"), "the DROP to stand in the queue")
    db.execute("SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE usename = 'ferry'"
               " AND datname = current_database()")
    result = run.wait()
    drop.join()
    assert result.code == 3, str(result)
    assert result.stderr.count("the next run will do it") == 2, str(result)
    db.execute(make)
    gate.open()
    assert bqferry.ok("run").job()["rows_applied"] == 1000
    files_target.check("items")


def test_names_do_not_depend_on_the_selection(db, bqferry, files_target, fault_points):
    """Else an interrupted run is looked for under another name, and its rows come twice."""
    db.execute("CREATE TABLE b AS SELECT 1 AS x; CREATE TABLE c AS SELECT 1 AS x")

    def one(name, table, **keys):
        return {"name": name, "load": "append", "source": {"connection": "db", "table": table}, **keys}

    bqferry.write_config({
        "version": 1, "connections": {"db": {"type": "postgresql", "url": db.url()}}, "parallel": 1,
        "destination": files_target.config, "defaults": {"retries": {"budget": "0s"}},
        "jobs": [one("a", ["b", "c"]), one("a.b", "b", target="d")]})
    assert bqferry("run", fault="delivery.counted").killed
    alone = bqferry.ok("run", "a")
    together = bqferry.ok("run")
    names = [entry["job"] for entry in together.report["jobs"]]
    assert [entry["job"] for entry in alone.report["jobs"]] == names[:2]
    assert names[2] == "a.b"
    assert [entry["status"] for entry in alone.report["jobs"]] == ["settled", "succeeded"]
    assert len(files_target.rows("b")) == 2


def test_two_sources_that_do_not_answer(bqferry, files_target):
    """Patterns that could not be looked up are no clash of tables."""
    def one(name):
        return {"name": name, "load": "replace", "source": {"connection": name, "table": "public.*"}}

    def nobody(name):
        return {"type": "postgresql", "url": f"postgresql://x@127.0.0.1:1/{name}"}

    bqferry.write_config({
        "version": 1, "connections": {"a": nobody("a"), "b": nobody("b")},
        "destination": files_target.config, "defaults": {"retries": {"budget": "0s"}},
        "jobs": [one("a"), one("b")]})
    result = bqferry.fails("source", "run")
    assert [job["error"]["kind"] for job in result.report["jobs"]] == ["source", "source"]


def test_settling_waits_for_the_target(scene):
    """An interrupted run is as patient as a new one when another process has the file open."""
    if scene.target.kind != "duckdb":
        return
    import duckdb
    scene.asked("append", retries={"budget": "30s"})
    scene.killed("delivery.counted")
    with duckdb.connect(str(scene.target.path)):
        run = scene.bqferry.start("run")
        time.sleep(1)
        assert run.running(), str(run.wait())
    result = run.wait()
    assert result.code == 0, str(result)
    assert scene.ids() == ALL


# Stopped by a signal ------------------------------------------------------------------------------

@pytest.mark.parametrize("number", (signal.SIGINT, signal.SIGTERM))
def test_stopped_while_reading(scene, gate, number):
    scene.asked("append", where=gate.at("id", 50))
    run = scene.bqferry.start("run")
    gate.wait_reached(run)
    run.signal(number)
    result = run.wait()
    assert result.code == 1, str(result)
    entry = result.job()
    assert (entry["status"], entry["error"]["kind"]) == ("failed", "cancelled")
    wait_until(lambda: not scene.db.backends(), "the server to end the query")
    assert scene.target.leftovers() == [] and scene.ids() == []
    gate.open()
    scene.run("succeeded")
    assert scene.ids() == ALL


def test_stopped_between_two_attempts(db, bqferry, job, files_target):
    """Ctrl-C ends the wait before a new attempt."""
    job(files_target, "items", url="postgresql://ferry@127.0.0.1:1/x", load="append",
        retries={"budget": "10m"})
    run = bqferry.start("run", "--log-format", "json")
    time.sleep(3)
    began = time.monotonic()
    run.signal(signal.SIGINT)
    result = run.wait()
    assert time.monotonic() - began < 2
    assert result.code in (1, 3), str(result)


@pytest.mark.parametrize("kind", KINDS)
def test_stopped_before_their_turn(request, db, bqferry, gate, tmp_path, kind):
    target = make_target(kind, tmp_path)
    db.execute("CREATE TABLE a AS SELECT 1 AS id; CREATE TABLE b AS SELECT 1 AS id")
    bqferry.write_config({
        "version": 1, "connections": {"db": {"type": "postgresql", "url": db.url()}}, "parallel": 1,
        "destination": target.config, "defaults": {"retries": {"budget": "10m"}, "load": "replace"},
        "jobs": [{"name": "a", "source": {"connection": "db", "table": "a", "where": gate.at("id", 1)}},
                 {"name": "b", "source": {"connection": "db", "table": "b"}}]})
    run = bqferry.start("run")
    gate.wait_reached(run)
    run.signal(signal.SIGINT)
    result = run.wait()
    assert result.code == 1, str(result)
    assert result.job("a")["status"] == "failed"
    assert (result.job("b")["status"], result.job("b")["run_id"]) == ("not_run", None)
    assert target.leftovers() == []


def test_the_disk_of_the_state_is_full(scene, small_disk):
    """Nothing is delivered that could not be remembered, and the message says what to do."""
    if small_disk is None:
        pytest.skip("needs the rights to mount a small file system")
    scene.asked("append", config={"state": {"type": "file", "path": str(small_disk / "state")}})
    scene.run("succeeded")
    with open(small_disk / "large", "wb", buffering=0) as large, pytest.raises(OSError):
        while True:
            os.write(large.fileno(), bytes(512))
    result = scene.bqferry.fails("failed", "run")
    assert "No space left" in result.stderr and "hint:" in result.stderr
    assert scene.ids() == ALL
    (small_disk / "large").unlink()
    scene.run("succeeded")
    assert scene.ids() == sorted(ALL * 2)
    scene.clean()


@pytest.mark.parametrize("kind", KINDS)
def test_the_disk_of_the_state_fills_up_during_a_run(kind, db, bqferry, job, tmp_path, gate, small_disk):
    """Staged rows are no "nothing was changed": what is said is true of the state's file, and the next run ends right."""
    if small_disk is None:
        pytest.skip("needs the rights to mount a small file system")
    scene = Scene(kind, db, bqferry, job, tmp_path)
    scene.asked("append", where=gate.at("id", 50), config={"state": {"type": "file", "path": str(small_disk / "state")}})
    running = bqferry.start("run")
    gate.wait_reached(running)
    with open(small_disk / "large", "wb", buffering=0) as large, pytest.raises(OSError):
        while True:
            os.write(large.fileno(), bytes(512))
    gate.open()
    result = running.wait()
    assert result.code and "No space left" in result.stderr, str(result)
    assert "the file is as it was" in result.stderr and "nothing was changed" not in result.stderr, str(result)
    (small_disk / "large").unlink()
    scene.run("succeeded")
    assert scene.ids() == ALL
    scene.clean()


# Beside each other --------------------------------------------------------------------------------

@pytest.mark.parametrize("kind", KINDS)
def test_many_small_tables_at_once(db, bqferry, tmp_path, kind):
    target = make_target(kind, tmp_path)
    for number in range(12):
        db.execute(f"CREATE TABLE t{number} AS SELECT i AS id FROM generate_series(1, {number}) i")
    bqferry.write_config({
        "version": 1, "connections": {"db": {"type": "postgresql", "url": db.url()}}, "parallel": 6,
        "destination": target.config, "defaults": {"retries": {"budget": "0s"}},
        "jobs": [{"name": "all", "load": "replace", "source": {"connection": "db", "table": "public.*"}}]})
    for _ in range(3):
        result = bqferry.ok("run")
        assert [entry["status"] for entry in result.report["jobs"]] == ["succeeded"] * 12
    for number in range(12):
        assert len(target.rows(f"t{number}")) == number
    assert target.leftovers() == []


def test_two_processes_add_to_one_folder(db, bqferry, files_target):
    """Two jobs of two configurations, one table: nobody takes the other's files for his own."""
    db.execute("CREATE TABLE items AS SELECT i AS id FROM generate_series(1, 50) i")
    for name in ("left", "right"):
        bqferry.write_config({
            "version": 1, "connections": {"db": {"type": "postgresql", "url": db.url()}},
            "destination": files_target.config, "state": {"type": "file", "path": f".state-{name}"},
            "jobs": [{"name": "main", "load": "append", "source": {"connection": "db", "table": "items"}}]},
            f"{name}.yaml")
    for _ in range(4):
        runs = [bqferry.start("--config", f"{name}.yaml", "run") for name in ("left", "right")]
        for run in runs:
            result = run.wait()
            assert result.code == 0, str(result)
    assert sorted(row[0] for row in files_target.rows("items")) == sorted(list(range(1, 51)) * 8)
    files_target.check("items")


# Nothing to carry ---------------------------------------------------------------------------------

@pytest.mark.parametrize("ddl", ("CREATE TABLE items (id int, day int)",
                                 "CREATE TABLE items (id int, day int) PARTITION BY RANGE (id)"))
def test_no_rows(scene, ddl):
    scene.db.execute("DROP TABLE items")
    scene.db.execute(ddl)
    scene.asked("append")
    scene.killed("delivery.counted")
    result = scene.run("settled")
    assert result.job()["rows_applied"] == 0
    assert scene.target.exists("items") and scene.ids() == []
    scene.run("succeeded")
    scene.clean()
