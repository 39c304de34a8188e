# SPDX-License-Identifier: Apache-2.0
"""Long ranges in windows, backfills, and what is kept between runs: states, locks, reports, leftovers."""

import json
import os
import time
from datetime import datetime

import pytest

from support.processes import wait_until

TABLE = """CREATE TABLE items (id int PRIMARY KEY, name text,
                               updated_at timestamptz NOT NULL DEFAULT now());
           CREATE INDEX ON items (updated_at)"""
CURSOR = {"column": "updated_at", "grace": "0s", "wait": "0s"}


def fill(db, days=30, each=10):
    """So many rows each day of January 2026, ids in order of time."""
    db.execute(TABLE)
    db.execute(f"INSERT INTO items SELECT i, 'n' || i, timestamptz '2026-01-01Z' + (i - 1) * interval '1 day'"
               f" / {each} FROM generate_series(1, {days * each}) i")


def state_path(bqferry, job="main"):
    return bqferry.folder / f".bqferry/jobs/{job}.json"


def state_of(bqferry, job="main"):
    return json.loads(state_path(bqferry, job).read_text())


def place_of(bqferry, job="main"):
    return state_of(bqferry, job)["state"]["cursor"]["value"]


def ids(target, table="items"):
    return [row[0] for row in target.rows(table, "id")]


# Windows ------------------------------------------------------------------------------------------

@pytest.mark.parametrize("load", ("append", "upsert"))
@pytest.mark.parametrize("operator", (">=", ">"))
def test_a_first_run_in_windows(db, bqferry, job, duckdb_target, load, operator):
    fill(db)
    job(duckdb_target, "items", load=load, cursor={**CURSOR, "operator": operator}, backfill="7d")
    report = bqferry.ok("run").job()
    assert ids(duckdb_target) == list(range(1, 301))
    # 30 days are five windows, the last one goes on to now; what is empty in between is passed over
    assert 5 <= report["cursor"]["ranges"] <= 6, report["cursor"]
    assert report["rows_read"] == report["rows_applied"] == 300
    assert len(duckdb_target.run_ids("items")) == report["cursor"]["ranges"]
    assert bqferry.ok("run").job()["rows_read"] == 0


def test_an_append_in_windows_that_read_again_counts_each_row(db, bqferry, job, duckdb_target):
    """The first window only adds rows, the others look for what is there: the report's counts are of all of them."""
    fill(db)
    job(duckdb_target, "items", load="append", cursor={**CURSOR, "lookback": "2d"}, backfill="7d")
    report = bqferry.ok("run").job()
    assert ids(duckdb_target) == list(range(1, 301))
    counts = report["merged"]
    assert counts["inserted"] == 300 and counts["unchanged"] > 0
    assert counts["inserted"] + counts["unchanged"] == report["rows_read"] == report["rows_applied"]


@pytest.mark.parametrize("fault", ("extract.batch", "delivery.counted", "target.apply", "delivery.applied",
                                   "delivery.committed"))
@pytest.mark.parametrize("load", ("append", "upsert"))
def test_windows_go_on_where_they_stopped(db, bqferry, job, duckdb_target, fault_points, load, fault):
    """Killed in the third window: two are there, and are not read again."""
    fill(db)
    job(duckdb_target, "items", load=load, cursor=CURSOR, backfill="5d")
    result = bqferry("run", fault=f"{fault}:3")
    assert result.killed, str(result)
    assert ids(duckdb_target)[:100] == list(range(1, 101))
    report = bqferry.ok("run").job()
    assert ids(duckdb_target) == list(range(1, 301))
    assert report["rows_read"] <= 200
    duckdb_target.check("items")


def test_windows_of_numbers(db, bqferry, job, duckdb_target):
    db.execute("CREATE TABLE items AS SELECT i AS id FROM generate_series(1, 1000) i WHERE i < 100 OR i > 900")
    job(duckdb_target, "items", load="append", cursor={**CURSOR, "column": "id"}, backfill={"window": "50"})
    report = bqferry.ok("run").job()
    assert ids(duckdb_target) == [*range(1, 100), *range(901, 1001)]
    assert report["cursor"]["ranges"] == 4
    job(duckdb_target, "items", load="append", cursor={**CURSOR, "column": "id"}, backfill={"window": "1d"})
    db.execute("INSERT INTO items VALUES (1001)")
    assert "expected a count" in bqferry.fails("config", "run").stderr


# Backfill -----------------------------------------------------------------------------------------

@pytest.mark.parametrize("load", ("append", "upsert"))
def test_backfill(db, bqferry, job, duckdb_target, load):
    fill(db)
    job(duckdb_target, "items", load=load, cursor={**CURSOR, "start": "2026-01-21"}, backfill="3d")
    bqferry.ok("run")
    assert ids(duckdb_target) == list(range(201, 301))
    before = place_of(bqferry)
    bqferry.ok("backfill", "main", "--start", "2026-01-05", "--end", "2026-01-10")  # with the tenth
    assert ids(duckdb_target) == [*range(41, 101), *range(201, 301)]
    bqferry.ok("backfill", "main", "--start", "2026-01-11", "--end", "2026-01-12T00:00:00Z")
    assert ids(duckdb_target) == [*range(41, 111), *range(201, 301)]
    bqferry.ok("backfill", "main", "--start", "2026-01-05", "--end", "2026-01-10")  # again: nothing is doubled
    bqferry.ok("backfill", "main", "--start", "2026-01-01")
    assert ids(duckdb_target) == list(range(1, 301))
    assert place_of(bqferry) == before
    assert bqferry.ok("run").job()["rows_read"] == 0


@pytest.mark.parametrize("day", ("2026-03-29", "2026-10-25"))
def test_a_backfill_over_a_change_of_clocks(db, bqferry, job, duckdb_target, day):
    """Wall times that never were, and those that were twice: each row once, by windows that end in between."""
    db.execute(f"{TABLE}; ALTER TABLE items ALTER updated_at TYPE timestamp;"
               " INSERT INTO items SELECT row_number() OVER (ORDER BY t), 'x', t AT TIME ZONE 'Europe/Berlin'"
               f" FROM generate_series(timestamptz '{day} 00:00+02' - interval '2 hours', timestamptz '{day} 05:00+01',"
               " interval '10 minutes') t")
    job(duckdb_target, "items", load="append", cursor={**CURSOR, "time_zone": "Europe/Berlin", "start": "2026-11-01"},
        backfill="90m")
    bqferry.ok("run")
    for _ in (1, 2):
        bqferry.ok("backfill", "main", "--start", f"{day} 01:15", "--end", f"{day} 03:30")
    assert ids(duckdb_target) == [row[0] for row in db.rows(
        f"SELECT id FROM items WHERE updated_at >= '{day} 01:15' AND updated_at < '{day} 03:30' ORDER BY 1")]
    bqferry.ok("backfill", "main", "--start", "2026-01-01")
    assert ids(duckdb_target) == [row[0] for row in db.rows("SELECT id FROM items ORDER BY 1")]


def test_a_backfill_corrects(db, bqferry, job, duckdb_target):
    fill(db)
    job(duckdb_target, "items", load="upsert", cursor=CURSOR)
    bqferry.ok("run")
    db.execute("UPDATE items SET name = 'corrected, with its old time' WHERE id = 50")
    bqferry.ok("run")
    assert duckdb_target.rows("items", "id, name")[49] == (50, "n50")
    bqferry.ok("backfill", "main", "--start", "2026-01-05", "--end", "2026-01-05")
    assert duckdb_target.rows("items", "id, name") == db.rows("SELECT id, name FROM items ORDER BY 1")


def test_a_backfill_goes_on(db, bqferry, job, duckdb_target, fault_points):
    fill(db)
    job(duckdb_target, "items", load="upsert", cursor={**CURSOR, "start": "2026-01-29"}, backfill="3d")
    bqferry.ok("run")
    words = ("backfill", "main", "--start", "2026-01-01", "--end", "2026-01-28")
    result = bqferry(*words, fault="delivery.counted:4")
    assert result.killed
    assert state_of(bqferry)["state"]["backfill"]["done"] == "2026-01-10 00:00:00+00"
    bqferry.ok("run")  # the interrupted window is given up, the backfill's place stays
    assert len(ids(duckdb_target)) == 110
    report = json.loads((bqferry.ok(*words, "--report", "backfill.json"), bqferry.folder / "backfill.json")[1].read_text())
    assert report["jobs"][0]["rows_read"] == 190
    assert ids(duckdb_target) == list(range(1, 301))


def test_a_backfill_lets_others_run(db, bqferry, job, duckdb_target, gate):
    fill(db)
    job(duckdb_target, {"table": "items", "where": gate.at("id", 35)}, load="upsert",
        cursor={**CURSOR, "start": "2026-01-29"}, backfill="1d")
    bqferry.ok("run")
    run = bqferry.start("backfill", "main", "--start", "2026-01-01", "--end", "2026-01-28")
    gate.wait_reached(run)
    db.execute("INSERT INTO items VALUES (1000, 'new')")
    assert "main" in bqferry.fails("locked", "run").stderr
    waiting = bqferry.start("run", "--lock-wait", "30s")
    gate.open()
    result = waiting.wait()
    assert result.code == 0, str(result)
    assert result.job()["rows_read"] == 1
    assert run.wait().code == 0
    assert ids(duckdb_target) == [*range(1, 301), 1000]


def test_backfills_that_make_no_sense(db, bqferry, job, duckdb_target):
    fill(db, 1)
    job(duckdb_target, "items", load="append")
    assert "has no cursor" in bqferry.fails("config", "backfill", "main", "--start", "2026-01-01").stderr
    job(duckdb_target, "items", load="append", cursor=CURSOR)
    assert "--start" in bqferry.fails("config", "backfill", "main", "--start", "yesterday").stderr
    assert "--start" in bqferry.fails("config", "backfill", "main").stderr
    assert "nobody" in bqferry.fails("config", "backfill", "nobody", "--start", "2026-01-01").stderr


# Full refresh -------------------------------------------------------------------------------------

@pytest.mark.parametrize("load", ("append", "upsert", "soft_delete"))
def test_a_full_refresh_begins_again(db, bqferry, job, duckdb_target, load):
    fill(db, 3)
    job(duckdb_target, "items", load=load, cursor=CURSOR)
    bqferry.ok("run")
    db.execute("DELETE FROM items WHERE id = 1; UPDATE items SET name = 'new' WHERE id = 2")
    bqferry.ok("run", "--full-refresh")
    assert duckdb_target.rows("items", "id, name") == db.rows("SELECT id, name FROM items ORDER BY 1")
    db.execute("INSERT INTO items VALUES (31, 'n31')")
    assert bqferry.ok("run").job()["rows_read"] == 1
    assert ids(duckdb_target) == list(range(2, 32))


def test_limits_move_no_cursor(db, bqferry, job, duckdb_target):
    fill(db, 3)
    job(duckdb_target, "items", load="upsert", cursor=CURSOR)
    bqferry.ok("run", "--limit", "5")
    assert len(ids(duckdb_target)) == 5
    bqferry.ok("run")
    assert ids(duckdb_target) == list(range(1, 31))
    job(duckdb_target, "items", load="append", cursor=CURSOR)
    assert "--limit" in bqferry.fails("config", "run", "--limit", "5").stderr


# The state ----------------------------------------------------------------------------------------

def test_show_set_and_reset(db, bqferry, job, duckdb_target):
    fill(db, 3)
    job(duckdb_target, "items", load="append", cursor=CURSOR)
    assert "has not run" in bqferry.fails("config", "state", "show", "main").stderr
    bqferry.ok("run")
    shown = bqferry.ok("state", "show").stdout
    assert "main" in shown and "updated_at" in shown and place_of(bqferry) in shown
    assert bqferry.ok("state", "show", "--json").json()["main"]["state"]["cursor"]["column"] == "updated_at"
    bqferry.ok("state", "set", "main", "--cursor", "2026-01-03")
    assert bqferry.ok("run").job()["rows_read"] == 10
    assert "a time such as" in bqferry.fails("config", "state", "set", "main", "--cursor", "soon").stderr
    bqferry.ok("state", "reset", "main")
    assert bqferry.ok("run").job()["rows_read"] == 30
    assert len(ids(duckdb_target)) == 70


def test_set_before_the_first_run(db, bqferry, job, duckdb_target):
    """Coming from another tool: the table is there, and so is its content."""
    fill(db, 3)
    job(duckdb_target, "items", load="append")
    bqferry.ok("run")
    state_path(bqferry).unlink()
    job(duckdb_target, "items", load="append", cursor=CURSOR)
    bqferry.ok("state", "set", "main", "--cursor", "2026-01-04")
    assert bqferry.ok("run").job()["rows_read"] == 0


@pytest.mark.parametrize("change, words", (
    ("table", "rows of items, and the job reads others"), ("column", "column updated_at, and the job's cursor is id"),
    ("target", "the job writes main.elsewhere"), ("kind", "was of kind instant, and is of kind wall_time"),
    ("gone", "the target table main.items is gone")))
def test_a_state_of_another_job_is_refused(db, bqferry, job, duckdb_target, change, words):
    import duckdb
    fill(db, 3)
    db.execute("CREATE TABLE others (LIKE items INCLUDING ALL)")
    job(duckdb_target, "items", load="append", cursor=CURSOR)
    bqferry.ok("run")
    before = state_path(bqferry).read_text()
    source, target, cursor = "items", "items", {**CURSOR, "time_zone": "UTC"}
    if change == "table":
        source = "others"
    elif change == "column":
        cursor["column"] = "id"
    elif change == "target":
        target = "elsewhere"
    elif change == "kind":
        db.execute("ALTER TABLE items ALTER updated_at TYPE timestamp")
    else:
        with duckdb.connect(str(duckdb_target.path)) as connection:
            connection.execute("DROP TABLE items")
    job(duckdb_target, source, load="append", cursor=cursor, target=target)
    result = bqferry.fails("config", "run")
    message = " ".join(result.stderr.split())
    assert words in message, message
    for way_out in ("--full-refresh", "state reset main", "state set main --cursor"):
        assert way_out in message
    assert state_path(bqferry).read_text() == before
    bqferry.ok("run", "--full-refresh")
    bqferry.ok("run")


@pytest.mark.parametrize("damage, words", (
    (lambda text: "", "expected"), (lambda text: text[:text.index("instant") + 3], "premature end"),
    (lambda text: text.replace('"version": 2', '"version": 3'), "has version 3"),
    (lambda text: text.replace('"job": "main"', '"job": "other"'), "is the state of job other"),
    (lambda text: text.replace('"value": "20', '"value": "xx'), "is none of its kind"),
    (lambda text: text.replace('"kind": "instant"', '"kind": "moon"'), "is none of its kind"),
    (lambda text: "\0" * len(text), "expected")))
def test_damaged_states_are_refused(db, bqferry, job, duckdb_target, damage, words):
    fill(db, 3)
    job(duckdb_target, "items", load="append", cursor=CURSOR)
    bqferry.ok("run")
    good = state_path(bqferry).read_text()
    bad = damage(good)
    assert bad != good
    state_path(bqferry).write_text(bad)
    db.execute("INSERT INTO items VALUES (31, 'n31')")
    result = bqferry.fails("config", "run")
    assert words in result.stderr, str(result)
    assert "hint" in result.stderr
    assert state_path(bqferry).read_text() == bad and len(ids(duckdb_target)) == 30, "nothing is lost"
    state_path(bqferry).write_text(good)
    assert bqferry.ok("run").job()["rows_read"] == 1
    state_path(bqferry).write_text(bad)
    bqferry.ok("state", "reset", "main", "--force")
    assert not state_path(bqferry).exists()


@pytest.mark.parametrize("damage, words", (
    ({"schema": None}, "the intent has no schema"), ({"shards": "none"}, "the intent has no list of shards"),
    ({"shards": [{}]}, "shard 0 of the intent has no count of rows"),
    ({"load": "moon"}, "the intent's phase or load mode"), ({"run_id": None}, "the intent lacks its run id"),
    ({"run_id": "../../etc"}, "the intent lacks its run id")))
def test_damaged_intents_are_refused(db, bqferry, job, duckdb_target, fault_points, damage, words):
    """What was under way is known in part only: nothing is applied, and nothing forgotten."""
    fill(db, 3)
    job(duckdb_target, "items", load="append", cursor=CURSOR)
    assert bqferry("run", fault="delivery.counted").killed
    good = state_path(bqferry).read_text()
    bad = json.loads(good)
    bad["intent"] = {key: value for key, value in {**bad["intent"], **damage}.items() if value is not None}
    state_path(bqferry).write_text(json.dumps(bad))
    result = bqferry.fails("config", "run")
    assert words in result.stderr and "hint" in result.stderr, str(result)
    assert json.loads(state_path(bqferry).read_text()) == bad and ids(duckdb_target) == []
    state_path(bqferry).write_text(good)
    bqferry.ok("run")
    assert ids(duckdb_target) == list(range(1, 31))


def test_an_interrupted_run_decides_where_the_cursor_is(db, bqferry, job, duckdb_target, fault_points):
    fill(db, 3)
    job(duckdb_target, "items", load="append", cursor=CURSOR)
    assert bqferry("run", fault="delivery.applied").killed
    assert "interrupted" in bqferry.fails("config", "state", "set", "main", "--cursor", "2026-01-01").stderr
    assert "interrupted" in bqferry.fails("config", "state", "reset", "main").stderr
    bqferry.ok("run")
    assert ids(duckdb_target) == list(range(1, 31))
    bqferry.ok("state", "set", "main", "--cursor", "2026-02-01")


def test_the_state_of_before_there_were_cursors(db, bqferry, job, duckdb_target):
    fill(db, 3)
    job(duckdb_target, "items", load="append")
    bqferry.ok("run")
    state = state_of(bqferry)
    del state["state"]
    state["version"] = 1
    state_path(bqferry).write_text(json.dumps(state))
    bqferry.ok("run")
    assert state_of(bqferry)["version"] == 2 and len(ids(duckdb_target)) == 60


# Locks --------------------------------------------------------------------------------------------

def test_two_runs_at_once(db, bqferry, job, duckdb_target, gate):
    fill(db, 3)
    job(duckdb_target, {"table": "items", "where": gate.at("id", 15)}, load="upsert", cursor=CURSOR)
    run = bqferry.start("run")
    gate.wait_reached(run)
    other = bqferry.fails("locked", "run")
    assert f"process {run.pid}" in other.stderr and "job main" in other.stderr
    gate.open()
    assert run.wait().code == 0
    assert ids(duckdb_target) == list(range(1, 31))


def test_two_jobs_for_one_table(db, bqferry, job, duckdb_target, gate):
    """Two configurations that keep their state in one place: a table has one writer."""
    fill(db, 3)
    job(duckdb_target, {"table": "items", "where": gate.at("id", 15)}, load="append")
    run = bqferry.start("run")
    gate.wait_reached(run)
    db.execute("CREATE TABLE more AS TABLE items")
    job(duckdb_target, {"table": "more"}, name="other", load="append", target="ITEMS",
        config={"jobs": [{"name": "other", "source": {"connection": "db", "table": "more"}, "target": "ITEMS"}]})
    other = bqferry.fails("locked", "run")
    assert "table main.ITEMS" in other.stderr and "job main" in other.stderr
    gate.open()
    assert run.wait().code == 0


def test_a_run_waits_for_the_lock(db, bqferry, job, duckdb_target, gate):
    fill(db, 3)
    job(duckdb_target, {"table": "items", "where": gate.at("id", 15)}, load="upsert", cursor=CURSOR)
    run = bqferry.start("run")
    gate.wait_reached(run)
    waiting = bqferry.start("run", "--lock-wait", "1m")
    started = time.monotonic()
    assert "is locked" in bqferry.fails("locked", "run", "--lock-wait", "300ms").stderr
    assert time.monotonic() - started >= 0.3
    assert waiting.running()
    gate.open()
    assert run.wait().code == 0 and waiting.wait().code == 0
    assert ids(duckdb_target) == list(range(1, 31))


def test_what_another_run_did_meanwhile_is_not_undone(db, bqferry, job, duckdb_target, gate):
    """Two jobs share the snapshot of a run; before the second one's turn, another process brought newer
    rows. The old snapshot must not be used for it any more."""
    fill(db, 3)
    db.execute("CREATE TABLE slow AS SELECT generate_series(1, 10) AS id")
    slow = {"name": "a_slow", "source": {"connection": "db", "table": "slow", "where": gate.at("id", 5)},
            "load": "replace"}
    main = {"name": "main", "source": {"connection": "db", "table": "items"}, "load": "upsert",
            "cursor": {**CURSOR, "lookback": "100000d"}, "deletes": {"action": "hard", "every": "0s"}}
    job(duckdb_target, "items", config={"parallel": 1, "jobs": [slow, main],
                                        "destination": duckdb_target.config})
    bqferry.ok("run", "main")
    both = bqferry.start("run")
    gate.wait_reached(both)
    db.execute("UPDATE items SET name = 'newer', updated_at = now() WHERE id = 1;"
               " INSERT INTO items VALUES (31, 'newest')")
    # the file has one writer at a time, so the other process is played by a state and rows of its own
    gate.open()
    both.wait()
    bqferry.ok("run", "main")
    assert duckdb_target.rows("items", "id, name") == db.rows("SELECT id, name FROM items ORDER BY 1")


def test_a_lock_outlives_nobody(db, bqferry, job, duckdb_target, gate):
    """What a killed process leaves in the lock's file holds nobody up."""
    fill(db, 3)
    job(duckdb_target, {"table": "items", "where": gate.at("id", 15)}, load="upsert", cursor=CURSOR)
    run = bqferry.start("run")
    gate.wait_reached(run)
    run.process.kill()
    run.process.wait()
    assert any("pid" in path.read_text() for path in (bqferry.folder / ".bqferry/locks").iterdir())
    gate.open()
    bqferry.ok("run")
    assert ids(duckdb_target) == list(range(1, 31))


# Reports, metrics, leftovers ------------------------------------------------------------------------

def test_runs(db, bqferry, job, duckdb_target):
    fill(db, 3)
    job(duckdb_target, "items", load="upsert", cursor=CURSOR,
        config={"state": {"type": "file", "path": ".bqferry/", "reports": 3}})
    for _ in range(5):
        result = bqferry.ok("run")
    listed = bqferry.ok("runs", "list", "--json").json()
    assert len(listed) == 3 and listed[0]["id"] == result.report["id"]
    assert [run["id"] for run in listed] == sorted((run["id"] for run in listed), reverse=True)
    assert result.report["id"] in bqferry.ok("runs", "list").stdout
    db.execute("DROP TABLE items")
    failed = bqferry("run")
    shown = bqferry.ok("runs", "show").stdout
    assert failed.report["id"] in shown and "failed" in shown and "items" in shown
    assert bqferry.ok("runs", "show", failed.report["id"], "--json").json()["exit_code"] == failed.code
    assert json.loads((bqferry.folder / ".bqferry/report.json").read_text())["id"] == failed.report["id"]
    assert "there is no report" in bqferry.fails("config", "runs", "show", "1999").stderr


def test_words_about_states_and_runs(db, bqferry, job, duckdb_target):
    """What was changed is said, with what it was; what is not there, with where to look; and one state that is
    damaged hides none of the others."""
    fill(db, 3)
    job(duckdb_target, "items", load="upsert", cursor=CURSOR)
    assert "no job has a state" in bqferry.ok("state", "show").stdout
    assert "there is no report yet" in bqferry.ok("runs", "list").stdout
    assert not (bqferry.folder / ".bqferry").exists()
    run_id = bqferry.ok("run").job()["run_id"]
    place = place_of(bqferry)
    said = bqferry.ok("state", "set", "main", "--cursor", "2026-01-02").stdout
    assert f"main: the cursor updated_at is at 2026-01-02 00:00:00+00 now (it was at {place})" in said
    said = bqferry.ok("state", "reset", "main").stdout
    assert "its state is forgotten; the next run is its first (it was at 2026-01-02 00:00:00+00)" in said
    for words in (("show", "main"), ("reset", "main"), ("reset", "nobody")):
        result = bqferry.fails("config", "state", *words)
        assert "has no state" in result.stderr and "bqferry state show" in result.stderr
    assert "bqferry runs list" in bqferry.fails("config", "runs", "show", "nobody").stderr
    assert run_id in bqferry.ok("runs", "show", run_id).stdout, "by the id that rows and states have"
    job(duckdb_target, "items", name="other", load="append", target={"table": "other"})
    bqferry.ok("run")
    state_path(bqferry).write_text('{"version": 2, "jo')
    result = bqferry.fails("config", "state", "show")
    assert "other" in result.stdout and "cannot be read" in result.stdout
    assert "bqferry state reset main --force" in result.stderr
    assert "nothing was begun more than 2d ago" in _without_damage(bqferry, "gc", "--older-than", "2d")


def _without_damage(bqferry, *words):
    state_path(bqferry).unlink()
    return bqferry.ok(*words).stdout


def test_words_about_backfills(db, bqferry, job, duckdb_target):
    fill(db, 9)
    job(duckdb_target, "items", load="upsert", cursor=CURSOR)
    bqferry.ok("run")
    result = bqferry.fails("config", "backfill", "main", "--start", "2026-01-05", "--end", "2026-01-03")
    assert "--end 2026-01-03 does not lie behind --start 2026-01-05" in result.stderr
    bqferry.ok("state", "set", "main", "--cursor", "2026-01-04")
    said = " ".join(bqferry.ok("backfill", "main", "--start", "2026-01-03", "--end", "2026-01-08").stdout.split())
    assert "the backfill ends at 2026-01-04 00:00:00+00: what comes after is left to the job's runs" in said
    said = " ".join(bqferry.ok("backfill", "main", "--start", "2026-01-06").stdout.split())
    assert "nothing was read: what comes after 2026-01-04 00:00:00+00 is left to the job's runs" in said
    assert place_of(bqferry) == "2026-01-04 00:00:00+00"


def metrics(path):
    """{name: {job: value}} by the text format's own rules."""
    found = {}
    for line in path.read_text().splitlines():
        if line.startswith("#"):
            word = line.split()[1]
            assert word in ("HELP", "TYPE")
            continue
        name, rest = line.split("{", 1)
        label, value = rest.rsplit("} ", 1)
        assert label.startswith('job="') and label.endswith('"')
        found.setdefault(name, {})[label[5:-1]] = float(value)
    return found


def test_metrics(db, bqferry, job, duckdb_target):
    fill(db, 3)
    job(duckdb_target, "items", load="upsert", cursor=CURSOR)
    path = bqferry.folder / "textfile/bqferry.prom"
    path.parent.mkdir()
    bqferry.ok("run", "--metrics", path)
    found = metrics(path)
    assert found["bqferry_job_success"] == {"main": 1}
    assert found["bqferry_job_rows_read"] == {"main": 30} and found["bqferry_job_rows_inserted"] == {"main": 30}
    assert abs(found["bqferry_job_cursor_timestamp_seconds"]["main"] - time.time()) < 60
    success, place = (found[f"bqferry_job_{name}_timestamp_seconds"]["main"] for name in ("last_success", "cursor"))
    assert abs(success - time.time()) < 60
    assert path.stat().st_mode & 0o444 == 0o444, "the collector is another user"
    db.execute("DROP TABLE items")
    bqferry("run", "--metrics", path)
    found = metrics(path)
    assert found["bqferry_job_success"] == {"main": 0} and found["bqferry_job_exit_code"]["main"] > 0
    # a gauge that vanishes with a failure breaks the alert that is for it
    assert abs(found["bqferry_job_last_success_timestamp_seconds"]["main"] - success) < 1
    assert found["bqferry_job_finished_timestamp_seconds"]["main"] > success + 1e-3
    assert abs(found["bqferry_job_cursor_timestamp_seconds"]["main"] - place) < 1e-3
    assert os.listdir(path.parent) == ["bqferry.prom"]


def test_the_last_success(db, bqferry, job, duckdb_target, fault_points):
    """The state keeps it: of runs with and without news, and settled ones, never of a part."""
    fill(db, 3)
    path = bqferry.folder / "bqferry.prom"

    def kept():
        text = state_of(bqferry)["state"]["succeeded_at"]
        return text and datetime.fromisoformat(text.replace("Z", "+00:00")).timestamp()

    job(duckdb_target, "items", load="upsert", cursor=CURSOR, backfill={"window": "1d"})
    assert bqferry("run", fault="delivery.committed").killed
    assert kept() is None, "one window of several"
    bqferry.ok("run")
    first = kept()
    assert abs(first - time.time()) < 60
    bqferry.ok("run")  # nothing is new
    assert kept() > first
    before = kept()
    db.execute("INSERT INTO items VALUES (100, 'new')")
    assert bqferry("run", fault="delivery.counted").killed
    assert kept() == before
    job(duckdb_target, "items", load="replace")
    bqferry.ok("run")
    assert kept() > before
    before = kept()
    assert bqferry("run", "--metrics", path, fault="delivery.applied").killed
    assert kept() == before
    bqferry.ok("run", "--metrics", path)  # settles, and reads nothing
    assert kept() > before
    db.execute("DROP TABLE items")
    last = kept()
    bqferry("run", "--metrics", path)
    assert abs(metrics(path)["bqferry_job_last_success_timestamp_seconds"]["main"] - last) < 1
    state_path(bqferry).unlink()
    bqferry("run", "--metrics", path)
    assert "bqferry_job_last_success_timestamp_seconds" not in metrics(path)


def test_metrics_of_a_part(db, bqferry, job, duckdb_target):
    """A run with a limit and a backfill go well, but are no success of the job: state and metrics agree."""
    name = "bqferry_job_last_success_timestamp_seconds"
    fill(db, 3)
    path = bqferry.folder / "bqferry.prom"
    job(duckdb_target, "items", load="upsert", cursor=CURSOR)
    bqferry.ok("run", "--limit", "5", "--metrics", path)
    assert metrics(path)["bqferry_job_success"] == {"main": 1} and name not in metrics(path)
    db.execute("ALTER TABLE items RENAME TO away")
    bqferry.fails("source", "run", "--metrics", path)
    assert name not in metrics(path)
    db.execute("ALTER TABLE away RENAME TO items")
    bqferry.ok("run", "--metrics", path)
    success = metrics(path)[name]["main"]
    assert abs(success - time.time()) < 60
    for command in (("run", "--limit", "5"), ("backfill", "main", "--start", "2026-01-01", "--end", "2026-01-03")):
        bqferry.ok(*command, "--metrics", path)
        assert metrics(path)["bqferry_job_success"] == {"main": 1}
        assert abs(metrics(path)[name]["main"] - success) < 1e-3, command


@pytest.mark.parametrize("kind", ("duckdb", "avro"))
def test_gc(db, bqferry, job, tmp_path, fault_points, kind):
    from support.targets import make_target
    target = make_target(kind, tmp_path)
    fill(db, 3)
    job(target, "items", load="append")
    assert bqferry("run", fault="delivery.counted").killed
    run_id = state_of(bqferry)["intent"]["run_id"]
    assert target.leftovers()
    assert "nothing" in bqferry.ok("gc", "--older-than", "0").stdout, "the state knows it"
    assert target.leftovers()
    state = state_path(bqferry).read_text()
    bqferry.ok("state", "reset", "main", "--force")
    assert "nothing" in bqferry.ok("gc").stdout, "it is younger than a day"
    assert run_id in bqferry.ok("gc", "--older-than", "0", "--dry-run").stdout.replace("_", "-")
    assert target.leftovers()
    state_path(bqferry).write_text(state[:-20])
    assert "nothing was removed" in bqferry.fails("config", "gc", "--older-than", "0").stderr
    assert target.leftovers()
    state_path(bqferry).unlink()
    assert "removed" in bqferry.ok("gc", "--older-than", "0").stdout
    assert target.leftovers() == []
    bqferry.ok("run")
    assert ids(target) == list(range(1, 31))
