# SPDX-License-Identifier: Apache-2.0
"""Runs in a loop while people work on the source: at the end both sides are equal, whatever was killed."""

import subprocess
import time

import pytest

from support import readers
from support.targets import BigQueryMirror, make_target
from support.writers import SCHEMA, Writers, wait_until_settled

pytestmark = [pytest.mark.soak, pytest.mark.timeout(7200)]

# (destination, role): which role sees others' transactions does not depend on the destination.
SCENES = (("duckdb", "ferry"), ("duckdb", "watcher"), ("bigquery", "watcher"))

MICROSECONDS = "(extract(epoch FROM {}) * 1000000)::int8"


@pytest.fixture
def warehouse(request, kind, tmp_path):
    """The target of that kind, read with DuckDB's client; BigQuery's tables arrive there by Google's."""
    if kind == "duckdb":
        return make_target(kind, tmp_path)
    return BigQueryMirror(request.getfixturevalue("google"), tmp_path)


def configure(bqferry, db, target, role, lookback=None, grace="0s"):
    """Upserts with deletes, and appends by time and by number."""
    def cursor(column, **more):
        return {"column": column, "grace": grace, "wait": "2s", **more}

    late = {"lookback": lookback} if lookback else {}
    return bqferry.write_config({
        "version": 1,
        "connections": {"db": {"type": "postgresql", "url": db.url(role)}},
        "destination": target.config,
        "parallel": 1,
        "defaults": {"retries": {"budget": "20s"}},
        "jobs": [
            {"name": "items", "source": {"table": "items"}, "load": "upsert", "cursor": cursor("updated_at", **late),
             "deletes": {"action": "hard", "every": "0s"}},
            {"name": "events", "source": {"table": "events"}, "load": "append", "cursor": cursor("at", **late)},
            {"name": "numbers", "source": {"table": "events"}, "target": "numbers", "load": "append",
             "cursor": cursor("id", operator=">")}]})


def content(db, target):
    """Both sides, by psycopg and by DuckDB's client."""
    source = {
        "items": db.rows(f"SELECT id, v, w, {MICROSECONDS.format('updated_at')} FROM items ORDER BY id"),
        "events": db.rows(f"SELECT id, {MICROSECONDS.format('at')}, body FROM events ORDER BY id")}
    source["numbers"] = source["events"]
    arrived = {
        "items": target.rows("items", "id, v, w, epoch_us(updated_at)", "id"),
        "events": target.rows("events", "id, epoch_us(\"at\"), body", "id"),
        "numbers": target.rows("numbers", "id, epoch_us(\"at\"), body", "id")}
    return source, arrived


def compare(db, target):
    source, arrived = content(db, target)
    for table, rows in source.items():
        lost = set(rows) - set(arrived[table])
        more = set(arrived[table]) - set(rows)
        assert not lost and not more, f"{table}: lost {sorted(lost)[:5]}, more {sorted(more)[:5]}"
        assert arrived[table] == rows, f"{table}: rows are there twice"
    return source


@pytest.mark.parametrize("kind, role", SCENES)
def test_runs_in_a_loop(db, bqferry, warehouse, seed, soak, role):
    db.execute(SCHEMA)
    configure(bqferry, db, warehouse, role)
    with Writers(db, seed) as writers:
        for _ in range(60 if soak else 6):
            bqferry.ok("run")
    wait_until_settled(db, 0.1)
    bqferry.ok("run")
    source = compare(db, warehouse)
    assert writers.commits > 10 and len(source["items"]) > 200, "nobody worked"
    warehouse.check("items")


def test_with_clocks_that_differ(db, bqferry, duckdb_target, seed, soak):
    """Applications stamp with clocks that lag, and are set back by more than the grace: a lookback
    covers them."""
    db.execute(SCHEMA)
    configure(bqferry, db, duckdb_target, "watcher", lookback="30s", grace="500ms")
    with Writers(db, seed, behind=20.0):
        for _ in range(60 if soak else 5):
            bqferry.ok("run")
    wait_until_settled(db, 0.7)
    bqferry.ok("run")
    source, arrived = content(db, duckdb_target)
    assert arrived["items"] == source["items"]
    assert arrived["events"] == source["events"]


@pytest.mark.parametrize("kind, role", SCENES)
def test_killed_at_random(db, bqferry, warehouse, kind, seed, soak, role):
    """SIGKILL at any moment, again and again; no row is lost, doubled or half there."""
    db.execute(SCHEMA)
    configure(bqferry, db, warehouse, role)
    most = 2.0 if kind == "duckdb" else 6.0  # seconds: some runs come to their end, most do not
    wanted, killed, started = (200 if soak else 20 if kind == "duckdb" else 6), 0, time.monotonic()
    with Writers(db, seed):
        while killed < wanted:
            run = bqferry.start("run")
            try:
                run.process.wait(timeout=seed.random() * most)
            except subprocess.TimeoutExpired:
                run.process.kill()
                killed += 1
            result = run.wait()
            assert result.killed or result.code == 0, str(result)
            assert time.monotonic() - started < (3600 if soak else 300), f"{killed} kills only"
    wait_until_settled(db, 0.1)
    bqferry.ok("run")
    bqferry.ok("run")
    compare(db, warehouse)
    for table in ("items", "events", "numbers"):
        warehouse.check(table)
    if kind == "duckdb":
        assert readers.duckdb_query(warehouse.path, "SELECT count(*) = count(DISTINCT run_id) FROM _bqferry.runs")[0][0]
